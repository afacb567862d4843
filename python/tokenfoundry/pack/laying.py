"""Laying tokens out in rows as a model reads them: one pass, into arrays of yours where you give some."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tokenfoundry._core import pack as _pack
from tokenfoundry.errors import InputError
from tokenfoundry.pack.planning import Plan, check_numbers, plan
from tokenfoundry.ragged import Ragged

__all__ = ["COLUMNS", "Boundaries", "Packed", "lay_out", "pack"]

COLUMNS = ("tokens", "position_ids", "labels", "document_ids")
_KNOWN = (*COLUMNS, "loss_mask")


class Boundaries(Sequence[NDArray[np.int32]]):
    """For each row an int32 array of (pieces + 1): views of one flat array."""

    def __init__(self, flat: NDArray[np.int32], row_offsets: NDArray[np.int64]) -> None:
        self.flat = flat
        self._first = row_offsets + np.arange(len(row_offsets))

    def __len__(self) -> int:
        return len(self._first) - 1

    @overload
    def __getitem__(self, row: int) -> NDArray[np.int32]: ...
    @overload
    def __getitem__(self, row: slice) -> list[NDArray[np.int32]]: ...
    def __getitem__(self, row: int | slice) -> NDArray[np.int32] | list[NDArray[np.int32]]:
        if isinstance(row, slice):
            return [self[index] for index in range(*row.indices(len(self)))]
        index = row + len(self) if row < 0 else row
        if not 0 <= index < len(self):
            raise IndexError(f"row {row} of {len(self)} rows")
        return self.flat[self._first[index] : self._first[index + 1]]


class Packed:
    """Rows as a model reads them. Columns that were not asked for raise AttributeError."""

    tokens: NDArray[Any]
    """(rows, capacity) padded with ``pad_id``"""
    position_ids: NDArray[np.int32]
    """(rows, capacity) position in the piece, from 0; 0 in padding"""
    labels: NDArray[Any]
    """(rows, capacity) the next token of the same piece; -100 at a piece's end, in padding, and where the next token is
    not to be learned"""
    document_ids: NDArray[np.int32]
    """(rows, capacity) which piece of the row, from 0; -1 in padding"""
    loss_mask: NDArray[np.uint8]
    """(rows, capacity) 1 where the label counts"""

    def __init__(self, columns: dict[str, NDArray[Any]], plan: Plan) -> None:
        self.columns = columns
        self.plan = plan
        for name, array in columns.items():
            setattr(self, name, array)

    @cached_property
    def cu_seqlens(self) -> Boundaries:
        """For each row how many tokens lie before each of its pieces, and in all: variable-length attention over rows
        whose padding was taken out."""
        return _boundaries(self.plan, 1, to_capacity=False)

    @cached_property
    def cu_seqlens_padded(self) -> Boundaries:
        """The same in slots: where in the row each piece begins, and last the row's capacity. What Transformer Engine
        takes beside ``cu_seqlens`` for rows with padding in them."""
        return _boundaries(self.plan, self.plan.align, to_capacity=True)

    @property
    def max_seqlen(self) -> int:
        """Tokens of the longest piece."""
        return int(self.plan.length.max(initial=0))

    def flat_cu_seqlens(self, first: int = 0, end: int | None = None) -> tuple[NDArray[np.int32], int]:
        """Boundaries in rows ``first`` to ``end`` laid end to end, and the longest stretch between two.

        For variable-length attention over a batch as it lies there, ``tokens[first:end].reshape(-1)``: padding is a
        sequence of its own, so nothing attends to it.
        """
        last = len(self.plan.row_offsets) - 1 if end is None else end
        capacity = self.plan.capacity
        if not 0 <= first <= last <= self.plan.rows or (last - first) * capacity >= 1 << 31:
            raise InputError(f"rows {first} to {last} of {self.plan.rows}, {capacity} slots each, fit no int32")
        starts, _ = _slots(self.plan, self.plan.align)
        ends = starts + self.plan.length
        pieces = slice(int(self.plan.row_offsets[first]), int(self.plan.row_offsets[last]))
        row = np.repeat(np.arange(last - first), np.diff(self.plan.row_offsets[first : last + 1])) * capacity
        row_ends = np.arange(last - first + 1) * capacity
        bounds = np.unique(np.concatenate([starts[pieces] + row, ends[pieces] + row, row_ends])).astype(np.int32)
        return bounds, int(np.diff(bounds).max(initial=0))

    def __len__(self) -> int:
        return self.plan.rows

    def __repr__(self) -> str:
        return f"<tokenfoundry.pack.Packed: {', '.join(self.columns)} of {self.plan!r}>"


def pack(
    ragged: Ragged | object,
    capacity: int,
    *,
    columns: Sequence[str] = COLUMNS,
    loss_mask: ArrayLike | Ragged | None = None,
    pad_id: int = 0,
    dtype: DTypeLike = np.uint32,
    label_dtype: DTypeLike = np.int64,
    out: Mapping[str, NDArray[Any]] | None = None,
    threads: int | None = None,
    **options: Any,
) -> Packed:
    """Pack rows of tokens, a document each (a `Ragged`, or what `Ragged.of` takes): `plan` with ``options``, then
    `lay_out`."""
    ragged = Ragged.of(ragged)
    made = plan(np.diff(ragged.offsets), capacity, threads=threads, **options)
    return lay_out(
        ragged, made, columns=columns, loss_mask=loss_mask, pad_id=pad_id, dtype=dtype, label_dtype=label_dtype, out=out,
        threads=threads,
    )  # fmt: skip


def lay_out(
    ragged: Ragged | object,
    plan: Plan,
    *,
    columns: Sequence[str] = COLUMNS,
    loss_mask: ArrayLike | Ragged | None = None,
    pad_id: int = 0,
    dtype: DTypeLike = np.uint32,
    label_dtype: DTypeLike = np.int64,
    out: Mapping[str, NDArray[Any]] | None = None,
    threads: int | None = None,
) -> Packed:
    """Write a plan's rows: the columns asked for, in one pass, outside the GIL.

    Args:
        columns: any of "tokens", "position_ids", "labels", "document_ids", "loss_mask". What is not needed costs
            nothing: tokens alone move at the speed of a copy.
        loss_mask: not 0 where a token is to be learned: the assistant's turns, say. Labels of other tokens are -100. A
            value for each of the ragged array's ``values``, or, as the tokens are, a row for each document.
        dtype, label_dtype: of tokens (uint32, int32, int64) and labels (int32, int64).
        out: arrays to write to instead of new ones, by name; C-contiguous, of shape (rows, capacity).

    Raises InputError for arrays that do not fit.
    """
    check_numbers(pad_id=pad_id, threads=threads)
    ragged = Ragged.of(ragged)
    given = dict(out or {})
    for name in [*columns, *given]:
        if name not in _KNOWN:
            raise InputError(f"column {name!r} is not one of {', '.join(_KNOWN)}")
    kinds = {
        "tokens": np.dtype(dtype),
        "labels": np.dtype(label_dtype),
        "position_ids": np.dtype(np.int32),
        "document_ids": np.dtype(np.int32),
        "loss_mask": np.dtype(np.uint8),
    }
    if kinds["tokens"] not in (np.uint32, np.int32, np.int64) or kinds["labels"] not in (np.int32, np.int64):
        raise InputError("tokens must be uint32, int32 or int64, labels int32 or int64")
    shape = (plan.rows, plan.capacity)
    arrays: dict[str, NDArray[Any]] = {}
    for name in dict.fromkeys([*columns, *given]):
        array = given.get(name)
        if array is None:
            array = np.empty(shape, kinds[name])
        elif not _is_matrix(array, shape):
            raise InputError(f"out[{name!r}] must be a writeable, C-contiguous array of shape {shape}")
        elif other := next((other for other in arrays if np.may_share_memory(array, arrays[other])), None):
            raise InputError(f"out[{name!r}] and out[{other!r}] share memory")
        elif name in ("position_ids", "document_ids", "loss_mask") and array.dtype != kinds[name]:
            raise InputError(f"out[{name!r}] has {array.dtype}; {kinds[name]} is wanted")
        arrays[name] = array
    mask = None if loss_mask is None else _as_mask(loss_mask, ragged)
    _pack.lay_out_rows(
        ragged.values,
        mask,
        ragged.offsets[plan.document] + plan.start,
        plan.length,
        plan.row_offsets,
        plan.capacity,
        plan.align,
        pad_id,
        arrays.get("tokens"),
        arrays.get("labels"),
        arrays.get("position_ids"),
        arrays.get("document_ids"),
        arrays.get("loss_mask"),
        threads,
    )
    return Packed(arrays, plan)


def _is_matrix(array: object, shape: tuple[int, int]) -> bool:
    flags = array.flags if isinstance(array, np.ndarray) and array.shape == shape else None
    return flags is not None and flags.c_contiguous and flags.writeable


def _as_mask(given: ArrayLike | Ragged, ragged: Ragged) -> NDArray[np.uint8]:
    """1 or 0 for each of ``ragged.values``."""
    rows = given if isinstance(given, Ragged) else None
    if rows is None:
        try:
            flat = np.asarray(given)
        except ValueError:  # rows of unequal length
            flat = np.empty((0, 0))
        if flat.ndim == 1 and flat.dtype != np.object_:
            if flat.shape != ragged.values.shape:
                raise InputError(f"loss_mask has the shape {flat.shape}, the tokens {ragged.values.shape}")
            return np.ascontiguousarray(flat != 0).view(np.uint8)
        rows = Ragged.of(given)
    if not np.array_equal(rows.lengths, ragged.lengths):
        raise InputError("loss_mask has other rows than the tokens: as many and as long ones are wanted")
    mask = np.zeros(len(ragged.values), np.uint8)
    mask[ragged.offsets[0] : ragged.offsets[-1]] = rows.values[rows.offsets[0] : rows.offsets[-1]] != 0
    return mask


def _slots(plan: Plan, align: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where in its row each piece begins, and slots taken in each row, where pieces begin at multiples of ``align``."""
    before = np.concatenate([[0], np.cumsum(-(-plan.length // align) * align)])
    row_begins = before[plan.row_offsets]
    return before[:-1] - np.repeat(row_begins[:-1], np.diff(plan.row_offsets)), np.diff(row_begins)


def _boundaries(plan: Plan, align: int, *, to_capacity: bool) -> Boundaries:
    starts, taken = _slots(plan, align)
    # Piece p of row r is entry p + r, and each row has one more, its end.
    place = np.arange(len(starts)) + np.repeat(np.arange(plan.rows), np.diff(plan.row_offsets))
    flat = np.zeros(len(starts) + plan.rows, np.int32)
    flat[place] = starts
    flat[plan.row_offsets[1:] + np.arange(plan.rows)] = plan.capacity if to_capacity else taken
    return Boundaries(flat, plan.row_offsets)
