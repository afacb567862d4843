"""A corpus with near-duplicates planted in it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

EDITS = ("drop", "insert", "replace", "double", "case", "truncate", "concatenate")
"""Kinds of edits: words dropped, inserted, replaced by others or doubled, spread over the text; case and punctuation
changed; the end cut off; another text appended."""


@dataclass
class Planted:
    """A corpus of originals and edited copies; one entry a text in each list."""

    texts: list[str] = field(default_factory=list)
    original: list[int] = field(default_factory=list)
    """Number of the original that it is or comes from."""
    edit: list[str] = field(default_factory=list)
    """One of `EDITS`, or "original"."""
    jaccard: list[float] = field(default_factory=list)
    """Similarity of its set of word n-grams to its original's; 1 for originals."""

    def add(self, text: str, original: int, edit: str, jaccard: float) -> None:
        self.texts.append(text)
        self.original.append(original)
        self.edit.append(edit)
        self.jaccard.append(jaccard)


def _ngrams(words: Sequence[str], ngram: int) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + ngram]) for start in range(len(words) - ngram + 1)}


def jaccard_of_words(left: Sequence[str], right: Sequence[str], ngram: int = 5) -> float:
    """Jaccard similarity of the sets of n-grams of two lists of words; 0 if neither has one."""
    first, second = _ngrams(left, ngram), _ngrams(right, ngram)
    return len(first & second) / max(len(first | second), 1)


def edited_copy(words: Sequence[str], edit: str, jaccard: float, source: random.Random, ngram: int = 5) -> list[str]:
    """A copy of ``words`` whose n-grams have about the given Jaccard similarity with those of ``words``.

    ``edit``: one of `EDITS`; "case" changes only what lower-casing takes back, so its similarity is 1. An edit at one
    place takes away and adds some n-grams around it, so the number of places follows from the similarity; places lie
    as far from each other as that number allows.
    """
    grams = max(len(words) - ngram + 1, 1)
    if edit == "case":
        return [word.upper() if source.random() < 0.5 else word.capitalize() for word in words]
    if edit == "truncate":
        return list(words[: round(jaccard * grams) + ngram - 1])
    if edit == "concatenate":
        return [*words, *(f"x{source.randrange(10**9)}" for _ in range(round(grams / jaccard) - grams))]
    gone, new = {
        "drop": (ngram, ngram - 1),
        "insert": (ngram - 1, ngram),
        "replace": (ngram, ngram),
        "double": (ngram - 2, ngram - 1),
    }[edit]
    # (grams - gone * places) / (grams + new * places) = jaccard
    places = min(round(grams * (1 - jaccard) / (gone + jaccard * new)), len(words))
    result = list(words)
    step = len(words) / max(places, 1)
    for place in reversed(range(places)):
        at = int((place + 0.5) * step)
        if edit == "drop":
            del result[at]
        elif edit == "replace":
            result[at] = f"r{source.randrange(10**9)}"
        elif edit == "insert":
            result.insert(at, f"i{source.randrange(10**9)}")
        else:
            result.insert(at, result[at])
    return result


def planted_corpus(
    originals: int = 200,
    *,
    copies: int = 3,
    words: int = 300,
    edits: Sequence[str] = EDITS,
    jaccards: Sequence[float] = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
    ngram: int = 5,
    seed: int = 0,
) -> Planted:
    """``originals`` random texts of ``words`` / 2 to ``words`` * 2 words and up to ``copies`` edited copies of each, shuffled.

    Each copy is one of ``edits`` at about one of ``jaccards``; the exact similarity to its original is told. Texts of
    different originals share no n-gram but by chance. Same arguments, same corpus.
    """
    source = random.Random(seed)
    vocabulary = [f"w{index}" for index in range(5000)]
    rows: list[tuple[str, int, str, float]] = []
    for original in range(originals):
        text = [source.choice(vocabulary) for _ in range(source.randint(words // 2, words * 2))]
        rows.append((" ".join(text), original, "original", 1.0))
        for _ in range(source.randint(0, copies)):
            edit = source.choice(list(edits))
            copy = edited_copy(text, edit, source.choice(list(jaccards)), source, ngram)
            similarity = jaccard_of_words(text, [word.lower() for word in copy], ngram)
            joiner = source.choice([" ", ", ", "\n", " - "]) if edit == "case" else " "
            rows.append((joiner.join(copy), original, edit, similarity))
    source.shuffle(rows)
    planted = Planted()
    for row in rows:
        planted.add(*row)
    return planted


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
