"""Turning a set of shards into another project's format, and any of these formats into shards.

Rows, pieces and document ids are kept where the target has a place for them; `Conversion.lost` names what it has none
for. Costs a copy of the tokens, in chunks of about 4 million; memory is that of a few chunks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenfoundry.errors import InputError, ShardError
from tokenfoundry.ragged import Ragged
from tokenfoundry.shard.formats import FORMATS as _OTHERS
from tokenfoundry.shard.formats.source import Chunk, Source, of_shards, synthetic_ids, windows
from tokenfoundry.shard.reading import Shards
from tokenfoundry.shard.writing import Writer

__all__ = ["FORMATS", "Conversion", "convert", "detect"]

OWN = "tokenfoundry"
FORMATS = (OWN, *_OTHERS)
"""Names of the formats that `convert` writes and reads."""

_ROWS_ONLY = ("pieces", "documents")
_LOST: dict[str, tuple[str, ...]] = {
    OWN: (),
    "megatron": ("documents",),
    "datatrove": ("rows", "documents"),
    "olmo": ("rows",),
    "nanogpt": ("rows", *_ROWS_ONLY),
    "llmc": ("rows", *_ROWS_ONLY),
    "mds": _ROWS_ONLY,
    "litdata": _ROWS_ONLY,
    "huggingface": (),
    "parquet": (),
}


@dataclass(frozen=True)
class Conversion:
    """What `convert` did."""

    source_format: str
    format: str
    rows: int
    tokens: int
    dropped_tokens: int
    """Tokens after the last whole window; 0 without ``sequence_length``."""
    lost: tuple[str, ...]
    """What the target has no place for: some of rows, pieces, documents, columns."""


def detect(path: str | os.PathLike[str]) -> str:
    """Name of the format that a directory is in. Raises ShardError where it is in none that is known."""
    directory = Path(path)
    if not directory.is_dir():
        raise ShardError(f"{directory}: is not a directory of token files")
    if any(directory.glob("shard-*.tfi")):
        return OWN
    for name, known in _OTHERS.items():
        if known.recognises(directory):
            return name
    raise ShardError(f"{directory}: is in none of the formats {', '.join(FORMATS)}")


def convert(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    format: str,
    *,
    source_format: str | None = None,
    sequence_length: int | None = None,
    vocabulary_size: int | None = None,
    tokenizer_digest: str | None = None,
    rows_per_shard: int = 65_536,
) -> Conversion:
    """Write the tokens of ``source`` as ``format`` into ``destination``, a new directory that appears when it is whole.

    ``source_format``: what ``source`` is in; None recognises it. ``sequence_length``: rows of this many tokens
    instead of the source's, cut from all its tokens in order. ``vocabulary_size``, ``tokenizer_digest``: what the
    source does not know; the size may only be larger than the largest id. Documents of a source without ids get ids
    made from its name and their number.

    Raises InputError for arguments that do not fit, ShardError for a source that is damaged or foreign.
    """
    if format not in FORMATS:
        raise InputError(f"format {format!r} is not one of {', '.join(FORMATS)}")
    if sequence_length is not None and sequence_length < 1:
        raise InputError(f"sequence_length is {sequence_length}; it must be at least 1")
    origin, target = Path(source), Path(destination)
    if target.exists():
        raise InputError(f"{target}: exists; name a new directory")
    found = source_format or detect(origin)
    if found not in FORMATS:
        raise InputError(f"source_format {found!r} is not one of {', '.join(FORMATS)}")
    columns = False
    if found == OWN:
        shards = Shards(origin)
        columns = bool(shards.columns) or shards.multimodal
        tokens = of_shards(shards)
    else:
        tokens = _OTHERS[found].read(origin)
    if vocabulary_size is not None:
        tokens = _bounded(tokens, vocabulary_size, origin)
    if tokenizer_digest is not None:
        tokens = Source(tokens.vocabulary_size, tokenizer_digest, tokens.chunks)
    before = _Counted(tokens)
    counted = _Counted(windows(before.source, sequence_length) if sequence_length else before.source)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        if format == OWN:
            _write_own(counted.source, temporary, origin, rows_per_shard)
        else:
            _OTHERS[format].write(counted.source, temporary)
        _flush(temporary)
        temporary.rename(target)
        _flush_directory(target.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    lost = set(_LOST[format]) | ({"columns"} if columns else set()) | ({*_ROWS_ONLY} if sequence_length else set())
    order = ("rows", "pieces", "documents", "columns")
    return Conversion(
        found, format, counted.rows, counted.tokens, before.tokens - counted.tokens,
        tuple(name for name in order if name in lost),
    )  # fmt: skip


class _Counted:
    """A source that counts what passes."""

    def __init__(self, source: Source) -> None:
        self.rows = self.tokens = 0
        self._chunks = source.chunks
        self.source = Source(source.vocabulary_size, source.tokenizer_digest, self._pass)

    def _pass(self) -> Iterator[Chunk]:
        for chunk in self._chunks():
            self.rows += len(chunk.row_pieces) - 1
            self.tokens += len(chunk.values)
            yield chunk


def _bounded(source: Source, vocabulary_size: int, path: Path) -> Source:
    if not 1 <= vocabulary_size <= 1 << 31:
        raise InputError(f"vocabulary_size is {vocabulary_size}; it must be between 1 and 2^31")

    def chunks() -> Iterator[Chunk]:
        for chunk in source.chunks():
            if len(chunk.values) and int(chunk.values.max()) >= vocabulary_size:
                raise InputError(f"{path}: has token {chunk.values.max()}; vocabulary_size is {vocabulary_size}")
            yield chunk

    return Source(vocabulary_size, source.tokenizer_digest, chunks)


@dataclass(frozen=True)
class _Plan:
    row_offsets: NDArray[np.int64]
    document: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]


def _write_own(source: Source, directory: Path, origin: Path, rows_per_shard: int) -> None:
    documents = 0
    with Writer(
        directory, vocabulary_size=source.vocabulary_size, tokenizer_digest=source.tokenizer_digest,
        rows_per_shard=rows_per_shard,
    ) as writer:  # fmt: skip
        for chunk in source.chunks():
            pieces = len(chunk.piece_offsets) - 1
            known = chunk.documents
            ids = synthetic_ids(origin, documents, pieces) if known is None else known.tobytes()
            documents += pieces
            kept = np.flatnonzero(np.diff(chunk.piece_offsets))
            # A piece without tokens has no place in a shard; the row that it was in stays.
            rows = np.searchsorted(kept, chunk.row_pieces).astype(np.int64)
            plan = _Plan(rows, kept, np.zeros(len(kept), np.int64), np.diff(chunk.piece_offsets)[kept])
            starts = None if chunk.starts is None else chunk.starts.astype(np.int64)
            writer.append(Ragged(chunk.values, chunk.piece_offsets), plan, document_ids=ids, document_starts=starts)


def _flush(directory: Path) -> None:
    for file in sorted(directory.iterdir()):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
    _flush_directory(directory)


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
