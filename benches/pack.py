"""Packing: tokenfoundry beside seqpacker, LightBinPack and TRL's algorithm, in one run, each answer checked.

    python benches/pack.py [--documents 1e6] [--rounds 5] [--large]

Lengths are drawn: "web" lognormal (median 400, sigma 1.1), "chat" a mix of turns, long answers and files. Rivals that are
not installed are left out; TRL's is its published algorithm in Python, with `trl` on the path its own code. Medians over
rounds that alternate. `--large` adds ten million documents.
"""

import argparse
import gc
import importlib
import statistics
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tokenfoundry as tf

Lengths = NDArray[np.int64]


def web(count: int, seed: int = 0) -> Lengths:
    return np.maximum(np.random.default_rng(seed).lognormal(np.log(400), 1.1, count).astype(np.int64), 1)


def chat(count: int, seed: int = 0) -> Lengths:
    source = np.random.default_rng(seed)
    kinds = source.choice(4, count, p=[0.6, 0.25, 0.1, 0.05])
    drawn = [
        source.lognormal(np.log(350), 0.8, count),
        source.lognormal(np.log(1200), 0.6, count),
        source.uniform(20, 120, count),
        source.lognormal(np.log(6000), 0.7, count),
    ]
    return np.maximum(np.choose(kinds, drawn).astype(np.int64), 1)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    begun = time.perf_counter()
    made = call()
    return time.perf_counter() - begun, made


def compare(named: dict[str, Callable[[], Any]], rounds: int) -> dict[str, tuple[float, Any]]:
    """Median seconds and the last result of each."""
    seconds = defaultdict(list)
    results: dict[str, Any] = {}
    for turn in range(rounds):
        for name, call in named.items():
            if turn and statistics.median(seconds[name]) > 3:
                continue
            taken, results[name] = timed(call)
            seconds[name].append(taken)
    return {name: (statistics.median(taken), results[name]) for name, taken in seconds.items()}


def trl_algorithm(lengths: list[int], capacity: int) -> int:
    """TRL 1.16's `_pack_bfd`: a segment tree over free space in Python; the number of rows."""
    size = 1 << (capacity - 1).bit_length()
    tree = [0] * (2 * size)

    def update(value: int, now: int) -> None:
        place = size + value - 1
        tree[place] = now
        while place > 1:
            place >>= 1
            left, right = tree[2 * place], tree[2 * place + 1]
            tree[place] = left if left >= right else right

    update(capacity, capacity)
    bins_with: dict[int, deque[int]] = defaultdict(deque)
    rows = 0
    for length in sorted(lengths, reverse=True):
        place = 1
        while place < size:
            place = 2 * place if tree[2 * place] >= length else 2 * place + 1
        space = tree[place]
        if space < capacity:
            row = bins_with[space].popleft()
            if not bins_with[space]:
                update(space, 0)
        else:
            row = rows
            rows += 1
        space -= length
        bins_with[space].append(row)
        if space > 0:
            update(space, space)
    return rows


def cut(lengths: Lengths, capacity: int) -> Lengths:
    """The pieces that rivals are given, who take no longer ones."""
    full = np.repeat(capacity, int((np.maximum(lengths - 1, 0) // capacity).sum()))
    rest = lengths - (lengths - 1) // capacity * capacity
    return np.concatenate([full, rest]).astype(np.int64)


def optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def planning(name: str, lengths: Lengths, capacity: int, rounds: int, with_trl: bool) -> None:
    pieces = cut(lengths, capacity)
    listed = pieces.tolist()
    named: dict[str, Callable[[], Any]] = {
        "tokenfoundry": lambda: tf.pack.plan(lengths, capacity),
        "tokenfoundry, one thread": lambda: tf.pack.plan(lengths, capacity, threads=1),
        "tokenfoundry, and its columns": lambda: tf.pack.plan(lengths, capacity).length,
    }
    if seqpacker := optional("seqpacker"):
        named["seqpacker obfd"] = lambda: seqpacker.Packer(capacity=capacity, strategy="obfd").pack_flat(pieces)
    if lightbinpack := optional("lightbinpack"):
        named["LightBinPack obfd"] = lambda: lightbinpack.pack(listed, capacity)
    if with_trl:
        named["TRL's algorithm"] = lambda: trl_algorithm(listed, capacity)
    made = compare(named, rounds)
    plan = made["tokenfoundry"][1]
    if with_trl:
        assert made["TRL's algorithm"][1] == plan.rows, "as many rows as a textbook's best fit"
    print(f"\n{name}, {len(lengths):,} documents, rows of {capacity:,}: {plan.rows:,} rows, {plan.rows - plan.lower_bound:+}"
          f" over the bound, density {plan.density:.4%}")  # fmt: skip
    ours = made["tokenfoundry"][0]
    for rival, (seconds, _) in made.items():
        print(f"  {rival:32} {seconds * 1e3:10.2f} ms   {seconds / ours:8.1f} x")


def streaming(lengths: Lengths, capacity: int) -> None:
    print(f"\nstreaming, {len(lengths):,} documents, rows of {capacity:,}")
    for options in ({"open_rows": 16}, {"open_rows": 64}, {"lookahead": 1024}, {"lookahead": 4096}):
        packer = tf.pack.Streaming(capacity, **options)  # type: ignore[arg-type]
        seconds, _ = timed(lambda packer=packer: packer.push(lengths))
        print(f"  {options!s:24} density {packer.density:.4%}   {seconds / len(lengths) * 1e9:7.1f} ns a document")


def moving(lengths: Lengths, capacity: int, rounds: int) -> None:
    """Tokens of documents into rows, into arrays of ours that are used again; beside the fastest copy of as many."""
    tokens = int(lengths.sum())
    ragged = tf.Ragged(
        np.random.default_rng(0).integers(0, 100_000, tokens, dtype=np.uint32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )
    plan = tf.pack.plan(lengths, capacity)
    _ = plan.document
    shape = (plan.rows, capacity)
    out = {"tokens": np.zeros(shape, np.uint32)}
    every = out | {
        "labels": np.zeros(shape, np.int64),
        "position_ids": np.zeros(shape, np.int32),
        "document_ids": np.zeros(shape, np.int32),
    }
    narrow = every | {"labels": np.zeros(shape, np.int32)}
    target = np.zeros_like(ragged.values)

    def rows_by_numpy() -> NDArray[np.uint32]:
        """What TRL does with Arrow: take, piece by piece, then new offsets."""
        index = np.repeat(ragged.offsets[plan.document] + plan.start, plan.length)
        before = np.concatenate([[0], np.cumsum(plan.length)])[:-1]
        return ragged.values[index + np.arange(tokens) - np.repeat(before, plan.length)]

    made = compare(
        {
            "copy (bound)": lambda: np.copyto(target, ragged.values),
            "tokens, one thread": lambda: tf.pack.lay_out(ragged, plan, columns=(), out=out, threads=1),
            "tokens": lambda: tf.pack.lay_out(ragged, plan, columns=(), out=out),
            "tokens, new arrays": lambda: tf.pack.lay_out(ragged, plan, columns=["tokens"]),
            "tokens, labels, positions, documents": lambda: tf.pack.lay_out(ragged, plan, columns=(), out=every),
            "the same, labels of int32": lambda: tf.pack.lay_out(ragged, plan, columns=(), out=narrow),
            "plan, tokens, cu_seqlens": lambda: tf.pack.pack(ragged, capacity, columns=(), out=out).cu_seqlens,
            "numpy take": rows_by_numpy,
        },
        rounds,
    )
    rows = made["tokens"][1].tokens
    assert (rows.reshape(-1)[: plan.length[0]] == ragged[int(plan.document[0])][: plan.length[0]]).all()
    assert (np.sort(made["numpy take"][1]) == np.sort(ragged.values)).all()
    print(f"\nmoving {tokens / 1e6:.0f} M tokens into rows of {capacity:,}")
    for name, (seconds, _) in made.items():
        written = 20 if "documents" in name else 16 if "int32" in name else 4
        print(
            f"  {name:40} {tokens / seconds / 1e6:8.0f} Mtok/s   {written * tokens / seconds / 1e9:6.1f} GB/s written"
        )


def balancing(rounds: int) -> None:
    costs = np.random.default_rng(0).lognormal(10, 0.7, 8192)
    made = compare(
        {
            "best": lambda: tf.pack.balance(costs, 512),
            "differencing": lambda: tf.pack.balance(costs, 512, method="differencing"),
            "differencing, any counts": lambda: tf.pack.balance(costs, 512, equal_counts=False, method="differencing"),
            "largest first": lambda: tf.pack.balance(costs, 512, method="largest_first"),
        },
        rounds,
    )
    print("\nbalance, 8192 items to 512 groups")
    for name, (seconds, group_of) in made.items():
        sums = np.bincount(group_of, weights=costs, minlength=512)
        print(f"  {name:32} {seconds * 1e3:8.2f} ms   dearest / mean {sums.max() / sums.mean():.5f}")
    ranks, rows_per_rank = 64, 8
    plan = tf.pack.plan(chat(1_000_000), 131_072)
    cost = tf.pack.Cost.of_model(parameters=8e9, hidden_size=4096, layers=32).of_rows(plan)
    whole = plan.rows // (ranks * rows_per_rank) * ranks * rows_per_rank
    print(f"\nchat at 131,072, {ranks} ranks, {rows_per_rank} rows each a step: {plan.rows:,} rows of density "
          f"{plan.density:.4%}, {plan.rows - whole} of them left for the next epoch")  # fmt: skip
    random = np.random.default_rng(1).permutation(plan.rows)[:whole].reshape(-1, ranks, rows_per_rank)
    in_steps = np.stack([_dealt(cost, step.reshape(-1), ranks) for step in random])
    for name, steps in (("at random", random), ("balanced in steps drawn at random", in_steps),
                        ("schedule", tf.pack.schedule(cost, ranks, rows_per_rank, drop_last=True))):  # fmt: skip
        sums = cost[steps].sum(axis=2)
        waits = sums.max(axis=1) / sums.mean(axis=1)
        print(f"  {name:36} mean {waits.mean():.4f}   worst step {waits.max():.4f}")


def _dealt(cost: NDArray[np.float64], rows: NDArray[np.int64], ranks: int) -> NDArray[np.int64]:
    rank_of = tf.pack.balance(cost[rows], ranks)
    return rows[np.argsort(rank_of, kind="stable")].reshape(ranks, -1)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--documents", type=float, default=1e6)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--large", action="store_true")
    given = options.parse_args()
    count = int(given.documents)
    for name, draw, capacity in (("web", web, 2048), ("chat", chat, 2048), ("web", web, 131_072)):
        planning(
            name, draw(count), capacity, given.rounds, with_trl=capacity == 2048 and name == "web" and count <= 1e6
        )
    if given.large:
        planning("web", web(10_000_000), 2048, given.rounds, with_trl=False)
    streaming(web(100_000), 2048)
    streaming(chat(100_000), 131_072)
    moving(web(50_000), 2048, given.rounds)
    balancing(given.rounds)


if __name__ == "__main__":
    main()
