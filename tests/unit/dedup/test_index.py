"""The index on disk: what it finds, what survives a kill, what damage is noticed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from tests.corpus import standard_library

import tokenfoundry as tf
from tokenfoundry.dedup import Index
from tokenfoundry.reference import dedup as reference
from tokenfoundry.testing import planted_corpus, planted_near_duplicates


def ids(start: int, count: int) -> list[bytes]:
    return [index.to_bytes(16, "big") for index in range(start, start + count)]


def test_a_second_crawl_is_known(tmp_path: Path) -> None:
    first, _ = planted_near_duplicates(200, seed=1)
    second, _ = planted_near_duplicates(200, seed=2)
    with Index.open(tmp_path / "index") as index:
        added = index.add(first, ids(0, len(first)))
        assert added.keep.tolist() == tf.dedup.near_duplicates(first).keep.tolist()
        assert not added.seen.any()
        assert len(index) == added.keep.sum() == added.stats["added"]
        again = index.add([*first, *second], ids(10_000, len(first) + len(second)))
        assert again.seen[: len(first)].mean() > 0.97, "a text whose near-duplicate stayed is found by estimate"
        assert again.seen[: len(first)][added.keep].all()
        assert (again.similarity[: len(first)][added.keep] == 1).all()
        for place in np.flatnonzero(added.keep):
            assert again.seen_as[place].tobytes() == int(place).to_bytes(16, "big")
        assert not again.seen[len(first) :].any()
        assert again.stats["documents"] == again.stats["seen"] + again.stats["duplicates"] + again.stats["added"]
        index.verify()
    third = Index.open(tmp_path / "index", read_only=True)
    assert third.query(second).seen[again.keep[len(first) :]].all()
    assert third.query(["never seen before, this text of more than five words", ""]).seen.tolist() == [False, False]
    with pytest.raises(tf.InputError, match="reading only"):
        third.add(["x"], ids(0, 1))


def test_near_duplicates_are_found_and_strangers_are_not(tmp_path: Path) -> None:
    texts = standard_library(600_000)
    with Index.open(tmp_path) as index:
        kept = index.add(texts, ids(0, len(texts))).keep
        changed = [text.replace("self", "this", 2) + " tail" for text in texts]
        found = index.query(changed)
        truth = [
            tf.dedup.near_duplicates([text, other], threshold=0.9).keep[1]
            for text, other in zip(texts, changed, strict=True)
        ]
        clear = kept & ~np.array(truth) & np.array([len(text) > 2000 for text in texts])
        assert clear.sum() > 10 and found.seen[clear].all()
        strangers, _ = planted_near_duplicates(100, seed=9)
        assert not index.query(strangers).seen.any()


def test_what_is_seen_is_verified_where_texts_are_at_hand(tmp_path: Path) -> None:
    planted = planted_corpus(150, seed=5)
    originals = [text for text, edit in zip(planted.texts, planted.edit, strict=True) if edit == "original"]
    copies = [text for text, edit in zip(planted.texts, planted.edit, strict=True) if edit != "original"]
    with Index.open(tmp_path) as index:
        kept = index.add(originals, ids(0, len(originals))).keep
        held = {id_: text for id_, text, stays in zip(ids(0, len(originals)), originals, kept, strict=True) if stays}
        asked: list[bytes] = []

        def texts_of(wanted: list[bytes]) -> list[str | None]:
            asked.extend(wanted)
            return [held[id_] for id_ in wanted]

        found = index.query(copies, texts_of=texts_of)
        assert len(asked) == len(set(asked)) > 0
        sets = {id_: set(reference.shingles(text, 5)) for id_, text in held.items()}
        missed = 0
        for at, text in enumerate(copies):
            own = set(reference.shingles(text, 5))
            exact = {id_: len(own & other) / max(len(own | other), 1) for id_, other in sets.items()}
            best = max(exact.values())
            if found.seen[at]:
                assert found.similarity[at] == np.float32(exact[found.seen_as[at].tobytes()]) >= np.float32(0.8)
            else:
                missed += best >= 0.8
        assert found.seen.sum() > 50 and missed <= found.seen.sum() // 50, "bands and sketches miss few"
        assert not index.query(copies, texts_of=lambda wanted: [None] * len(wanted)).seen[found.similarity < 1].any()
        assert index.query(originals, texts_of=texts_of).seen[kept].all()
        with pytest.raises(tf.InputError, match="texts_of gave 0"):
            index.query(copies, texts_of=lambda wanted: [])
        more = index.add(copies, ids(1000, len(copies)), texts_of=texts_of)
        assert (more.seen == found.seen).all() and len(index) == kept.sum() + more.stats["added"]


def test_short_and_empty_texts_are_known_by_content(tmp_path: Path) -> None:
    with Index.open(tmp_path) as index:
        assert index.add(["", "two words", "two words"], ids(0, 3)).keep.tolist() == [True, True, False]
        assert index.add(["two words", "Two words", ""], ids(3, 3)).keep.tolist() == [False, True, False]
        index.add(["x y z"], ids(9, 1))
        index.compact()
        assert index.stats()["segments"] == 1
        assert index.query(["", "two words", "Two words", "x y z", "no"]).seen.tolist() == [True] * 4 + [False]
        assert index.add([], []).stats["documents"] == 0


def test_compaction_changes_no_answer_and_size_is_bounded(tmp_path: Path) -> None:
    texts, _ = planted_near_duplicates(4000, copies=0, words=40, seed=3)
    with Index.open(tmp_path) as index:
        for start in range(0, len(texts), 500):
            index.add(texts[start : start + 500], ids(start, len(texts[start : start + 500])))
        asked = [text + " and a tail" for text in texts[::3]]
        before = index.query(asked)
        reader = Index.open(tmp_path, read_only=True)
        index.compact()
        index.verify()
        after = index.query(asked)
        assert (before.seen == after.seen).all() and (before.seen_as == after.seen_as).all()
        assert (reader.query(asked).seen == before.seen).all(), "a reader keeps what it opened"
        reader.refresh()
        assert reader.stats()["segments"] == 1
        assert index.stats()["bytes"] / len(index) <= 200
        assert sorted(path.suffix for path in tmp_path.iterdir()) == ["", ".json", ".segment"]


def test_one_writer_and_the_same_options(tmp_path: Path) -> None:
    with Index.open(tmp_path, ngram=3), pytest.raises(BlockingIOError, match="another process"):
        Index.open(tmp_path, ngram=3)
    with pytest.raises(tf.InputError, match="ngram=3"):
        Index.open(tmp_path)
    with pytest.raises(FileNotFoundError):
        Index.open(tmp_path / "none", read_only=True)
    with Index.open(tmp_path, ngram=3) as index, pytest.raises(tf.InputError, match="16 bytes"):
        index.add(["a"], [b"short"])


def test_damage_is_noticed(tmp_path: Path) -> None:
    texts, _ = planted_near_duplicates(50, seed=4)
    with Index.open(tmp_path) as index:
        index.add(texts, ids(0, len(texts)))
    (segment,) = tmp_path.glob("*.segment")
    whole = segment.read_bytes()
    for place in (3, 20, 100, len(whole) // 2, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 0x40
        segment.write_bytes(damaged)
        with pytest.raises(tf.ShardError, match="segment"):
            reader = Index.open(tmp_path, read_only=True)
            reader.query(texts)  # may answer anything, but neither crash nor hang
            reader.verify()
    segment.write_bytes(whole[:-10])
    with pytest.raises(tf.ShardError, match="bytes for"):
        Index.open(tmp_path, read_only=True)
    segment.write_bytes(whole)
    manifest = tmp_path / "index.json"
    manifest.write_text(manifest.read_text().replace('"documents": ', '"documents": 1'))
    with pytest.raises(tf.ShardError, match="checksum"):
        Index.open(tmp_path, read_only=True)


WRITER = textwrap.dedent(
    """
    import sys
    from tokenfoundry.dedup import Index
    with Index.open(sys.argv[1]) as index:
        start = 0
        while True:
            texts = [f"batch {start} text {number} " + " ".join(f"w{start + number * 7 + k}" for k in range(30))
                     for number in range(20)]
            added = index.add(texts, [(start + number).to_bytes(16, "big") for number in range(20)])
            print(start, int(added.keep.sum()), flush=True)
            start += 20
            if start % 200 == 0:
                index.compact()
    """
)


def test_a_kill_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    for round_number in range(6):
        directory = tmp_path / str(round_number)
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True, env=os.environ.copy()
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.03 + 0.037 * round_number)
        writer.send_signal(signal.SIGKILL)
        said = 20 + sum(int(line.split()[1]) for line in writer.stdout if line.endswith("\n"))
        writer.wait()
        writer.stdout.close()
        reader = Index.open(directory, read_only=True)
        reader.verify()
        assert said <= len(reader) <= said + 20
        with Index.open(directory) as index:
            index.verify()
            named = {path.name for path in directory.glob("*.segment")}
            assert len(named) == index.stats()["segments"], "what the dead writer left is swept"
            assert index.add(["a new text after the crash, of some words"], [b"n" * 16]).keep.all()


FULL = textwrap.dedent(
    """
    import resource, sys, warnings
    from pathlib import Path
    from tokenfoundry.dedup import Index

    directory = Path(sys.argv[1])
    index = Index.open(directory)

    def add(start, count):
        texts = [" ".join(f"word{number}x{place}" for place in range(8)) for number in range(start, start + count)]
        return index.add(texts, [number.to_bytes(16, "big") for number in range(start, start + count)])

    for call in range(64):
        add(call * 5, 5)
    # A file may be as long as the segments that are there, and not much longer: a disk that is nearly full.
    longest = max(path.stat().st_size for path in directory.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * longest, resource.RLIM_INFINITY))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert add(320, 5).keep.all()
    assert "everything is added" in str(caught[0].message), caught
    assert index.stats()["segments"] == 65 and len(index) == 325
    try:
        add(1000, 1000)
    except OSError as error:
        assert str(directory) in str(error), error
    else:
        raise AssertionError("a thousand fitted")
    assert not [path.name for path in directory.iterdir() if path.suffix not in (".segment", ".json", "")]
    assert len(index) == 325
    index.verify()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert add(325, 5).keep.all() and index.stats()["segments"] == 1
    assert add(1000, 1000).keep.all() and len(index) == 1330
    index.verify()
    """
)


def test_a_full_disk_loses_nothing_and_says_what_was_added(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "index")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
