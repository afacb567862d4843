"""Our trainer against the BpeTrainer of Hugging Face's `tokenizers`, merge for merge."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import documents
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

import tokenfoundry as tf
from tokenfoundry._core import bpe as core
from tokenfoundry.reference.bpe import byte_alphabet

CHARS = pre_tokenizers.ByteLevel.alphabet()
BYTE_OF = {
    (chr(byte) if byte in byte_alphabet()[:188] else chr(0x100 + byte_alphabet().index(byte) - 188)): byte
    for byte in range(256)
}


def as_bytes(token: str) -> bytes:
    return bytes(BYTE_OF[character] for character in token)


def theirs(
    pattern: str, texts: list[str], vocab_size: int, min_frequency: int, specials: list[str], alphabet: list[str]
) -> tuple[dict[str, int], list[tuple[int, int]]]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(core.named_pattern(pattern) or pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=specials,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocab = model["vocab"]
    return vocab, [(vocab[left], vocab[right]) for left, right in model["merges"]]


def ours(
    pattern: str, texts: list[str], vocab_size: int, min_frequency: int, specials: list[str], alphabet: bytes | None
) -> tuple[dict[bytes, int], list[tuple[int, int]]]:
    trainer = core.Trainer(pattern)
    trainer.feed(texts, 2)
    tokens, merges = trainer.finish(vocab_size, min_frequency, specials, alphabet, 2)
    return dict(tokens), merges


@pytest.mark.parametrize("whole_alphabet", [True, False])
@pytest.mark.parametrize(
    ("pattern", "vocab_size", "min_frequency", "specials"),
    [
        ("gpt2", 5000, 2, []),
        ("cl100k", 8000, 2, ["<|endoftext|>", "<|pad|>"]),
        ("o200k", 1_000_000, 4, ["self", "the", "<|im_start|>", "{"]),
        ("qwen2", 300, 0, ["<s>"]),
    ],
)
def test_vocabulary_and_merges_are_equal(
    pattern: str, vocab_size: int, min_frequency: int, specials: list[str], whole_alphabet: bool
) -> None:
    texts = documents()
    vocab, merges = theirs(pattern, texts, vocab_size, min_frequency, specials, CHARS if whole_alphabet else [])
    tokens, got = ours(pattern, texts, vocab_size, min_frequency, specials, None if whole_alphabet else b"")
    assert got == merges
    expected = {as_bytes(token): number for token, number in vocab.items() if number >= len(specials)}
    assert {token: number for token, number in tokens.items() if number >= len(specials)} == expected
    for token, number in tokens.items():
        if number < len(specials):
            assert vocab[token.decode()] == number


@given(
    st.lists(st.text(alphabet="ab", min_size=1, max_size=60), min_size=1, max_size=12),
    st.integers(1, 300),
    st.integers(0, 3),
)
@settings(max_examples=300, deadline=None)
def test_tokens_that_are_reached_in_two_ways(texts: list[str], merge_count: int, min_frequency: int) -> None:
    vocab, merges = theirs("[ab]+", texts, 2 + merge_count, min_frequency, [], ["a", "b"])
    tokens, got = ours("[ab]+", texts, 2 + merge_count, min_frequency, [], b"ab")
    assert got == merges
    assert tokens == {token.encode(): number for token, number in vocab.items()}


def test_a_saved_vocabulary_is_theirs(tmp_path: Path) -> None:
    texts = documents()
    vocab, _ = theirs("cl100k", texts, 4000, 2, ["<|endoftext|>"], CHARS)
    made = tf.Tokenizer.train(texts, vocab_size=4000)
    made.save(tmp_path / "tokenizer.json")
    assert Tokenizer.from_file(str(tmp_path / "tokenizer.json")).get_vocab() == vocab
