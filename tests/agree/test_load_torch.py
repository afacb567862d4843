"""`Loader.torch()` under PyTorch's DataLoader and torchdata's StatefulDataLoader, where torch is installed."""

import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tokenfoundry as tf

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader  # noqa: E402

LENGTH = 32
# PyTorch warns of forking a process that has threads, and of workers above the number of cores.
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, float]]:
    folder = tmp_path_factory.mktemp("torch")
    made = []
    for number, weight in enumerate((3.0, 1.0)):
        rows = [[1000 * number + index] * (1 + index % 30) for index in range(150)]
        tf.shard.write(
            folder / str(number), tf.Ragged.from_lists(rows), document_ids=bytes(16 * 150), vocabulary_size=2000
        )
        made.append((folder / str(number), weight))
    return made


def make(sources: list[tuple[Path, float]], mode: Any, **options: Any) -> tf.Loader:
    return tf.Loader(sources, LENGTH, 3, mode=mode, seed=1, block_pieces=60, **options)


def numbers(batches: Iterator[dict[str, Any]], count: int) -> list[int]:
    return [int(number) for batch in islice(batches, count) for number in batch["sample"]]


@pytest.mark.parametrize("mode", ["rows", "windows", "pack"])
@pytest.mark.parametrize(
    ("workers", "start"), [(0, None), (2, "fork"), pytest.param(2, "spawn", marks=pytest.mark.long)]
)
def test_a_data_loader_gives_the_loaders_batches(
    sources: list[tuple[Path, float]], mode: Any, workers: int, start: str | None
) -> None:
    expected = make(sources, mode)
    data = DataLoader(make(sources, mode).torch(), batch_size=None, num_workers=workers, multiprocessing_context=start)
    batches = iter(data)
    for batch in islice(batches, 7):
        wanted = next(expected)
        assert set(batch) == set(wanted)
        for name, tensor in batch.items():
            assert torch.equal(tensor, torch.from_numpy(wanted[name])), name
    # Workers have read ahead; the state after the last batch used has not.
    state = make(sources, mode).state_after(batch)
    resumed = make(sources, mode).torch()
    resumed.load_state_dict(state)
    again = iter(DataLoader(resumed, batch_size=None, num_workers=3 - workers))
    assert numbers(again, 6) == list(range(21, 39))


def test_an_epoch_ends_for_all_workers(sources: list[tuple[Path, float]]) -> None:
    paths = [path for path, _ in sources]
    loader = tf.Loader(paths, LENGTH, 4, epochs=1, drop_last=False)
    found = numbers(iter(DataLoader(loader.torch(), batch_size=None, num_workers=2)), 1000)
    assert sorted(found) == list(range(300))


def test_tensors_share_memory_and_dlpack(sources: list[tuple[Path, float]]) -> None:
    loader = make(sources, "rows")
    batch = next(loader)
    assert torch.from_dlpack(batch["tokens"]).data_ptr() == batch["tokens"].ctypes.data
    tensors = next(iter(loader.torch()))
    assert tensors["tokens"].dtype == torch.int64
    assert np.shares_memory(tensors["tokens"].numpy(), tensors["tokens"].numpy())


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("mode", ["rows", "pack"])
def test_a_stateful_data_loader_goes_on(sources: list[tuple[Path, float]], mode: Any, workers: int) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader")

    def data() -> Any:
        return stateful.StatefulDataLoader(make(sources, mode).torch(), batch_size=None, num_workers=workers)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = data()
        assert numbers(iter(first), 5) == list(range(15))
        state = first.state_dict()
        second = data()
        second.load_state_dict(state)
        assert numbers(iter(second), 6) == list(range(15, 33))


def test_a_workers_state_is_for_that_worker(sources: list[tuple[Path, float]]) -> None:
    dataset = make(sources, "rows").torch()
    batches = iter(dataset)
    next(batches)
    state = dataset.state_dict()
    assert state["worker"] == [0, 1]
    other = make(sources, "rows").torch()
    other.load_state_dict({**state, "worker": [1, 2]})
    assert other.state_dict()["samples"] == 3
    with pytest.raises(tf.InputError, match="worker 1 of 2"):
        next(iter(other))
    other.load_state_dict(state)
    assert numbers(iter(other), 1) == [3, 4, 5]
