"""Plans beside a textbook's best-fit decreasing, at sizes and shapes where shortcuts would show."""

from bisect import bisect_left, insort

import numpy as np
import pytest
from numpy.typing import NDArray

import tokenfoundry as tf

Lengths = NDArray[np.int64]


def best_fit_fills(pieces: Lengths, capacity: int) -> list[int]:
    """Tokens in each row, sorted: each piece into the row with the least room that is enough. O(n log n) looks."""
    rooms: list[int] = []
    full = 0
    for length in np.sort(pieces)[::-1].tolist():
        place = bisect_left(rooms, length)
        room = rooms.pop(place) if place < len(rooms) else capacity
        if room == length:
            full += 1
        else:
            insort(rooms, room - length)
    return sorted([capacity - room for room in rooms] + [capacity] * full)


def pieces_of(lengths: Lengths, capacity: int) -> Lengths:
    rest = lengths - np.maximum(lengths - 1, 0) // capacity * capacity
    full = np.repeat(capacity, int((np.maximum(lengths - 1, 0) // capacity).sum()))
    pieces = np.concatenate([full, rest]).astype(np.int64)
    return pieces[pieces > 0]


def check(lengths: Lengths, capacity: int, **options: int) -> tf.pack.Plan:
    plan = tf.pack.plan(lengths, capacity, **options)  # type: ignore[arg-type]
    assert plan.row_tokens.max(initial=0) <= capacity
    assert np.diff(plan.row_offsets).min(initial=1) >= 1
    # Each document's pieces follow one another without a gap, from its first token to its last.
    order = np.lexsort((plan.start, plan.document))
    document, start, length = plan.document[order], plan.start[order], plan.length[order]
    same = document[1:] == document[:-1]
    assert (start[1:] == np.where(same, start[:-1] + length[:-1], 0)).all()
    totals = np.bincount(document, weights=length, minlength=len(lengths)).astype(np.int64)
    assert (totals == lengths).all() and (length > 0).all()
    assert plan.pieces == len(length) and plan.tokens == lengths.sum()
    assert plan.lower_bound <= plan.rows
    return plan


SHAPES = {
    "even": lambda source, n: source.integers(1, 3000, n),
    "lognormal": lambda source, n: source.lognormal(6, 1.1, n),
    "many empty": lambda source, n: source.integers(0, 4, n) * source.integers(0, 900, n),
    "two sizes": lambda source, n: source.choice([7, 1025], n),
    "powers": lambda source, n: 2.0 ** source.integers(0, 15, n),
    "zipf": lambda source, n: np.minimum(source.zipf(1.3, n), 1 << 22),
    "one size": lambda source, n: np.full(n, 683),
    "a row and one more": lambda source, n: source.choice([2047, 2048, 2049, 1], n),
}


@pytest.mark.parametrize("capacity", [1, 2, 63, 64, 2048, 2200, 131_072, 1 << 22])
@pytest.mark.parametrize("shape", SHAPES)
def test_fills_are_a_textbooks(shape: str, capacity: int) -> None:
    # Rows of one token make a piece of each.
    count = 4000 if capacity >= 63 else 20
    lengths = np.asarray(SHAPES[shape](np.random.default_rng(capacity), count)).astype(np.int64)
    if capacity < 63:
        lengths = np.minimum(lengths, 5000)
    plan = check(lengths, capacity)
    assert sorted(plan.row_tokens.tolist()) == best_fit_fills(pieces_of(lengths, capacity), capacity)
    assert check(lengths, capacity, seed=5).rows == plan.rows


@pytest.mark.parametrize("count", [262_143, 800_000])
@pytest.mark.parametrize(
    "options",
    [{}, {"align": 32}, {"long": "drop"}, {"long": "truncate", "min_piece": 300}, {"min_piece": 40}, {"rows_multiple": 64},
     {"max_pieces": 3, "seed": 2}],
)  # fmt: skip
def test_threads_do_not_change_anything(count: int, options: dict[str, object]) -> None:
    lengths = np.random.default_rng(count).lognormal(6, 1.1, count).astype(np.int64)
    one, three = (tf.pack.plan(lengths, 2048, threads=threads, **options) for threads in (1, 3))  # type: ignore[arg-type]
    for name, array in one.to_arrays().items():
        assert (array == three.to_arrays()[name]).all(), name


def test_ten_million_of_one_length() -> None:
    plan = tf.pack.plan(np.full(10_000_000, 3, np.int64), 1024)
    assert (plan.rows, plan.lower_bound, plan.pieces) == (29_326, 29_326, 10_000_000)
    assert (np.sort(plan.document) == np.arange(10_000_000)).all()


def test_lengths_that_cannot_be() -> None:
    longest = np.iinfo(np.int64).max
    for lengths, capacity, named in [
        ([3, longest, longest], 10, r"lengths\[1\].*more than can be counted"),
        ([5, 1 << 50], 10, "document 1"),
        ([1 << 40] * 3, 4, "pieces"),
        ([4, 5, -(1 << 62)], 10, r"lengths\[2\] is negative"),
    ]:
        with pytest.raises(tf.InputError, match=named):
            tf.pack.plan(lengths, capacity)
    for long in ("truncate", "drop"):
        plan = tf.pack.plan([3, 1 << 60], 10, long=long)  # type: ignore[arg-type]
        assert plan.tokens + plan.dropped == 3 + (1 << 60)
        with pytest.raises(tf.InputError, match="counted"):
            tf.pack.plan([longest, longest], 10, long=long)  # type: ignore[arg-type]
