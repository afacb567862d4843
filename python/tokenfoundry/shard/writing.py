"""Writing sets of shards, all at once or a chunk of documents at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tokenfoundry._core import shard as _shard
from tokenfoundry.errors import InputError
from tokenfoundry.ragged import Ragged
from tokenfoundry.shard.column_types import CODES, code_of

__all__ = ["PackingPlan", "Writer", "write"]

_COLUMN_NAME = re.compile("[a-z][a-z0-9_]{0,31}")


class PackingPlan(Protocol):
    """What `write` needs of a `tf.pack.Plan`: pieces of documents, rows in order. int64 arrays."""

    @property
    def row_offsets(self) -> NDArray[np.int64]: ...
    @property
    def document(self) -> NDArray[np.int64]: ...
    @property
    def start(self) -> NDArray[np.int64]: ...
    @property
    def length(self) -> NDArray[np.int64]: ...


class Writer:
    """Writes a set of shards a chunk of documents at a time; memory stays that of a shard's index, 48 bytes a piece.

    The bytes on disk depend on the rows alone, not on the chunks they came in. Each shard appears when it is full, the
    last one at `close`; only then is the set whole, and `open` refuses it before. Used as a context manager, an
    exception aborts: finished shards stay, the set stays unfinished, and writing it again gives the same bytes.

    An earlier set in the directory is replaced.

    Args:
        directory: made where it is missing.
        vocabulary_size: ids are below it, 1 to 2**31; up to 65,536 a token takes two bytes, else four.
        tokenizer_digest: `Tokenizer.digest`, at most 32 ASCII characters.
        rows_per_shard: rows of every shard but the last.
        columns: name to dtype of side columns, one value a token: ``{"loss_mask": np.uint8}``. Names are lower-case
            letters, digits and underscores.
        multimodal: each document has a mode (int8), as in Megatron's multimodal indexes.
        number: write only this shard of a set, in place or anew; the others are written by other writers, at any time
            and on any machine. ``rows_per_shard`` does not count then: all rows go into this shard.
        durable: wait for the disk with each shard. False: a killed process still leaves whole shards only, but what a
            machine has when it goes down is the caller's to flush.

    Raises:
        InputError: arguments that do not fit together.
        ShardError: (an OSError) writing fails.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        vocabulary_size: int,
        tokenizer_digest: str = "",
        rows_per_shard: int = 65_536,
        columns: Mapping[str, DTypeLike] | None = None,
        multimodal: bool = False,
        number: int | None = None,
        durable: bool = True,
    ) -> None:
        rows_per_shard = rows_per_shard if number is None else 1 << 62
        if rows_per_shard < 1:
            raise InputError(f"rows_per_shard is {rows_per_shard}; it must be at least 1")
        if not 1 <= vocabulary_size <= 1 << 31:
            raise InputError(f"vocabulary_size is {vocabulary_size}; it must be between 1 and 2^31")
        if len(tokenizer_digest) > 32 or not tokenizer_digest.isascii() or tokenizer_digest != tokenizer_digest.strip():
            raise InputError("tokenizer_digest must be at most 32 ASCII characters without spaces around them")
        self.columns = {name: CODES[code_of(name, dtype)] for name, dtype in sorted((columns or {}).items())}
        for name in self.columns:
            if not _COLUMN_NAME.fullmatch(name):
                raise InputError(f"column {name!r}: use at most 32 lower-case letters, digits and underscores")
        self.path = Path(directory)
        self.path.mkdir(parents=True, exist_ok=True)
        self.multimodal = multimodal
        self.rows = 0
        self.tokens = 0
        kinds = [(name, code_of(name, dtype)) for name, dtype in self.columns.items()]
        self.number = number
        self._writer = _shard.Writer(
            self.path, vocabulary_size, tokenizer_digest, rows_per_shard, kinds, multimodal, number, durable
        )
        self._names: list[str] | None = None

    def append(
        self,
        ragged: Ragged | object,
        plan: PackingPlan | None = None,
        *,
        document_ids: bytes | Sequence[bytes],
        document_starts: NDArray[np.int64] | None = None,
        columns: Mapping[str, NDArray[Any]] | None = None,
        modes: NDArray[np.int8] | None = None,
    ) -> None:
        """Append rows.

        ``ragged``: tokens of the chunk's documents. ``plan``: which pieces make which row, documents counted in the
        chunk; None makes each non-empty document a row. ``document_ids``: 16 bytes for each document.
        ``document_starts``: where ``ragged`` holds a part of each document only, the part's first token counted in the
        document, int64, shape (len(ragged),). ``columns``: for each side column its values, shape
        (len(ragged.values),). ``modes``: int8, shape (len(ragged),).

        After an error nothing more can be appended. Outside the GIL; Ctrl-C stops it.
        """
        ragged = Ragged.of(ragged)
        ids = document_ids if isinstance(document_ids, bytes) else b"".join(document_ids)
        if len(ids) != 16 * len(ragged):
            raise InputError(f"document_ids has {len(ids)} bytes; {len(ragged)} documents need 16 each")
        given = dict(columns or {})
        if given.keys() != self.columns.keys():
            raise InputError(f"columns are {sorted(given)}; the writer was made for {sorted(self.columns)}")
        values = [_column_bytes(name, given[name], dtype, len(ragged.values)) for name, dtype in self.columns.items()]
        if (modes is not None) != self.multimodal:
            raise InputError("modes are given to multimodal writers, and to these always")
        if modes is not None:
            modes = np.ascontiguousarray(modes, np.int8)
            if modes.shape != (len(ragged),):
                raise InputError(f"modes has shape {modes.shape}; {len(ragged)} documents need one each")
        bases = None if document_starts is None else np.ascontiguousarray(document_starts, np.int64)
        document, start, length, row_offsets = _pieces(ragged, plan)
        self._writer.append(
            ragged.values, ragged.offsets, row_offsets, document, start, length, ids, bases, values, modes
        )
        self.rows += len(row_offsets) - 1
        self.tokens += int(length.sum())

    def close(self, *, last: bool = True) -> list[str]:
        """Finish the last shard; the names of all shards written, without extension.

        ``last``, for a writer of one ``number``: whether the set ends with this shard.
        """
        if self._names is None and self.number is not None:
            self._writer.finish(last)
            self._names = [f"shard-{self.number:05d}"]
        elif self._names is None:
            self._names = [f"shard-{number:05d}" for number in range(self._writer.finish())]
        return self._names

    def abort(self) -> None:
        """Give up: what is not finished is removed."""
        self._writer.abort()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def write(
    directory: str | os.PathLike[str],
    ragged: Ragged | object,
    plan: PackingPlan | None = None,
    *,
    document_ids: bytes | Sequence[bytes],
    vocabulary_size: int,
    tokenizer_digest: str = "",
    rows_per_shard: int = 65_536,
    columns: Mapping[str, NDArray[Any]] | None = None,
    modes: NDArray[np.int8] | None = None,
) -> list[str]:
    """Write rows as ``shard-00000.bin/.idx/.tfi`` and so on; returns the shards' names.

    ``ragged``: tokens of the documents, a row each. ``plan``: which pieces make which row; None makes each non-empty
    document a row. ``document_ids``: 16 bytes for each document. ``vocabulary_size``: ids are below it; up to 65,536
    a token takes two bytes, else four. ``columns``: side columns such as ``{"loss_mask": mask}``, one value for each
    of ``ragged.values``. ``modes``: int8 for each document, as in Megatron's multimodal indexes. A ragged array over
    memory-mapped files is written without being loaded; what comes in chunks goes to a `Writer`.

    Raises InputError for arguments that do not fit together, ShardError (an OSError) where writing fails.
    """
    kinds = {name: np.asarray(values).dtype for name, values in (columns or {}).items()}
    with Writer(
        directory,
        vocabulary_size=vocabulary_size,
        tokenizer_digest=tokenizer_digest,
        rows_per_shard=rows_per_shard,
        columns=kinds,
        multimodal=modes is not None,
    ) as writer:
        writer.append(ragged, plan, document_ids=document_ids, columns=columns, modes=modes)
        return writer.close()


def _column_bytes(name: str, values: NDArray[Any], dtype: np.dtype[Any], tokens: int) -> NDArray[np.uint8]:
    array = np.asarray(values)
    array = array.view(np.uint8) if array.dtype == np.bool_ else array
    if array.dtype != dtype or array.shape != (tokens,):
        raise InputError(f"column {name} has {array.dtype} {array.shape}; {dtype} ({tokens},) is wanted")
    return np.ascontiguousarray(array).view(np.uint8)


_Arrays = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]


def _pieces(ragged: Ragged, plan: PackingPlan | None) -> _Arrays:
    if plan is None:
        document = np.flatnonzero(ragged.lengths).astype(np.int64)
        length = ragged.lengths[document]
        return document, np.zeros(len(document), np.int64), length, np.arange(len(document) + 1, dtype=np.uint64)
    document, start, length, offsets = (
        np.ascontiguousarray(array, np.int64) for array in (plan.document, plan.start, plan.length, plan.row_offsets)
    )
    if not len(document) == len(start) == len(length) or len(offsets) == 0:
        raise InputError("a plan has one document, start and length a piece, and one row offset more than rows")
    if offsets[0] != 0 or offsets[-1] != len(document) or bool((np.diff(offsets) < 0).any()):
        raise InputError(f"a plan's row offsets rise from 0 to {len(document)}, its number of pieces")
    return document, start, length, offsets.astype(np.uint64)
