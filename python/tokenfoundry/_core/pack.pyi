"""Packing in Rust; `tokenfoundry.pack` is its public face."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def plan(lengths: NDArray[np.int64], capacity: int, strategy: str, long: str, seed: int) -> dict[str, Any]:
    """Fields of a plan: row_offsets, document, start, length (int64); lower_bound, cut, longer_than_row, dropped."""

def lay_out_rows(
    values: NDArray[np.uint32],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    row_offsets: NDArray[np.int64],
    capacity: int,
    pad_id: int,
    threads: int | None,
) -> dict[str, Any]:
    """Flat arrays of rows * capacity: tokens (uint32), position_ids (int32), labels (int64), document_ids (int32)."""
