"""The scanners against their twin in plain Python, and patterns of one's own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf
from tokenfoundry._core import bpe as core
from tokenfoundry.reference import pretokenize as reference

PATTERNS = ["gpt2", "cl100k", "o200k", "llama3", "qwen2", "qwen3.5", "tekken", "kimi", "deepseek_v3"]
OLD_EDGES = "abST'sReLLvV ſKé É中文々のゼ゛・한ا\u0301\u0308 12٣Ⅷ½\t\n\r\u00a0\u3000\u200b.,!/-_$€🙂\x00"


def pieces(pattern: str, text: str) -> list[str]:
    data = text.encode()
    return [data[start:end].decode() for start, end in core.pieces(pattern, text)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_scanners_equal_their_twin_on_real_text(pattern: str) -> None:
    for text in SCRIPTS + standard_library(100_000):
        assert pieces(pattern, text) == reference.split(pattern, text), text[:60]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.lists(st.sampled_from(OLD_EDGES), max_size=30).map("".join))
@settings(max_examples=200, deadline=None)
def test_scanners_equal_their_twin_on_edges(pattern: str, text: str) -> None:
    assert pieces(pattern, text) == reference.split(pattern, text)


def test_what_a_pattern_does_not_match_is_dropped_as_in_tiktoken() -> None:
    assert pieces(r"\w+", "ab, cd") == ["ab", "cd"]
    ranks = {bytes([byte]): byte for byte in range(256)}
    assert tf.Tokenizer.from_tiktoken(ranks, pattern=r"\w+").encode("a, b") == [97, 98]


def test_a_pattern_that_explodes_is_an_error_and_no_hang() -> None:
    with pytest.raises(tf.InputError, match="gave up"):
        core.pieces(r"(a|aa|aaa)*\1b", "a" * 200)
