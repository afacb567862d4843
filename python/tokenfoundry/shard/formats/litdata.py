"""LitData's chunks for its `TokensLoader`: one stream of int32 tokens, cut into blocks when it is read.

A chunk: u32 items, u32 offsets (items + 1, counted in the file), the items' tokens. ``index.json`` lists the chunks.
Items are rows; the loader ignores their bounds and drops what is left of each chunk after its last whole block.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tokenfoundry.errors import InputError, ShardError
from tokenfoundry.shard.formats.source import Chunk, Source, as_tokens, chunk_of

_TYPES = {"no_header_tensor:15": "<i4", "no_header_tensor:16": "<i4", "no_header_tensor:17": "<i8",
          "no_header_tensor:18": "<i8", "no_header_tensor:20": "<u2", "no_header_tensor:11": "u1"}  # fmt: skip
_FORMAT = "no_header_tensor:16"
_WIDTH = 4


def recognises(path: Path) -> bool:
    return "chunks" in _index(path) if (path / "index.json").exists() else False


def write(source: Source, directory: Path) -> None:
    chunks: list[dict[str, Any]] = []
    for chunk in source.chunks():
        offsets = chunk.row_offsets
        header = 4 * (len(offsets) + 1)
        if header + len(chunk.values) * _WIDTH >= 1 << 32:
            raise InputError("a row of more than 4 GiB does not fit a LitData chunk: use sequence_length")
        name = f"chunk-0-{len(chunks)}.bin"
        with (directory / name).open("wb") as file:
            np.uint32(len(offsets) - 1).tofile(file)
            (offsets * _WIDTH + header).astype("<u4").tofile(file)
            chunk.values.astype("<i4").tofile(file)
        chunks.append(
            {"chunk_bytes": len(chunk.values) * _WIDTH, "chunk_size": len(offsets) - 1, "dim": len(chunk.values),
             "filename": name}
        )  # fmt: skip
    config = {
        "chunk_bytes": max((chunk["chunk_bytes"] for chunk in chunks), default=0), "chunk_size": None,
        "compression": None, "data_format": [_FORMAT], "data_spec": None, "encryption": None,
        "item_loader": "TokensLoader",
    }  # fmt: skip
    index = {"chunks": chunks, "config": config, "updated_at": "0"}
    (directory / "index.json").write_text(json.dumps(index, sort_keys=True))


def _index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads((path / "index.json").read_bytes())
    except (OSError, ValueError) as error:
        raise ShardError(f"{path / 'index.json'}: cannot be read: {error}") from error
    return index if isinstance(index, dict) else {}


def read(path: Path) -> Source:
    index = _index(path)
    formats = index["config"]["data_format"]
    if len(formats) != 1 or formats[0] not in _TYPES or index["config"]["compression"] is not None:
        raise ShardError(f"{path}: has data format {formats}; uncompressed chunks of one token tensor are read")
    dtype = np.dtype(_TYPES[formats[0]])

    def chunks() -> Iterator[Chunk]:
        for entry in index["chunks"]:
            file = path / entry["filename"]
            items = entry["chunk_size"]
            header = 4 * (items + 2)
            content = np.fromfile(file, np.uint8)
            if len(content) != header + entry["dim"] * dtype.itemsize:
                raise ShardError(
                    f"{file}: has {len(content)} bytes, {entry['dim']} tokens are wanted; it was cut short"
                )
            offsets = (content[4:header].view("<u4").astype(np.int64) - header) // dtype.itemsize
            if offsets[0] != 0 or offsets[-1] != entry["dim"] or bool((np.diff(offsets) < 0).any()):
                raise ShardError(f"{file}: its items contradict its size")
            yield chunk_of(as_tokens(content[header:].view(dtype), file), offsets)

    return Source(1 << 31, "", chunks)
