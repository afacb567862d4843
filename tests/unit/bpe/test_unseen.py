"""Pieces that were never seen: where they fall apart, and merged many at a time, each equal to the readable twin."""

import base64
import random
from pathlib import Path

import pytest

import tokenfoundry as tf
from tokenfoundry.reference import bpe as reference

# Of one, two, three and four bytes, some of which share bytes.
CHARACTERS = ["ab", "é", "è", "д", "ж", "中", "国", "丰", "图", "😀", "😁"]


def vocabulary(source: random.Random, merges: int, unreached: int) -> dict[bytes, int]:
    """Ranks of bytes, of tokens that merges make from text, and of some words that no merges lead to."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    texts = ["".join(source.choices(CHARACTERS, k=source.randint(1, 6))).encode() for _ in range(200)]
    words = [[bytes([byte]) for byte in text] for text in texts]
    for _ in range(merges):
        # Any pair that stands somewhere, so parts of characters as well.
        places = [(word, at) for word in words for at in range(len(word) - 1)]
        if not places:
            break
        word, at = source.choice(places)
        joined = word[at] + word[at + 1]
        ranks.setdefault(joined, len(ranks))
        word[at : at + 2] = [joined]
    for _ in range(unreached):
        ranks.setdefault("".join(source.choices(CHARACTERS, k=3)).encode(), len(ranks))
    return ranks


def tokenizer_of(ranks: dict[bytes, int], folder: Path) -> tf.Tokenizer:
    path = folder / "ranks.tiktoken"
    path.write_text("".join(f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in ranks.items()))
    return tf.Tokenizer.from_tiktoken(path, pattern=r"\S+|\s+")


@pytest.mark.parametrize("seed", range(12))
def test_words_that_were_never_seen_equal_the_twin(seed: int, tmp_path: Path) -> None:
    source = random.Random(seed)
    ranks = vocabulary(source, merges=source.choice([0, 10, 150]), unreached=source.choice([0, 0, 20]))
    tokenizer = tokenizer_of(ranks, tmp_path)
    lengths = [1, 2, 3, 4, 6, 9, 14, 30, 80]
    words = ["".join(source.choices(CHARACTERS, k=source.choice(lengths))) for _ in range(700)]
    # Some again, in the same block and in others.
    words += source.choices(words, k=300)
    expected = [reference.encode_piece(word.encode(), ranks) for word in words]
    space = ranks[b" "]
    joined = [token for tokens in expected for token in [*tokens, space]]
    assert tokenizer.encode(" ".join(words) + " ") == joined
    # What was remembered of pieces and of their parts is right as well.
    assert tokenizer.encode(" ".join(words) + " ") == joined
    parts = source.sample(CHARACTERS, len(CHARACTERS))
    assert [tokenizer.encode(part) for part in parts] == [
        reference.encode_piece(part.encode(), ranks) for part in parts
    ]


def test_a_piece_of_parts_without_end_is_bounded(tmp_path: Path) -> None:
    ranks = vocabulary(random.Random(1), merges=100, unreached=10)
    tokenizer = tokenizer_of(ranks, tmp_path)
    warm = " ".join("中é" * (1 + number % 9) for number in range(300))
    tokenizer.encode(warm)
    for length in (1_364, 1_365, 1_366, 5_000, 100_000):
        word = "中国é"[: 1 + length % 3] * length
        assert tokenizer.decode(tokenizer.encode(word)) == word
    word = "中国éa" * 500
    assert tokenizer.encode(word) == reference.encode_piece(word.encode(), ranks)
