"""Megatron-Core's `IndexedDataset`: ``tokens.bin`` and ``tokens.idx``, each piece a sequence, each row a document.

Our own shards are such pairs already; this makes one pair of a whole set, and reads pairs of other writers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tokenfoundry.errors import ShardError
from tokenfoundry.shard.column_types import CODES
from tokenfoundry.shard.formats.source import CHUNK_TOKENS, Chunk, Source, as_tokens, token_type, vocabulary_of

_MAGIC = b"MMIDIDX\0\0"


def recognises(path: Path) -> bool:
    return any(path.glob("*.idx"))


def write(source: Source, directory: Path) -> None:
    dtype = token_type(source.vocabulary_size, four_bytes="<i4")
    lengths, row_pieces = [np.zeros(0, np.int64)], [np.zeros(1, np.int64)]
    pieces = 0
    with (directory / "tokens.bin").open("wb") as file:
        for chunk in source.chunks():
            chunk.values.astype(dtype).tofile(file)
            lengths.append(np.diff(chunk.piece_offsets))
            row_pieces.append(chunk.row_pieces[1:] + pieces)
            pieces += len(lengths[-1])
    all_lengths = np.concatenate(lengths)
    rows = np.concatenate(row_pieces)
    positions = np.zeros(len(all_lengths), np.int64)
    np.cumsum(all_lengths[:-1] * dtype.itemsize, out=positions[1:])
    code = next(code for code, known in CODES.items() if known == dtype)
    with (directory / "tokens.idx").open("wb") as file:
        file.write(_MAGIC + struct.pack("<QBQQ", 1, code, len(all_lengths), len(rows)))
        for array, kind in ((all_lengths, "<i4"), (positions, "<i8"), (rows, "<i8")):
            array.astype(kind).tofile(file)


def read(path: Path) -> Source:
    indexes = sorted(path.glob("*.idx"))
    if not indexes:
        raise ShardError(f"{path}: has no .idx file")
    opened = [_Pair(index) for index in indexes]

    def chunks() -> Iterator[Chunk]:
        for pair in opened:
            yield from pair.chunks()

    return Source(max(vocabulary_of(pair.dtype) for pair in opened), "", chunks)


class _Pair:
    def __init__(self, index: Path) -> None:
        self.path = index.with_suffix(".bin")
        content = index.read_bytes()
        if content[:9] != _MAGIC or len(content) < 34:
            raise ShardError(f"{index}: is not a Megatron index")
        version, code, sequences, documents = struct.unpack_from("<QBQQ", content, 9)
        if version != 1 or code not in CODES:
            raise ShardError(f"{index}: has version {version} and type {code}, which are not known")
        self.dtype = CODES[code]
        needed = 34 + 12 * sequences + 8 * documents
        # Multimodal indexes end with a mode for each sequence.
        if len(content) not in (needed, needed + sequences) or documents < 1:
            raise ShardError(f"{index}: has {len(content)} bytes for {sequences} sequences; it was cut short")
        self.lengths = np.frombuffer(content, "<i4", sequences, 34).astype(np.int64)
        self.positions = np.frombuffer(content, "<i8", sequences, 34 + 4 * sequences)
        self.rows = np.frombuffer(content, "<i8", documents, 34 + 12 * sequences).astype(np.int64)
        size = self.path.stat().st_size if self.path.exists() else -1
        ends = self.positions + self.lengths * self.dtype.itemsize
        sound = (
            self.rows[0] == 0
            and self.rows[-1] == sequences
            and not (np.diff(self.rows) < 0).any()
            and not ((self.lengths < 0) | (self.positions < 0) | (ends > size)).any()
        )
        if not sound:
            raise ShardError(f"{index}: points outside {self.path.name} or contradicts itself")

    def chunks(self) -> Iterator[Chunk]:
        tokens = np.memmap(self.path, np.uint8, "r") if self.path.stat().st_size else np.zeros(0, np.uint8)
        bounds = np.concatenate([[0], np.cumsum(self.lengths)])[self.rows]
        row = 0
        while row < len(self.rows) - 1:
            last = int(np.searchsorted(bounds, bounds[row] + CHUNK_TOKENS, side="right")) - 1
            last = min(max(last, row + 1), len(self.rows) - 1)
            first, end = int(self.rows[row]), int(self.rows[last])
            lengths = self.lengths[first:end]
            offsets = np.concatenate([[0], np.cumsum(lengths)])
            starts = self.positions[first:end]
            width = self.dtype.itemsize
            if len(starts) and bool((np.diff(starts) == lengths[:-1] * width).all()):
                content = tokens[starts[0] : starts[0] + int(offsets[-1]) * width]
            else:
                # Sequences that do not follow each other: the index may order them as it likes.
                where = np.arange(int(offsets[-1]) * width) + np.repeat(starts - offsets[:-1] * width, lengths * width)
                content = tokens[where]
            values = as_tokens(np.ascontiguousarray(content).view(self.dtype), self.path)
            yield Chunk(values, offsets, self.rows[row : last + 1] - first)
            row = last
