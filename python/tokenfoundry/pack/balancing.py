"""Dealing rows to ranks so that none waits for another: costs that know the model, and two ways to deal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenfoundry._core import load as _load
from tokenfoundry._core import pack as _pack
from tokenfoundry.errors import InputError
from tokenfoundry.pack.planning import Plan, hash_pair
from tokenfoundry.pack.streaming import Rows

__all__ = ["Cost", "balance", "schedule"]

_METHODS = ("best", "differencing", "largest_first")


@dataclass(frozen=True)
class Cost:
    """What a row costs: ``tokens`` for each token, ``pairs`` for each pair of tokens that attend to one another in a
    document, ``window_pairs`` for each such pair no more than ``window`` apart. Only ratios matter.

    Layers with linear attention or state spaces cost by token alone: leave them out of ``pairs``.
    """

    tokens: float = 1.0
    pairs: float = 0.0
    window_pairs: float = 0.0
    window: int | None = None

    @classmethod
    def of_model(
        cls,
        *,
        parameters: float,
        hidden_size: int,
        layers: int,
        window_layers: int = 0,
        window: int | None = None,
        linear_layers: int = 0,
    ) -> Cost:
        """FLOPs of training: 6 a parameter and token; 12 a hidden unit, pair and attention layer (two products, forward
        once and backward twice). ``layers`` counts all, of which ``window_layers`` see ``window`` tokens and
        ``linear_layers`` have no pairs. ``parameters``: those a token passes, for a mixture of experts.
        """
        full = layers - window_layers - linear_layers
        if full < 0 or (window_layers > 0 and not window):
            raise InputError("window_layers and linear_layers are part of layers, and window layers need a window")
        pair = 12.0 * hidden_size
        return cls(6.0 * parameters, pair * full, pair * window_layers, window)

    def of_rows(self, plan: Plan | Rows) -> NDArray[np.float64]:
        """(rows) what each row costs."""
        length = plan.length.astype(np.float64)
        each = self.tokens * length + self.pairs * (length * (length + 1) / 2)
        if self.window_pairs and self.window:
            near = np.minimum(length, self.window)
            each += self.window_pairs * (near * (near + 1) / 2 + (length - near) * self.window)
        ends = np.concatenate([[0.0], np.cumsum(each)])
        return np.maximum(np.diff(ends[plan.row_offsets]), 0.0)


def balance(
    costs: ArrayLike,
    groups: int,
    *,
    equal_counts: bool = True,
    method: Literal["best", "differencing", "largest_first"] = "best",
) -> NDArray[np.int64]:
    """Deal items to groups so that the dearest group is as cheap as can be; returns the group of each, int64 (n,).

    ``equal_counts``: groups have the same number of items, give or take one. ``method``: "differencing" (Karmarkar and
    Karp), "largest_first" (LPT: the dearest item to the cheapest group), or "best", whichever of the two is closer,
    and with equal counts closer still by swapping items: neither of the two can make up for a few very dear ones.
    O(n log n) with equal counts, and at most eight swaps a group. The same costs give the same groups. Raises InputError
    for costs that are negative or not finite.
    """
    if groups < 1:
        raise InputError(f"groups is {groups}; it must be at least 1")
    if method not in _METHODS:
        raise InputError(f"method must be one of {', '.join(_METHODS)}, not {method!r}")
    return _pack.balance(_whole(costs), groups, equal_counts, method).astype(np.int64)


def schedule(
    costs: ArrayLike, ranks: int, rows_per_rank: int, *, seed: int = 0, drop_last: bool = False
) -> NDArray[np.int64]:
    """Deal rows to steps and ranks: int64 (steps, ranks, rows_per_rank), each row once.

    A few rows with one very long document cost a multiple of the others, and a rank that gets one is waited for,
    however its other rows are chosen. So rows of like cost go together: sorted by cost and cut into layers of a row for
    every rank, a step is ``rows_per_rank`` layers drawn at random, dealt to ranks by `balance`. Dear rows thereby wait
    until there is one for every rank (the outlier queue of WLB-LLM, Wang et al. 2025); that a step has either none of
    them or many is the price. Where even the rows of a layer are too unlike for that, its step is given other dear
    layers and the cheapest, so that the rank with the dearest row can have cheap ones beside it and the others have not.

    ``drop_last`` leaves out rows, drawn at random, that fill no step; without it they raise InputError: plan with
    ``rows_multiple=ranks * rows_per_rank``, or keep them for the next epoch.
    """
    whole = _whole(costs)
    if ranks < 1 or rows_per_rank < 1:
        raise InputError(f"ranks {ranks} and rows_per_rank {rows_per_rank} must be at least 1")
    per_step = ranks * rows_per_rank
    if len(whole) % per_step and not drop_last:
        raise InputError(
            f"{len(whole)} rows do not fill steps of {per_step}; plan with rows_multiple={per_step} or set drop_last"
        )
    order = np.argsort(whole, kind="stable")[::-1]
    if len(whole) % per_step:
        left_out = _drawn(seed, len(whole))[: len(whole) % per_step]
        order = order[~np.isin(order, left_out)]
    made = np.empty((len(order) // per_step, ranks, rows_per_rank), np.int64)
    for step, layers in zip(made, _steps(whole[order].reshape(-1, ranks), rows_per_rank, seed), strict=True):
        rows = order.reshape(-1, ranks)[layers].reshape(-1)
        rank_of = _pack.balance(whole[rows], ranks, True, "best")
        step[:] = rows[np.argsort(rank_of, kind="stable")].reshape(ranks, rows_per_rank)
    return made


_SLACK = 0.97
"""A step can be even where the rank with the dearest row, given the cheapest rows otherwise, stays so far below the mean."""
_LIKE = 0.002
"""Rows of a layer that differ by less, as part of what a rank costs in a step, need no others to make up for it."""


def _steps(costs: NDArray[np.uint64], layers_a_step: int, seed: int) -> NDArray[np.int64]:
    """Which layers each step has, (steps, layers_a_step); ``costs`` (layers, ranks) falls from layer to layer."""
    costs = costs.astype(np.float64)
    means = costs.mean(axis=1)
    sums = np.concatenate([[0.0], np.cumsum(means)])
    first, end = 0, len(costs)
    chosen: list[list[int]] = []
    while end - first > layers_a_step:
        # All of the cheapest layer's rows are as cheap: a last row that is not full would promise too much.
        cheapest = costs[end - 1].max()
        dearest_rank = costs[first].max() + (layers_a_step - 1) * cheapest
        usual = means[first] + (layers_a_step - 1) * (sums[end] - sums[first + 1]) / (end - first - 1)
        if dearest_rank <= _SLACK * usual or costs[first].max() - means[first] <= _LIKE * usual:
            break
        # So few dear layers that the step's mean is enough; all but one, where it never is.
        dear = 1
        while dear < layers_a_step - 1:
            rest = layers_a_step - dear
            if dearest_rank <= _SLACK * (sums[first + dear] - sums[first] + sums[end] - sums[end - rest]):
                break
            dear += 1
        rest = layers_a_step - dear
        chosen.append([*range(first, first + dear), *range(end - rest, end)])
        first, end = first + dear, end - rest
    drawn = first + _drawn(seed + 1, end - first)
    steps = np.concatenate([np.array(chosen, np.int64).reshape(-1, layers_a_step), drawn.reshape(-1, layers_a_step)])
    return steps[_drawn(seed + 2, len(steps))]


def _drawn(seed: int, count: int) -> NDArray[np.int64]:
    """``range(count)`` in an order of the seed's."""
    return _load.permute(np.arange(count, dtype=np.int64), max(count, 1), hash_pair(seed, count))


def _whole(costs: ArrayLike) -> NDArray[np.uint64]:
    """Costs as integers: sums of floats depend on their order."""
    array = np.asarray(costs)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise InputError(f"costs must be one-dimensional numbers, not {array.dtype} of shape {array.shape}")
    if array.size == 0:
        return np.empty(0, np.uint64)
    if not np.isfinite(array).all() or array.min() < 0:
        raise InputError("costs must be finite and not negative")
    largest = float(array.max())
    room = (1 << 62) / len(array)
    if array.dtype.kind in "iu" and largest < room:
        return np.ascontiguousarray(array, np.uint64)
    # 2^52 steps up to the largest, or as many as their sum leaves room for.
    scale = min(float(1 << 52), room) / largest if largest else 0.0
    return np.rint(array.astype(np.float64) * scale).astype(np.uint64)
