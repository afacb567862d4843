"""A shard's files written and read with `struct`, a field at a time: the byte layouts of docs/formats.md, executable.

Slow (Python objects for every token) and free of cleverness; the tests hold the Rust writer to these bytes.
"""

import itertools
import struct
from pathlib import Path
from typing import Any

import xxhash

BLOCK_BYTES = 4096
Piece = tuple[bytes, int, list[int]]
"""Document id (16 bytes), first token counted in the document, the tokens."""

COLUMN_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 8, 7: 4, 8: 2}


def checksum(content: bytes) -> int:
    return xxhash.xxh3_64_intdigest(content)


def block_checksums(content: bytes) -> list[int]:
    return [checksum(content[at : at + BLOCK_BYTES]) for at in range(0, len(content), BLOCK_BYTES)]


def write_index(rows: list[list[Piece]], width: int, modes: list[int] | None = None) -> bytes:
    """Megatron's `.idx`: each piece a sequence, each row a document."""
    lengths = [len(tokens) for row in rows for _, _, tokens in row]
    positions = [sum(lengths[:piece]) * width for piece in range(len(lengths))]
    documents = [sum(len(row) for row in rows[:row]) for row in range(len(rows) + 1)]
    content = b"MMIDIDX\0\0" + struct.pack("<QB", 1, {2: 8, 4: 4}[width])
    content += struct.pack("<QQ", len(lengths), len(documents))
    content += struct.pack(f"<{len(lengths)}i", *lengths)
    content += struct.pack(f"<{len(lengths)}q", *positions)
    content += struct.pack(f"<{len(documents)}q", *documents)
    return content + struct.pack(f"<{len(modes or [])}b", *(modes or []))


def write_shard(
    rows: list[list[Piece]],
    *,
    vocabulary_size: int,
    tokenizer_digest: str = "",
    number: int = 0,
    last: bool = True,
    columns: list[tuple[str, int, bytes]] | None = None,
    modes: list[int] | None = None,
) -> dict[str, bytes]:
    """Extension to content of each file of one shard; ``columns``: name, type code, content."""
    width = 2 if vocabulary_size <= 65_536 else 4
    pieces = [piece for row in rows for piece in row]
    tokens = [token for _, _, piece in pieces for token in piece]
    binary = struct.pack(f"<{len(tokens)}{'H' if width == 2 else 'i'}", *tokens)
    index = write_index(rows, width, modes)
    files = {".bin": binary, ".idx": index}
    flags = (1 if last else 0) | (2 if modes is not None else 0)
    blocks = block_checksums(binary)
    sidecar = b"TFSHARD\0" + struct.pack(
        "<IIQQQQQQQ32sQIIQ",
        1, width, len(rows), len(pieces), len(tokens), BLOCK_BYTES, len(blocks), checksum(index), vocabulary_size,
        tokenizer_digest.encode().ljust(32), flags, len(columns or []), number, 0,
    )  # fmt: skip
    first_piece = 0
    for row in [*rows, []]:
        sidecar += struct.pack("<Q", first_piece)
        first_piece += len(row)
    first_token = 0
    for _, _, piece in [*pieces, (b"", 0, [])]:
        sidecar += struct.pack("<Q", first_token)
        first_token += len(piece)
    sidecar += b"".join(document for document, _, _ in pieces)
    sidecar += b"".join(struct.pack("<Q", start) for _, start, _ in pieces)
    sidecar += struct.pack(f"<{len(blocks)}Q", *blocks)
    for name, code, content in columns or []:
        sums = block_checksums(content)
        sidecar += name.encode().ljust(32, b"\0") + struct.pack("<II", code, 0) + struct.pack(f"<{len(sums)}Q", *sums)
        files[f".{name}.col"] = content
    files[".tfi"] = sidecar + struct.pack("<Q", checksum(sidecar))
    return files


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
    at += 8 * documents
    modes = struct.unpack_from(f"<{len(content) - at}b", content, at)
    assert len(modes) in (0, sequences)
    return {"code": code, "lengths": lengths, "positions": positions, "documents": first_sequences, "modes": modes}


def read_sidecar(content: bytes) -> dict[str, Any]:
    """Our `.tfi`."""
    assert content[:8] == b"TFSHARD\0"
    assert content[-8:] == struct.pack("<Q", checksum(content[:-8]))
    version, width, rows, pieces, tokens, block_bytes, blocks, idx_checksum, vocabulary_size = struct.unpack_from(
        "<IIQQQQQQQ", content, 8
    )
    digest, flags, column_count, number, zero = struct.unpack_from("<32sQIIQ", content, 72)
    assert (version, block_bytes, zero) == (1, BLOCK_BYTES, 0)
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
    columns = {}
    for _ in range(column_count):
        name, code, zero = struct.unpack_from("<32sII", content, at)
        assert zero == 0
        at += 40
        columns[name.rstrip(b"\0").decode()] = (code, numbers(-(-tokens * COLUMN_BYTES[code] // BLOCK_BYTES)))
    assert at + 8 == len(content)
    return {
        "width": width, "tokens": tokens, "idx_checksum": idx_checksum, "vocabulary_size": vocabulary_size,
        "tokenizer_digest": digest.decode().rstrip(), "number": number, "last": bool(flags & 1),
        "row_pieces": row_pieces, "piece_tokens": piece_tokens, "ids": ids, "starts": starts, "checksums": checksums,
        "columns": columns,
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
    rows = [sequences[first:last] for first, last in itertools.pairwise(bounds)]
    return [[token for sequence in row for token in sequence] for row in rows]
