"""`tf.pack.balance`, `schedule` and `Cost`: twins, laws, and that it pays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry.reference import packing as reference


@given(st.lists(st.integers(0, 1000), max_size=40), st.integers(1, 9), st.booleans())
@settings(max_examples=300)
def test_differencing_equals_the_twin(costs: list[int], groups: int, equal_counts: bool) -> None:
    group_of = tf.pack.balance(costs, groups, equal_counts=equal_counts, method="differencing")
    sums = np.bincount(group_of, weights=costs, minlength=groups).astype(int)
    assert sorted(sums.tolist(), reverse=True) == reference.differencing(costs, groups, equal_counts)


@given(
    st.lists(st.integers(0, 1000), max_size=60),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from(["best", "differencing", "largest_first"]),
)
@settings(max_examples=300)
def test_laws(costs: list[int], groups: int, equal_counts: bool, method: str) -> None:
    group_of = tf.pack.balance(costs, groups, equal_counts=equal_counts, method=method)  # type: ignore[arg-type]
    assert group_of.shape == (len(costs),)
    assert ((group_of >= 0) & (group_of < groups)).all()
    counts = np.bincount(group_of, minlength=groups)
    if equal_counts:
        assert counts.max() - counts.min() <= 1
    elif costs:
        sums = np.bincount(group_of, weights=costs, minlength=groups)
        # Graham's bound, which differencing keeps too: no more than a mean and the dearest.
        assert sums.max() <= sum(costs) / groups + max(costs) + 1e-9


def test_floats_and_large_costs() -> None:
    costs = np.random.default_rng(0).lognormal(20, 1, 512)
    one = tf.pack.balance(costs, 8)
    assert (one == tf.pack.balance(costs * 1e200, 8)).all()
    sums = np.bincount(one, weights=costs)
    assert sums.max() / sums.mean() < 1.2
    assert tf.pack.balance([], 3).tolist() == []
    assert sorted(tf.pack.balance([1 << 62, 1 << 62], 2).tolist()) == [0, 1]
    for wrong in ([-1], [float("nan")], [float("inf")], [[1]], ["a"]):
        with pytest.raises(tf.InputError):
            tf.pack.balance(wrong, 2)
    with pytest.raises(tf.InputError, match="groups"):
        tf.pack.balance([1], 0)
    with pytest.raises(tf.InputError, match="method"):
        tf.pack.balance([1], 1, method="first")  # type: ignore[arg-type]


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 6), st.integers(0, 3))
@settings(max_examples=60)
def test_a_schedule_has_each_row_once(ranks: int, rows_per_rank: int, steps: int, seed: int) -> None:
    costs = np.random.default_rng(seed).integers(0, 1000, ranks * rows_per_rank * steps)
    made = tf.pack.schedule(costs, ranks, rows_per_rank, seed=seed)
    assert made.shape == (steps, ranks, rows_per_rank)
    assert sorted(made.reshape(-1).tolist()) == list(range(len(costs)))
    assert (made == tf.pack.schedule(costs, ranks, rows_per_rank, seed=seed)).all()


def test_a_schedule_that_does_not_come_out_is_an_error() -> None:
    with pytest.raises(tf.InputError, match="rows_multiple=4"):
        tf.pack.schedule([1, 2, 3], 2, 2)
    made = tf.pack.schedule(np.arange(11), 2, 2, drop_last=True)
    assert made.shape == (2, 2, 2)
    assert len(set(made.reshape(-1).tolist())) == 8
    assert tf.pack.schedule([1, 2, 3], 2, 2, drop_last=True).shape == (0, 2, 2)


def test_nobody_waits_at_long_context() -> None:
    source = np.random.default_rng(0)
    lengths = np.minimum(source.lognormal(np.log(6000), 1.0, 40_000).astype(int), 131_072) + 1
    plan = tf.pack.plan(lengths, 131_072, rows_multiple=16 * 8)
    cost = tf.pack.Cost.of_model(parameters=8e9, hidden_size=4096, layers=32)
    rows = cost.of_rows(plan)
    made = tf.pack.schedule(rows, 16, 8)
    ranks = rows[made].sum(axis=2)
    waiting = (ranks.max(axis=1) / ranks.mean(axis=1)).mean()
    drawn = source.permutation(plan.rows).reshape(made.shape)
    at_random = rows[drawn].sum(axis=2)
    assert waiting < 1.02 < (at_random.max(axis=1) / at_random.mean(axis=1)).mean()


def test_no_step_waits_for_one_dear_row() -> None:
    costs = 1.0 + np.random.default_rng(0).random(16 * 8 * 10) * 0.3
    costs[:3] = 3.5, 3.0, 2.0
    made = tf.pack.schedule(costs, 16, 8)
    ranks = costs[made].sum(axis=2)
    assert (ranks.max(axis=1) / ranks.mean(axis=1)).max() < 1.04
    # Rows that are alike are drawn, not sorted.
    alike = tf.pack.schedule(np.ones(16 * 8 * 10), 16, 8)
    assert np.ptp(alike.reshape(10, -1), axis=1).min() > 16 * 8


@given(st.lists(st.integers(0, 1 << 40), max_size=60), st.integers(1, 9))
def test_swaps_keep_the_counts_and_are_no_worse(costs: list[int], groups: int) -> None:
    def dearest(group_of: np.ndarray) -> float:
        return float(np.bincount(group_of, weights=costs, minlength=groups).max())

    best = tf.pack.balance(costs, groups)
    counts = np.bincount(best, minlength=groups)
    assert counts.max() - counts.min() <= 1
    for method in ("differencing", "largest_first"):
        assert dearest(best) <= dearest(tf.pack.balance(costs, groups, method=method))


def test_costs_of_layers() -> None:
    plan = tf.pack.plan([4, 4, 8], 8, strategy="first_fit")
    assert tf.pack.Cost(tokens=2.0).of_rows(plan).tolist() == [16.0, 16.0]
    assert tf.pack.Cost(tokens=0.0, pairs=1.0).of_rows(plan).tolist() == [20.0, 36.0]
    windowed = tf.pack.Cost(tokens=0.0, window_pairs=1.0, window=3)
    assert windowed.of_rows(plan).tolist() == [2 * (6 + 3), 6 + 15]
    model = tf.pack.Cost.of_model(parameters=10, hidden_size=2, layers=5, window_layers=2, window=3, linear_layers=1)
    assert (model.tokens, model.pairs, model.window_pairs) == (60.0, 48.0, 48.0)
    with pytest.raises(tf.InputError):
        tf.pack.Cost.of_model(parameters=1, hidden_size=1, layers=1, window_layers=1)
