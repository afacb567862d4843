"""Batches, windows, advice: the same tokens as row by row; foreign mixtures of files are refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf

ROWS = 70


@pytest.fixture(scope="module", params=[300, 70_000], ids=["two bytes", "four bytes"])
def shards(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tf.shard.Shards:
    path = tmp_path_factory.mktemp("shards")
    source = np.random.default_rng(request.param)
    lengths = source.integers(1, 400, ROWS)
    ragged = tf.Ragged.from_lists([source.integers(0, request.param, length).tolist() for length in lengths])
    ids = [index.to_bytes(16, "big") for index in range(ROWS)]
    tf.shard.write(path, ragged, document_ids=ids, vocabulary_size=request.param, rows_per_shard=9)
    return tf.shard.open(path)


@pytest.mark.parametrize("dtype", [np.uint32, np.int32, np.int64])
@pytest.mark.parametrize("threads", [1, 2])
def test_rows_fill_a_matrix(shards: tf.shard.Shards, dtype: type, threads: int) -> None:
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(ROWS), 30))
    out = np.full((len(order), 400), 99, dtype)
    lengths = shards.read_rows(order, out, fill=17, threads=threads)
    for row, tokens, length in zip(order, out, lengths, strict=True):
        assert tokens[:length].tolist() == shards[int(row)].tolist()
        assert (tokens[length:] == 17).all()


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_windows_are_slices_of_all_tokens(shards: tf.shard.Shards, data: st.DataObject) -> None:
    everything = np.concatenate(list(shards))
    assert len(everything) == shards.tokens
    length = data.draw(st.integers(1, 3_000))
    starts = data.draw(st.lists(st.integers(0, len(everything) - length - 1), max_size=5))
    out, labels = np.zeros((len(starts), length), np.int64), np.zeros((len(starts), length), np.int64)
    shards.will_need_windows(starts, length)
    shards.read_windows(starts, out, labels=labels)
    for start, tokens, shifted in zip(starts, out, labels, strict=True):
        assert np.array_equal(tokens, everything[start : start + length])
        assert np.array_equal(shifted, everything[start + 1 : start + 1 + length])


@pytest.mark.parametrize("tokens", [1, 500, 1 << 22])
def test_chunks_are_all_rows(shards: tf.shard.Shards, tokens: int) -> None:
    chunks = list(shards.chunks(tokens))
    assert [row for chunk in chunks for row in chunk.tolist()] == [row.tolist() for row in shards]
    assert all(len(chunk) == 1 or len(chunk.values) <= tokens for chunk in chunks)


def test_places(shards: tf.shard.Shards) -> None:
    for row in range(-ROWS, ROWS):
        shard, local = shards.locate(row)
        assert (shard, local) == divmod(row % ROWS, 9)
        assert (shards.shard_of(row), shards.index(shard, local)) == (shard, row % ROWS)
    first, end = shards.token_range(-1)
    assert (end, end - first) == (shards.tokens, len(shards[-1]))
    for wrong in (ROWS, -ROWS - 1):
        with pytest.raises(IndexError, match=f"of {ROWS} rows"):
            shards[wrong]
        with pytest.raises(IndexError):
            shards.pieces(wrong)


def test_what_does_not_fit_is_refused(shards: tf.shard.Shards) -> None:
    out = np.zeros((1, 400), np.int64)
    shards.will_need([0, ROWS - 1])
    for wrong in (np.zeros((1, 400), np.float32), np.zeros(400, np.int64), np.zeros((400, 1), np.int64).T[:, ::2]):
        with pytest.raises(tf.InputError, match="out must be"):
            shards.read_rows([0], wrong)
    with pytest.raises(tf.InputError, match="2 were asked for"):
        shards.read_rows([0, 1], out)
    with pytest.raises(tf.InputError, match="fill"):
        shards.read_rows([0], out.astype(np.uint32), fill=-1)
    with pytest.raises(tf.InputError, match="labels"):
        shards.read_windows([0], out, labels=np.zeros((1, 400), np.int32))
    with pytest.raises(tf.InputError, match="labels"):
        shards.read_windows([0], out, labels=np.zeros((2, 400), np.int64))
    with pytest.raises(tf.InputError, match="no column"):
        shards.column("mask", 0)
    for action in (
        lambda: shards.read_rows([ROWS], out),
        lambda: shards.read_rows([-1], out),
        lambda: shards.read_rows([0], np.zeros((1, 0), np.int64)),
        lambda: shards.read_rows([int(np.argmax([len(row) for row in shards]))], np.zeros((1, 2), np.int64)),
        lambda: shards.read_windows([shards.tokens - 399], out),
        lambda: shards.read_windows([shards.tokens - 400], out, labels=out.copy()),
        lambda: shards.read_windows([-1], out),
        lambda: shards.read_windows([(1 << 63) - 1], out),
        lambda: shards.will_need([ROWS]),
        lambda: shards.will_need_windows([shards.tokens], 1),
    ):
        with pytest.raises(tf.ShardError):
            action()


@pytest.fixture
def copy(shards: tf.shard.Shards, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shards.path, tmp_path / "copy"))


def test_sets_with_missing_or_exchanged_files(copy: Path) -> None:
    def expect(message: str) -> None:
        with pytest.raises(tf.ShardError, match=message):
            tf.shard.verify(copy)

    first, second, last = copy / "shard-00000", copy / "shard-00001", copy / "shard-00007"
    kept = {path: path.read_bytes() for path in copy.iterdir()}
    last.with_suffix(".tfi").unlink()
    expect("shard-00006, which is not its last shard")
    last.with_suffix(".tfi").write_bytes(kept[last.with_suffix(".tfi")])
    second.with_suffix(".tfi").unlink()
    expect("shard-00001 is missing")
    second.with_suffix(".tfi").write_bytes(kept[first.with_suffix(".tfi")])
    expect("shard-00001")
    for extension in (".bin", ".idx", ".tfi"):
        second.with_suffix(extension).write_bytes(kept[first.with_suffix(extension)])
    expect("that of shard 0 under another name")
    for extension in (".bin", ".idx", ".tfi"):
        second.with_suffix(extension).write_bytes(kept[second.with_suffix(extension)])
    second.with_suffix(".idx").write_bytes(kept[first.with_suffix(".idx")])
    expect("shard-00001.idx: is damaged or of another shard")
    second.with_suffix(".idx").unlink()
    expect("shard-00001.idx: is missing")
    second.with_suffix(".idx").write_bytes(kept[second.with_suffix(".idx")])
    tf.shard.verify(copy)


def test_verify_sees_damage_done_after_reading(copy: Path) -> None:
    shards = tf.shard.verify(copy)
    content = bytearray((copy / "shard-00002.bin").read_bytes())
    content[-1] ^= 128
    (copy / "shard-00002.bin").write_bytes(content)
    with pytest.raises(tf.ShardError, match=r"shard-00002.bin: block \d+ "):
        shards.verify()
