"""Ragged token arrays: many rows of unequal length in two flat numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from tokenfoundry.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Ragged"]


class Ragged:
    """Rows of tokens: row ``i`` is ``values[offsets[i]:offsets[i + 1]]``.

    The first owned copy of a document's tokens is the one that is moved into ``values``; rows, slices of rows and
    Arrow arrays made from it are views.

    Args:
        values: uint32, shape (tokens,).
        offsets: int64, shape (rows + 1,), not decreasing. The first need not be 0 (a slice keeps its parent's values).

    Raises:
        InputError: the offsets decrease or point outside the values.
    """

    __slots__ = ("offsets", "values")

    def __init__(self, values: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> None:
        values = np.ascontiguousarray(values, dtype=np.uint32)
        offsets = np.ascontiguousarray(offsets, dtype=np.int64)
        if offsets.ndim != 1 or len(offsets) == 0:
            raise InputError("offsets must be one-dimensional with one more entry than there are rows")
        if offsets[0] < 0 or offsets[-1] > len(values) or bool((np.diff(offsets) < 0).any()):
            raise InputError(f"offsets must not decrease and must lie within 0 and {len(values)}, the number of values")
        self.values = values
        self.offsets = offsets

    @classmethod
    def _trusted(cls, values: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> Ragged:
        """What Rust or a slice made needs no check."""
        ragged = cls.__new__(cls)
        ragged.values = values
        ragged.offsets = offsets
        return ragged

    @classmethod
    def from_lists(cls, rows: list[list[int]]) -> Ragged:
        """Copy a list of lists of ids, each 0 to 2**32 - 1."""
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        flat = [token for row in rows for token in row]
        return cls._trusted(np.array(flat, dtype=np.uint32), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[np.uint32]: ...
    @overload
    def __getitem__(self, index: slice) -> Ragged: ...
    def __getitem__(self, index: int | slice) -> npt.NDArray[np.uint32] | Ragged:
        """One row as a view, or a slice of rows (step 1: views; any other step copies)."""
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return Ragged._trusted(self.values, self.offsets[start : max(start, stop) + 1])
            return self.take(np.arange(start, stop, step))
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"row {index} of a ragged array with {len(self)} rows")
        return self.values[self.offsets[position] : self.offsets[position + 1]]

    def __iter__(self) -> Iterator[npt.NDArray[np.uint32]]:
        return (self[index] for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ragged):
            return NotImplemented
        return bool(
            np.array_equal(self.lengths, other.lengths) and np.array_equal(self._own_values(), other._own_values())
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ragged({len(self)} rows, {int(self.offsets[-1] - self.offsets[0])} tokens)"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Ragged, (self._own_values(), self.offsets - self.offsets[0]))

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens in each row; int64, shape (rows,)."""
        return np.diff(self.offsets)

    def take(self, rows: npt.ArrayLike) -> Ragged:
        """Copy the named rows, in the order named; cost: linear in the tokens taken."""
        chosen = np.asarray(rows, dtype=np.int64)
        lengths = self.lengths[chosen]
        offsets = np.zeros(len(chosen) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        source = np.arange(int(offsets[-1]), dtype=np.int64)
        source += np.repeat(self.offsets[:-1][chosen] - offsets[:-1], lengths)
        return Ragged._trusted(self.values[source], offsets)

    def tolist(self) -> list[list[int]]:
        """Python lists of Python ints, about 12 ns a token."""
        return [row.tolist() for row in self]

    def to_arrow(self) -> pa.LargeListArray:
        """``large_list<uint32>``, sharing memory."""
        import pyarrow as pa

        return pa.LargeListArray.from_arrays(pa.array(self.offsets), pa.array(self.values))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        exported: tuple[object, object] = self.to_arrow().__arrow_c_array__(requested_schema)
        return exported

    def to_padded(self, length: int, pad_id: int) -> npt.NDArray[np.uint32]:
        """A matrix of shape (rows, length), uint32: rows cut on the right at ``length``, then filled with ``pad_id``."""
        if length < 0:
            raise InputError(f"length must not be negative, got {length}")
        kept = np.minimum(self.lengths, length)
        padded = np.full((len(self), length), pad_id, dtype=np.uint32)
        inside = np.arange(length) < kept[:, None]
        trimmed = np.repeat(self.offsets[:-1], kept) + _positions(kept)
        padded[inside] = self.values[trimmed]
        return padded

    def _own_values(self) -> npt.NDArray[np.uint32]:
        return self.values[self.offsets[0] : self.offsets[-1]]


def _positions(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0 .. length - 1 for each row, one after another."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
