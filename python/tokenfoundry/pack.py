"""Filling training rows with documents, with little padding and few cuts.

`plan` decides which piece of which document goes into which row, from lengths alone; `pack` also lays the tokens out.
Best-fit decreasing needs the lengths of all documents at once: 24 bytes each, about 20 ns each. Not for deciding
which documents to train on, or in which order: rows come longest piece first, and the loader shuffles them.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import pack as _pack
from tokenfoundry.errors import InputError
from tokenfoundry.ragged import Ragged

__all__ = ["Packed", "Plan", "pack", "plan"]

Strategy = Literal["best_fit", "first_fit_decreasing", "concat"]
Long = Literal["split", "truncate", "drop"]

_STRATEGIES = ("best_fit", "first_fit_decreasing", "concat")
_LONG = ("split", "truncate", "drop")
_LARGEST_CAPACITY = 1 << 26


@dataclass(frozen=True, repr=False)
class Plan:
    """Rows of pieces of documents. Row i has the pieces ``row_offsets[i]`` to ``row_offsets[i + 1]``."""

    capacity: int
    """Most tokens a row."""
    row_offsets: NDArray[np.int64]
    """(rows + 1)"""
    document: NDArray[np.int64]
    """(pieces) index of the piece's document"""
    start: NDArray[np.int64]
    """(pieces) the piece's first token, counted in its document"""
    length: NDArray[np.int64]
    """(pieces) tokens"""
    lower_bound: int
    """No plan of these pieces has fewer rows (Martello and Toth's L2)."""
    cut: int
    """Documents in more than one piece."""
    longer_than_row: int
    """Documents longer than a row: with ``long="split"`` these must be cut."""
    dropped: int
    """Tokens that are in no row."""

    @property
    def rows(self) -> int:
        return len(self.row_offsets) - 1

    @property
    def tokens(self) -> int:
        """Tokens placed."""
        return int(self.length.sum())

    @property
    def density(self) -> float:
        """Tokens placed over tokens that the rows hold; 1 for no rows."""
        return self.tokens / (self.rows * self.capacity) if self.rows else 1.0

    def explain(self) -> str:
        """The plan's quality in words."""
        over = self.rows - self.lower_bound
        return "\n".join([
            f"{self.rows:,} rows of {self.capacity:,} tokens; no plan has fewer than {self.lower_bound:,} (+{over:,})",
            f"{self.tokens:,} tokens placed, density {self.density:.4%}, {self.dropped:,} dropped",
            f"{self.cut:,} documents cut; {self.longer_than_row:,} are longer than a row",
            f"{len(self.document):,} pieces, {len(self.document) / max(self.rows, 1):.2f} a row",
        ])  # fmt: skip

    def __repr__(self) -> str:
        return f"<tokenfoundry.pack.Plan: {self.rows} rows of {self.capacity}, density {self.density:.4f}>"


def plan(lengths: Any, capacity: int, *, strategy: Strategy = "best_fit", long: Long = "split", seed: int = 0) -> Plan:
    """Put documents of these lengths (n, integers >= 0) into rows of at most ``capacity`` tokens.

    ``strategy``: "best_fit" (best-fit decreasing, O(n + capacity)), "first_fit_decreasing" (O(n log n)), or "concat"
    (end to end, cutting where a row is full). ``long``: what becomes of a document longer than a row: "split" into
    full rows and a rest, "truncate" to a row, or "drop"; tokens that go are counted. ``seed``: 0 takes documents of
    equal length in order, any other number in an order of its own. The same arguments give the same plan.
    Raises InputError for a negative length, a capacity out of range, an unknown word.
    """
    if strategy not in _STRATEGIES:
        raise InputError(f"strategy must be one of {', '.join(_STRATEGIES)}, not {strategy!r}")
    if long not in _LONG:
        raise InputError(f"long must be one of {', '.join(_LONG)}, not {long!r}")
    if not 1 <= capacity <= _LARGEST_CAPACITY:
        raise InputError(f"capacity is {capacity}; it must be between 1 and {_LARGEST_CAPACITY:,} tokens")
    array = np.asarray(lengths)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InputError(f"lengths must be one-dimensional integers, not {array.dtype} of shape {array.shape}")
    array = np.ascontiguousarray(array, dtype=np.int64)
    if array.size and int(array.min()) < 0:
        raise InputError(f"lengths[{int(array.argmin())}] is negative: {int(array.min())}")
    fields = _pack.plan(array, capacity, strategy, long, seed % (1 << 64))
    return Plan(capacity=capacity, **fields)


@dataclass(frozen=True, repr=False)
class Packed:
    """Rows as a model reads them."""

    tokens: NDArray[np.uint32]
    """(rows, capacity) padded with ``pad_id``"""
    position_ids: NDArray[np.int32]
    """(rows, capacity) position in the piece, from 0; 0 in padding"""
    labels: NDArray[np.int64]
    """(rows, capacity) the next token of the same piece; -100 at a piece's end and in padding"""
    document_ids: NDArray[np.int32]
    """(rows, capacity) which piece of the row, from 0; -1 in padding"""
    cu_seqlens: list[NDArray[np.int32]]
    """For each row where its pieces begin, and last where they end: what variable-length attention takes"""
    plan: Plan

    @property
    def max_seqlen(self) -> int:
        """Tokens of the longest piece."""
        return int(self.plan.length.max(initial=0))


def pack(
    ragged: Ragged,
    capacity: int,
    *,
    strategy: Strategy = "best_fit",
    long: Long = "split",
    seed: int = 0,
    pad_id: int = 0,
    threads: int | None = None,
) -> Packed:
    """Pack the rows of a ragged array of tokens (a document each); see `plan` for the options."""
    made = plan(np.diff(ragged.offsets), capacity, strategy=strategy, long=long, seed=seed)
    starts = ragged.offsets[made.document] + made.start
    flat = _pack.lay_out_rows(ragged.values, starts, made.length, made.row_offsets, capacity, pad_id, threads)
    arrays = {name: array.reshape(made.rows, capacity) for name, array in flat.items()}
    return Packed(**arrays, cu_seqlens=_cu_seqlens(made.row_offsets, made.length), plan=made)


def _cu_seqlens(row_offsets: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[NDArray[np.int32]]:
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return [
        (ends[first : last + 1] - ends[first]).astype(np.int32)
        for first, last in zip(row_offsets[:-1].tolist(), row_offsets[1:].tolist(), strict=True)
    ]
