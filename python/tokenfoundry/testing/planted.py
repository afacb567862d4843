"""A corpus with near-duplicates planted in it."""

import random
from collections.abc import Sequence


def _edited(words: Sequence[str], rate: float, random_source: random.Random) -> list[str]:
    """A copy in which about ``rate`` of the words were dropped, replaced or doubled."""
    result: list[str] = []
    for word in words:
        if random_source.random() >= rate:
            result.append(word)
            continue
        edit = random_source.choice(["drop", "replace", "double"])
        if edit == "replace":
            result.append(f"{word}{random_source.randrange(1000)}")
        elif edit == "double":
            result.extend([word, word])
    return result


def planted_near_duplicates(
    originals: int = 200,
    *,
    copies: int = 3,
    words: int = 120,
    rates: Sequence[float] = (0.0, 0.005, 0.01, 0.02, 0.05, 0.2),
    seed: int = 0,
) -> tuple[list[str], list[int]]:
    """``originals`` random texts and up to ``copies`` edited copies of each, shuffled.

    Each copy has a share of its words (one of ``rates``) dropped, replaced or doubled, so that similarities lie on
    both sides of any threshold; some copies differ in case and punctuation only. Returns the texts and, for each, the
    number of the original it came from. Same arguments, same corpus.
    """
    source = random.Random(seed)
    vocabulary = [f"w{index}" for index in range(2000)]
    corpus: list[tuple[str, int]] = []
    for original in range(originals):
        text = [source.choice(vocabulary) for _ in range(source.randint(words // 4, words * 2))]
        corpus.append((" ".join(text), original))
        for _ in range(source.randint(0, copies)):
            copy = _edited(text, source.choice(list(rates)), source)
            joiner = source.choice([" ", " ", ", ", "\n"])
            written = joiner.join(copy)
            corpus.append((written.upper() if source.random() < 0.2 else written, original))
    source.shuffle(corpus)
    return [text for text, _ in corpus], [original for _, original in corpus]
