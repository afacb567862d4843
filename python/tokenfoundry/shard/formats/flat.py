"""Formats that are tokens and little else: llm.c, nanoGPT, OLMo's raw arrays, datatrove's ``.ds``."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tokenfoundry.errors import InputError, ShardError
from tokenfoundry.shard.formats.source import (
    CHUNK_TOKENS,
    Chunk,
    Source,
    as_tokens,
    chunk_of,
    token_type,
    vocabulary_of,
)

# ---- llm.c -----------------------------------------------------------------------------------------------------------

_LLMC_HEADER = 256
_LLMC_KINDS: dict[int, tuple[int, np.dtype[Any]]] = {20240520: (1, np.dtype("<u2")), 20240801: (7, np.dtype("<u4"))}
_LLMC_TOKENS_PER_FILE = 100_000_000


class LlmC:
    """``shard_000000.bin``: 256 int32 (magic, version, tokens), then u16 (magic 20240520, version 1) or u32 tokens
    (20240801, version 7). Rows are not marked."""

    @staticmethod
    def recognises(path: Path) -> bool:
        return any(_llmc_header(file) is not None for file in sorted(path.glob("*.bin"))[:1])

    @staticmethod
    def write(source: Source, directory: Path) -> None:
        dtype = token_type(source.vocabulary_size)
        magic, (version, _) = next(item for item in _LLMC_KINDS.items() if item[1][1] == dtype)
        header = np.zeros(_LLMC_HEADER, "<i4")
        header[:2] = magic, version
        file: BinaryIO | None = None
        number = written = 0

        def close() -> None:
            if file is not None:
                header[2] = written
                file.seek(0)
                header.tofile(file)
                file.close()

        def begin() -> BinaryIO:
            fresh = (directory / f"shard_{number:06}.bin").open("wb")
            header.tofile(fresh)
            return fresh

        try:
            for values in _sliced(source, _LLMC_TOKENS_PER_FILE):
                if file is None or written + len(values) > _LLMC_TOKENS_PER_FILE:
                    close()
                    file, written = begin(), 0
                    number += 1
                values.astype(dtype).tofile(file)
                written += len(values)
            # Nothing is a file too.
            file = file or begin()
        finally:
            close()

    @staticmethod
    def read(path: Path) -> Source:
        kinds = {file: _llmc_header(file) for file in sorted(path.glob("*.bin"))}
        for file, kind in kinds.items():
            if kind is None:
                raise ShardError(f"{file}: is not an llm.c token file")
            dtype, tokens = kind
            if file.stat().st_size != 4 * _LLMC_HEADER + tokens * dtype.itemsize:
                raise ShardError(f"{file}: says {tokens} tokens, its size is of another number; it was cut short")
        dtypes = [kind[0] for kind in kinds.values() if kind is not None]
        vocabulary = max((vocabulary_of(dtype) for dtype in dtypes), default=1)

        def chunks() -> Iterator[Chunk]:
            for file, kind in kinds.items():
                if kind is not None:
                    yield from _raw_chunks(file, kind[0], 4 * _LLMC_HEADER)

        return Source(vocabulary, "", chunks)


def _llmc_header(path: Path) -> tuple[np.dtype[Any], int] | None:
    with path.open("rb") as file:
        content = file.read(4 * _LLMC_HEADER)
    if len(content) < 4 * _LLMC_HEADER:
        return None
    magic, version, tokens = np.frombuffer(content, "<i4", 3).tolist()
    known = _LLMC_KINDS.get(magic)
    return (known[1], tokens) if known is not None and known[0] == version else None


def _sliced(source: Source, most: int) -> Iterator[NDArray[np.uint32]]:
    for chunk in source.chunks():
        for first in range(0, len(chunk.values), most):
            yield chunk.values[first : first + most]


def _raw_chunks(path: Path, dtype: np.dtype[Any], offset: int = 0) -> Iterator[Chunk]:
    """Tokens without bounds: each chunk is a row."""
    tokens = (path.stat().st_size - offset) // dtype.itemsize
    for first in range(0, tokens, CHUNK_TOKENS):
        count = min(CHUNK_TOKENS, tokens - first)
        values = as_tokens(np.fromfile(path, dtype, count, offset=offset + first * dtype.itemsize), path)
        yield chunk_of(values, np.array([0, len(values)], np.int64))


# ---- nanoGPT ---------------------------------------------------------------------------------------------------------


class NanoGpt:
    """``train.bin``: u16 tokens and nothing else; vocabularies to 65,536."""

    @staticmethod
    def recognises(path: Path) -> bool:
        return (path / "train.bin").exists()

    @staticmethod
    def write(source: Source, directory: Path) -> None:
        if source.vocabulary_size > 65_536:
            raise InputError(f"nanogpt holds ids below 65,536; the vocabulary has {source.vocabulary_size}: use llmc")
        with (directory / "train.bin").open("wb") as file:
            for chunk in source.chunks():
                chunk.values.astype("<u2").tofile(file)

    @staticmethod
    def read(path: Path) -> Source:
        file = path / "train.bin"
        if file.stat().st_size % 2:
            raise ShardError(f"{file}: has an odd number of bytes; it was cut short or is of another format")
        return Source(65_536, "", lambda: _raw_chunks(file, np.dtype("<u2")))


# ---- OLMo ------------------------------------------------------------------------------------------------------------


class Olmo:
    """``part-00000.npy``: raw u16 or u32 tokens (no npy header), and ``part-00000.csv.gz``: start, end, id, source,
    line of each document. Pieces are written as documents, so document-wise attention keeps its bounds."""

    @staticmethod
    def recognises(path: Path) -> bool:
        return any(path.glob("*.csv.gz"))

    @staticmethod
    def write(source: Source, directory: Path) -> None:
        dtype = token_type(source.vocabulary_size)
        before = pieces = 0
        # No time and no name in the header: the same tokens are the same bytes.
        with (
            (directory / "part-00000.npy").open("wb") as file,
            (directory / "part-00000.csv.gz").open("wb") as packed,
            gzip.GzipFile("", "wb", 6, packed, mtime=0) as unpacked,
            io.TextIOWrapper(unpacked, "utf-8", newline="") as table,
        ):
            writer = csv.writer(table)
            for chunk in source.chunks():
                chunk.values.astype(dtype).tofile(file)
                bounds = (chunk.piece_offsets + before).tolist()
                ids = hex_ids(chunk)
                line = range(pieces, pieces + len(ids))
                writer.writerows(zip(bounds, bounds[1:], ids, ["tokenfoundry"] * len(ids), line, strict=False))
                before, pieces = bounds[-1], pieces + len(ids)

    @staticmethod
    def read(path: Path) -> Source:
        pairs = [(table.with_name(table.name.removesuffix(".csv.gz") + ".npy"), table) for table in
                 sorted(path.glob("*.csv.gz"))]  # fmt: skip
        found = [(file, *_olmo_bounds(file, table)) for file, table in pairs]
        vocabulary = max((vocabulary_of(dtype) for _, dtype, _ in found), default=1)

        def chunks() -> Iterator[Chunk]:
            for file, dtype, bounds in found:
                yield from _bounded_chunks(file, dtype, bounds)

        return Source(vocabulary, "", chunks)


def _olmo_bounds(file: Path, table: Path) -> tuple[np.dtype[Any], NDArray[np.int64]]:
    try:
        with gzip.open(table, "rt", newline="") as lines:
            rows = [(int(line[0]), int(line[1])) for line in csv.reader(lines)]
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise ShardError(f"{table}: cannot be read as document bounds: {error}") from error
    bounds = np.array([0] + [end for _, end in rows], np.int64)
    if [start for start, _ in rows] != bounds[:-1].tolist():
        raise ShardError(f"{table}: its documents do not follow each other")
    size = file.stat().st_size if file.exists() else -1
    for dtype in (np.dtype("<u2"), np.dtype("<u4")):
        if size == int(bounds[-1]) * dtype.itemsize:
            return dtype, bounds
    raise ShardError(f"{file}: has {size} bytes, {bounds[-1]} tokens are wanted; it was cut short")


# ---- datatrove -------------------------------------------------------------------------------------------------------


class Datatrove:
    """``00000.ds``: raw u16 or u32 tokens; ``.ds.index``: u64 token after the last of each document; ``.ds.metadata``:
    tokenizer and token size, tokens, tokens for people. Pieces are written as documents."""

    @staticmethod
    def recognises(path: Path) -> bool:
        return any(path.glob("*.ds"))

    @staticmethod
    def write(source: Source, directory: Path) -> None:
        dtype = token_type(source.vocabulary_size)
        before = 0
        with (directory / "00000.ds").open("wb") as file, (directory / "00000.ds.index").open("wb") as index:
            for chunk in source.chunks():
                chunk.values.astype(dtype).tofile(file)
                (chunk.piece_offsets[1:] + before).astype("<u8").tofile(index)
                before += len(chunk.values)
        tokenizer = source.tokenizer_digest or "unknown"
        text = f"{tokenizer}|{dtype.itemsize}\n{before}\n{before / 1e6:.2f} MT"
        (directory / "00000.ds.metadata").write_text(text)

    @staticmethod
    def read(path: Path) -> Source:
        found = []
        for file in sorted(path.glob("*.ds")):
            index = file.with_name(file.name + ".index")
            if not index.exists() or index.stat().st_size % 8:
                raise ShardError(f"{index}: is missing or cut short")
            bounds = np.concatenate([[0], np.fromfile(index, "<u8").astype(np.int64)])
            sizes = {int(bounds[-1]) * width: np.dtype(f"<u{width}") for width in (2, 4)}
            dtype = sizes.get(file.stat().st_size)
            if dtype is None or bool((np.diff(bounds) < 0).any()):
                raise ShardError(f"{file}: does not hold the {bounds[-1]} tokens of its index; it was cut short")
            found.append((file, dtype, bounds))

        def chunks() -> Iterator[Chunk]:
            for file, dtype, bounds in found:
                yield from _bounded_chunks(file, dtype, bounds)

        return Source(max((vocabulary_of(dtype) for _, dtype, _ in found), default=1), "", chunks)


def _bounded_chunks(path: Path, dtype: np.dtype[Any], bounds: NDArray[np.int64]) -> Iterator[Chunk]:
    row = 0
    while row < len(bounds) - 1:
        last = int(np.searchsorted(bounds, bounds[row] + CHUNK_TOKENS, side="right")) - 1
        last = min(max(last, row + 1), len(bounds) - 1)
        count = int(bounds[last] - bounds[row])
        values = as_tokens(np.fromfile(path, dtype, count, offset=int(bounds[row]) * dtype.itemsize), path)
        yield chunk_of(values, bounds[row : last + 1] - bounds[row])
        row = last


def hex_ids(chunk: Chunk) -> list[str]:
    """32 hex digits of each piece's document; empty where the source does not know it."""
    if chunk.documents is None:
        return [""] * (len(chunk.piece_offsets) - 1)
    text = chunk.documents.tobytes().hex()
    return [text[at : at + 32] for at in range(0, len(text), 32)]
