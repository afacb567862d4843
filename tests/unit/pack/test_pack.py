"""`tf.pack` against the textbook, and its laws."""

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.reference import packing as reference

LENGTHS = st.lists(st.integers(0, 70), max_size=60)
STRATEGIES = ["best_fit", "first_fit_decreasing", "first_fit", "concat", "trl"]


def rows_of(plan: tf.pack.Plan) -> list[list[tuple[int, int, int]]]:
    pieces = list(zip(plan.document.tolist(), plan.start.tolist(), plan.length.tolist(), strict=True))
    offsets = plan.row_offsets.tolist()
    return [pieces[first:last] for first, last in pairwise(offsets)]


def fills(rows: list[list[tuple[int, int, int]]]) -> list[list[int]]:
    """Lengths in each row, longest first, and rows in an order of their own: what best fit decides."""
    return sorted(sorted((length for _, _, length in row), reverse=True) for row in rows)


@given(LENGTHS, st.integers(1, 40), st.sampled_from(["split", "truncate", "drop"]), st.sampled_from([None, 1, 2, 3]))
@settings(max_examples=400)
def test_plans_equal_the_textbook(lengths: list[int], capacity: int, long: str, max_pieces: int | None) -> None:
    pieces = reference.split(lengths, capacity, long)
    best = tf.pack.plan(lengths, capacity, long=long, max_pieces=max_pieces)  # type: ignore[arg-type]
    textbook = reference.best_fit_decreasing(pieces, capacity, max_pieces)
    assert fills(rows_of(best)) == fills(textbook)
    if not max_pieces:
        trl = tf.pack.plan(lengths, capacity, strategy="trl", long=long)  # type: ignore[arg-type]
        assert rows_of(trl) == textbook
        assert trl.rows == best.rows
    first = tf.pack.plan(lengths, capacity, strategy="first_fit_decreasing", long=long)  # type: ignore[arg-type]
    assert rows_of(first) == reference.first_fit_decreasing(pieces, capacity)
    as_they_come = tf.pack.plan(lengths, capacity, strategy="first_fit", long=long)  # type: ignore[arg-type]
    assert rows_of(as_they_come) == reference.first_fit(pieces, capacity)
    kept = [sum(piece[2] for piece in pieces if piece[0] == document) for document in range(len(lengths))]
    joined = tf.pack.plan(lengths, capacity, strategy="concat", long=long)  # type: ignore[arg-type]
    assert rows_of(joined) == reference.concat(kept, capacity)


@given(
    LENGTHS,
    st.integers(1, 40),
    st.sampled_from(STRATEGIES),
    st.sampled_from(["split", "truncate", "drop"]),
    st.integers(0, 3),
)
@settings(max_examples=300)
def test_laws(lengths: list[int], capacity: int, strategy: str, long: str, seed: int) -> None:
    plan = tf.pack.plan(lengths, capacity, strategy=strategy, long=long, seed=seed)  # type: ignore[arg-type]
    check_laws(plan, lengths, capacity, long)


def check_laws(plan: tf.pack.Plan, lengths: list[int], capacity: int, long: str) -> None:
    rows = rows_of(plan)
    assert all(0 < sum(length for _, _, length in row) <= capacity for row in rows)
    covered = [np.zeros(length, int) for length in lengths]
    for document, start, length in (piece for row in rows for piece in row):
        assert length > 0
        covered[document][start : start + length] += 1
    assert all((count <= 1).all() for count in covered), "no token is in two rows"
    placed = sum(int(count.sum()) for count in covered)
    assert placed + plan.dropped == sum(lengths)
    assert placed == plan.tokens
    if long == "split" and not plan.dropped_short:
        assert plan.dropped == 0
    assert plan.lower_bound <= plan.rows
    assert plan.cut == sum(len([p for row in rows for p in row if p[0] == d]) > 1 for d in range(len(lengths)))
    assert plan.longer_than_row == sum(length > capacity for length in lengths)
    assert "density" in plan.explain()


def test_a_seed_changes_the_order_and_not_the_fill() -> None:
    lengths = np.random.default_rng(0).integers(1, 300, 5000)
    plans = [tf.pack.plan(lengths, 1024, seed=seed) for seed in (0, 1, 1, 2)]
    fills = [np.add.reduceat(plan.length, plan.row_offsets[:-1]).tolist() for plan in plans]
    assert fills[0] == fills[1] == fills[3]
    assert (plans[1].document == plans[2].document).all()
    assert (plans[1].document != plans[3].document).any()
    assert plans[0].density > 0.99


def test_large_and_hostile_plans() -> None:
    assert tf.pack.plan(np.ones(1_000_000, np.int64), 4096).rows == 245
    one = tf.pack.plan([50_000_000], 2048)
    assert (one.rows, one.dropped, one.cut) == (24415, 0, 1)
    assert tf.pack.plan([], 10).rows == 0
    assert tf.pack.plan([0, 0], 10).density == 1.0
    assert tf.pack.plan([300_000, 200_000, 100_000], 400_000).rows == 2


def test_pack_lays_tokens_out() -> None:
    ragged = tf.Ragged.from_lists([[1, 2, 3], [4, 5], [6], [7, 8, 9, 10, 11]])
    packed = tf.pack.pack(ragged, 4, pad_id=99)
    assert packed.tokens.tolist() == [[7, 8, 9, 10], [1, 2, 3, 6], [4, 5, 11, 99]]
    assert packed.position_ids.tolist() == [[0, 1, 2, 3], [0, 1, 2, 0], [0, 1, 0, 0]]
    assert packed.labels.tolist() == [[8, 9, 10, -100], [2, 3, -100, -100], [5, -100, -100, -100]]
    assert packed.document_ids.tolist() == [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, -1]]
    assert [row.tolist() for row in packed.cu_seqlens] == [[0, 4], [0, 3, 4], [0, 2, 3]]
    assert packed.max_seqlen == 4
    assert tf.pack.pack(tf.Ragged.from_lists([]), 4).tokens.shape == (0, 4)


@given(st.lists(st.lists(st.integers(0, 9), max_size=20), max_size=20), st.integers(1, 12))
@settings(max_examples=150)
def test_packed_rows_give_the_documents_back(rows: list[list[int]], capacity: int) -> None:
    packed = tf.pack.pack(tf.Ragged.from_lists(rows), capacity, threads=2)
    back: dict[tuple[int, int], list[int]] = {}
    for index, pieces in enumerate(rows_of(packed.plan)):
        for number, (document, start, _) in enumerate(pieces):
            back[document, start] = packed.tokens[index][packed.document_ids[index] == number].tolist()
    joined = [list(chain(*(back[key] for key in sorted(back) if key[0] == document))) for document in range(len(rows))]
    assert joined == rows


def test_bad_arguments() -> None:
    for arguments, named in [
        (([1], 0), "capacity"),
        (([-1], 4), "negative"),
        (([1.5], 4), "integers"),
        (([[1]], 4), "one-dimensional"),
    ]:
        with pytest.raises(tf.InputError, match=named):
            tf.pack.plan(*arguments)
    with pytest.raises(tf.InputError, match="best_fit"):
        tf.pack.plan([1], 4, strategy="worst")  # type: ignore[arg-type]
    with pytest.raises(tf.InputError, match="truncate"):
        tf.pack.plan([1], 4, long="keep")  # type: ignore[arg-type]
