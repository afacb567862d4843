"""`Tokenizer` against its readable twin, and what users rely on: round trips, specials, errors, pickles, forks."""

import base64
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf
from tokenfoundry._core import bpe as core
from tokenfoundry.reference import bpe as reference

PATTERNS = ["gpt2", "cl100k", "cl100k_tiktoken", "o200k", "qwen2", "llama3"]


def pieces(pattern: str, text: str) -> list[bytes]:
    data = text.encode()
    return [data[start:end] for start, end in core.pieces(pattern, text)]


@pytest.fixture(scope="module")
def tokenizer() -> tf.Tokenizer:
    return tf.Tokenizer.train(standard_library() + SCRIPTS, vocab_size=3000)


@pytest.fixture(scope="module")
def by_ranks(tokenizer: tf.Tokenizer) -> tf.Tokenizer:
    ranks = {tokenizer.token_bytes(id): id - 1 for id in range(1, tokenizer.vocab_size)}
    return tf.Tokenizer.from_tiktoken(ranks, pattern="cl100k", special_tokens={"<|endoftext|>": 2999})


@pytest.mark.parametrize("pattern", PATTERNS)
def test_scanners_cut_as_the_regex_module_does(pattern: str) -> None:
    expression = core.named_pattern(pattern)
    assert expression is not None
    compiled = regex.compile(expression)
    for text in SCRIPTS:
        # The regex module's own tables may be of a later Unicode; every character here is older than 16.0.
        assert pieces(pattern, text) == [match.encode() for match in compiled.findall(text)], text


@given(st.text())
@settings(max_examples=300)
def test_pieces_join_to_the_text(text: str) -> None:
    for pattern in [*PATTERNS, r"\w+|x(?=y)|[^\w]"]:
        assert b"".join(pieces(pattern, text)) == text.encode()


def test_training_does_not_depend_on_threads_or_batches() -> None:
    texts = standard_library()
    whole = tf.Tokenizer.train(texts, vocab_size=2000, threads=1)
    parts = tf.Tokenizer.train((pa.array(texts[start::3]) for start in range(3)), vocab_size=2000, threads=2)
    assert whole.to_json() == parts.to_json()
    assert whole.digest == parts.digest


def test_encoding_equals_the_twin(by_ranks: tf.Tokenizer) -> None:
    ranks = {by_ranks.token_bytes(id): id for id in range(2999)}
    for text in SCRIPTS + standard_library()[:2]:
        expected = [id for piece in pieces("cl100k", text) for id in reference.encode_piece(piece, ranks)]
        assert by_ranks.encode(text) == expected
        assert by_ranks.count(text) == len(expected)


@given(st.text())
@settings(max_examples=300)
def test_round_trip(tokenizer: tf.Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.encode_array(text).tolist() == ids
    tokens, spans = tokenizer.encode_with_offsets(text)
    assert tokens.tolist() == ids
    assert b"".join(text.encode()[start:end] for start, end in spans) == text.encode()
    stream = tokenizer.decode_stream()
    assert "".join([stream.push(id) for id in ids] + [stream.finish()]) == text


def test_batches_of_every_kind_agree(tokenizer: tf.Tokenizer) -> None:
    texts = standard_library() + SCRIPTS
    expected = [tokenizer.encode(text) for text in texts]
    for batch in (texts, [t.encode() for t in texts], pa.array(texts), pa.chunked_array([texts[:5], texts[5:]])):
        for threads in (1, 2, 5):
            assert tokenizer.encode_batch(batch, threads).tolist() == expected
            assert tokenizer.count_batch(batch, threads).tolist() == [len(ids) for ids in expected]
    assert tokenizer.decode_batch(tokenizer.encode_batch(texts)) == texts


def test_special_tokens_are_text_unless_allowed(tokenizer: tf.Tokenizer, by_ranks: tf.Tokenizer) -> None:
    text = "a<|endoftext|>b"
    assert tokenizer.special_tokens == {"<|endoftext|>": 0}
    assert 0 in tokenizer.encode(text)
    assert 0 not in tokenizer.encode(text, allowed_special=())
    assert 2999 not in by_ranks.encode(text)
    assert 2999 in by_ranks.encode(text, allowed_special={"<|endoftext|>"})
    assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == "ab"
    with pytest.raises(tf.InputError, match="nonesuch"):
        tokenizer.encode(text, allowed_special={"nonesuch"})


def test_save_and_load(tokenizer: tf.Tokenizer, by_ranks: tf.Tokenizer, tmp_path: Path) -> None:
    for made in (tokenizer, by_ranks):
        made.save(tmp_path / "any-name")
        loaded = tf.Tokenizer.from_file(tmp_path / "any-name")
        for text in SCRIPTS:
            assert loaded.encode(text, allowed_special=()) == made.encode(text, allowed_special=())
        again = pickle.loads(pickle.dumps(made))
        assert again.digest == made.digest
        assert again.encode("a<|endoftext|>") == made.encode("a<|endoftext|>")
    assert tokenizer.digest != by_ranks.digest


def encode_in_child(tokenizer: tf.Tokenizer) -> list[list[int]]:
    return tokenizer.encode_batch(SCRIPTS, 2).tolist()


def test_spawned_children_encode_the_same(tokenizer: tf.Tokenizer) -> None:
    # What happens in forked children is in tests/process.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(encode_in_child, (tokenizer,)) == encode_in_child(tokenizer)


def test_lone_surrogates_are_replaced(tokenizer: tf.Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a\ufffdb"


def test_hostile_sizes(tokenizer: tf.Tokenizer) -> None:
    for text in ("a" * 1_000_000, " " * 1_000_000, "中" * 300_000, "\n" * 500_000, "ab" * 500_000, "1" * 500_000):
        assert tokenizer.decode(tokenizer.encode_array(text)) == text


def test_bad_vocabularies_are_named(tokenizer: tf.Tokenizer, tmp_path: Path) -> None:
    bytes_only = {bytes([byte]): byte for byte in range(256)}
    with pytest.raises(tf.VocabularyError, match="0x61"):
        tf.Tokenizer.from_tiktoken({token: id for token, id in bytes_only.items() if token != b"a"}, pattern="gpt2")
    with pytest.raises(tf.VocabularyError, match="97 stands twice"):
        tf.Tokenizer.from_tiktoken({**bytes_only, b"xy": 97}, pattern="gpt2")
    with pytest.raises(tf.VocabularyError, match="does not compile"):
        tf.Tokenizer.from_tiktoken(bytes_only, pattern="(")
    with pytest.raises(tf.VocabularyError, match="collide"):
        tf.Tokenizer.from_tiktoken(bytes_only, pattern="gpt2", special_tokens={"a": 300, "b": 300})
    ranks = tmp_path / "x.tiktoken"
    ranks.write_bytes(b"".join(base64.b64encode(t) + b" %d\n" % i for t, i in bytes_only.items()))
    assert tf.Tokenizer.from_tiktoken(ranks, pattern="gpt2").encode("hi") == [104, 105]
    with pytest.raises(tf.VocabularyError, match="from_tiktoken"):
        tf.Tokenizer.from_file(ranks)
    ranks.write_bytes(ranks.read_bytes() + b"garbage\n")
    with pytest.raises(tf.VocabularyError, match="line 257"):
        tf.Tokenizer.from_tiktoken(ranks, pattern="gpt2")
    for content, named in [
        ('{"model": {"type": "WordPiece"}}', "WordPiece"),
        ('{"model": {"type": "BPE"', "line 1 column"),
        ('{"model": {"type": "BPE", "vocab": {}, "merges": []}}', "no vocabulary"),
        ('{"model": {"type": "BPE", "vocab": {"a": 0}}}', "no list of merges$"),
        ('{"model": {"vocab": {"a": 0}, "unk_token": "a"}}', "no list of merges.*WordLevel and WordPiece"),
        ('{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}}', "no such token"),
        ('{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a c"]}}', '"c"'),
        ('{"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}', "same id, 0"),
        (tokenizer.to_json().replace('"dropout":null', '"dropout":0.1'), "dropout"),
        ("hello", "neither"),
    ]:
        (tmp_path / "bad").write_text(content)
        with pytest.raises(tf.VocabularyError, match=named):
            tf.Tokenizer.from_file(tmp_path / "bad")


def test_bad_arguments(tokenizer: tf.Tokenizer) -> None:
    with pytest.raises(tf.InputError, match=r"ids\[1\] is 99999"):
        tokenizer.decode([1, 99999])
    with pytest.raises(tf.InputError, match="-1"):
        tokenizer.decode([-1])
    with pytest.raises(tf.InputError, match="vocab_size"):
        tf.Tokenizer.train(["x"], vocab_size=100)
    with pytest.raises(TypeError, match="one text"):
        tokenizer.encode_batch("text")
    assert tokenizer.decode_bytes(tokenizer.encode_batch([b"a\xff\xfeb"])[0]) == b"a\xff\xfeb"
    assert tokenizer.decode(np.array([], np.int64)) == ""
    assert tokenizer.encode("") == []
    assert tokenizer.token_id("<|endoftext|>") == 0


@pytest.mark.parametrize("budget", ["0", "70000", "not a number"])
def test_any_budget_for_the_cache_gives_the_same_ids(budget: str) -> None:
    """More distinct pieces than the smallest tables hold, encoded twice, so that entries are driven out and looked up."""
    code = (
        "import random, tokenfoundry as tf\n"
        "chosen = random.Random(5)\n"
        "words = [''.join(chosen.choices('abcdefghij', k=chosen.randint(1, 40))) for _ in range(20_000)]\n"
        "text = ' '.join(words * 2)\n"
        "tokenizer = tf.Tokenizer.train([text], vocab_size=400, min_frequency=1)\n"
        "print(hash(tuple(tokenizer.encode(text))), tokenizer.count(text))\n"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **more}
        ).stdout
        for more in ({}, {"TOKENFOUNDRY_CACHE_BYTES": budget})
    ]
    assert answers[0] == answers[1] != ""
