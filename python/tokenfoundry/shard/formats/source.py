"""What converters pass between formats: tokens in chunks, cut into pieces, pieces into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import shard as _shard
from tokenfoundry.errors import ShardError
from tokenfoundry.ragged import Ragged
from tokenfoundry.shard.reading import Shards

__all__ = ["CHUNK_TOKENS", "Chunk", "Source", "chunk_of", "of_shards", "token_type", "windows"]

CHUNK_TOKENS = 1 << 22


@dataclass(frozen=True)
class Chunk:
    """Some rows. Formats that know of rows only have one piece a row."""

    values: NDArray[np.uint32]
    piece_offsets: NDArray[np.int64]
    """Tokens before each piece, and their number; shape (pieces + 1,)."""
    row_pieces: NDArray[np.int64]
    """Pieces before each row, and their number; shape (rows + 1,)."""
    documents: NDArray[np.void] | None = None
    """Document id of each piece (V16), where the source knows it."""
    starts: NDArray[np.uint64] | None = None
    """First token of each piece, counted in its document."""

    @property
    def row_offsets(self) -> NDArray[np.int64]:
        return self.piece_offsets[self.row_pieces]

    @property
    def rows(self) -> Ragged:
        return Ragged(self.values, self.row_offsets)


@dataclass(frozen=True)
class Source:
    """Token data of any format, read in chunks of bounded size."""

    vocabulary_size: int
    """Ids are below it: exact for our own shards, else what the token type allows."""
    tokenizer_digest: str
    chunks: Callable[[], Iterator[Chunk]]


def of_shards(shards: Shards) -> Source:
    def chunks() -> Iterator[Chunk]:
        for shard in range(len(shards.names)):
            first_pieces, pieces = shards.all_pieces(shard)
            row_pieces = first_pieces.astype(np.int64)
            offsets = np.zeros(len(pieces) + 1, np.int64)
            np.cumsum(pieces["length"], out=offsets[1:])
            bounds = offsets[row_pieces]
            base = shards.token_range(shards.index(shard, 0))[0] if len(row_pieces) > 1 else 0
            row = 0
            while row < len(row_pieces) - 1:
                last = int(np.searchsorted(bounds, bounds[row] + CHUNK_TOKENS, side="right")) - 1
                last = min(max(last, row + 1), len(bounds) - 1)
                values = np.empty((1, int(bounds[last] - bounds[row])), np.uint32)
                if values.size:
                    shards.read_windows([base + int(bounds[row])], values)
                first, end = int(row_pieces[row]), int(row_pieces[last])
                yield Chunk(
                    values[0],
                    offsets[first : end + 1] - bounds[row],
                    row_pieces[row : last + 1] - first,
                    pieces["document"][first:end],
                    pieces["start"][first:end],
                )
                row = last

    return Source(shards.vocabulary_size, shards.tokenizer_digest, chunks)


def windows(source: Source, length: int) -> Source:
    """The same tokens as rows of ``length``, whatever the rows were; what is left at the end is dropped."""

    def chunks() -> Iterator[Chunk]:
        rest = np.zeros(0, np.uint32)
        for chunk in source.chunks():
            values = np.concatenate([rest, chunk.values])
            rows = len(values) // length
            if rows:
                yield chunk_of(values[: rows * length], np.arange(rows + 1, dtype=np.int64) * length)
            rest = values[rows * length :]

    return Source(source.vocabulary_size, source.tokenizer_digest, chunks)


def chunk_of(values: NDArray[np.uint32], row_offsets: NDArray[np.int64]) -> Chunk:
    """A chunk of a format that knows rows only."""
    return Chunk(values, row_offsets, np.arange(len(row_offsets), dtype=np.int64))


def token_type(vocabulary_size: int, *, four_bytes: str = "<u4") -> np.dtype[Any]:
    """Two bytes a token where the vocabulary fits, else four."""
    return np.dtype("<u2") if vocabulary_size <= 65_536 else np.dtype(four_bytes)


def vocabulary_of(dtype: np.dtype[Any]) -> int:
    """The number of ids that a token type can hold; never more than 2**31, the most our shards take."""
    return int(min(np.iinfo(dtype).max + 1, 1 << 31))


def as_tokens(values: NDArray[Any], path: Path) -> NDArray[np.uint32]:
    """Values of any integer type as tokens. Raises ShardError for a value that is no id."""
    if values.dtype.kind not in "iu":
        raise ShardError(f"{path}: holds {values.dtype}, which are not token ids")
    if values.size and (int(values.min()) < 0 or int(values.max()) >= 1 << 31):
        raise ShardError(f"{path}: has values from {values.min()} to {values.max()}; ids are 0 to 2^31 - 1")
    return values.astype(np.uint32)


def synthetic_ids(path: Path, first: int, count: int) -> bytes:
    """Document ids for a source that has none: hashes of its name and the document's number."""
    return _shard.hash128_batch([f"{path.name}:{first + index}" for index in range(count)], None)
