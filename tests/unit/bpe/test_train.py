"""The trainer against its readable twin, and its promises: threads, batches, sizes, interrupts."""

import os
import signal
import threading
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf
from tokenfoundry._core import bpe as core
from tokenfoundry.reference import bpe_train as reference


def pieces(pattern: str, texts: list[str]) -> list[bytes]:
    return [text.encode()[start:end] for text in texts for start, end in core.pieces(pattern, text)]


def trained(
    pattern: str,
    texts: list[str],
    vocab_size: int,
    min_frequency: int = 2,
    specials: tuple[str, ...] = (),
    alphabet: bytes | None = None,
    threads: int = 1,
) -> tuple[dict[bytes, int], list[tuple[int, int]]]:
    trainer = core.Trainer(pattern)
    trainer.feed(texts, threads)
    tokens, merges = trainer.finish(vocab_size, min_frequency, list(specials), alphabet, threads)
    assert len(dict(tokens)) == len(tokens)
    return dict(tokens), merges


@pytest.mark.parametrize(
    ("pattern", "vocab_size", "min_frequency", "specials", "alphabet"),
    [
        ("cl100k", 700, 2, ("<|endoftext|>",), None),
        ("gpt2", 400, 5, (), b""),
        ("o200k", 3000, 30, ("the", "é", "_", "<pad>"), b"\x00\xff"),
        ("(?s).+", 300, 2, ("a",), b""),
    ],
)
def test_equals_the_twin(
    pattern: str, vocab_size: int, min_frequency: int, specials: tuple[str, ...], alphabet: bytes | None
) -> None:
    texts = standard_library()[:2] + SCRIPTS
    if pattern == "(?s).+":
        texts = [text[:3000] for text in texts]
    expected = reference.train(
        pieces(pattern, texts), vocab_size, min_frequency=min_frequency, special_tokens=specials, alphabet=alphabet
    )
    assert trained(pattern, texts, vocab_size, min_frequency, specials, alphabet) == expected
    if "_" in specials:
        assert expected[0][b"_"] == 2


@given(
    st.lists(st.text(alphabet="abc", max_size=40), max_size=12),
    st.integers(1, 200),
    st.integers(0, 3),
    st.sampled_from([(), ("ab",), ("<s>", "abc", "b")]),
)
@settings(max_examples=400, deadline=None)
def test_equals_the_twin_where_tokens_are_reached_in_two_ways(
    texts: list[str], merge_count: int, min_frequency: int, specials: tuple[str, ...]
) -> None:
    """Few letters and long words make the same token by many ways."""
    size = 3 + len(specials) + merge_count
    got = trained(r"(?s).+", texts, size, min_frequency, specials, b"abc")
    cut = [text.encode() for text in texts if text]
    assert got == reference.train(cut, size, min_frequency=min_frequency, special_tokens=specials, alphabet=b"abc")


def test_neither_threads_nor_batches_nor_order_matter() -> None:
    texts = standard_library()
    expected = trained("cl100k", texts, 3000)
    for threads in (2, 3, 7):
        trainer = core.Trainer("cl100k")
        for start in range(3):
            trainer.feed(pa.chunked_array([texts[start::3][::-1]]), threads)
        assert trainer.finish(1000, 2, [], None, threads)[1] == expected[1][:744]
        tokens, merges = trainer.finish(3000, 2, [], None, threads)
        assert (dict(tokens), merges) == expected


def test_counting_goes_on_after_a_finish() -> None:
    texts = standard_library()
    trainer = core.Trainer("gpt2")
    trainer.feed(texts[::2], 2)
    trainer.finish(400, 2, [], None, None)
    trainer.feed(texts[1::2], 1)
    tokens, merges = trainer.finish(800, 2, [], None, None)
    assert (dict(tokens), merges) == trained("gpt2", texts, 800)


def test_nothing_to_learn_from() -> None:
    for texts in ([], [""], ["a", "b"]):
        tokens, merges = trained("cl100k", texts, 1000)
        assert len(tokens) == 256
        assert merges == []
    assert trained("cl100k", ["aaaa"], 1000, 2)[1] != []
    assert trained("cl100k", ["ab"], 1000, 2)[1] == []
    assert trained("cl100k", [], 0, alphabet=b"") == ({}, [])


@pytest.mark.parametrize("unit", ["a", "ab", "abcdefghij" * 1000 + "!"])
def test_one_long_piece(unit: str) -> None:
    """Time and memory stay near linear in one piece of 10 MB (the test would run for hours if they did not)."""
    text = (unit * (10_000_000 // len(unit) + 1))[:10_000_000]
    tokens, merges = trained("(?s).+", [text], 400)
    assert 256 < len(tokens) <= 400
    short = trained("(?s).+", [text[:20_000]], 260)
    assert merges[:2] == short[1][:2]


def test_random_letters_in_one_long_piece() -> None:
    state, letters = 1, bytearray()
    for _ in range(1_000_000):
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        letters.append(97 + (state >> 40) % 26)
    tokens, _ = trained("(?s).+", [letters.decode()], 20_000)
    assert len(tokens) == 20_000


def test_ctrl_c_stops_counting_and_breaks_the_trainer() -> None:
    trainer = core.Trainer("cl100k")
    texts = standard_library() * 200
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(1000):
            trainer.feed(texts, 1)
    timer.join()
    with pytest.raises(tf.InputError, match="new trainer"):
        trainer.feed(["a"], 1)
    with pytest.raises(tf.InputError, match="new trainer"):
        trainer.finish(300, 2, [], None, None)


def test_other_python_threads_run_meanwhile() -> None:
    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        trained("cl100k", standard_library() * 5, 2000)
    finally:
        done.set()
        thread.join()
    assert ticks > 10


def test_errors_name_the_thing() -> None:
    with pytest.raises(tf.InputError, match=r"pattern|regular expression"):
        core.Trainer("(")
    trainer = core.Trainer("gpt2")
    with pytest.raises(tf.InputError, match=r"texts\[1\] is not UTF-8"):
        trainer.feed([b"fine", b"\xff"], 1)
    trainer.feed(["still usable: nothing was counted of the batch that was refused"], 1)
    assert trainer.distinct_pieces == 11
