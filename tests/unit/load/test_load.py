"""`tf.Loader`: every sample once, whatever the ranks; exact resumption; labels that never cross documents."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry._core import shard as core
from tokenfoundry.load import _reversed, _slots_below, permute


def make_shards(path: Path, documents: int, first_token: int) -> Path:
    rows = [[first_token + index] * (1 + index % 30) for index in range(documents)]
    ragged = tf.Ragged.from_lists(rows)
    ids = [core.hash128(b"%d %d" % (first_token, index)) for index in range(documents)]
    plan = tf.pack.plan(ragged.lengths, 32)
    tf.shard.write(path, ragged, plan, document_ids=ids, vocabulary_size=10_000, rows_per_shard=9)
    return path


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, float]]:
    folder = tmp_path_factory.mktemp("sources")
    return [(make_shards(folder / "a", 100, 0), 3.0), (make_shards(folder / "b", 50, 5000), 1.0)]


@given(st.integers(1, 3000), st.integers(0, 1 << 63))
@settings(max_examples=60)
def test_permute_is_a_permutation(size: int, key: int) -> None:
    assert sorted(permute(index, size, key) for index in range(size)) == list(range(size))


def test_slots_are_counted() -> None:
    for bound in (0, 1, 1000, 49_152, 65_535, 65_536):
        below = 0
        for count in range(0, 3000):
            assert _slots_below(count, bound) == below
            below += _reversed(count) < bound
        assert _slots_below(1 << 16, bound) == bound


def test_an_epoch_has_every_row_once_and_the_next_another_order(sources: list[tuple[Path, float]]) -> None:
    loader = tf.Loader(sources[:1], 32, 1, seed=5)
    rows = len(tf.shard.open(sources[0][0]))
    first = [loader.locate(sample)[1:] for sample in range(rows)]
    second = [loader.locate(sample)[1:] for sample in range(rows, 2 * rows)]
    assert sorted(row for _, row in first) == sorted(row for _, row in second) == list(range(rows))
    assert {epoch for epoch, _ in first} == {0}
    assert {epoch for epoch, _ in second} == {1}
    assert [row for _, row in first] != [row for _, row in second]


def test_weights_are_met_and_no_row_is_skipped(sources: list[tuple[Path, float]]) -> None:
    loader = tf.Loader(sources, 32, 1)
    located = [loader.locate(sample) for sample in range(1 << 16)]
    counts = np.bincount([source for source, _, _ in located])
    assert counts.tolist() == [3 << 14, 1 << 14]
    for source in (0, 1):
        rows = len(loader._shards[source])
        taken = [(epoch, row) for of, epoch, row in located if of == source]
        assert len(set(taken)) == len(taken), "no row twice in an epoch"
        complete = len(taken) // rows
        assert sum(epoch < complete for epoch, _ in taken) == complete * rows, "no row left out of an epoch"


@given(st.integers(0, 5), st.integers(1, 4), st.integers(1, 5), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_ranks_and_resumption_never_change_the_samples(
    sources: list[tuple[Path, float]], steps: int, world: int, batch: int, later_world: int, later_batch: int
) -> None:
    def tokens_of(loaders: list[tf.Loader], count: int) -> list[list[int]]:
        return [row.tolist() for _ in range(count) for loader in loaders for row in next(loader)["tokens"]]

    before = [tf.Loader(sources, 32, batch, seed=1, rank=rank, world_size=world) for rank in range(world)]
    seen = tokens_of(before, steps)
    state = before[0].state_dict()
    assert len(json.dumps(state)) < 1000
    after = [tf.Loader(sources, 32, later_batch, seed=1, rank=rank, world_size=later_world) for rank in range(later_world)]
    for loader in after:
        loader.load_state_dict(json.loads(json.dumps(state)))
    seen += tokens_of(after, 3)
    alone = tf.Loader(sources, 32, 1, seed=1)
    assert seen == tokens_of([alone], len(seen))


def test_batches(sources: list[tuple[Path, float]]) -> None:
    loader = tf.Loader(sources, 40, 4, pad_id=9)
    for _, batch in zip(range(5), loader, strict=False):
        assert {name: (array.shape, array.dtype.name) for name, array in batch.items()} == {
            "tokens": ((4, 40), "int64"),
            "labels": ((4, 40), "int64"),
            "position_ids": ((4, 40), "int32"),
            "document_ids": ((4, 40), "int32"),
        }
        padding = batch["document_ids"] == -1
        assert (batch["tokens"][padding] == 9).all()
        assert (batch["labels"][padding] == -100).all()
        inside = batch["labels"] != -100
        # Each document is one token repeated, so a label that crossed a boundary would differ.
        assert (batch["labels"][inside] == batch["tokens"][inside]).all()
        assert (batch["position_ids"][:, 0] == 0).all()


def test_bad_arguments(sources: list[tuple[Path, float]], tmp_path: Path) -> None:
    for arguments, options, named in [
        (([], 8, 1), {}, "sources"),
        ((sources, 0, 1), {}, "sequence_length"),
        ((sources, 8, 1), {"rank": 2, "world_size": 2}, "rank"),
        (([(sources[0][0], -1)], 8, 1), {}, "weights"),
    ]:
        with pytest.raises(tf.InputError, match=named):
            tf.Loader(*arguments, **options)
    with pytest.raises(tf.ShardError, match="not a directory"):
        tf.Loader([(tmp_path / "none", 1)], 8, 1)
    with pytest.raises(tf.InputError, match="sequence_length is 8"):
        next(tf.Loader(sources, 8, 16))
    state = tf.Loader(sources, 32, 1, seed=1).state_dict()
    with pytest.raises(tf.InputError, match="seed"):
        tf.Loader(sources, 32, 1, seed=2).load_state_dict(state)
