"""A shard's three files read with `struct`, a field at a time: the byte layouts of docs/formats.md, executable."""

import struct
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import xxhash


def read_index(content: bytes) -> dict[str, Any]:
    """Megatron's `.idx`."""
    assert content[:9] == b"MMIDIDX\0\0"
    version, code, sequences, documents = struct.unpack_from("<QBQQ", content, 9)
    assert version == 1
    at = 34
    lengths = struct.unpack_from(f"<{sequences}i", content, at)
    at += 4 * sequences
    positions = struct.unpack_from(f"<{sequences}q", content, at)
    at += 8 * sequences
    first_sequences = struct.unpack_from(f"<{documents}q", content, at)
    assert at + 8 * documents == len(content)
    return {"code": code, "lengths": lengths, "positions": positions, "documents": first_sequences}


def read_sidecar(content: bytes) -> dict[str, Any]:
    """Our `.tfi`."""
    assert content[:8] == b"TFSHARD\0"
    assert content[-8:] == struct.pack("<Q", xxhash.xxh3_64_intdigest(content[:-8]))
    version, width, rows, pieces, tokens, block_bytes, blocks, idx_checksum, vocabulary_size = struct.unpack_from(
        "<IIQQQQQQQ", content, 8
    )
    assert version == 1
    assert content[104:128] == bytes(24)
    at = 128

    def numbers(count: int) -> tuple[int, ...]:
        nonlocal at
        values = struct.unpack_from(f"<{count}Q", content, at)
        at += 8 * count
        return values

    row_pieces = numbers(rows + 1)
    piece_tokens = numbers(pieces + 1)
    ids = [content[at + 16 * piece : at + 16 * (piece + 1)] for piece in range(pieces)]
    at += 16 * pieces
    starts = numbers(pieces)
    checksums = numbers(blocks)
    assert at + 8 == len(content)
    return {
        "width": width, "tokens": tokens, "block_bytes": block_bytes, "idx_checksum": idx_checksum,
        "vocabulary_size": vocabulary_size, "tokenizer_digest": content[72:104].decode().rstrip(),
        "row_pieces": row_pieces, "piece_tokens": piece_tokens, "ids": ids, "starts": starts, "checksums": checksums,
    }  # fmt: skip


def read_rows(stem: Path) -> list[list[int]]:
    """The tokens of each row, by Megatron's index alone."""
    index = read_index(stem.with_suffix(".idx").read_bytes())
    content = stem.with_suffix(".bin").read_bytes()
    letter, width = {8: ("H", 2), 4: ("i", 4)}[index["code"]]
    sequences = [
        list(struct.unpack_from(f"<{length}{letter}", content, position))
        for length, position in zip(index["lengths"], index["positions"], strict=True)
    ]
    assert sum(index["lengths"]) * width == len(content)
    bounds = index["documents"]
    return [list(chain(*sequences[first:last])) for first, last in pairwise(bounds)]
