"""The loader: tokenfoundry beside numpy, LitData and grain, in one run, each answer checked.

    python benches/load.py [--tokens 100e6] [--rounds 5] [--cold] [--directory /tmp]

The same shuffled windows of 2048 tokens for all, in batches of 32, pages in memory; `--cold` drops the files from the page
cache before each round. Permutations and mixtures are timed an index. Medians over rounds that alternate. Rivals that are
not installed are left out.
"""

import argparse
import importlib
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tokenfoundry as tf
from shard import BATCH, WINDOW, drop, make
from tokenfoundry.load import permute


def medians(
    named: dict[str, Callable[[], Any]], rounds: int, before: Callable[[], None] = lambda: None
) -> dict[str, float]:
    seconds = defaultdict(list)
    for _ in range(rounds):
        for name, call in named.items():
            before()
            begun = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def reading(path: Path, windows: int, total: int, rounds: int, cold: bool) -> None:
    def loader(mode: Any, **options: Any) -> Callable[[], int]:
        made = None if cold else tf.Loader(path, WINDOW, BATCH, mode=mode, reuse=True, **options)

        def read() -> int:
            stream = made or tf.Loader(path, WINDOW, BATCH, mode=mode, reuse=True, **options)
            return sum(int(next(stream)["tokens"][0, 0]) for _ in range(windows // BATCH))

        return read

    order = permute(np.arange(windows), total, 1)

    def memmap(widen: bool) -> Callable[[], int]:
        """A copy of each window out of a memory map, stacked: what nanoGPT and its kin do."""

        def read() -> int:
            tokens = np.memmap(path / "shard-00000.bin", np.uint32, "r")
            read_sum = 0
            for first in range(0, windows - BATCH + 1, BATCH):
                starts = (order[first : first + BATCH] * WINDOW).tolist()
                if widen:
                    rows = np.stack([tokens[start : start + WINDOW].astype(np.int64) for start in starts])
                    labels = np.stack([tokens[start + 1 : start + 1 + WINDOW].astype(np.int64) for start in starts])
                    read_sum += int(labels[0, 0])
                else:
                    rows = np.stack([tokens[start : start + WINDOW] for start in starts])
                read_sum += int(rows[0, 0])
            return read_sum

        return read

    named: dict[str, Callable[[], Any]] = {
        "tokenfoundry windows, u32": loader("windows", dtype=np.uint32, columns=["tokens"]),
        "tokenfoundry windows, i64 and labels": loader("windows"),
        "tokenfoundry rows, all five arrays": loader("rows"),
        "numpy memmap, u32": memmap(False),
        "numpy memmap, i64 and labels": memmap(True),
    }
    if grain := optional("grain"):

        class Source:
            def __init__(self) -> None:
                self.tokens = np.memmap(path / "shard-00000.bin", np.uint32, "r")

            def __len__(self) -> int:
                return total

            def __getitem__(self, index: int) -> NDArray[np.uint32]:
                return np.array(self.tokens[index * WINDOW : (index + 1) * WINDOW])

        def with_grain() -> int:
            data = grain.MapDataset.source(Source()).shuffle(seed=1).batch(BATCH).to_iter_dataset()
            return sum(int(batch[0, 0]) for batch in islice(data, windows // BATCH))

        named["grain over a memory map, u32"] = with_grain

    def chill() -> None:
        if cold:
            drop(path)

    if not cold:
        for call in named.values():
            call()
    check(path)
    made = medians(named, rounds, chill)
    print(f"\n{windows:,} shuffled windows of {WINDOW}, {'cold' if cold else 'warm'}")
    best = made["numpy memmap, u32"]
    for name, seconds in made.items():
        rate = windows * WINDOW / seconds / 1e6
        print(f"  {name:40} {rate:8.0f} Mtok/s  {rate * 4:8.0f} MB/s read   {best / seconds:6.2f} x memmap")


def check(path: Path) -> None:
    """Windows are those of the file, each once an epoch."""
    tokens = np.memmap(path / "shard-00000.bin", np.uint32, "r")
    stream = tf.Loader(path, WINDOW, BATCH, mode="windows")
    for _ in range(4):
        batch = next(stream)
        for row, sample in enumerate(batch["sample"].tolist()):
            at = stream.locate(sample)[2] * WINDOW
            assert (batch["tokens"][row] == tokens[at : at + WINDOW]).all()
            assert (batch["labels"][row] == tokens[at + 1 : at + 1 + WINDOW]).all()


def sampling(folder: Path, rounds: int) -> None:
    count = 1 << 20
    # As a loader asks: no more at a time than a few batches have.
    batches = np.arange(count).reshape(-1, 1 << 14)
    named: dict[str, Callable[[], Any]] = {
        # None is kept: memory that was never touched costs as much as the permutation.
        "permutation, tokenfoundry": lambda: [permute(some, 10**9, 1)[0] for some in batches],
        "permutation, numpy (8 bytes each, of 1 M)": lambda: np.random.default_rng(0).permutation(count),
    }
    if optional("grain"):
        shuffle = importlib.import_module("grain._src.python.experimental.index_shuffle.python.index_shuffle_module")
        few = 20_000
        named["permutation, grain"] = lambda: [
            shuffle.index_shuffle(index, max_index=10**9 - 1, seed=1, rounds=4) for index in range(few)
        ]
    small = tf.Ragged(np.arange(64, dtype=np.uint32), np.arange(9) * 8)
    paths = []
    for number in range(512):
        tf.shard.write(folder / f"s{number}", small, document_ids=bytes(16 * 8), vocabulary_size=64)
        paths.append((folder / f"s{number}", float(1 + number % 7)))
    for sources in (8, 512):
        loader = tf.Loader(paths[:sources], 8, 1)
        loader.locate_batch(0, 10)
        named[f"mixture of {sources}, with its permutation"] = lambda loader=loader: loader.locate_batch(0, count)
        flat = tf.Loader(paths[:sources], 8, 1, shuffle=False)
        flat.locate_batch(0, 10)
        named[f"mixture of {sources}, index alone"] = lambda flat=flat: flat.locate_batch(0, count)
    made = medians(named, rounds)
    print("\nnanoseconds an index")
    for name, seconds in made.items():
        print(f"  {name:44} {seconds / (few if 'grain' in name else count) * 1e9:8.2f}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tokens", type=float, default=100e6)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--cold", action="store_true")
    options.add_argument("--directory", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.directory) as folder:
        path = Path(folder) / "set"
        shards = make(path, int(given.tokens))
        assert len(shards.names) == 1, "rivals read one file"
        windows = (shards.tokens - 1) // WINDOW
        if given.cold:
            reading(path, min(windows, 4000), windows, given.rounds, cold=True)
        else:
            reading(path, windows, windows, given.rounds, cold=False)
            sampling(Path(folder), given.rounds)


if __name__ == "__main__":
    main()
