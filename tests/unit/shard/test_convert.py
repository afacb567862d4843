"""Conversions: there and back is the same, the bytes are the formats', damage is an error. The formats' own readers
are in tests/agree/test_shard_readers.py."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokenfoundry as tf

OTHERS = [name for name in tf.shard.FORMATS if name != "tokenfoundry"]
KEEP_ALL = ("tokenfoundry", "parquet", "huggingface")


def make(path: Path, vocabulary: int, documents: int = 80) -> tf.shard.Shards:
    source = np.random.default_rng(vocabulary)
    ragged = tf.Ragged.from_lists(
        [source.integers(0, vocabulary, length).tolist() for length in source.integers(0, 300, documents)]
    )
    ids = [index.to_bytes(16, "big") for index in range(documents)]
    plan = tf.pack.plan(ragged.lengths, 256)
    tf.shard.write(path, ragged, plan, document_ids=ids, vocabulary_size=vocabulary, tokenizer_digest="ab",
                   rows_per_shard=16)  # fmt: skip
    return tf.shard.open(path)


@pytest.fixture(scope="module", params=[40_000, 100_000], ids=["two bytes", "four bytes"])
def shards(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tf.shard.Shards:
    return make(tmp_path_factory.mktemp("own") / "shards", request.param)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tf.shard.Shards:
    return make(tmp_path_factory.mktemp("small") / "shards", 40_000, 12)


@pytest.mark.parametrize("name", tf.shard.FORMATS)
def test_there_and_back(shards: tf.shard.Shards, tmp_path: Path, name: str) -> None:
    if name == "nanogpt" and shards.vocabulary_size > 65_536:
        with pytest.raises(tf.InputError, match="ids below 65,536"):
            tf.shard.convert(shards.path, tmp_path / "there", name)
        assert not list(tmp_path.iterdir())
        return
    done = tf.shard.convert(shards.path, tmp_path / "there", name)
    assert (done.format, done.tokens, done.rows, done.dropped_tokens) == (name, shards.tokens, len(shards), 0)
    assert tf.shard.detect(tmp_path / "there") == name
    again = tf.shard.convert(tmp_path / "there", tmp_path / "again", name) if name in KEEP_ALL else None
    assert again is None or again.source_format == name
    tf.shard.convert(
        tmp_path / "there", tmp_path / "back", "tokenfoundry", vocabulary_size=shards.vocabulary_size,
        tokenizer_digest="ab", rows_per_shard=16,
    )  # fmt: skip
    back = tf.shard.verify(tmp_path / "back")
    assert np.array_equal(np.concatenate(list(back)), np.concatenate(list(shards)))
    if "rows" not in done.lost:
        assert [len(row) for row in back] == [len(row) for row in shards]
    pieces, expected = ([each.pieces(row)["length"].tolist() for row in range(len(each))] for each in (back, shards))
    if "rows" not in done.lost and "pieces" not in done.lost:
        assert pieces == expected
    elif "pieces" not in done.lost:
        assert sum(pieces, []) == sum(expected, [])  # noqa: RUF017
    if name in KEEP_ALL:
        for file in shards.path.iterdir():
            assert (tmp_path / "back" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("name", ["mds", "parquet", "litdata", "tokenfoundry"])
def test_windows(shards: tf.shard.Shards, tmp_path: Path, name: str) -> None:
    done = tf.shard.convert(shards.path, tmp_path / "there", name, sequence_length=100)
    assert done.dropped_tokens == shards.tokens % 100
    assert {"pieces", "documents"} <= set(done.lost)
    tf.shard.convert(tmp_path / "there", tmp_path / "back", "tokenfoundry")
    back = tf.shard.open(tmp_path / "back")
    assert {len(row) for row in back} == {100}
    assert np.array_equal(np.concatenate(list(back)), np.concatenate(list(shards))[: done.tokens])


def test_llmc_bytes(shards: tf.shard.Shards, tmp_path: Path) -> None:
    """By the rules of llm.c's dataloader: 256 int32, the size of the file, the tokens."""
    tf.shard.convert(shards.path, tmp_path / "there", "llmc")
    content = (tmp_path / "there" / "shard_000000.bin").read_bytes()
    header = np.frombuffer(content, "<i4", 256)
    magic, version, kind = (20240520, 1, "<u2") if shards.vocabulary_size <= 65_536 else (20240801, 7, "<u4")
    assert header[:3].tolist() == [magic, version, shards.tokens]
    assert not header[3:].any()
    assert np.array_equal(np.frombuffer(content, kind, offset=1024), np.concatenate(list(shards)))


def test_olmo_bytes(shards: tf.shard.Shards, tmp_path: Path) -> None:
    tf.shard.convert(shards.path, tmp_path / "there", "olmo")
    kind = "<u2" if shards.vocabulary_size <= 65_536 else "<u4"
    tokens = np.memmap(tmp_path / "there" / "part-00000.npy", kind, "r")
    assert np.array_equal(tokens, np.concatenate(list(shards)))
    with gzip.open(tmp_path / "there" / "part-00000.csv.gz", "rt") as table:
        lines = [line.rstrip().split(",") for line in table]
    pieces = np.concatenate([shards.pieces(row) for row in range(len(shards))])
    assert [int(end) - int(start) for start, end, *_ in lines] == pieces["length"].tolist()
    assert [line[2] for line in lines] == [piece["document"].tobytes().hex() for piece in pieces]


def test_parquet_columns(shards: tf.shard.Shards, tmp_path: Path) -> None:
    tf.shard.convert(shards.path, tmp_path / "there", "parquet")
    table = pq.read_table(tmp_path / "there")
    assert table["input_ids"].to_pylist() == [row.tolist() for row in shards]
    for row, (documents, starts) in enumerate(
        zip(table["documents"].to_pylist(), table["starts"].to_pylist(), strict=True)
    ):
        pieces = shards.pieces(row)
        assert documents == [piece["document"].tobytes().hex() for piece in pieces]
        assert starts == pieces["start"].tolist()


@pytest.mark.parametrize("name", tf.shard.FORMATS)
@pytest.mark.parametrize("vocabulary", [10, 100_000])
@pytest.mark.parametrize("rows", [[], [[]], [[], [7], []]], ids=["nothing", "an empty row", "empty rows"])
def test_next_to_nothing_is_converted_there_and_back(
    tmp_path: Path, name: str, vocabulary: int, rows: list[list[int]]
) -> None:
    if name == "nanogpt" and vocabulary > 65_536:
        return
    ids = bytes(16 * len(rows))
    tf.shard.write(tmp_path / "own", tf.Ragged.from_lists(rows), document_ids=ids, vocabulary_size=vocabulary)
    tf.shard.convert(tmp_path / "own", tmp_path / "there", name)
    assert tf.shard.detect(tmp_path / "there") == name
    done = tf.shard.convert(tmp_path / "there", tmp_path / "back", "tokenfoundry", vocabulary_size=vocabulary)
    assert done.tokens == sum(map(len, rows))
    assert [token for row in tf.shard.open(tmp_path / "back") for token in row] == [
        token for row in rows for token in row
    ]


@pytest.mark.parametrize("name", OTHERS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_damage_is_an_error_or_seen_by_no_format(small: tf.shard.Shards, name: str, data: st.DataObject) -> None:
    """Other formats have no checksums, so a flipped bit may pass; but nothing else than ShardError or InputError comes
    out of reading, and a set cut short is never taken for whole."""
    root = small.path.parent
    sound, damaged, back = root / f"sound-{name}", root / f"damaged-{name}", root / f"back-{name}"
    if not sound.exists():
        tf.shard.convert(small.path, sound, name)
    for path in (damaged, back):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(sound, damaged)
    files = [file for file in sorted(damaged.iterdir()) if file.stat().st_size and file.suffix != ".metadata"]
    file = data.draw(st.sampled_from(files))
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    cut = data.draw(st.booleans())
    if cut:
        content = content[:place]
    else:
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    try:
        done = tf.shard.convert(damaged, back, "tokenfoundry", source_format=name, vocabulary_size=40_000)
    except (tf.ShardError, tf.InputError):
        assert not back.exists()
        return
    tf.shard.verify(back)
    # nanoGPT's file says nothing of its length; Hugging Face's info file is not needed to read the rows.
    harmless = name == "nanogpt" or file.name == "dataset_info.json"
    assert not cut or harmless or done.tokens == small.tokens


def test_bad_arguments(small: tf.shard.Shards, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    for arguments, message in [
        ({"format": "tape"}, "not one of"),
        ({"sequence_length": 0}, "sequence_length is 0"),
        ({"source_format": "tape"}, "not one of"),
        ({"vocabulary_size": 0}, "between 1 and"),
        ({"vocabulary_size": 7}, "vocabulary_size is 7"),
    ]:
        with pytest.raises(tf.InputError, match=message):
            tf.shard.convert(small.path, tmp_path / "there", **({"format": "mds"} | arguments))  # type: ignore[arg-type]
    with pytest.raises(tf.InputError, match="exists"):
        tf.shard.convert(small.path, tmp_path / "nothing", "mds")
    with pytest.raises(tf.ShardError, match="in none of the formats"):
        tf.shard.convert(tmp_path / "nothing", tmp_path / "there", "mds")
    with pytest.raises(tf.ShardError, match="not a directory"):
        tf.shard.detect(tmp_path / "missing")
    assert [path.name for path in tmp_path.iterdir()] == ["nothing"]
