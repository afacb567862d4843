"""Repeated lines and strings against their twins, and what is hard for them."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf
from tokenfoundry.reference import dedup as reference

LINE_TEXT = st.text(alphabet="ab \n\r\té", max_size=30)


@given(st.lists(LINE_TEXT, max_size=6), st.integers(0, 3), st.integers(1, 2))
@settings(max_examples=300)
def test_lines_equal_the_twin(texts: list[str], minimum_bytes: int, copies: int) -> None:
    pieces = tf.dedup.lines(texts, minimum_bytes=minimum_bytes, copies=copies)
    assert pieces.texts.to_pylist() == reference.lines(texts, minimum_bytes, copies)
    for index, text in enumerate(texts):
        assert pieces.counts["repeated_bytes"][index].as_py() == len(text.encode()) - len(
            pieces.texts[index].as_py().encode()
        )


def test_lines_of_real_text() -> None:
    texts = standard_library(300_000) + SCRIPTS
    pieces = tf.dedup.lines(pa.array(texts), minimum_bytes=20, threads=2)
    assert pieces.texts.to_pylist() == reference.lines(texts, 20)
    assert sum(pieces.counts["repeated"].to_pylist()) > 100
    again = tf.dedup.lines(pieces.texts, minimum_bytes=20)
    assert sum(again.counts["repeated"].to_pylist()) == 0, "what stays has no repeats"


def test_paragraphs() -> None:
    texts = ["one\ntwo\n\nthree\n", "three\n\n\none\ntwo\n\nfour"]
    pieces = tf.dedup.lines(texts, by="paragraph")
    assert pieces.texts.to_pylist() == ["one\ntwo\n\nthree\n", "four"]
    assert pieces.spans[1].as_py() == [0, 8, 8, 17]


def covered(pieces: tf.dedup.Pieces, index: int) -> set[int]:
    spans = pieces.spans[index].as_py()
    return {place for start, end in zip(spans[::2], spans[1::2], strict=True) for place in range(start, end)}


@given(st.lists(st.text(alphabet="ab", max_size=60), max_size=5), st.sampled_from([8, 9, 12]))
@settings(max_examples=400)
def test_substrings_equal_the_twin(texts: list[str], length: int) -> None:
    pieces = tf.dedup.substrings(texts, minimum_bytes=length)
    expected = reference.repeated_bytes([text.encode() for text in texts], length)
    assert pieces.skipped == 0
    assert [covered(pieces, index) for index in range(len(texts))] == expected


def test_substrings_of_real_text_equal_the_twin() -> None:
    source = standard_library(60_000)
    texts = [text[:8000] for text in source] + [source[0][1000:3000] + "é" + source[1][500:2500], source[0][:5000]]
    texts = [text for text in texts if text.isascii()] + ["naïve " * 60, "naïve " * 60]
    pieces = tf.dedup.substrings(texts, minimum_bytes=50)
    expected = reference.repeated_bytes([text.encode() for text in texts], 50)
    for index, text in enumerate(texts):
        found = covered(pieces, index)
        if text.isascii():
            assert found == expected[index]
        else:
            assert expected[index] - found <= {min(expected[index]), max(expected[index])}
        assert (
            pieces.texts[index].as_py()
            == bytes(byte for place, byte in enumerate(text.encode()) if place not in found).decode()
        )
    assert sum(pieces.counts["repeated_bytes"].to_pylist()) > 5000


def test_substrings_stay_linear_on_hostile_text() -> None:
    repeated = tf.dedup.substrings(["a" * 3_000_000, "ab" * 1_500_000, "a" * 3_000_000], minimum_bytes=100)
    kept = [len(text.as_py()) for text in repeated.texts]
    assert kept == [100, 100, 0]
    source = np.random.default_rng(0).integers(97, 123, 2_000_000, dtype=np.uint8).tobytes().decode()
    twice = tf.dedup.substrings([source, source, "x" + source], minimum_bytes=100)
    assert [len(text.as_py()) for text in twice.texts] == [2_000_000, 0, 1]
    shared = "the same fifty bytes that stand everywhere, in all "
    crowd = tf.dedup.substrings([f"{index:020}{shared}{index:020}" for index in range(20_000)], minimum_bytes=60)
    assert sum(crowd.counts["repeated"].to_pylist()) < 60_000


TOKENS = st.lists(st.integers(0, 1), max_size=60)


@given(st.lists(TOKENS, max_size=5), st.sampled_from([8, 9, 12]), st.sampled_from([0, 2**32 - 2]))
@settings(max_examples=300)
def test_strings_of_tokens_equal_the_twin(rows: list[list[int]], length: int, base: int) -> None:
    ragged = tf.Ragged.from_lists([[token + base for token in row] for row in rows])
    pieces = tf.dedup.substrings(ragged, minimum_tokens=length)
    expected = reference.repeated_bytes([bytes(row) for row in rows], length)
    assert pieces.skipped == 0
    assert [covered(pieces, index) for index in range(len(rows))] == expected
    left = [
        [token + base for place, token in enumerate(row) if place not in cut]
        for row, cut in zip(rows, expected, strict=True)
    ]
    assert pieces.texts.tolist() == left
    assert sum(pieces.counts["repeated_tokens"].to_pylist()) == sum(map(len, expected))


def test_tokens_match_as_tokens_not_as_bytes() -> None:
    """The bytes of one row stand in the other, but a byte further on."""
    ragged = tf.Ragged.from_lists([[0x01010100] * 40, [0x00010101] * 40])
    assert sum(tf.dedup.substrings(ragged, minimum_tokens=30).counts["repeated"].to_pylist()) == 0


def test_bad_arguments() -> None:
    with pytest.raises(tf.InputError, match="minimum_bytes"):
        tf.dedup.substrings(["a"], minimum_bytes=2)
    with pytest.raises(tf.InputError, match="minimum_tokens"):
        tf.dedup.substrings(tf.Ragged.from_lists([[1]]), minimum_tokens=1)
    with pytest.raises(tf.InputError, match="by must be"):
        tf.dedup.lines(["a"], by="word")  # type: ignore[arg-type]
    with pytest.raises(tf.InputError, match="copies"):
        tf.dedup.lines(["a"], copies=0)
    assert tf.dedup.lines([]).texts.to_pylist() == []
    assert tf.dedup.substrings(["", ""]).texts.to_pylist() == ["", ""]
