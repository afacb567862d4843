"""Real vocabularies against the tokenizers they come from: tiktoken, tokenizers, sentencepiece, mistral-common."""

import random

import pytest
import tiktoken
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library
from tests.vocabularies import SOURCES, vocabulary
from tiktoken.load import load_tiktoken_bpe

import tokenfoundry as tf
from tokenfoundry._core import bpe as core

# Characters on the edges of the classes that patterns tell apart: contractions with ſ and K, marks, Unicode spaces,
# characters that Unicode 16 and 17 assigned, astral and unassigned ones.
EDGES = (
    "abSTreLLvVE''''ſKé É中文々〇のゼ゛・한اñ\u0301\u1ada\u1adc12３٣Ⅷ½   \t\n\n\r\u0085\u00a0\u2003\u2028\u3000\u200b"
    '\u200d\ufeff.,!/-_$€("\ufffd🙂\U0001e900\U000323b0\U000105c0\ua7da\u0378\ue000\x00\x1c▁<>|'
)
edge_texts = st.lists(st.sampled_from(EDGES), max_size=40).map("".join)


def adversarial(count: int, seed: int = 3) -> list[str]:
    """Texts of few distinct characters, so that runs of a class and places between two classes are common."""
    chosen = random.Random(seed)
    texts = []
    for _ in range(count):
        some = [chosen.choice(EDGES) for _ in range(chosen.randint(1, 5))]
        texts.append("".join(chosen.choice(some) for _ in range(chosen.randint(0, 50))))
    return [*texts, "a" * 3000, " " * 3000, "\n" * 999, "=" * 999, "中" * 999, "ab" * 999, "\u0301" * 99]


def documents(count: int = 3000) -> list[str]:
    return SCRIPTS + standard_library(400_000) + adversarial(count)


RANK_FILES = [name for name, source in SOURCES.items() if source.pattern is not None]


@pytest.fixture(scope="module", params=RANK_FILES)
def ranked(request: pytest.FixtureRequest) -> tuple[tf.Tokenizer, tiktoken.Encoding]:
    name = request.param
    pattern = SOURCES[name].pattern
    assert pattern is not None
    path = vocabulary(name)
    ours = tf.Tokenizer.from_tiktoken(path, pattern=pattern, special_tokens={"<|endoftext|>": 300_000})
    regex = core.named_pattern(pattern)
    assert regex is not None
    theirs = tiktoken.Encoding(
        name,
        pat_str=regex,
        mergeable_ranks=load_tiktoken_bpe(str(path)),
        special_tokens={"<|endoftext|>": 300_000},
    )
    return ours, theirs


def test_rank_files_equal_tiktoken(ranked: tuple[tf.Tokenizer, tiktoken.Encoding]) -> None:
    ours, theirs = ranked
    texts = documents()
    expected = theirs.encode_ordinary_batch(texts)
    for text, ids in zip(texts, expected, strict=True):
        assert ours.encode(text) == ids, text[:80]
        assert ours.count(text) == len(ids)
        assert ours.decode(ids) == text
    assert ours.encode_batch(texts, 2).tolist() == expected
    with_special = "a<|endoftext|>b<|endoftext|>"
    assert ours.encode(with_special, allowed_special="all") == theirs.encode(with_special, allowed_special="all")
    with pytest.raises(tf.InputError, match="disallowed"):
        ours.encode(with_special, disallowed_special="all")


@given(text=st.one_of(edge_texts, st.text()))
@settings(max_examples=150, deadline=None)
def test_cl100k_equals_tiktoken_on_anything(text: str) -> None:
    ours, theirs = _cl100k()
    assert ours.encode(text) == theirs.encode_ordinary(text)


_CACHE: list[tuple[tf.Tokenizer, tiktoken.Encoding]] = []


def _cl100k() -> tuple[tf.Tokenizer, tiktoken.Encoding]:
    if not _CACHE:
        path = vocabulary("cl100k")
        original = (
            r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"""
            r"""|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
        )
        theirs = tiktoken.Encoding(
            "cl100k", pat_str=original, mergeable_ranks=load_tiktoken_bpe(str(path)), special_tokens={}
        )
        _CACHE.append((tf.Tokenizer.from_tiktoken(path, pattern=original), theirs))
    return _CACHE[0]


LONG = ["gemma", "deepseek_v3", "gpt35turbo", "gpt4o", "gptoss", "llama3_1", "qwen3"]


@pytest.mark.parametrize(
    "name", ["deepseek", "gemma3", "claude", *(pytest.param(name, marks=pytest.mark.long) for name in LONG)]
)
def test_tokenizer_json_equals_tokenizers(name: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = vocabulary(name)
    ours = tf.Tokenizer.from_file(path)
    theirs = tokenizers.Tokenizer.from_file(str(path))
    ours.save(tmp_path / "saved.json")
    saved = tokenizers.Tokenizer.from_file(str(tmp_path / "saved.json"))
    texts = [*documents(1500), "<bos>x <eos>", "<｜begin▁of▁sentence｜>hi <｜User｜> a", "\n\n\n  \n▁ ▁"]
    for text in texts:
        expected = theirs.encode(text).ids
        assert ours.encode(text) == expected, text[:80]
        assert saved.encode(text).ids == expected, text[:80]
        assert ours.decode(expected, skip_special_tokens=True) == theirs.decode(expected), text[:80]
        stream = ours.decode_stream()
        assert "".join([*map(stream.push, expected), stream.finish()]) == ours.decode(expected), text[:80]


@pytest.mark.parametrize("name", ["mistral_v1", "mistral_v3"])
def test_sentencepiece_models_equal_sentencepiece(name: str) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    path = vocabulary(name)
    ours = tf.Tokenizer.from_file(path)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(path))
    for text in documents():
        expected = theirs.encode(text)
        assert ours.encode(text, add_special_tokens=False) == expected, text[:80]
        assert ours.decode(expected) == theirs.decode(expected), text[:80]


def test_tekken_equals_mistral_common() -> None:
    tekken = pytest.importorskip("mistral_common.tokens.tokenizers.tekken")
    path = vocabulary("tekken")
    ours = tf.Tokenizer.from_file(path)
    theirs = tekken.Tekkenizer.from_file(str(path))
    for text in documents():
        assert ours.encode(text) == theirs.encode(text, bos=True, eos=False), text[:80]


def test_long_runs_take_time_in_proportion() -> None:
    """Ten times the length, and every answer right; a quadratic encoder would take minutes."""
    ours, theirs = _cl100k()
    for unit in ("a", " ", "\n", "中", "=", "ab", "0f", " \n", "qzxwvk"):
        text = unit * (200_000 // len(unit))
        assert ours.encode(text) == theirs.encode_ordinary(text)
        assert ours.count(text * 10) > 0
