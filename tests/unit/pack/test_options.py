"""Constraints and policies of `tf.pack.plan`: laws under Hypothesis, and what is counted."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf

LENGTHS = st.lists(st.integers(0, 90), max_size=50)


def rows_of(plan: tf.pack.Plan) -> list[list[tuple[int, int, int]]]:
    pieces = list(zip(plan.document.tolist(), plan.start.tolist(), plan.length.tolist(), strict=True))
    return [pieces[first:last] for first, last in pairwise(plan.row_offsets.tolist())]


def check(plan: tf.pack.Plan, lengths: list[int], *, empty_rows: bool = False) -> list[list[tuple[int, int, int]]]:
    """Each token in exactly one row unless it was dropped and counted; rows never above the capacity."""
    rows = rows_of(plan)
    assert all(empty_rows or row for row in rows)
    covered = [np.zeros(length, int) for length in lengths]
    for document, start, length in (piece for row in rows for piece in row):
        assert length > 0
        covered[document][start : start + length] += 1
    assert all((count <= 1).all() for count in covered)
    placed = sum(int(count.sum()) for count in covered)
    assert placed == plan.tokens
    assert placed + plan.dropped == sum(lengths)
    assert plan.lower_bound <= plan.rows
    assert all(sum(length for _, _, length in row) <= plan.capacity for row in rows)
    per_document = [sum(piece[0] == document for row in rows for piece in row) for document in range(len(lengths))]
    assert plan.cut == sum(count > 1 for count in per_document)
    return rows


@given(LENGTHS, st.integers(4, 40), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2))
@settings(max_examples=200)
def test_alignment(lengths: list[int], capacity: int, align: int, max_pieces: int, seed: int) -> None:
    align = min(align, capacity)
    plan = tf.pack.plan(lengths, capacity, align=align, max_pieces=max_pieces, seed=seed)
    rows = check(plan, lengths)
    assert plan.dropped == 0
    slots = [[-(-length // align) * align for _, _, length in row] for row in rows]
    assert all(sum(row) <= capacity and len(row) <= max_pieces for row in slots)
    assert plan.alignment_loss == sum(map(sum, slots)) - plan.tokens


@given(LENGTHS, st.integers(1, 40), st.sampled_from(["best_fit", "concat", "trl", "first_fit"]), st.integers(1, 9))
@settings(max_examples=200)
def test_rows_are_a_multiple(lengths: list[int], capacity: int, strategy: str, multiple: int) -> None:
    plan = tf.pack.plan(lengths, capacity, strategy=strategy, rows_multiple=multiple)  # type: ignore[arg-type]
    rows = check(plan, lengths, empty_rows=True)
    assert plan.rows % multiple == 0
    plain = tf.pack.plan(lengths, capacity, strategy=strategy)  # type: ignore[arg-type]
    assert plan.rows - plain.rows < multiple
    if any(not row for row in rows):
        assert all(len(row) < 2 for row in rows), "rows are empty only where none could be dealt to two"


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 4)), max_size=50), st.integers(1, 40), st.integers(1, 5))
@settings(max_examples=200)
def test_groups_that_stay_apart(documents: list[tuple[int, int]], capacity: int, max_pieces: int) -> None:
    lengths, groups = [length for length, _ in documents], [group for _, group in documents]
    plan = tf.pack.plan(lengths, capacity, apart=np.array(groups, int), max_pieces=max_pieces)
    for row in check(plan, lengths):
        inside = [groups[document] for document, _, _ in row]
        assert len(set(inside)) == len(inside) <= max_pieces
    assert plan.dropped == 0


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(-1, 4)), max_size=50), st.integers(1, 60), st.integers(0, 2))
@settings(max_examples=200)
def test_clusters_come_together(documents: list[tuple[int, int]], capacity: int, seed: int) -> None:
    lengths, clusters = [length for length, _ in documents], [cluster for _, cluster in documents]
    plan = tf.pack.plan(lengths, capacity, together=np.array(clusters, int), seed=seed)
    check(plan, lengths)
    assert plan.dropped == 0


def test_small_clusters_share_rows() -> None:
    source = np.random.default_rng(3)
    lengths = source.integers(20, 400, 30_000)
    clusters = np.arange(30_000) // 3
    order = source.permutation(30_000)
    plan = tf.pack.plan(lengths[order], 2048, together=clusters[order])
    row_of = np.repeat(np.arange(plan.rows), np.diff(plan.row_offsets))
    rows_of_cluster = [set() for _ in range(10_000)]  # type: ignore[var-annotated]
    for document, row in zip(plan.document.tolist(), row_of.tolist(), strict=True):
        rows_of_cluster[int(clusters[order[document]])].add(row)
    assert all(len(rows) == 1 for rows in rows_of_cluster)
    assert plan.density > 0.98


@given(
    st.lists(st.tuples(st.integers(0, 90), st.lists(st.integers(0, 95), max_size=8)), max_size=20),
    st.integers(1, 40),
    st.integers(1, 10),
    st.sampled_from(["split", "truncate", "drop"]),
)
@settings(max_examples=300)
def test_cuts_at_boundaries(documents: list[tuple[int, list[int]]], capacity: int, shortest: int, long: str) -> None:
    lengths = [length for length, _ in documents]
    positions = [sorted(places) for _, places in documents]
    flat = np.array([place for places in positions for place in places], np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(places) for places in positions])]).astype(np.int64)
    shortest = min(shortest, capacity)
    plan = tf.pack.plan(lengths, capacity, boundaries=(flat, offsets), min_piece=shortest, long=long)  # type: ignore[arg-type]
    rows = check(plan, lengths)
    inside = set()
    for document, start, length in (piece for row in rows for piece in row):
        assert length >= shortest
        if start and start not in positions[document]:
            inside.add(document)
    if long == "split":
        assert len(inside) <= plan.cut_inside
        assert plan.dropped == plan.dropped_short


def test_a_long_document_is_cut_at_its_last_boundary() -> None:
    boundaries = (np.array([3, 7, 9, 14, 20]), np.array([0, 5]))
    plan = tf.pack.plan([20], 8, boundaries=boundaries)
    assert sorted(zip(plan.start.tolist(), plan.length.tolist(), strict=True)) == [(0, 7), (7, 7), (14, 6)]
    assert (plan.cut, plan.cut_inside) == (1, 0)
    assert sorted(tf.pack.plan([20], 8, boundaries=(np.array([2]), np.array([0, 1]))).length.tolist()) == [2, 2, 8, 8]


def test_a_cut_makes_way_for_a_rest_that_would_be_too_short() -> None:
    assert sorted(tf.pack.plan([21], 10, min_piece=4).length.tolist()) == [4, 7, 10]
    dropped = tf.pack.plan([3, 21, 4], 10, min_piece=4)
    assert (dropped.dropped_short, dropped.dropped_long, dropped.tokens) == (3, 0, 25)


def test_boundaries_are_found_behind_tokens() -> None:
    ragged = tf.Ragged.from_lists([[1, 9, 2, 9], [], [9], [5, 5, 8, 5]])
    positions, offsets = tf.pack.boundaries(ragged, {9, 8})
    assert positions.tolist() == [2, 4, 1, 3]
    assert offsets.tolist() == [0, 2, 2, 3, 4]
    positions, offsets = tf.pack.boundaries(ragged[2:], [9, 8])
    assert (positions.tolist(), offsets.tolist()) == ([1, 3], [0, 1, 2])


def test_an_epoch_draws_an_order_of_its_own() -> None:
    lengths = np.random.default_rng(0).integers(1, 300, 3000)
    plans = [tf.pack.plan(lengths, 1024, seed=7, epoch=epoch).document.tolist() for epoch in (0, 1, 1, 2)]
    assert plans[1] == plans[2]
    assert plans[0] != plans[1] != plans[3]


def test_a_plan_is_checked_and_explains_itself() -> None:
    plan = tf.pack.plan([5, 9, 3, 30], 10, align=2)
    plan.check(density=0.5, dropped=(None, 0), cut_avoidable=(0, 0))
    with pytest.raises(tf.GateError, match=r"(?s)density is 0\.9.*rows of 10"):
        plan.check(density=0.999)
    with pytest.raises(tf.GateError, match="cut is 1"):
        plan.check(cut=(None, 0))
    with pytest.raises(tf.InputError, match="densty"):
        plan.check(densty=1)
    told = plan.explain()
    for number in ("aligning pieces to 2", "1 documents cut", "no plan has fewer than"):
        assert number in told
    assert 0 < plan.attention_balance <= 1
    assert plan.quality()["rows"] == plan.rows
    again = pickle.loads(pickle.dumps(plan))
    assert again.document.tolist() == plan.document.tolist()
    assert again.explain() == told


def test_threads_do_not_change_a_plan() -> None:
    lengths = np.random.default_rng(1).geometric(1 / 700, 1_200_000)
    one, four = (tf.pack.plan(lengths, 2048, threads=threads, seed=3) for threads in (1, 4))
    assert (one.row_offsets == four.row_offsets).all()
    assert (one.document == four.document).all()
    assert (one.start == four.start).all()
    assert one.rows - one.lower_bound < 20


def test_options_that_do_not_go_together() -> None:
    for options, named in [
        ({"strategy": "concat", "align": 2}, "best_fit"),
        ({"strategy": "trl", "max_pieces": 2}, "best_fit"),
        ({"together": [1], "align": 2}, "together"),
        ({"apart": [1], "align": 2}, "apart"),
        ({"strategy": "concat", "min_piece": 2}, "min_piece"),
        ({"align": 0}, "align"),
        ({"align": 11}, "align"),
        ({"min_piece": 11}, "min_piece"),
        ({"max_pieces": 0}, "max_pieces"),
        ({"rows_multiple": 0}, "rows_multiple"),
        ({"threads": -1}, "threads"),
        ({"apart": [1, 2]}, "apart"),
        ({"together": [[1]]}, "together"),
        ({"boundaries": (np.array([1]), np.array([0, 2]))}, "boundaries"),
        ({"boundaries": (np.array([2, 1]), np.array([0, 2]))}, "rise"),
    ]:
        with pytest.raises(tf.InputError, match=named):
            tf.pack.plan([5], 10, **options)  # type: ignore[arg-type]


def test_hostile_lengths_are_errors() -> None:
    with pytest.raises(tf.InputError, match="pieces"):
        tf.pack.plan([1 << 62], 1)
    with pytest.raises(tf.InputError, match=r"lengths\[1\].*counted"):
        tf.pack.plan([1 << 62, 1 << 62, 1 << 62], 8, long="truncate")
    with pytest.raises(tf.InputError, match=r"lengths\[0\]"):
        tf.pack.plan(np.array([1 << 63], np.uint64), 8)
    with pytest.raises(tf.InputError, match="rows"):
        tf.pack.plan([1 << 62], 1, strategy="concat")
    assert tf.pack.plan([1 << 62], 8, long="drop").dropped == 1 << 62


def test_seeds_may_be_of_any_integer_type() -> None:
    lengths = [1, 2, 3, 3, 3, 2]
    for kind in (np.int32, np.uint64, np.int64):
        seeded = tf.pack.plan(lengths, 4, seed=kind(7))  # type: ignore[call-overload]
        assert (seeded.document == tf.pack.plan(lengths, 4, seed=7).document).all()
    tokens = tf.Ragged.from_lists([[1, 2, 3]])
    for boundaries in ([1.5], 5, ([0.5], [0, 1]), ("a", [0])):
        with pytest.raises(tf.InputError, match="boundaries"):
            tf.pack.plan([9], 4, boundaries=boundaries)  # type: ignore[arg-type]
    with pytest.raises(tf.InputError, match="token ids"):
        tf.pack.boundaries(tokens, [-1])
