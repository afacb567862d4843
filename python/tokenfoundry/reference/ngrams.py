"""Overlap with evaluation sets, plainly: the twin of ``rust/text/src/ngrams.rs``."""

import unicodedata

from tokenfoundry.reference.words import is_ideograph

__all__ = ["contamination_words", "overlap"]


def contamination_words(text: str) -> list[tuple[str, int, int]]:
    """Runs of letters, marks and numbers in lower case with their place, ideographs one by one."""
    found: list[tuple[str, int, int]] = []
    start: int | None = None
    for at, character in enumerate(text + " "):
        alone = is_ideograph(character)
        belongs = unicodedata.category(character)[0] in "LMN" and not alone
        if belongs and start is None:
            start = at
        if not belongs and start is not None:
            found.append((text[start:at].lower(), start, at))
            start = None
        if alone:
            found.append((character.lower(), at, at + 1))
    return found


def overlap(text: str, evaluation: list[str], ngram: int, short_ngram: int) -> tuple[int, float, list[str]]:
    """How many n-grams of a text are in the evaluation texts, the share of its words they cover, and the spans."""
    grams: set[tuple[str, ...]] = set()
    for one in evaluation:
        words = [word for word, _, _ in contamination_words(one)]
        n = ngram if len(words) >= ngram else short_ngram
        if n:
            grams |= {tuple(words[at : at + n]) for at in range(len(words) - n + 1)}
    places = contamination_words(text)
    words = [word for word, _, _ in places]
    hits = [
        (at, at + n)
        for n in {ngram, short_ngram} - {0}
        for at in range(len(words) - n + 1)
        if tuple(words[at : at + n]) in grams
    ]
    merged: list[list[int]] = []
    for first, end in sorted(hits):
        if merged and first < merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([first, end])
    covered = sum(end - first for first, end in merged)
    spans = [text[places[first][1] : places[end - 1][2]] for first, end in merged]
    return len(hits), covered / len(words) if words else 0.0, spans
