"""Packing in Rust; `tokenfoundry.pack` is its public face."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

_Column = NDArray[np.int64]
_Rows = tuple[_Column, _Column, _Column, _Column]

@final
class Pieces:
    """The pieces of a plan."""

    def row_offsets(self) -> _Column:
        """First piece of each row, and the number of pieces."""

    def columns(self, threads: int | None) -> tuple[_Column, _Column, _Column]:
        """Document, first token and length of each piece, row after row."""

@final
class Streaming:
    """A packer of documents as they come: bounded best fit, or the oldest first. Rows are (row_offsets, document, start,
    length)."""

    def __new__(cls, capacity: int, open_rows: int | None, lookahead: int | None, long: str) -> Streaming: ...
    def push(self, lengths: _Column, first_document: int) -> tuple[_Rows, int]:
        """Rows that these documents complete, and how many tokens were dropped."""

    def finish(self) -> _Rows:
        """Rows that are left."""

    def held(self) -> _Rows:
        """The pieces it holds: open rows, or one row of waiting pieces."""

    def restore(self, rows: list[list[tuple[int, int, int]]]) -> None:
        """Take up what `held` gave."""

def balance(costs: NDArray[np.uint64], groups: int, equal_counts: bool, method: str) -> NDArray[np.uint32]:
    """The group of each item. ``method``: "best", "differencing" or "largest_first"."""

def fim(
    values: NDArray[np.uint32],
    offsets: _Column,
    ids: NDArray[np.uint64],
    marks: tuple[int, int, int],
    rate: float,
    suffix_first_rate: float,
    seed: int,
    threads: int | None,
) -> tuple[NDArray[np.uint32], _Column, NDArray[np.bool_]]:
    """Values and offsets of the documents with middles moved, and which were changed. marks: prefix, middle, suffix."""

def plan(
    lengths: _Column,
    capacity: int,
    strategy: str,
    long: str,
    seed: int,
    align: int,
    min_piece: int,
    max_pieces: int,
    rows_multiple: int,
    boundaries: tuple[_Column, _Column] | None,
    apart: _Column | None,
    together: _Column | None,
    threads: int | None,
) -> dict[str, Any]:
    """Fields of a plan: rows, pieces, and what was counted."""

def lay_out_rows(
    values: NDArray[np.uint32],
    mask: NDArray[np.uint8] | None,
    starts: _Column,
    lengths: _Column,
    row_offsets: _Column,
    capacity: int,
    align: int,
    pad_id: int,
    tokens: NDArray[Any] | None,
    labels: NDArray[Any] | None,
    position_ids: NDArray[np.int32] | None,
    document_ids: NDArray[np.int32] | None,
    loss_mask: NDArray[np.uint8] | None,
    threads: int | None,
) -> None:
    """Fill matrices of shape (rows, capacity)."""
