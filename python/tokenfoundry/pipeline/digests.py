"""Content digests of input files, and where large ones may be cut.

A file's digest is xxh3-128 of its content, so the same content has the same units wherever and whenever it was copied.
What was read once is remembered by path, size and time of change (`digests.json` in the work folder and the cache).
Plain JSON Lines and Parquet files are cut into parts of about 32 MB, at line ends and row groups, so that a huge file
is many units. Files on object stores are not read for this: their digest is that of size and time of change.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tokenfoundry._core import io as _io
from tokenfoundry._core import shard as _shard
from tokenfoundry.io import InputFile, Span, format_of
from tokenfoundry.io.atomic import write_atomic

__all__ = ["PART_BYTES", "Digests"]

PART_BYTES = 32 << 20
_CHUNK_BYTES = 8 << 20
_FORMAT = 1


class Digests:
    """Digests of files, remembered in ``memories``: JSON files, the first of which is written."""

    def __init__(self, memories: Iterable[Path] = ()) -> None:
        self.memories = list(memories)
        self.known: dict[str, Any] = {}
        self.grown = False
        for path in reversed(self.memories):
            try:
                content = json.loads(path.read_bytes())
            except (OSError, ValueError):
                continue
            if content.get("format") == _FORMAT:
                self.known.update(content["files"])

    def save(self) -> None:
        """Remember what was learned."""
        if self.grown:
            for path in self.memories:
                write_atomic(path, json.dumps({"format": _FORMAT, "files": self.known}))

    def read(self, files: Iterable[tuple[InputFile, str]], threads: int) -> None:
        """Learn of all files and formats that are not known yet, several at a time."""
        new = {
            self._name(file, format): (file, format)
            for file, format in files
            if not file.problem and not file.remote and self._name(file, format) not in self.known
        }
        if len(new) < 2 or threads < 2:
            return
        with ThreadPoolExecutor(threads, "tokenfoundry-digest") as pool:
            for name, found in zip(new, pool.map(_try_read, new.values()), strict=True):
                if found is not None:
                    self.known[name] = found
                    self.grown = True

    @staticmethod
    def _name(file: InputFile, format: str) -> str:
        return f"{format} {file.path.absolute()} {file.size} {file.modified_ns}"

    def parts(self, file: InputFile, format: str) -> list[tuple[InputFile, str]]:
        """The file, or the parts it is cut into, with their digests."""
        if file.problem:
            return [(file, f"problem: {file.problem}")]
        if file.remote:
            return [(file, f"remote: {file.size} {file.modified_ns}")]
        name = self._name(file, format)
        if name not in self.known:
            try:
                self.known[name] = _read(file, format)
            except OSError as error:
                # Known only now: it may be listed, not read.
                return [(file, f"problem: {error.strerror or error}")]
            self.grown = True
        entries = self.known[name]
        if len(entries) == 1:
            return [(file, entries[0][0])]
        return [(replace(file, span=Span(*span)), digest) for digest, *span in entries]


def _try_read(one: tuple[InputFile, str]) -> list[list[Any]] | None:
    try:
        return _read(*one)
    except OSError:
        return None


def _read(file: InputFile, format: str) -> list[list[Any]]:
    """Digest, start, end and records before of each part."""
    if file.size <= 2 * PART_BYTES:
        return [[_digest_of(file.path), 0, file.size, 0]]
    if format == "jsonl" and file.path.suffix.lower() not in (".gz", ".zst"):
        return _line_parts(file.path)
    if format == "parquet" and format_of(file.path) == "parquet":
        return _row_group_parts(file)
    return [[_digest_of(file.path), 0, file.size, 0]]


_buffers = threading.local()


def _chunks(path: Path) -> Iterator[pa.Buffer]:
    """A file's content in chunks that are good until the next is asked for; the memory is the thread's."""
    if not hasattr(_buffers, "memory"):
        _buffers.memory = bytearray(_CHUNK_BYTES)
    whole = pa.py_buffer(_buffers.memory)
    with path.open("rb", buffering=0) as source:
        while size := source.readinto(_buffers.memory):
            # A short read is no end; cuts must not depend on how much came at a time.
            while size < _CHUNK_BYTES and (more := source.readinto(memoryview(_buffers.memory)[size:])):
                size += more
            yield whole.slice(0, size)


def _hash(content: pa.Buffer) -> tuple[bytes, int]:
    """Hash of bytes, and the newlines in them."""
    ends = pa.py_buffer(np.array([0, content.size], np.int64))
    return _io.hash_and_lines(pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, content]))


def _joined(hashes: list[bytes]) -> str:
    return hashes[0].hex() if len(hashes) == 1 else _shard.hash128(b"".join(hashes)).hex()


def _digest_of(path: Path) -> str:
    hashes = [_hash(chunk)[0] for chunk in _chunks(path)]
    return _joined(hashes)


def _line_parts(path: Path) -> list[list[Any]]:
    parts: list[list[Any]] = []
    start = lines = lines_before = 0
    hashes: list[bytes] = []
    size = 0
    for chunk in _chunks(path):
        if size >= PART_BYTES and (cut := memoryview(chunk).tobytes().find(b"\n")) >= 0:
            hashes.append(_hash(chunk.slice(0, cut + 1))[0])
            lines += 1
            end = start + size + cut + 1
            parts.append([_shard.hash128(b"".join(hashes)).hex(), start, end, lines_before])
            lines_before += lines
            start, size, lines, hashes = end, 0, 0, []
            chunk = chunk.slice(cut + 1)
            if not chunk.size:
                continue
        found, newlines = _hash(chunk)
        hashes.append(found)
        lines += newlines
        size += chunk.size
    if size:
        parts.append([_shard.hash128(b"".join(hashes)).hex(), start, start + size, lines_before])
    return parts


def _row_group_parts(file: InputFile) -> list[list[Any]]:
    import pyarrow.parquet as pq

    whole = _digest_of(file.path)
    try:
        with file.open() as content, pq.ParquetFile(content) as source:
            groups = [
                (source.metadata.row_group(index).total_byte_size, source.metadata.row_group(index).num_rows)
                for index in range(source.metadata.num_row_groups)
            ]
    except (pa.ArrowException, OSError):
        return [[whole, 0, file.size, 0]]
    parts: list[list[Any]] = []
    start = rows_before = rows = size = 0
    for index, (bytes, count) in enumerate(groups):
        size += bytes
        rows += count
        if size >= PART_BYTES or index == len(groups) - 1:
            parts.append([f"{whole}:{start}-{index + 1}", start, index + 1, rows_before])
            rows_before += rows
            start, size, rows = index + 1, 0, 0
    return parts if len(parts) > 1 else [[whole, 0, file.size, 0]]
