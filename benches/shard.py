"""Reading windows of tokens: tokenfoundry beside numpy, LitData and Megatron-Core, in one run, each answer checked.

    python benches/shard.py [--tokens 100e6] [--windows 4000] [--rounds 5] [--cold] [--directory /tmp]

The same random windows of 2048 tokens for all. Warm: all pages in memory, our blocks checked before (and once not).
Cold: the files are dropped from the page cache before each round. Medians over rounds that alternate between readers;
numpy is the bound. Rivals that are not installed are left out.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tokenfoundry as tf

WINDOW = 2048
BATCH = 32
AHEAD = 256
VOCABULARY = 128_000

Reader = Callable[[NDArray[np.int64]], int]
"""Reads the windows that begin there, in batches; returns the sum of their tokens."""


def make(path: Path, tokens: int) -> tf.shard.Shards:
    """A set in rows of one window, written in chunks."""
    source = np.random.default_rng(0)
    with tf.shard.Writer(path, vocabulary_size=VOCABULARY, rows_per_shard=1 << 20) as writer:
        for _ in range(max(tokens // (4096 * WINDOW), 1)):
            values = source.integers(0, VOCABULARY, 4096 * WINDOW, dtype=np.uint32)
            ragged = tf.Ragged(values, np.arange(4097, dtype=np.int64) * WINDOW)
            writer.append(ragged, document_ids=bytes(16 * 4096))
    return tf.shard.open(path)


def batches(starts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [starts[first : first + BATCH] for first in range(0, len(starts), BATCH)]


def drop(path: Path) -> None:
    """Take the files out of the page cache."""
    for file in path.iterdir():
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def ours(shards: tf.shard.Shards, dtype: type, labels: bool = False) -> Reader:
    out = np.zeros((BATCH, WINDOW), dtype)
    shifted = np.zeros((BATCH, WINDOW), dtype) if labels else None

    def read(starts: NDArray[np.int64]) -> int:
        total = 0
        for batch in batches(starts):
            shards.read_windows(batch, out[: len(batch)], labels=None if shifted is None else shifted[: len(batch)])
            total += int(out[0, 0])
        return total

    return read


def ours_ahead(path: Path) -> Reader:
    """A fresh opening, so every block is checked too; the kernel is told of the next windows."""

    def read(starts: NDArray[np.int64]) -> int:
        shards = tf.shard.open(path)
        out = np.zeros((BATCH, WINDOW), np.uint32)
        total = 0
        shards.will_need_windows(starts[:AHEAD], WINDOW)
        for number, batch in enumerate(batches(starts)):
            first = AHEAD + number * BATCH
            shards.will_need_windows(starts[first : first + BATCH], WINDOW)
            shards.read_windows(batch, out[: len(batch)])
            total += int(out[0, 0])
        return total

    return read


def ours_fresh(path: Path) -> Reader:
    return lambda starts: ours(tf.shard.open(path), np.uint32)(starts)


def numpy_one(file: Path) -> Reader:
    """A copy of each window out of a memory map, as dataloaders do."""

    def read(starts: NDArray[np.int64]) -> int:
        tokens = np.memmap(file, np.uint32, "r")
        total = 0
        for batch in batches(starts):
            rows = [np.array(tokens[start : start + WINDOW]) for start in batch.tolist()]
            total += int(rows[0][0])
        return total

    return read


def numpy_take(file: Path) -> Reader:
    """Aligned windows taken into a buffer that is used again: the fastest that numpy has."""
    out = np.zeros((BATCH, WINDOW), np.uint32)

    def read(starts: NDArray[np.int64]) -> int:
        tokens = np.memmap(file, np.uint32, "r").reshape(-1, WINDOW)
        total = 0
        for batch in batches(starts):
            np.take(tokens, batch // WINDOW, axis=0, out=out[: len(batch)], mode="clip")
            total += int(out[0, 0])
        return total

    return read


def numpy_widened(file: Path) -> Reader:
    """Aligned windows copied into int64 buffers that are used again, and their labels: no reader writes fewer bytes."""
    out = np.zeros((2, BATCH, WINDOW), np.int64)

    def read(starts: NDArray[np.int64]) -> int:
        tokens = np.memmap(file, np.uint32, "r")
        total = 0
        for batch in batches(starts):
            for slot, start in enumerate(batch.tolist()):
                out[0, slot] = tokens[start : start + WINDOW]
                out[1, slot] = tokens[start + 1 : start + 1 + WINDOW]
            total += int(out[0, 0, 0])
        return total

    return read


def advised(file: Path) -> Reader:
    """`posix_fadvise` ahead and `pread`, without checks: what the disk gives to one thread."""

    def read(starts: NDArray[np.int64]) -> int:
        descriptor = os.open(file, os.O_RDONLY)
        out = np.zeros((BATCH, WINDOW), np.uint32)
        total = 0
        places = (starts * 4).tolist()
        for number, place in enumerate(places):
            ahead = places[:AHEAD] if number == 0 else places[number + AHEAD : number + AHEAD + 1]
            for told in ahead:
                os.posix_fadvise(descriptor, told, 4 * WINDOW, os.POSIX_FADV_WILLNEED)
            os.preadv(descriptor, [out[number % BATCH]], place)
            total += int(out[0, 0]) if number % BATCH == 0 else 0
        os.close(descriptor)
        return total

    return read


def nanogpt(file: Path) -> Reader:
    def read(starts: NDArray[np.int64]) -> int:
        tokens = np.memmap(file, np.uint32, "r")
        total = 0
        for batch in batches(starts):
            x = np.stack([tokens[start : start + WINDOW].astype(np.int64) for start in batch.tolist()])
            np.stack([tokens[start + 1 : start + 1 + WINDOW].astype(np.int64) for start in batch.tolist()])
            total += int(x[0, 0])
        return total

    return read


def megatron(stem: Path) -> Reader:
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    dataset = IndexedDataset(str(stem))

    def read(starts: NDArray[np.int64]) -> int:
        total = 0
        for batch in batches(starts):
            rows = [np.array(dataset[row]) for row in (batch // WINDOW).tolist()]
            total += int(rows[0][0])
        return total

    return read


def litdata(path: Path) -> Reader:
    from litdata import StreamingDataset
    from litdata.streaming.item_loader import TokensLoader

    dataset = StreamingDataset(str(path), item_loader=TokensLoader(block_size=WINDOW), shuffle=False)

    def read(starts: NDArray[np.int64]) -> int:
        total = 0
        for batch in batches(starts):
            rows = [dataset[row] for row in (batch // WINDOW).tolist()]
            total += int(rows[0][0])
        return total

    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=float, default=100e6)
    parser.add_argument("--windows", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--directory", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        run(Path(directory), arguments)


def run(directory: Path, arguments: argparse.Namespace) -> None:
    path = directory / "shards"
    began = time.perf_counter()
    shards = make(path, int(arguments.tokens))
    seconds = time.perf_counter() - began
    print(
        f"{shards.tokens / 1e6:.0f} M tokens written (with their making) at {shards.tokens / seconds / 1e6:.0f} Mtok/s"
    )
    file = path / "shard-00000.bin"
    starts = np.random.default_rng(1).permutation(len(shards) - 1)[: arguments.windows] * WINDOW
    tf.shard.verify(path)
    if arguments.cold:
        readers: dict[str, Reader] = {
            "tokenfoundry, told ahead": ours_ahead(path),
            "tokenfoundry, not told": ours_fresh(path),
            "fadvise and pread (bound)": advised(file),
            "numpy memmap": numpy_one(file),
        }
    else:
        readers = {
            "tokenfoundry, u32": ours(shards, np.uint32),
            "tokenfoundry, u32, first touch": ours_fresh(path),
            "tokenfoundry, i64 with labels": ours(shards, np.int64, labels=True),
            "numpy take (bound)": numpy_take(file),
            "numpy i64 with labels (bound)": numpy_widened(file),
            "numpy memmap, a window at a time": numpy_one(file),
            "nanoGPT's i64 with labels": nanogpt(file),
        }
        try:
            readers["Megatron IndexedDataset"] = megatron(file.with_suffix(""))
        except ImportError:
            print("megatron-core is not installed")
        try:
            tf.shard.convert(path, directory / "litdata", "litdata")
            readers["LitData"] = litdata(directory / "litdata")
        except ImportError:
            print("litdata is not installed")
    times: dict[str, list[float]] = {name: [] for name in readers}
    answers: dict[str, Any] = {}
    for _ in range(arguments.rounds):
        for name, read in readers.items():
            if arguments.cold:
                drop(path)
            began = time.perf_counter()
            answers[name] = read(starts)
            times[name].append(time.perf_counter() - began)
    assert len(set(answers.values())) == 1, answers
    for name, measured in times.items():
        seconds = statistics.median(measured)
        tokens = len(starts) * WINDOW
        print(f"{name:36}{tokens / seconds / 1e6:8.0f} Mtok/s {tokens * 4 / seconds / 1e6:8.0f} MB/s "
              f"{seconds / len(starts) * 1e6:8.2f} µs a window")  # fmt: skip


if __name__ == "__main__":
    main()
