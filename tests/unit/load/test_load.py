"""`tf.Loader`: the global sequence of samples, whatever ranks, workers, batches and resumptions; labels; errors."""

import json
import multiprocessing
import os
import pickle
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry._core import shard as core
from tokenfoundry.load import permute
from tokenfoundry.reference import sampling as reference

LENGTH = 32


def make_shards(path: Path, documents: int, first_token: int, *, packed: bool = True) -> Path:
    """Documents of one token repeated, so that a label that crossed a boundary would differ."""
    rows = [[first_token + index] * (1 + index % 30) for index in range(documents)]
    ragged = tf.Ragged.from_lists(rows)
    ids = [core.hash128(b"%d" % (first_token + index)) for index in range(documents)]
    plan = tf.pack.plan(ragged.lengths, LENGTH) if packed else None
    mask = (ragged.values % 2).astype(np.uint8)
    tf.shard.write(
        path, ragged, plan, document_ids=ids, vocabulary_size=10_000, rows_per_shard=9, columns={"mask": mask}
    )
    return path


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, float]]:
    folder = tmp_path_factory.mktemp("sources")
    return [(make_shards(folder / "a", 100, 0), 3.0), (make_shards(folder / "b", 50, 5000), 1.0)]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, float]]:
    folder = tmp_path_factory.mktemp("documents")
    return [
        (make_shards(folder / "a", 100, 0, packed=False), 2.0),
        (make_shards(folder / "b", 70, 5000, packed=False), 1.0),
    ]


@given(st.integers(1, 3000), st.integers(0, 1 << 63))
@settings(max_examples=60)
def test_permute_is_a_permutation_and_its_twin(size: int, key: int) -> None:
    found = permute(np.arange(size), size, key)
    assert sorted(found.tolist()) == list(range(size))
    for index in {0, size // 2, size - 1}:
        assert found[index] == reference.permute(index, size, key)


def test_a_permutation_leaves_no_pattern() -> None:
    """Where an index goes says nothing of where its neighbours go: as near to chance as a table of 64 x 64 can tell."""
    size = 1 << 20
    for key in range(4):
        found = permute(np.arange(size), size, key)
        for apart in (1, 2, 1024, 1025):
            pairs = np.bincount(found[:-apart] // (size // 64) * 64 + found[apart:] // (size // 64), minlength=4096)
            expected = (size - apart) / 4096
            squares = float(((pairs - expected) ** 2).sum() / expected)
            # 4095 degrees of freedom; 1.1 times as many are seven standard deviations.
            assert squares < 1.1 * 4095, (key, apart)


def test_permute_scatters() -> None:
    size = 1 << 20
    found = permute(np.arange(size), size, 1)
    # Neighbours go anywhere: halves, and low bits, are hit evenly, and no correlation is left.
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.005
    assert abs(np.corrcoef(np.arange(size), found)[0, 1]) < 0.005
    counts = np.bincount(found[: size // 16] * 64 // size, minlength=64)
    assert ((counts - 1024) ** 2 / 1024).sum() < 150
    with pytest.raises(tf.InputError):
        permute([5], 5, 0)


def test_an_index_out_of_range_is_seen_anywhere() -> None:
    for place in (0, 15, 16, 999):
        for wrong in (-1, 1000, 1 << 62):
            indices = np.arange(1000)
            indices[place] = wrong
            with pytest.raises(tf.InputError, match="between 0 and 1000"):
                permute(indices, 1000, np.int64(3))


@pytest.mark.parametrize("shuffle", [True, False])
def test_many_samples_are_located_as_each_is(documents: list[tuple[Path, float]], shuffle: bool) -> None:
    schedule = [(100, [1.0, 3.0]), (101, [0.0, 1.0]), (70_000, [1.0, 1.0])]
    for loader in (
        tf.Loader(documents, 8, 1, mode="windows", seed=np.int32(5), shuffle=shuffle, schedule=schedule),
        tf.Loader([path for path, _ in documents], 8, 1, mode="windows", seed=5, shuffle=shuffle),
    ):
        for first, count in ((0, 300), (65_500, 100), (69_990, 20), (5, 0)):
            found = np.stack(loader.locate_batch(first, count), axis=1)
            assert found.tolist() == [list(loader.locate(sample)) for sample in range(first, first + count)]


@given(
    st.lists(st.floats(0, 100), min_size=2, max_size=2).filter(lambda weights: sum(weights) > 1e-3),
    st.lists(st.tuples(st.integers(1, 400), st.floats(0.1, 9), st.floats(0, 9)), max_size=3),
    st.integers(0, 99),
    st.sampled_from([True, False]),
)
@settings(max_examples=40)
def test_order_equals_its_twin(
    sources: list[tuple[Path, float]],
    weights: list[float],
    phases: list[tuple[int, float, float]],
    seed: int,
    mixed: bool,
) -> None:
    paths = [path for path, _ in sources]
    if mixed:
        later = sorted({at: [one, other] for at, one, other in phases}.items())
        loader = tf.Loader(list(zip(paths, weights, strict=True)), LENGTH, 1, seed=seed, schedule=later)
        schedule = [(0, weights), *later]
    else:
        loader, schedule = tf.Loader(paths, LENGTH, 1, seed=seed), None
    sizes = [len(tf.shard.open(path)) for path in paths]
    expected = reference.order(sizes, schedule, seed, 500)
    found = loader.locate_batch(0, 500)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected
    assert loader.locate(123) == expected[123]


def test_an_epoch_has_every_row_once_and_the_next_another_order(sources: list[tuple[Path, float]]) -> None:
    for given_sources in (sources[:1], [path for path, _ in sources]):
        loader = tf.Loader(given_sources, LENGTH, 1, seed=5)
        rows = loader.epoch_size
        assert rows is not None
        first, second = (
            list(zip(*(column.tolist() for column in loader.locate_batch(start, rows)), strict=True))
            for start in (0, rows)
        )
        assert (
            len({(source, row) for source, _, row in first})
            == len({(source, row) for source, _, row in second})
            == rows
        )
        assert {epoch for _, epoch, _ in first} == {0}
        assert {epoch for _, epoch, _ in second} == {1}
        assert [row for _, _, row in first] != [row for _, _, row in second]


def test_weights_are_met_and_counted(sources: list[tuple[Path, float]]) -> None:
    loader = tf.Loader(sources, LENGTH, 4)
    source, _, _ = loader.locate_batch(0, 1 << 16)
    assert np.bincount(source).tolist() == [49_152, 16_384]
    running = np.cumsum(source) - 0.25 * np.arange(1, len(source) + 1)
    assert abs(running).max() < 5, "at every moment each source is near its share"
    for _ in range(10):
        next(loader)
    counters = loader.counters()
    assert [entry["items"] for entry in counters] == np.bincount(source[:40]).tolist()
    assert [entry["share"] for entry in counters] == [0.75, 0.25]
    assert loader.metrics()["tokens"] > 0
    assert loader.step == 10


def samples_of(loaders: list[tf.Loader], count: int) -> list[list[int]]:
    """Rows of a number of global batches, in the order of samples."""
    rows = [row.tolist() for _ in range(count) for loader in loaders for row in next(loader)["tokens"]]
    return rows


MODES = st.sampled_from(["rows", "windows", "pack"])


@given(
    MODES,
    st.integers(0, 5),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_ranks_workers_and_resumption_never_change_the_samples(
    documents: list[tuple[Path, float]],
    mode: Any,
    steps: int,
    world: int,
    batch: int,
    later_world: int,
    later_batch: int,
    workers: int,
) -> None:
    options: dict[str, Any] = {"mode": mode, "seed": 1, "block_pieces": 40}
    before = [tf.Loader(documents, LENGTH, batch, rank=rank, world_size=world, **options) for rank in range(world)]
    seen = samples_of(before, steps)
    states = [loader.state_dict() for loader in before]
    assert all(state == states[0] for state in states)
    assert len(json.dumps(states[0])) < 1000
    after = [
        tf.Loader(documents, LENGTH, later_batch, rank=rank, world_size=later_world, **options)
        for rank in range(later_world)
    ]
    for loader in after:
        loader.load_state_dict(json.loads(json.dumps(states[0])))
    # Each rank reads with several workers, which take turns.
    turns = [[loader.view(worker, workers) for loader in after] for worker in range(workers)]
    for turn in range(4):
        seen += samples_of(turns[turn % workers], 1)
    alone = tf.Loader(documents, LENGTH, 1, **options)
    assert seen == samples_of([alone], len(seen))


@pytest.mark.parametrize("mode", ["rows", "windows", "pack"])
def test_at_the_end_all_ranks_have_one_state_and_more_samples_go_on_from_it(
    documents: list[tuple[Path, float]], mode: Any
) -> None:
    paths = [path for path, _ in documents]
    alone = tf.Loader(paths, LENGTH, 1, mode=mode, epochs=1)
    expected = [row.tolist() for batch in alone for row in batch["tokens"]]
    ranks = [
        tf.Loader(paths, LENGTH, 4, mode=mode, epochs=1, rank=rank, world_size=3, drop_last=False) for rank in range(3)
    ]
    seen = 0
    for turn in range(-(-len(expected) // 12) + 1):
        batches = [next(loader, None) for loader in ranks]
        rows = [row.tolist() for batch in batches if batch for row in batch["tokens"]]
        assert rows == expected[seen : seen + 12], turn
        seen += len(rows)
        states = [loader.state_dict() for loader in ranks]
        assert states == [states[0]] * 3
        assert states[0]["samples"] == seen
        assert all(
            loader.state_after(batch) == states[0] for loader, batch in zip(ranks, batches, strict=True) if batch
        )
    assert seen == len(expected)
    if mode != "pack":
        # A longer run, begun anew: nothing lost between the last sample and the next.
        longer = tf.Loader(paths, LENGTH, 1, mode=mode, epochs=2)
        longer.load_state_dict(states[0])
        assert next(longer)["sample"].tolist() == [seen]


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=4), st.booleans()
)
@settings(max_examples=40, deadline=None)
def test_weights_that_change_lose_and_repeat_nothing(
    sources: list[tuple[Path, float]], changes: list[tuple[int, int, int]], resume: bool
) -> None:
    loader = tf.Loader(sources, LENGTH, 1, seed=3)
    taken: list[tuple[int, int, int]] = []
    for steps, one, other in changes:
        taken += [loader.locate(int(next(loader)["sample"][0])) for _ in range(steps)]
        loader.change_weights([one, other])
        if resume:
            state = json.loads(json.dumps(loader.state_dict()))
            loader = tf.Loader(sources, LENGTH, 1, seed=3)
            loader.load_state_dict(state)
    taken += [loader.locate(int(next(loader)["sample"][0])) for _ in range(40)]
    for source in (0, 1):
        rows = len(tf.shard.open(sources[source][0]))
        mine = [(epoch, row) for found, epoch, row in taken if found == source]
        assert len(set(mine)) == len(mine), "nothing is repeated"
        assert [epoch for epoch, _ in mine] == [number // rows for number in range(len(mine))], "nothing is left out"


def test_a_change_at_a_sample_that_the_schedule_names_is_remembered(sources: list[tuple[Path, float]]) -> None:
    options: dict[str, Any] = {"seed": 3, "schedule": [(4, [1.0, 1.0]), (6, [0.0, 1.0])]}
    for taken, at in [(0, None), (0, 4), (4, None), (5, 6), (9, 6)]:
        loader = tf.Loader(sources, LENGTH, 1, **options)
        samples_of([loader], min(taken, at or taken))
        loader.change_weights([5.0, 2.0], at=at)
        samples_of([loader], taken - loader.step)
        resumed = tf.Loader(sources, LENGTH, 1, **options)
        resumed.load_state_dict(json.loads(json.dumps(loader.state_dict())))
        assert resumed.state_dict() == loader.state_dict()
        assert samples_of([resumed], 20) == samples_of([loader], 20)


def test_a_new_source_joins_a_run(sources: list[tuple[Path, float]], documents: list[tuple[Path, float]]) -> None:
    loader = tf.Loader(sources, LENGTH, 2, seed=3)
    expected = samples_of([loader], 3)
    state = loader.state_dict()
    wider = tf.Loader([*sources, (documents[0][0], 0.0)], LENGTH, 2, seed=3, schedule=[(6, [1.0, 1.0, 2.0])])
    assert samples_of([wider], 3) == expected
    resumed = tf.Loader([*sources, (documents[0][0], 0.0)], LENGTH, 2, seed=3, schedule=[(6, [1.0, 1.0, 2.0])])
    resumed.load_state_dict(state)
    assert samples_of([resumed], 3) == samples_of([wider], 3)
    assert resumed.counters()[2]["items"] > 0


@pytest.mark.parametrize("mode", ["rows", "windows", "pack"])
@pytest.mark.parametrize("drop_last", [True, False])
def test_an_epoch_ends(documents: list[tuple[Path, float]], mode: Any, drop_last: bool) -> None:
    paths = [path for path, _ in documents]
    options: dict[str, Any] = {"mode": mode, "seed": 2, "block_pieces": 50}
    ranks = [
        tf.Loader(paths, LENGTH, 3, epochs=2, drop_last=drop_last, rank=rank, world_size=2, **options)
        for rank in range(2)
    ]
    found = sorted(int(number) for loader in ranks for batch in loader for number in batch["sample"])
    whole = tf.Loader(paths, LENGTH, 1, epochs=2, **options)
    total = sum(1 for _ in whole)
    assert found == list(range(total // 6 * 6 if drop_last else total))
    if mode != "windows":
        tokens = sum(
            int((batch["document_ids"] >= 0).sum()) for batch in tf.Loader(paths, LENGTH, 1, epochs=2, **options)
        )
        assert tokens == 2 * sum(tf.shard.open(path).tokens for path in paths), "each token twice in two epochs"
    assert sum(1 for _ in tf.Loader(paths, LENGTH, 1, samples=5, **options)) == 5


def test_without_shuffling_samples_come_in_order(sources: list[tuple[Path, float]]) -> None:
    path = sources[0][0]
    loader = tf.Loader(path, LENGTH, 1, shuffle=False, epochs=1)
    rows = [batch["tokens"][0][batch["document_ids"][0] >= 0].tolist() for batch in loader]
    assert rows == [row.tolist() for row in tf.shard.open(path)]


@pytest.mark.parametrize("mode", ["rows", "pack"])
def test_batches(documents: list[tuple[Path, float]], mode: Any) -> None:
    loader = tf.Loader(documents, 40, 4, pad_id=9, mode=mode, block_pieces=64)
    for _, batch in zip(range(5), loader, strict=False):
        assert {name: (array.shape, array.dtype.name) for name, array in batch.items()} == {
            "tokens": ((4, 40), "int64"),
            "labels": ((4, 40), "int64"),
            "position_ids": ((4, 40), "int32"),
            "document_ids": ((4, 40), "int32"),
            "sample": ((4,), "int64"),
        }
        padding = batch["document_ids"] == -1
        assert (batch["tokens"][padding] == 9).all()
        assert (batch["labels"][padding] == -100).all()
        inside = batch["labels"] != -100
        # Each document is one token repeated, so a label that crossed a boundary would differ.
        assert (batch["labels"][inside] == batch["tokens"][inside]).all()
        assert (batch["position_ids"][:, 0] == 0).all()
        ends = np.diff(batch["document_ids"], axis=1, append=-2) != 0
        assert (batch["labels"][ends] == -100).all()
        assert (inside == ~(ends | padding)).all()


def test_packed_rows_are_dense_and_traced(documents: list[tuple[Path, float]]) -> None:
    loader = tf.Loader(documents, 64, 8, mode="pack", seed=4)
    filled = 0
    for batch in islice(loader, 20):
        filled += int((batch["document_ids"] >= 0).sum())
        for row, sample in enumerate(batch["sample"].tolist()):
            pieces = loader.trace(sample)
            at = 0
            for number, piece in enumerate(pieces):
                tokens = batch["tokens"][row, at : at + piece.length]
                assert (batch["document_ids"][row, at : at + piece.length] == number).all()
                assert core.hash128(b"%d" % tokens[0]) == piece.document
                assert piece.source in {os.fspath(path) for path, _ in documents}
                at += piece.length
    assert filled / (20 * 8 * 64) > 0.99
    counts = loader.counters()
    assert sum(entry["share"] for entry in counts) == pytest.approx(1)


def test_windows_are_those_of_the_tokens(sources: list[tuple[Path, float]]) -> None:
    path = sources[0][0]
    tokens = np.concatenate(list(tf.shard.open(path)))
    loader = tf.Loader(path, 10, 2, mode="windows", epochs=1, drop_last=False, dtype=np.uint32)
    seen = []
    for batch in loader:
        assert list(batch) == ["tokens", "labels", "sample"]
        assert batch["tokens"].dtype == np.uint32
        for row, sample in enumerate(batch["sample"].tolist()):
            _, _, window = loader.locate(sample)
            assert batch["tokens"][row].tolist() == tokens[window * 10 : window * 10 + 10].tolist()
            assert batch["labels"][row].tolist() == tokens[window * 10 + 1 : window * 10 + 11].tolist()
            assert sum(piece.length for piece in loader.trace(sample)) == 10
            seen.append(window)
    assert sorted(seen) == list(range((len(tokens) - 1) // 10))


@pytest.mark.parametrize("mode", ["rows", "windows", "pack"])
def test_loss_masks(documents: list[tuple[Path, float]], mode: Any) -> None:
    plain, masked = (
        next(tf.Loader(documents, LENGTH, 16, mode=mode, loss_mask=name, block_pieces=99)) for name in (None, "mask")
    )
    assert (plain["tokens"] == masked["tokens"]).all()
    learned = (plain["labels"] % 2 == 1) & (plain["labels"] != -100)
    assert (masked["labels"] == np.where(learned, plain["labels"], -100)).all()
    with pytest.raises(tf.InputError, match='no side column "other"'):
        tf.Loader(documents, LENGTH, 1, loss_mask="other")


@pytest.mark.parametrize("dtype", [np.uint32, np.int32, np.int64])
@pytest.mark.parametrize("width", [1, 7, 16, 33])
def test_arrays_begin_where_lines_do_and_any_others_are_filled(
    sources: list[tuple[Path, float]], dtype: Any, width: int
) -> None:
    loader = tf.Loader(sources, width, 3, mode="windows", dtype=dtype)
    batch = next(loader)
    assert all(batch[name].ctypes.data % 64 == 0 and batch[name].flags.c_contiguous for name in ("tokens", "labels"))
    # Rows of odd widths begin anywhere in a line, tokens and labels at different places.
    for row, sample in enumerate(batch["sample"].tolist()):
        source, _, item = loader.locate(sample)
        everything = np.concatenate(list(tf.shard.open(sources[source][0])))
        first = item * width
        assert (batch["tokens"][row] == everything[first : first + width]).all()
        assert (batch["labels"][row] == everything[first + 1 : first + 1 + width]).all()


def test_pickles_copies_and_reuse(documents: list[tuple[Path, float]]) -> None:
    for options in ({}, {"mode": "pack", "block_pieces": 30}):
        loader = tf.Loader(documents, LENGTH, 2, reuse=True, **options)
        for _ in range(30):
            first = next(loader)
        loader.change_weights([1.0, 5.0])
        again = pickle.loads(pickle.dumps(loader))
        for _ in range(40):
            one, other = next(loader), next(again)
            assert all((one[name] == other[name]).all() for name in one)
        assert first["tokens"] is one["tokens"]
        assert other["tokens"] is not one["tokens"]


def test_states_that_do_not_fit_are_errors(documents: list[tuple[Path, float]]) -> None:
    loader = tf.Loader(documents, LENGTH, 1, seed=1)
    next(loader)
    state = loader.state_dict()
    (one, _), (other, _) = documents
    for options in ({"seed": 2}, {"mode": "pack"}, {"shuffle": False}):
        with pytest.raises(tf.InputError, match="another loader"):
            tf.Loader(documents, LENGTH, 1, **({"seed": 1} | options)).load_state_dict(state)
    for sources in ([(other, 2.0), (one, 1.0)], [(one, 1.0), (other, 1.0)], [one, other]):
        with pytest.raises(tf.InputError, match="another loader"):
            tf.Loader(sources, LENGTH, 1, seed=1).load_state_dict(state)
    for damaged in ({}, {"version": 1}, state | {"samples": -1}, state | {"samples": "x"}, state | {"block": [1]}):
        with pytest.raises(tf.InputError):
            tf.Loader(documents, LENGTH, 1, seed=1).load_state_dict(damaged)
    packing = tf.Loader(documents, LENGTH, 4, mode="pack", block_pieces=20)
    for _ in range(20):
        next(packing)
    held = packing.state_dict()
    for block in ([held["block"][0], 0], [0, 0], [], [1 << 70, 1]):
        with pytest.raises(tf.InputError):
            tf.Loader(documents, LENGTH, 4, mode="pack", block_pieces=20).load_state_dict(held | {"block": block})
    fresh = tf.Loader(documents, LENGTH, 4, seed=1)
    next(fresh)
    with pytest.raises(tf.InputError):
        fresh.load_state_dict(state | {"samples": 7, "changes": [[0, [1.0, 9.0]], [5, [1.0, 9.0]]]})
    assert next(fresh)["sample"].tolist() == [4, 5, 6, 7], "a state that was refused changes nothing"
    with pytest.raises(tf.InputError, match="out of range"):
        packing.load_state_dict(held | {"samples": 10**30})
    with pytest.raises(tf.InputError, match="from sample 1 on"):
        loader.change_weights([1, 1], at=0)
    with pytest.raises(tf.InputError, match="weights must"):
        loader.change_weights([1])
    assert next(loader)["sample"].tolist() == [1]


def test_bad_arguments(sources: list[tuple[Path, float]], tmp_path: Path) -> None:
    path = sources[0][0]
    for arguments, options, named in [
        (([], 8, 1), {}, "sources"),
        (([(path, "heavy")], 8, 1), {}, "pairs"),
        ((sources, 0, 1), {}, "sequence_length"),
        ((sources, 8, 1), {"rank": 2, "world_size": 2}, "rank"),
        (([(path, -1)], 8, 1), {}, "weights"),
        ((sources, 8, 1), {"mode": "rowz"}, "mode"),
        ((sources, 8, 1), {"epochs": 1}, "joined"),
        ((path, 8, 1), {"epochs": 0}, "epochs"),
        ((path, 8, 1), {"schedule": [(5, [1.0])]}, "schedule"),
        ((sources, 8, 1), {"schedule": [(5, [1.0])]}, "weights"),
        ((sources, 8, 1), {"schedule": [(5, [1, 1]), (5, [1, 2])]}, "schedule"),
        ((sources, 8, 1), {"schedule": [(-5, [1, 1])]}, "negative"),
        ((path, 8, 1), {"pad_id": -1}, "pad_id"),
        ((path, 8, 1), {"threads": 0}, "threads"),
        ((path, 8, 1), {"columns": ["token"]}, "column"),
        ((path, 8, 1), {"dtype": np.int16}, "dtype"),
        ((path, 1 << 20, 1), {"mode": "windows"}, "no windows"),
    ]:
        with pytest.raises(tf.InputError, match=named):
            tf.Loader(*arguments, **options)
    with pytest.raises(tf.ShardError, match="not a directory"):
        tf.Loader([(tmp_path / "none", 1)], 8, 1)
    with pytest.raises(tf.InputError, match="sequence_length is 8"):
        next(tf.Loader(sources, 8, 16))


def test_damage_is_named_and_never_a_wrong_token(tmp_path: Path) -> None:
    path = make_shards(tmp_path / "set", 2000, 0)
    for mode in ("rows", "windows", "pack"):
        file = sorted(path.glob("shard-*.bin"))[1]
        sound = file.read_bytes()
        file.write_bytes(bytes([sound[0] ^ 1]) + sound[1:])
        try:
            loader = tf.Loader(path, LENGTH, 8, mode=mode, epochs=1)
            with pytest.raises(tf.ShardError, match=r"shard-00001.bin: block 0"):
                for batch in loader:
                    assert batch["tokens"].max() < 2000
        finally:
            file.write_bytes(sound)


def test_samples_far_away_are_as_near_as_the_first(sources: list[tuple[Path, float]]) -> None:
    loader = tf.Loader(sources, LENGTH, 1, seed=1)
    source, epoch, row = loader.locate_batch((1 << 40) - 1000, 1000)
    assert source.max() == 1
    assert epoch.min() > 1 << 30
    assert row.max() < 100


def _first_batch(loader: tf.Loader, answer: Any) -> None:
    answer.put(next(loader)["sample"].tolist())


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("mode", ["rows", "windows", "pack"])
def test_a_forked_worker_goes_on(documents: list[tuple[Path, float]], mode: Any) -> None:
    """The parent has packed and has pools of threads, none of which live in the child."""
    loader = tf.Loader(documents, 64, 2, mode=mode, seed=3, block_pieces=50)
    next(loader)
    tf.pack.plan(np.full(600_000, 3), 64, threads=2, seed=1)
    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    worker = context.Process(target=_first_batch, args=(loader, answer))
    worker.start()
    assert answer.get(timeout=60) == [2, 3]
    worker.join(60)
    assert worker.exitcode == 0
