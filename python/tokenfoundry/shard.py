"""Tokens on disk: Megatron-compatible `.bin`/`.idx` pairs that know where each token came from.

Megatron and everything that reads its indexed datasets can map a shard as it is: each packed row is a document there,
each piece of a source document a sequence. Beside the pair lies a `.tfi` with the pieces' document ids and a checksum
a megabyte; `docs/formats.md` has the bytes. Files appear whole or not at all. Reading checks each block once.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import shard as _shard
from tokenfoundry.errors import InputError, ShardError
from tokenfoundry.ragged import Ragged

__all__ = ["PIECE_DTYPE", "Shards", "open", "verify", "write"]

PIECE_DTYPE = np.dtype([("document", "V16"), ("start", np.uint64), ("length", np.uint64)])
"""A piece of a row: id of its document, its first token counted in the document, its tokens."""


class PackingPlan(Protocol):
    """What `write` needs of a `tf.pack.Plan`."""

    @property
    def row_offsets(self) -> NDArray[np.int64]: ...
    @property
    def document(self) -> NDArray[np.int64]: ...
    @property
    def start(self) -> NDArray[np.int64]: ...
    @property
    def length(self) -> NDArray[np.int64]: ...


def write(
    directory: str | os.PathLike[str],
    ragged: Ragged,
    plan: PackingPlan | None = None,
    *,
    document_ids: bytes | Sequence[bytes],
    vocabulary_size: int,
    tokenizer_digest: str = "",
    rows_per_shard: int = 65_536,
) -> list[str]:
    """Write rows as ``shard-00000.bin/.idx/.tfi`` and so on; returns the stems' names.

    ``ragged``: tokens of the documents, a row each. ``plan``: which pieces make which row; None makes each non-empty
    document a row. ``document_ids``: 16 bytes for each document. ``vocabulary_size``: ids are below it; up to 65,536
    a token takes two bytes, else four. A ragged array over memory-mapped files is written without being loaded.

    Raises InputError for arguments that do not fit together, ShardError (an OSError) where writing fails.
    """
    ids = document_ids if isinstance(document_ids, bytes) else b"".join(document_ids)
    if len(ids) != 16 * len(ragged):
        raise InputError(f"document_ids has {len(ids)} bytes; {len(ragged)} documents need 16 each")
    if rows_per_shard < 1:
        raise InputError(f"rows_per_shard is {rows_per_shard}; it must be at least 1")
    if not 1 <= vocabulary_size <= 1 << 31:
        raise InputError(f"vocabulary_size is {vocabulary_size}; it must be between 1 and 2^31")
    if len(tokenizer_digest) > 32 or not tokenizer_digest.isascii():
        raise InputError("tokenizer_digest must be at most 32 ASCII characters")
    if plan is None:
        document = np.flatnonzero(np.diff(ragged.offsets)).astype(np.int64)
        start = np.zeros(len(document), np.int64)
        length = np.diff(ragged.offsets)[document]
        row_offsets = np.arange(len(document) + 1, dtype=np.int64)
    else:
        document, start, length, row_offsets = plan.document, plan.start, plan.length, plan.row_offsets
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    names = []
    rows = len(row_offsets) - 1
    for number, first_row in enumerate(range(0, max(rows, 1), rows_per_shard)):
        bounds = row_offsets[first_row : first_row + rows_per_shard + 1]
        first, last = int(bounds[0]), int(bounds[-1])
        name = f"shard-{number:05d}"
        _shard.write(
            target / name,
            ragged.values,
            ragged.offsets,
            (bounds - first).astype(np.uint64),
            np.ascontiguousarray(document[first:last]),
            np.ascontiguousarray(start[first:last]),
            np.ascontiguousarray(length[first:last]),
            ids,
            vocabulary_size,
            tokenizer_digest,
        )
        names.append(name)
    return names


class Shards:
    """The rows of all shards of a directory, as one sequence.

    ``shards[i]`` is row i's tokens: np.ndarray[uint32], without padding. Safe to share between threads; pickles as
    its path.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise ShardError(f"{self.path}: is not a directory of shards")
        self.names = sorted(index.stem for index in self.path.glob("shard-*.tfi"))
        if not self.names:
            raise ShardError(f"{self.path}: has no shards (no shard-*.tfi)")
        self._shards = [_shard.Shard(self.path / name) for name in self.names]
        self._first_rows = np.cumsum([0] + [shard.rows for shard in self._shards])
        sizes = {shard.vocabulary_size for shard in self._shards}
        digests = {shard.tokenizer_digest for shard in self._shards}
        if len(sizes) > 1 or len(digests) > 1:
            raise ShardError(
                f"{self.path}: its shards were made with different tokenizers: {', '.join(sorted(digests))}"
            )

    def __len__(self) -> int:
        return int(self._first_rows[-1])

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return sum(shard.tokens for shard in self._shards)

    @property
    def vocabulary_size(self) -> int:
        """Ids are below this."""
        return self._shards[0].vocabulary_size

    @property
    def tokenizer_digest(self) -> str:
        """`Tokenizer.digest` of the tokenizer that made the tokens."""
        return self._shards[0].tokenizer_digest

    def locate(self, row: int) -> tuple[int, int]:
        """Shard and row in that shard of a row."""
        index = row + len(self) if row < 0 else row
        if not 0 <= index < len(self):
            raise IndexError(f"row {row} of {len(self)} rows")
        shard = int(np.searchsorted(self._first_rows, index, side="right")) - 1
        return shard, index - int(self._first_rows[shard])

    def index(self, shard: int, row: int) -> int:
        """Row, counted over all shards, of a shard's row."""
        if not 0 <= shard < len(self._shards):
            raise IndexError(f"shard {shard} of {len(self._shards)} shards")
        if not 0 <= row < self._shards[shard].rows:
            raise IndexError(f"row {row} of shard {shard}, which has {self._shards[shard].rows} rows")
        return int(self._first_rows[shard]) + row

    def __getitem__(self, row: int) -> NDArray[np.uint32]:
        shard, local = self.locate(row)
        return self._shards[shard].row(local)

    def pieces(self, row: int) -> NDArray[np.void]:
        """The pieces of a row, in order: structured array of `PIECE_DTYPE`."""
        shard, local = self.locate(row)
        return _structured(*self._shards[shard].row_pieces(local))

    def all_pieces(self, shard: int) -> tuple[NDArray[np.uint64], NDArray[np.void]]:
        """First piece of each row of a shard and their number (rows + 1), and all its pieces (`PIECE_DTYPE`)."""
        first, pieces = self._shards[shard].all_pieces()
        return first, _structured(*pieces)

    def verify(self) -> None:
        """Check every byte of every shard. Raises ShardError that names the file and the block."""
        for shard in self._shards:
            shard.verify()

    def __reduce__(self) -> tuple[Any, ...]:
        return Shards, (self.path,)

    def __repr__(self) -> str:
        return f"<tokenfoundry.shard.Shards: {len(self)} rows, {self.tokens} tokens in {len(self._shards)} shards>"


def _structured(ids: bytes, starts: NDArray[np.uint64], lengths: NDArray[np.uint64]) -> NDArray[np.void]:
    pieces = np.empty(len(starts), PIECE_DTYPE)
    pieces["document"] = np.frombuffer(ids, "V16")
    pieces["start"] = starts
    pieces["length"] = lengths
    return pieces


def open(path: str | os.PathLike[str]) -> Shards:
    """Open a directory of shards for random access. Raises ShardError for one that is missing, damaged, cut short,
    foreign, or of a future version."""
    return Shards(path)


def verify(path: str | os.PathLike[str]) -> Shards:
    """Open a directory of shards and check every byte; returns it. Raises ShardError that names the file and block."""
    shards = Shards(path)
    shards.verify()
    return shards
