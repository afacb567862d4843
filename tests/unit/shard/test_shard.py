"""`tf.shard`: what is written is what is read, by the twin's eyes too, and no damage goes unseen."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tokenfoundry as tf
from tokenfoundry._core import shard as core
from tokenfoundry.reference import megatron as reference


def corpus(documents: int = 60, vocabulary: int = 70_000, seed: int = 0) -> tuple[tf.Ragged, list[bytes]]:
    source = np.random.default_rng(seed)
    rows = [source.integers(0, vocabulary, source.integers(0, 40)).tolist() for _ in range(documents)]
    return tf.Ragged.from_lists(rows), [core.hash128(b"%d" % index) for index in range(documents)]


@pytest.mark.parametrize(("vocabulary", "width"), [(70_000, 4), (65_536, 2), (300, 2)])
def test_what_is_written_is_read(tmp_path: Path, vocabulary: int, width: int) -> None:
    ragged, ids = corpus(vocabulary=vocabulary)
    plan = tf.pack.plan(ragged.lengths, 64)
    names = tf.shard.write(
        tmp_path,
        ragged,
        plan,
        document_ids=ids,
        vocabulary_size=vocabulary,
        tokenizer_digest="ab" * 16,
        rows_per_shard=7,
    )
    assert names == [f"shard-{number:05d}" for number in range(-(-plan.rows // 7))]
    shards = tf.shard.verify(tmp_path)
    assert (len(shards), shards.tokens) == (plan.rows, plan.tokens)
    assert (shards.vocabulary_size, shards.tokenizer_digest) == (vocabulary, "ab" * 16)
    by_twin = [row for name in names for row in reference.read_rows(tmp_path / name)]
    for row in range(plan.rows):
        pieces = range(plan.row_offsets[row], plan.row_offsets[row + 1])
        expected: list[int] = []
        for piece, read in zip(pieces, shards.pieces(row), strict=True):
            document, start, length = plan.document[piece], plan.start[piece], plan.length[piece]
            expected += ragged[int(document)][start : start + length].tolist()
            assert (read["document"].tobytes(), read["start"], read["length"]) == (ids[document], start, length)
        assert shards[row].tolist() == expected == by_twin[row]
    assert shards[-1].tolist() == shards[len(shards) - 1].tolist()
    again = pickle.loads(pickle.dumps(shards))
    assert again[3].tolist() == shards[3].tolist()
    sidecar = reference.read_sidecar((tmp_path / "shard-00000.tfi").read_bytes())
    content = (tmp_path / "shard-00000.bin").read_bytes()
    assert sidecar["width"] == width
    assert list(sidecar["checksums"]) == reference.block_checksums(content)
    assert sidecar["idx_checksum"] == xxhash.xxh3_64_intdigest((tmp_path / "shard-00000.idx").read_bytes())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{name}.{extension}" for name in names for extension in ("bin", "idx", "tfi")
    ), "no temporary file is left"


def test_without_a_plan_each_document_is_a_row(tmp_path: Path) -> None:
    ragged, ids = corpus()
    tf.shard.write(tmp_path, ragged, document_ids=b"".join(ids), vocabulary_size=70_000)
    shards = tf.shard.open(tmp_path)
    assert [shards[row].tolist() for row in range(len(shards))] == [row for row in ragged.tolist() if row]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shards")
    ragged, ids = corpus(40)
    plan = tf.pack.plan(ragged.lengths, 64)
    tf.shard.write(path, ragged, plan, document_ids=ids, vocabulary_size=70_000, tokenizer_digest="cd" * 16)
    return path


@given(st.sampled_from([".bin", ".idx", ".tfi"]), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_flipped_bit_is_found(written: Path, extension: str, place: float, bit: int) -> None:
    path = written / f"shard-00000{extension}"
    sound = path.read_bytes()
    damaged = bytearray(sound)
    damaged[int(place * len(sound))] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        with pytest.raises(tf.ShardError, match=f"shard-00000\\{extension}"):
            tf.shard.verify(written)
        if extension == ".bin":
            # Reading rows without verifying first must not give out the wrong token either.
            with pytest.raises(tf.ShardError, match=r"block \d"):
                shards = tf.shard.open(written)
                [shards[row] for row in range(len(shards))]
    finally:
        path.write_bytes(sound)


@given(st.sampled_from([".bin", ".idx", ".tfi"]), st.floats(0, 1, exclude_max=True))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_truncation_is_found(written: Path, extension: str, place: float) -> None:
    path = written / f"shard-00000{extension}"
    sound = path.read_bytes()
    path.write_bytes(sound[: int(place * len(sound))])
    try:
        with pytest.raises(tf.ShardError, match="shard-00000"):
            tf.shard.verify(written)
    finally:
        path.write_bytes(sound)


def test_foreign_and_future_files(written: Path, tmp_path: Path) -> None:
    with pytest.raises(tf.ShardError, match="no shards"):
        tf.shard.open(tmp_path)
    with pytest.raises(tf.ShardError, match="not a directory"):
        tf.shard.open(tmp_path / "nothing")
    for path in written.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    index = tmp_path / "shard-00000.tfi"
    future = bytearray(index.read_bytes()[:-8])
    future[8] = 2
    index.write_bytes(bytes(future) + xxhash.xxh3_64_intdigest(bytes(future)).to_bytes(8, "little"))
    with pytest.raises(tf.ShardError, match=r"format version 2; .* use a newer one"):
        tf.shard.open(tmp_path)
    index.write_bytes(b"PK\x03\x04 something else entirely")
    with pytest.raises(tf.ShardError, match="is not a tokenfoundry shard index"):
        tf.shard.open(tmp_path)


def test_bad_arguments(tmp_path: Path) -> None:
    ragged, ids = corpus(5, vocabulary=100)
    with pytest.raises(tf.InputError, match="16 each"):
        tf.shard.write(tmp_path, ragged, document_ids=ids[:4], vocabulary_size=100)
    with pytest.raises(tf.ShardError, match="the vocabulary has 5 ids"):
        tf.shard.write(tmp_path, ragged, document_ids=ids, vocabulary_size=5)
    assert not list(tmp_path.glob("*")), "a failed shard leaves nothing behind"
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        tf.shard.write(tmp_path / "file", ragged, document_ids=ids, vocabulary_size=100)


def test_an_empty_corpus_is_a_shard_without_rows(tmp_path: Path) -> None:
    tf.shard.write(tmp_path, tf.Ragged.from_lists([]), document_ids=[], vocabulary_size=10)
    assert len(tf.shard.verify(tmp_path)) == 0
