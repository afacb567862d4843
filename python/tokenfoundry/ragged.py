"""Ragged token arrays: many rows of unequal length in two flat numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import numpy.typing as npt

from tokenfoundry._core import bpe as _bpe
from tokenfoundry.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Ragged"]

Side = Literal["left", "right"]


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

    @classmethod
    def of(cls, rows: object) -> Ragged:
        """Rows as they come: a ragged array (as it is), an Arrow array of lists of integers (anything with
        ``__arrow_c_array__`` or ``__arrow_c_stream__``), or sequences of ids.

        Raises InputError for anything else, for rows that are missing, and for ids that are none.
        """
        if isinstance(rows, Ragged):
            return rows
        try:
            if hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__"):
                return cls._from_arrow(rows)
            if isinstance(rows, Sequence | np.ndarray) and not isinstance(rows, str | bytes):
                return cls.from_lists([list(row) for row in rows])
        except (TypeError, ValueError, OverflowError, NotImplementedError) as error:  # Arrow's are ValueErrors, too
            raise InputError(f"rows of token ids are wanted: {error}") from error
        raise InputError(f"rows of token ids are wanted (a Ragged, Arrow lists, or lists), not {type(rows).__name__}")

    @classmethod
    def _from_arrow(cls, rows: Any) -> Ragged:
        import pyarrow as pa

        array = pa.chunked_array(rows) if hasattr(rows, "__arrow_c_stream__") else pa.chunked_array([pa.array(rows)])
        lists = array.cast(pa.large_list(pa.uint32())).combine_chunks()
        if lists.null_count or lists.flatten().null_count:
            raise ValueError("rows or ids are missing")
        return cls(lists.values.fill_null(0).to_numpy(), lists.offsets.to_numpy())

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

    def to_padded(
        self,
        length: int | None = None,
        pad_id: int = 0,
        *,
        side: Side = "right",
        truncation_side: Side = "right",
    ) -> npt.NDArray[np.uint32]:
        """A matrix of shape (rows, ``length``), uint32, filled in Rust at the speed of memory.

        Args:
            length: default the longest row's.
            pad_id: what shorter rows are filled with.
            side: where they are filled; ``"left"`` for generation with a decoder-only model.
            truncation_side: where longer rows lose their tokens.

        Raises:
            InputError: a negative length, or a side that is neither ``"left"`` nor ``"right"``.
        """
        if length is None:
            length = int(self.lengths.max(initial=0))
        if length < 0:
            raise InputError(f"length must not be negative, got {length}")
        if not 0 <= pad_id < 1 << 32:
            raise InputError(f"pad_id must be 0 to 4294967295, got {pad_id}")
        return _bpe.pad_rows(self.values, self.offsets, length, pad_id, side, truncation_side)

    def _own_values(self) -> npt.NDArray[np.uint32]:
        return self.values[self.offsets[0] : self.offsets[-1]]
