"""Shards in Rust; `tokenfoundry.shard` is their public face."""

import os
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shards", "Writer", "hash128", "hash128_batch"]

_Pieces = tuple[bytes, NDArray[np.uint64], NDArray[np.uint64]]

@final
class Writer:
    """Writes a set of shards; usable from one thread at a time."""

    def __new__(
        cls,
        directory: str | os.PathLike[str],
        vocabulary_size: int,
        tokenizer_digest: str,
        rows_per_shard: int,
        columns: list[tuple[str, int]],
        has_modes: bool,
        number: int | None = None,
        durable: bool = True,
    ) -> Writer:
        """``number``: write only this shard of a set whose others are written elsewhere. ``durable``: wait for the
        disk."""

    def append(
        self,
        values: NDArray[np.uint32],
        offsets: NDArray[np.int64],
        row_pieces: NDArray[np.uint64],
        document: NDArray[np.int64],
        start: NDArray[np.int64],
        length: NDArray[np.int64],
        document_ids: bytes,
        document_starts: NDArray[np.int64] | None,
        columns: list[NDArray[np.uint8]],
        modes: NDArray[np.int8] | None,
    ) -> None:
        """Append rows; after an error the writer can only be dropped."""

    def finish(self, last: bool = True) -> int:
        """Finish the last shard; the number of shards. ``last`` counts only for a writer of one shard."""

    def abort(self) -> None:
        """Remove what is not finished."""

@final
class Shards:
    """A set of shards, open for reading. Each block is checked before its first token is given out."""

    def __new__(cls, directory: str | os.PathLike[str], unfinished: bool) -> Shards: ...
    @property
    def shard_count(self) -> int:
        """Number of shards."""

    @property
    def first_rows(self) -> NDArray[np.int64]:
        """First row of each shard, and the number of rows."""

    @property
    def tokens(self) -> int:
        """Number of tokens."""

    @property
    def pieces(self) -> int:
        """Number of pieces."""

    @property
    def vocabulary_size(self) -> int:
        """Ids are below this."""

    @property
    def tokenizer_digest(self) -> str:
        """Digest of the tokenizer that made the tokens; empty if the writer knew of none."""

    @property
    def has_modes(self) -> bool:
        """Whether each piece has a mode."""

    @property
    def columns(self) -> list[tuple[str, int]]:
        """Names and type codes of the side columns."""

    def row(self, row: int) -> NDArray[np.uint32]:
        """Tokens of a row."""

    def row_range(self, row: int) -> tuple[int, int]:
        """First token of a row and the token after its last, counted in the set."""

    def column(self, column: int, first: int, end: int) -> NDArray[np.uint8]:
        """A side column's values of tokens counted in the set, as bytes."""

    def read_rows(self, rows: NDArray[np.int64], out: Any, fill: int, threads: int | None) -> NDArray[np.int64]:
        """Rows into a matrix; their lengths."""

    def read_windows(self, starts: NDArray[np.int64], out: Any, labels: Any | None, threads: int | None) -> None:
        """Windows into a matrix, and the windows one token on into another."""

    def will_need_rows(self, rows: NDArray[np.int64]) -> None:
        """Tell the kernel what will be read."""

    def will_need_windows(self, starts: NDArray[np.int64], length: int) -> None:
        """Tell the kernel what will be read."""

    def row_pieces(self, row: int) -> _Pieces:
        """Document ids (16 bytes each), starts and lengths of a row's pieces."""

    def all_pieces(self, shard: int) -> tuple[NDArray[np.uint64], _Pieces]:
        """First piece of each row and the number of pieces; then the same of all pieces."""

    def modes(self, shard: int) -> NDArray[np.int8] | None:
        """A mode for each piece."""

    def verify(self, threads: int | None) -> None:
        """Check every byte; ShardError names the file and the block."""

def hash128(content: bytes) -> bytes:
    """xxh3-128, 16 bytes."""

def hash128_batch(texts: Any, threads: int | None) -> bytes:
    """xxh3-128 of each text, 16 bytes each, one after another."""
