"""Shards in Rust; `tokenfoundry.shard` is their public face."""

import os
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

_Pieces = tuple[bytes, NDArray[np.uint64], NDArray[np.uint64]]

def write(
    stem: str | os.PathLike[str],
    values: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    row_pieces: NDArray[np.uint64],
    document: NDArray[np.int64],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    document_ids: bytes,
    vocabulary_size: int,
    tokenizer_digest: str,
) -> int:
    """Write ``stem.bin``, ``.idx`` and ``.tfi``; returns the number of tokens."""

@final
class Shard:
    """One shard, open for reading. Each block is checked before its first token is given out."""

    def __new__(cls, stem: str | os.PathLike[str]) -> Shard: ...
    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def pieces(self) -> int:
        """Number of pieces."""

    @property
    def tokens(self) -> int:
        """Number of tokens."""

    @property
    def vocabulary_size(self) -> int:
        """Ids are below this."""

    @property
    def tokenizer_digest(self) -> str:
        """Digest of the tokenizer that made the tokens; empty if the writer knew of none."""

    def row(self, row: int) -> NDArray[np.uint32]:
        """Tokens of a row."""

    def row_pieces(self, row: int) -> _Pieces:
        """Document ids (16 bytes each), starts and lengths of a row's pieces."""

    def all_pieces(self) -> tuple[NDArray[np.uint64], _Pieces]:
        """First piece of each row and the number of pieces; then the same of all pieces."""

    def verify(self) -> None:
        """Check every byte; ShardError names the file and the block."""

def hash128(content: bytes) -> bytes:
    """xxh3-128, 16 bytes."""

def hash128_batch(texts: Any, threads: int | None) -> bytes:
    """xxh3-128 of each text, 16 bytes each, one after another."""
