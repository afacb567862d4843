"""Our trainer against the BpeTrainer of Hugging Face's `tokenizers`, merge for merge."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import documents
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

import tokenfoundry as tf
from tokenfoundry._core import bpe as core
from tokenfoundry.reference import bpe_train as reference
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


@pytest.mark.parametrize("limits", [{"max_token_length": 4}, {"max_token_length": 2}, {"max_token_length": 9}])
@pytest.mark.parametrize("pattern", ["cl100k", "[a-z]+"])
def test_a_greatest_length_of_tokens(pattern: str, limits: dict[str, int]) -> None:
    check_limits(pattern, documents(), limits, list(CHARS), None)


def test_a_limited_alphabet() -> None:
    """Where the least frequent byte that is kept is more frequent than those that are not: of equals theirs keeps any."""
    texts = ["the quick brown fox " * 20, "jumps over the lazy dog " * 10, "0123456789" * 3, "zq"]
    texts += [character * (index + 1) * 7 for index, character in enumerate("abcdefghij")]
    counts = Counter(byte for text in texts for byte in text.encode())
    ordered = [count for _, count in counts.most_common()]
    limits = [limit for limit in range(5, len(ordered)) if ordered[limit - 1] > ordered[limit]]
    assert len(limits) > 8
    for limit in limits:
        check_limits("gpt2", texts, {"limit_alphabet": limit}, [], b"")


def check_limits(
    pattern: str, texts: list[str], limits: dict[str, int], chars: list[str], alphabet: bytes | None
) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(core.named_pattern(pattern) or pattern), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    options = {"vocab_size": 2000, "min_frequency": 2, "initial_alphabet": chars, "show_progress": False}
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(**options, **limits))
    model = json.loads(tokenizer.to_str())["model"]
    merges = [(model["vocab"][left], model["vocab"][right]) for left, right in model["merges"]]
    trainer = core.Trainer(pattern)
    trainer.feed(texts, 2)
    tokens, got = trainer.finish(2000, 2, [], alphabet, 2, **limits)
    assert got == merges
    assert dict(tokens) == {as_bytes(token): number for token, number in model["vocab"].items()}
    made = tf.Tokenizer.train(
        texts, vocab_size=2000, pattern=pattern, special_tokens=[], initial_alphabet=alphabet, **limits
    )
    assert len(made) == len(model["vocab"])
    cut = [text.encode()[start:end] for text in texts for start, end in core.pieces(pattern, text)]
    assert len(texts) > 50 or reference.train(cut, 2000, alphabet=alphabet, **limits)[1] == merges
