"""Plans: which piece of which document goes into which row, from lengths alone.

Best-fit decreasing needs the lengths of all documents at once: 8 bytes each, and about 20 while it works. Rows come
fullest first, and the loader shuffles them.
"""

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenfoundry._core import pack as _pack
from tokenfoundry.errors import GateError, InputError
from tokenfoundry.ragged import Ragged

__all__ = ["Plan", "boundaries", "plan"]

Strategy = Literal["best_fit", "first_fit_decreasing", "first_fit", "concat", "trl"]
Long = Literal["split", "truncate", "drop"]

STRATEGIES = ("best_fit", "first_fit_decreasing", "first_fit", "concat", "trl")
LONG = ("split", "truncate", "drop")
LARGEST_CAPACITY = 1 << 26
_MASK = (1 << 64) - 1


_NUMBERS = (
    "lower_bound", "cut", "cut_inside", "longer_than_row", "dropped_long", "dropped_short", "alignment_loss", "tokens",
)  # fmt: skip


class Plan:
    """Rows of pieces of documents. Row i has the pieces ``row_offsets[i]`` to ``row_offsets[i + 1]``.

    ``document``, ``start`` and ``length`` are int64 arrays over the pieces: index of the piece's document, its first
    token counted in the document, its tokens. They and ``row_offsets`` are made when they are first asked for; until
    then a plan is 4 bytes a piece.
    """

    def __init__(self, capacity: int, align: int, fields: dict[str, Any], threads: int | None = None) -> None:
        self.capacity = capacity
        """Most tokens a row."""
        self.align = align
        """Pieces begin at multiples of this."""
        self.rows: int = fields["rows"]
        """Their number."""
        self.pieces: int = fields["piece_count"]
        """Their number."""
        self.lower_bound: int = fields["lower_bound"]
        """No plan of these pieces has fewer rows (the largest of the sum bound, Martello and Toth's
        L2, and the count bound: at most k pieces longer than a (k + 1)-th of a row share one)."""
        self.cut: int = fields["cut"]
        """Documents in more than one piece."""
        self.cut_inside: int = fields["cut_inside"]
        """Documents cut at a place that is no boundary, where boundaries were given."""
        self.longer_than_row: int = fields["longer_than_row"]
        """Documents longer than a row: with ``long="split"`` these must be cut."""
        self.dropped_long: int = fields["dropped_long"]
        """Tokens in no row because their document was too long."""
        self.dropped_short: int = fields["dropped_short"]
        """Tokens in no row because their piece was shorter than ``min_piece``."""
        self.alignment_loss: int = fields["alignment_loss"]
        """Slots between pieces that stay empty because pieces begin at multiples."""
        self.tokens: int = fields["tokens"]
        """Tokens placed."""
        self._pieces = fields["pieces"]
        self._threads = threads

    @cached_property
    def row_offsets(self) -> NDArray[np.int64]:
        """(rows + 1)"""
        offsets: NDArray[np.int64] = self._pieces.row_offsets()
        return offsets

    @cached_property
    def _columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        _ = self.row_offsets
        columns: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] = self._pieces.columns(self._threads)
        del self._pieces
        return columns

    @property
    def document(self) -> NDArray[np.int64]:
        return self._columns[0]

    @property
    def start(self) -> NDArray[np.int64]:
        return self._columns[1]

    @property
    def length(self) -> NDArray[np.int64]:
        return self._columns[2]

    def __getstate__(self) -> dict[str, Any]:
        _ = self._columns
        return self.__dict__

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, numbers as arrays without a dimension; `from_arrays` takes them."""
        numbers = {name: np.asarray(getattr(self, name)) for name in ("capacity", "align", *_NUMBERS)}
        columns = {"document": self.document, "start": self.start, "length": self.length}
        return {**numbers, "row_offsets": self.row_offsets, **columns}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Plan":
        """What `to_arrays` gave."""
        plan = cls.__new__(cls)
        for name in ("capacity", "align", *_NUMBERS):
            setattr(plan, name, int(arrays[name]))
        plan.row_offsets = np.asarray(arrays["row_offsets"])
        plan.rows, plan.pieces = len(plan.row_offsets) - 1, int(plan.row_offsets[-1])
        plan._columns = (arrays["document"], arrays["start"], arrays["length"])
        return plan

    @property
    def dropped(self) -> int:
        """Tokens that are in no row."""
        return self.dropped_long + self.dropped_short

    @property
    def density(self) -> float:
        """Tokens placed over tokens that the rows hold; 1 for no rows."""
        return self.tokens / (self.rows * self.capacity) if self.rows else 1.0

    @cached_property
    def row_tokens(self) -> NDArray[np.int64]:
        """(rows) tokens in each row, without what alignment leaves empty."""
        ends = np.concatenate([[0], np.cumsum(self.length)])
        return np.diff(ends[self.row_offsets])

    @cached_property
    def attention(self) -> NDArray[np.float64]:
        """(rows) pairs of tokens that attend to one another: the sum of ``length * (length + 1) / 2`` over a row."""
        length = self.length.astype(np.float64)
        ends = np.concatenate([[0.0], np.cumsum(length * (length + 1) / 2)])
        return np.diff(ends[self.row_offsets])

    @property
    def attention_balance(self) -> float:
        """Mean over rows of attention pairs, over the dearest row's: 1 where no row waits for another."""
        largest = float(self.attention.max(initial=0))
        return float(self.attention.mean()) / largest if largest else 1.0

    def quality(self) -> dict[str, float]:
        """The plan in numbers, for reports and gates. See `check`."""
        return {
            "rows": self.rows,
            "lower_bound": self.lower_bound,
            "rows_over_bound": self.rows - self.lower_bound,
            "density": self.density,
            "tokens": self.tokens,
            "dropped": self.dropped,
            "dropped_long": self.dropped_long,
            "dropped_short": self.dropped_short,
            "cut": self.cut,
            "cut_inside": self.cut_inside,
            "longer_than_row": self.longer_than_row,
            "cut_avoidable": max(self.cut - self.longer_than_row, 0),
            "alignment_loss": self.alignment_loss,
            "pieces": self.pieces,
            "attention_balance": self.attention_balance,
        }

    def check(self, **bounds: tuple[float | None, float | None] | float) -> None:
        """Raise GateError where a number of `quality` is out of bounds.

        ``check(density=0.99, dropped=(None, 0), cut_avoidable=(0, 10))``: a single number is the least allowed, a pair
        the least and the most; None is no bound.
        """
        found = self.quality()
        for name, bound in bounds.items():
            if name not in found:
                raise InputError(f"{name!r} is not a number of a plan; there are {', '.join(found)}")
            least, most = bound if isinstance(bound, tuple) else (bound, None)
            if (least is not None and found[name] < least) or (most is not None and found[name] > most):
                raise GateError(f"pack: {name} is {found[name]:,}; allowed is {least} to {most}\n{self.explain()}")

    def explain(self) -> str:
        """The plan's quality in words."""
        over = self.rows - self.lower_bound
        avoidable = max(self.cut - self.longer_than_row, 0)
        lines = [
            f"{self.rows:,} rows of {self.capacity:,} tokens; no plan has fewer than {self.lower_bound:,} (+{over:,})",
            f"{self.tokens:,} tokens placed, density {self.density:.4%}, {self.dropped:,} dropped "
            f"({self.dropped_long:,} of long documents, {self.dropped_short:,} of short pieces)",
            f"{self.cut:,} documents cut, {avoidable:,} of them avoidably; {self.longer_than_row:,} are longer than a row",
            f"{self.pieces:,} pieces, {self.pieces / max(self.rows, 1):.2f} a row",
            f"attention: the mean row costs {self.attention_balance:.1%} of the dearest",
        ]
        if self.align > 1:
            slots = self.rows * self.capacity
            share = self.alignment_loss / slots if slots else 0.0
            lines.append(f"{self.alignment_loss:,} slots lost by aligning pieces to {self.align} ({share:.3%})")
        if self.cut_inside:
            lines.append(f"{self.cut_inside:,} documents cut at a place that is no boundary")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<tokenfoundry.pack.Plan: {self.rows} rows of {self.capacity}, density {self.density:.4f}>"


def plan(
    lengths: ArrayLike,
    capacity: int,
    *,
    strategy: Strategy = "best_fit",
    long: Long = "split",
    seed: int = 0,
    epoch: int = 0,
    boundaries: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    min_piece: int = 1,
    max_pieces: int | None = None,
    align: int = 1,
    rows_multiple: int = 1,
    apart: ArrayLike | None = None,
    together: ArrayLike | None = None,
    threads: int | None = None,
) -> Plan:
    """Put documents of these lengths (n, integers >= 0) into rows of at most ``capacity`` tokens.

    Args:
        strategy: "best_fit" (best-fit decreasing, O(n + capacity)), "first_fit_decreasing" (O(n log n), NeMo's rows),
            "first_fit" (as they come; NeMo's ``first_fit_shuffle`` of lengths shuffled before), "concat" (end to end,
            cutting where a row is full), or "trl" (TRL's ``bfd`` with ``long="truncate"``, ``bfd_split`` with "split").
        long: what becomes of a document longer than a row: "split" into full rows and a rest, "truncate" to a row, or
            "drop". Tokens that go are counted.
        seed, epoch: 0 and 0 take documents of equal length in order; any other pair draws an order of its own.
        boundaries: where documents may be cut, from `boundaries`; a long one is cut at its last boundary in reach.
        min_piece: shorter documents and rests are dropped and counted; a cut makes way for a rest where it can.
        max_pieces: most pieces a row.
        align: pieces begin at multiples of this (2 times the context-parallel size, 32 for MXFP8, 128 for some MoE
            kernels). Only align where a kernel needs it: what it costs is in ``alignment_loss``.
        rows_multiple: the number of rows is a multiple of this (data-parallel size): rows with most pieces are dealt
            to two, and where none has two pieces, empty rows are added.
        apart: (n) integers; documents with equal ones do not share a row (answers to one prompt, say).
        together: (n) integers; documents with equal ones share rows where they can (clusters of similar documents).

    ``boundaries`` to ``align`` need a strategy other than "concat", ``max_pieces``, ``align`` and ``apart`` need
    "best_fit", and so does ``together``, without the others. The same arguments give the same plan, whatever ``threads``.
    Raises InputError for lengths that are no lengths, a capacity out of range, options that do not go together.
    """
    if strategy not in STRATEGIES:
        raise InputError(f"strategy must be one of {', '.join(STRATEGIES)}, not {strategy!r}")
    if long not in LONG:
        raise InputError(f"long must be one of {', '.join(LONG)}, not {long!r}")
    check_capacity(capacity)
    check_numbers(threads=threads)
    if not 1 <= align <= capacity:
        raise InputError(f"align is {align}; it must be between 1 and the capacity, {capacity}")
    if not 1 <= min_piece <= capacity:
        raise InputError(f"min_piece is {min_piece}; it must be between 1 and the capacity, {capacity}")
    if max_pieces is not None and max_pieces < 1:
        raise InputError(f"max_pieces is {max_pieces}; it must be at least 1")
    if not 1 <= rows_multiple <= 1 << 24:
        raise InputError(f"rows_multiple is {rows_multiple}; it must be between 1 and 2^24")
    given = {"max_pieces": max_pieces, "align": align > 1 or None, "apart": apart, "together": together}
    constraints = [name for name, value in given.items() if value is not None]
    if constraints and strategy != "best_fit":
        raise InputError(f"{constraints[0]} needs strategy='best_fit', not {strategy!r}")
    if together is not None and len(constraints) > 1:
        raise InputError(f"together and {constraints[0]} do not go together")
    if apart is not None and align > 1:
        raise InputError("apart and align do not go together")
    if strategy == "concat" and (boundaries is not None or min_piece > 1):
        raise InputError("concat cuts where rows are full: it takes neither boundaries nor min_piece")
    fields = _pack.plan(
        as_lengths(lengths),
        capacity,
        strategy,
        long,
        (int(seed) if epoch == 0 else hash_pair(seed, epoch)) & _MASK,
        align,
        min_piece,
        min(max_pieces or _LIMIT, _LIMIT),
        rows_multiple,
        _as_boundaries(boundaries),
        _as_labels("apart", apart),
        _as_labels("together", together),
        threads,
    )
    return Plan(capacity, align, fields, threads)


_LIMIT = (1 << 32) - 1


def check_numbers(*, pad_id: int = 0, threads: int | None = None) -> None:
    """Raise InputError for a padding id that is no token id, and for less than one thread."""
    if not 0 <= pad_id < 1 << 31:
        raise InputError(f"pad_id is {pad_id}; it must be a token id, 0 to 2^31 - 1")
    if threads is not None and threads < 1:
        raise InputError(f"threads is {threads}; it must be at least 1, or None for all cores")


def check_capacity(capacity: int) -> None:
    if not 1 <= capacity <= LARGEST_CAPACITY:
        raise InputError(f"capacity is {capacity}; it must be between 1 and {LARGEST_CAPACITY:,} tokens")


def as_lengths(lengths: ArrayLike) -> NDArray[np.int64]:
    """int64, contiguous; whether they are negative is found on the way."""
    array = np.asarray(lengths)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InputError(f"lengths must be one-dimensional integers, not {array.dtype} of shape {array.shape}")
    if array.dtype == np.uint64 and array.size and int(array.max()) >= 1 << 63:
        raise InputError(f"lengths[{int(array.argmax())}] is {int(array.max())}, more than 2^63 - 1")
    return np.ascontiguousarray(array, dtype=np.int64)


def hash_pair(one: int, other: int) -> int:
    """A number of 64 bits that depends on all bits of both: SplitMix64's finalizer, twice."""
    mixed = _mix64((int(one) & _MASK) ^ _mix64(int(other) & _MASK))
    return mixed or 1


def _mix64(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def _as_boundaries(
    given: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    if given is None:
        return None
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InputError("boundaries are a pair of positions and offsets, as `tokenfoundry.pack.boundaries` gives")
    positions, offsets = _as_labels("boundaries' positions", given[0]), _as_labels("boundaries' offsets", given[1])
    return None if positions is None or offsets is None else (positions, offsets)


def _as_labels(name: str, labels: ArrayLike | None) -> NDArray[np.int64] | None:
    if labels is None:
        return None
    array = np.asarray(labels)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InputError(f"{name} must be one-dimensional integers, not {array.dtype} of shape {array.shape}")
    return np.ascontiguousarray(array, np.int64)


def boundaries(ragged: Ragged | object, after: Collection[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where documents may be cut: behind each of these tokens (ids of a line break, an end of a turn, a full stop).

    Returns (positions, offsets), int64: those of document i are ``positions[offsets[i]:offsets[i + 1]]``, counted in
    the document. Cost: a pass over the tokens.
    """
    ragged = Ragged.of(ragged)
    first, last = int(ragged.offsets[0]), int(ragged.offsets[-1])
    try:
        ends = np.fromiter(after, np.uint32)
    except OverflowError as error:
        raise InputError(f"after must be token ids: {error}") from error
    hits = np.flatnonzero(np.isin(ragged.values[first:last], ends)) + 1
    starts = ragged.offsets - first
    # A boundary at a document's end belongs to it, and is none.
    offsets = np.searchsorted(hits, starts, side="right").astype(np.int64)
    document = np.searchsorted(starts, hits, side="left") - 1
    return (hits - starts[document]).astype(np.int64), offsets
