"""MosaicML Streaming's MDS, version 2: a column ``tokens`` of ``ndarray:uint16`` or ``ndarray:uint32``, a sample a row.

A shard: u32 samples, u32 offsets (samples + 1, counted in the file), the columns as JSON, the samples; a sample: u32
size of each column without a fixed one, then the columns in the order of their names. ``index.json`` lists the shards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry.errors import InputError, ShardError
from tokenfoundry.shard.formats.source import Chunk, Source, as_tokens, chunk_of, token_type

_SHARD_BYTES = 1 << 26
_NAMES = ("tokens", "input_ids")
# An array's own header: a byte with its number of axes and the width of their lengths, then the length as u32.
_ONE_AXIS_U32 = 1 << 2 | 2
_HEADER = 4 + 1 + 4


def recognises(path: Path) -> bool:
    if not (path / "index.json").exists():
        return False
    index = _index(path)
    shards = index.get("shards")
    # Of nothing there is no shard.
    return bool(shards[0].get("format") == "mds") if shards else shards == [] and index.get("version") == 2


def write(source: Source, directory: Path) -> None:
    dtype = token_type(source.vocabulary_size)
    config = {
        "version": 2, "format": "mds", "compression": None, "hashes": [], "size_limit": _SHARD_BYTES,
        "column_names": ["tokens"], "column_encodings": [f"ndarray:{dtype.name}"], "column_sizes": [None],
    }  # fmt: skip
    shards: list[dict[str, Any]] = []
    for chunk in source.chunks():
        lengths = np.diff(chunk.row_offsets)
        # The reader's own encoder refuses empty arrays; a row without tokens has nothing to lose.
        rows = np.flatnonzero(lengths)
        sizes = lengths[rows] * dtype.itemsize + _HEADER
        if len(rows) and int(sizes.max()) >= 1 << 31:
            raise InputError("a row of more than 2 GiB does not fit an MDS shard: use sequence_length")
        first = 0
        ends = np.cumsum(sizes)
        while first < len(rows):
            begin = int(ends[first - 1]) if first else 0
            last = max(int(np.searchsorted(ends, begin + _SHARD_BYTES, side="right")), first + 1)
            name = f"shard.{len(shards):05}.mds"
            content = _encode(chunk, rows[first:last], dtype, json.dumps(config, sort_keys=True).encode())
            (directory / name).write_bytes(content)
            shards.append(
                {**config, "samples": last - first, "zip_data": None,
                 "raw_data": {"basename": name, "bytes": len(content), "hashes": {}}}
            )  # fmt: skip
            first = last
    (directory / "index.json").write_text(json.dumps({"version": 2, "shards": shards}, sort_keys=True))


def _encode(chunk: Chunk, rows: NDArray[np.int64], dtype: np.dtype[Any], config: bytes) -> bytes:
    offsets = chunk.row_offsets
    lengths = offsets[rows + 1] - offsets[rows]
    sizes = lengths * dtype.itemsize + _HEADER
    ends = np.concatenate([[0], np.cumsum(sizes)])
    body = np.empty(int(ends[-1]), np.uint8)
    headers = np.zeros(len(rows), np.dtype([("size", "<u4"), ("axes", "u1"), ("length", "<u4")]))
    headers["size"], headers["axes"], headers["length"] = sizes - 4, _ONE_AXIS_U32, lengths
    where = ends[:-1, None] + np.arange(_HEADER)
    body[where] = headers.view(np.uint8).reshape(-1, _HEADER)
    tokens = np.ones(len(body), np.bool_)
    tokens[where] = False
    # Rows left out are empty, so these rows' tokens are contiguous.
    body[tokens] = chunk.values[offsets[rows[0]] : offsets[rows[-1] + 1]].astype(dtype).view(np.uint8)
    table = ends + (4 + 4 * len(ends) + len(config))
    return np.uint32(len(rows)).tobytes() + table.astype("<u4").tobytes() + config + body.tobytes()


def _index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads((path / "index.json").read_bytes())
    except (OSError, ValueError) as error:
        raise ShardError(f"{path / 'index.json'}: cannot be read: {error}") from error
    return index if isinstance(index, dict) else {}


def read(path: Path) -> Source:
    shards = _index(path).get("shards", [])

    def chunks() -> Iterator[Chunk]:
        for shard in shards:
            yield _decode(path, shard)

    return Source(1 << 31, "", chunks)


def _decode(path: Path, shard: dict[str, Any]) -> Chunk:
    file = path / shard["raw_data"]["basename"]
    if shard["format"] != "mds" or shard["version"] != 2:
        raise ShardError(f"{file}: is {shard['format']} version {shard['version']}; MDS version 2 is read")
    if not file.exists():
        raise ShardError(f"{file}: is missing; if it is compressed, unpack it first")
    names, sizes = shard["column_names"], shard["column_sizes"]
    name = next((name for name in _NAMES if name in names), None)
    kind = shard["column_encodings"][names.index(name)].split(":") if name else []
    if name is None or kind[0] != "ndarray" or len(kind) < 2:
        raise ShardError(f"{file}: has columns {names}; a column tokens of ndarray with a fixed type is read")
    dtype = np.dtype(kind[1]).newbyteorder("<")
    content = np.fromfile(file, np.uint8)
    samples = shard["samples"]
    if len(content) < 8 + 4 * samples or len(content) != shard["raw_data"]["bytes"]:
        raise ShardError(f"{file}: has {len(content)} bytes, its index says {shard['raw_data']['bytes']}")
    bounds = content[4 : 8 + 4 * samples].view("<u4").astype(np.int64)
    variable = [column for column, size in zip(names, sizes, strict=True) if size is None]
    begins = bounds[:-1] + 4 * len(variable)
    lengths = np.full(samples, sizes[names.index(name)] or 0, np.int64)
    if (np.diff(bounds) < 4 * len(variable)).any() or (samples and bounds[-1] > len(content)):
        raise ShardError(f"{file}: its samples lie outside the file")
    for column, size in zip(names, sizes, strict=True):
        if size is None:
            at = bounds[:-1, None] + 4 * variable.index(column) + np.arange(4)
            of_column = content[at].view("<u4")[:, 0].astype(np.int64)
        else:
            of_column = np.full(samples, size, np.int64)
        if column == name:
            lengths = of_column
            break
        begins = begins + of_column
    if samples and ((begins + lengths > bounds[1:]) | (lengths < 1)).any():
        raise ShardError(f"{file}: its samples contradict their sizes")
    if len(kind) == 2 and samples:
        head = 1 + (content[begins] >> 2).astype(np.int64) * (1 << (content[begins] & 3).astype(np.int64))
        begins, lengths = begins + head, lengths - head
    if (lengths < 0).any() or (lengths % dtype.itemsize).any():
        raise ShardError(f"{file}: its arrays contradict their sizes")
    ends = np.concatenate([[0], np.cumsum(lengths)])
    where = np.arange(int(ends[-1])) + np.repeat(begins - ends[:-1], lengths)
    return chunk_of(as_tokens(content[where].view(dtype), file), ends // dtype.itemsize)
