"""Writing: the bytes are the twin's and the golden files', whatever the chunks; crashes leave nothing half."""

import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import tokenfoundry as tf
from tokenfoundry.reference import megatron as reference

GOLDEN = Path(__file__).parents[2] / "golden" / "shard"


@dataclass
class Plan:
    row_offsets: NDArray[np.int64]
    document: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]


def ids_for(documents: int) -> list[bytes]:
    return [index.to_bytes(16, "big") for index in range(documents)]


def files_of(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


@st.composite
def corpora(draw: st.DrawFn) -> tuple[tf.Ragged, Plan, int]:
    vocabulary = draw(st.sampled_from([3, 65_536, 65_537, 1 << 31]))
    documents = draw(st.lists(st.lists(st.integers(0, vocabulary - 1), min_size=1, max_size=9), min_size=1, max_size=8))
    rows = draw(st.lists(st.lists(st.integers(0, len(documents) - 1), max_size=4), max_size=9))
    pieces = []
    for document in [document for row in rows for document in row]:
        start = draw(st.integers(0, len(documents[document]) - 1))
        pieces.append((document, start, draw(st.integers(1, len(documents[document]) - start))))
    columns = np.array(pieces, np.int64).reshape(-1, 3).T
    offsets = np.cumsum([0] + [len(row) for row in rows]).astype(np.int64)
    return tf.Ragged.from_lists(documents), Plan(offsets, *map(np.ascontiguousarray, columns)), vocabulary


@given(corpora(), st.integers(1, 4), st.booleans())
@settings(deadline=None, max_examples=40)
def test_bytes_are_those_of_the_twin(
    tmp_path_factory: pytest.TempPathFactory, corpus: tuple[tf.Ragged, Plan, int], rows_per_shard: int, extras: bool
) -> None:
    ragged, plan, vocabulary = corpus
    path = tmp_path_factory.mktemp("twin")
    ids = ids_for(len(ragged))
    loss_mask = (ragged.values % 3 == 0).astype(np.uint8)
    weight = ragged.values.astype(np.float32) / 7
    modes = np.arange(len(ragged), dtype=np.int8) - 2
    names = tf.shard.write(
        path, ragged, plan, document_ids=ids, vocabulary_size=vocabulary, tokenizer_digest="aa",
        rows_per_shard=rows_per_shard,
        columns={"weight": weight, "loss_mask": loss_mask} if extras else None, modes=modes if extras else None,
    )  # fmt: skip
    rows = [
        [
            (int(plan.document[piece]), int(plan.start[piece]), int(plan.length[piece]))
            for piece in range(plan.row_offsets[row], plan.row_offsets[row + 1])
        ]
        for row in range(len(plan.row_offsets) - 1)
    ]
    expected = {}
    chunks = [rows[first : first + rows_per_shard] for first in range(0, max(len(rows), 1), rows_per_shard)]
    for number, chunk in enumerate(chunks):
        pieces = [piece for row in chunk for piece in row]
        where = [np.arange(start, start + length) + ragged.offsets[document] for document, start, length in pieces]
        places = np.concatenate([np.zeros(0, np.int64), *where])
        shard = reference.write_shard(
            [[(ids[d], start, ragged[d][start : start + length].tolist()) for d, start, length in row] for row in chunk],
            vocabulary_size=vocabulary, tokenizer_digest="aa", number=number, last=number == len(chunks) - 1,
            columns=[("loss_mask", 1, loss_mask[places].tobytes()), ("weight", 7, weight[places].tobytes())]
            if extras else None,
            modes=[int(modes[document]) for document, _, _ in pieces] if extras else None,
        )  # fmt: skip
        expected.update({f"shard-{number:05d}{extension}": content for extension, content in shard.items()})
    assert len(names) == len(chunks)
    assert files_of(path) == expected
    shards = tf.shard.verify(path)
    assert [row.tolist() for row in shards] == [
        [token for d, start, length in row for token in ragged[d][start : start + length].tolist()] for row in rows
    ]
    if extras:
        read = [shards.column("weight", row) for row in range(len(shards))]
        assert [values.dtype for values in read] == [np.float32] * len(read)
        flat = [weight[ragged.offsets[d] + start :][:length] for row in rows for d, start, length in row]
        assert np.array_equal(np.concatenate([weight[:0], *read]), np.concatenate([weight[:0], *flat]))
        assert [shards.modes(shard).tolist() for shard in range(len(names))] == [
            [int(modes[document]) for row in chunk for document, _, _ in row] for chunk in chunks
        ]


@given(st.lists(st.integers(0, 20), max_size=6), st.integers(1, 5))
@settings(deadline=None, max_examples=15)
def test_bytes_do_not_depend_on_chunks(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], rows_per_shard: int
) -> None:
    ragged = tf.Ragged.from_lists([[document] * (document % 5) for document in range(20)])
    ids = ids_for(20)
    whole, chunked = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("chunked")
    tf.shard.write(whole, ragged, document_ids=ids, vocabulary_size=100, rows_per_shard=rows_per_shard)
    with tf.shard.Writer(chunked, vocabulary_size=100, rows_per_shard=rows_per_shard) as writer:
        bounds = [0, *sorted(cuts), 20]
        for first, last in itertools.pairwise(bounds):
            writer.append(ragged[first:last], document_ids=ids[first:last])
    assert files_of(whole) == files_of(chunked)
    assert (writer.rows, writer.tokens) == (16, len(ragged.values))


def golden_set(path: Path) -> None:
    """What tests/golden/shard/version-1 was made with; blocks, columns, modes and a second shard."""
    ragged = tf.Ragged.from_lists([[1, 2, 3], [], [65_535, 0], [7] * 3_000, [5, 6]])
    plan = Plan(
        np.array([0, 2, 4, 5]),
        np.array([0, 2, 3, 3, 4]),
        np.array([0, 1, 0, 1_500, 0]),
        np.array([3, 1, 1_500, 1_500, 2]),
    )
    tf.shard.write(
        path, ragged, plan, document_ids=[bytes([index]) * 16 for index in range(5)], vocabulary_size=65_536,
        tokenizer_digest="0123456789abcdef" * 2, rows_per_shard=2,
        columns={"loss_mask": np.arange(len(ragged.values)) % 2 == 0}, modes=np.array([0, 0, 1, 1, 0], np.int8),
    )  # fmt: skip


def test_version_1_is_written_as_ever(tmp_path: Path) -> None:
    golden_set(tmp_path)
    assert files_of(tmp_path) == files_of(GOLDEN / "version-1")


def test_version_1_is_read_as_ever() -> None:
    shards = tf.shard.verify(GOLDEN / "version-1")
    assert [row.tolist() for row in shards] == [[1, 2, 3, 0], [7] * 3_000, [5, 6]]
    assert shards.column("loss_mask", 0).tolist() == [1, 0, 1, 1]
    assert [piece["document"].tobytes()[0] for piece in shards.pieces(1)] == [3, 3]
    assert [shards.modes(0).tolist(), shards.modes(1).tolist()] == [[0, 1, 1, 1], [0]]


def test_a_larger_earlier_set_is_replaced(tmp_path: Path) -> None:
    ragged = tf.Ragged.from_lists([[1]] * 10)
    tf.shard.write(tmp_path, ragged, document_ids=ids_for(10), vocabulary_size=9, rows_per_shard=1)
    (tmp_path / "shard-notes.txt").write_text("stays")
    tf.shard.write(tmp_path, ragged[:2], document_ids=ids_for(2), vocabulary_size=9, rows_per_shard=1)
    assert len(tf.shard.verify(tmp_path)) == 2
    assert len(list(tmp_path.iterdir())) == 2 * 3 + 1


def test_an_exception_leaves_the_set_unfinished(tmp_path: Path) -> None:
    ragged = tf.Ragged.from_lists([[1]] * 5)
    with pytest.raises(KeyError), tf.shard.Writer(tmp_path, vocabulary_size=9, rows_per_shard=2) as writer:
        writer.append(ragged, document_ids=ids_for(5))
        raise KeyError
    with pytest.raises(tf.ShardError, match="which is not its last shard"):
        tf.shard.open(tmp_path)
    assert len(tf.shard.open(tmp_path, unfinished=True)) == 4
    assert not list(tmp_path.glob(".*")), "no temporary file stays"
    with pytest.raises(tf.ShardError, match="closed"):
        writer.append(ragged, document_ids=ids_for(5))


def test_bad_input(tmp_path: Path) -> None:
    ragged = tf.Ragged.from_lists([[1, 2], [3]])

    def write(**wrong: object) -> None:
        arguments: dict[str, object] = {"document_ids": ids_for(2), "vocabulary_size": 9}
        plan = wrong.pop("plan", None)
        tf.shard.write(tmp_path, ragged, plan, **(arguments | wrong))  # type: ignore[arg-type]

    def plan(offsets: list[int], *pieces: list[int]) -> Plan:
        return Plan(np.array(offsets), *(np.array(column, np.int64) for column in pieces))

    for wrong, message in [
        ({"columns": {"mask": np.zeros(2, np.uint8)}}, r"column mask has uint8 \(2,\)"),
        ({"columns": {"Mask": np.zeros(3, np.uint8)}}, "lower-case"),
        ({"columns": {"../up": np.zeros(3, np.uint8)}}, "lower-case"),
        ({"columns": {"mask": np.zeros(3, complex)}}, "cannot be stored"),
        ({"modes": np.zeros(3, np.int8)}, "need one each"),
        ({"vocabulary_size": 0}, "vocabulary_size is 0"),
        ({"vocabulary_size": 1 << 32}, "between 1 and"),
        ({"rows_per_shard": 0}, "rows_per_shard is 0"),
        ({"tokenizer_digest": "x" * 33}, "at most 32"),
        ({"plan": plan([0, 2], [0], [0], [1])}, "row offsets rise"),
        ({"plan": plan([0, 1], [0], [0, 1], [1])}, "one document, start and length"),
    ]:
        with pytest.raises(tf.InputError, match=message):
            write(**wrong)
    for pieces in [([2], [0], [1]), ([-1], [0], [1]), ([0], [0], [3]), ([0], [-1], [1]), ([0], [2], [0]),
                   ([0], [1 << 62], [1 << 62])]:  # fmt: skip
        with pytest.raises(tf.ShardError, match="does not lie in document"):
            write(plan=plan([0, 1], *pieces))
    assert not list(tmp_path.iterdir())


SLOW_WRITER = """
import sys, numpy as np, tokenfoundry as tf
ragged = tf.Ragged.from_lists([[row % 7] * 50 for row in range(200)])
ids = [row.to_bytes(16, "big") for row in range(200)]
writer = tf.shard.Writer(sys.argv[1], vocabulary_size=9, rows_per_shard=3)
print("ready", flush=True)
for row in range(200):
    writer.append(ragged[row:row + 1], document_ids=ids[row:row + 1])
writer.close()
"""


def test_a_killed_writer_loses_and_invents_nothing(tmp_path: Path) -> None:
    """kill -9 at random moments: what is finished is sound, the set is known to be unfinished, and writing again ends
    with the same bytes and no litter."""
    sound = tmp_path / "sound"
    subprocess.run([sys.executable, "-c", SLOW_WRITER, str(sound)], check=True, stdout=subprocess.DEVNULL)
    expected = files_of(sound)
    killed = tmp_path / "killed"
    source = np.random.default_rng(1)
    unfinished = 0
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", SLOW_WRITER, str(killed)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(float(source.uniform(0, 0.15)))
            os.kill(process.pid, signal.SIGKILL)
        if not list(killed.glob("*.tfi")):
            continue
        shards = tf.shard.open(killed, unfinished=True)
        shards.verify()
        for row in range(len(shards)):
            assert shards[row].tolist() == [row % 7] * 50
        if len(shards) < 200:
            unfinished += 1
            with pytest.raises(tf.ShardError):
                tf.shard.open(killed)
    assert unfinished, "no kill came in time: the test tested nothing"
    subprocess.run([sys.executable, "-c", SLOW_WRITER, str(killed)], check=True, stdout=subprocess.DEVNULL)
    assert files_of(killed) == expected
