"""Gopher's quality and repetition signals (Rae et al. 2021, appendix A1.1), plainly.

The definitions are those of datatrove 0.10's ``GopherQualityFilter`` and ``GopherRepetitionFilter``; the words are
:func:`tokenfoundry.reference.words.words`.
"""

import re
from collections import Counter

from tokenfoundry.reference.symbols import SYMBOLS
from tokenfoundry.reference.words import is_letter, words

__all__ = ["gopher"]

STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _repeated(elements: list[str]) -> tuple[int, int]:
    """How many elements say again what an earlier one said, and their characters."""
    seen: set[str] = set()
    number = characters = 0
    for element in elements:
        if element in seen:
            number += 1
            characters += len(element)
        seen.add(element)
    return number, characters


def _top_gram_characters(text_words: list[str], n: int) -> int:
    """Characters that the most frequent n-gram covers, its spaces included; the first of several."""
    grams = Counter(" ".join(text_words[at : at + n]) for at in range(len(text_words) - n + 1))
    if not grams:
        return 0
    gram, times = grams.most_common(1)[0]
    return len(gram) * times


def _duplicate_gram_characters(text_words: list[str], n: int) -> int:
    """Characters in n-grams (words joined without spaces) met before; after one the search goes on behind it."""
    seen: set[str] = set()
    characters = at = 0
    while at + n <= len(text_words):
        gram = "".join(text_words[at : at + n])
        if gram in seen:
            characters += len(gram)
            at += n
        else:
            seen.add(gram)
            at += 1
    return characters


def gopher(text: str) -> dict[str, float]:
    """Every signal of the family ``gopher``, by name."""
    all_words = words(text)
    worded = [word for word in all_words if not set(word) <= SYMBOLS]
    lines = text.splitlines()
    paragraphs = re.split(r"\n{2,}", text.strip())
    pieces = re.split(r"\n+", text)
    duplicate_paragraphs, duplicate_paragraph_characters = _repeated(paragraphs)
    duplicate_lines, duplicate_line_characters = _repeated(pieces)
    signals = {
        "characters": float(len(text)),
        "words": float(len(worded)),
        "mean_word_length": _ratio(sum(map(len, worded)), len(worded)),
        "hash_ratio": _ratio(text.count("#"), len(all_words)),
        "ellipsis_ratio": _ratio(text.count("...") + text.count("…"), len(all_words)),
        "bullet_lines": _ratio(sum(line.lstrip().startswith(("•", "-")) for line in lines), len(lines)),
        "ellipsis_lines": _ratio(sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)),
        "alphabetic_words": _ratio(sum(any(map(is_letter, word)) for word in all_words), len(all_words)),
        "stop_words": float(len(STOP_WORDS & set(all_words))),
        "duplicate_paragraphs": _ratio(duplicate_paragraphs, len(paragraphs)),
        "duplicate_paragraph_characters": _ratio(duplicate_paragraph_characters, len(text)),
        "duplicate_lines": _ratio(duplicate_lines, len(pieces)),
        "duplicate_line_characters": _ratio(duplicate_line_characters, len(text)),
    }
    for n in (2, 3, 4):
        signals[f"top_{n}_gram"] = _ratio(_top_gram_characters(all_words, n), len(text))
    for n in range(5, 11):
        signals[f"duplicate_{n}_grams"] = _ratio(_duplicate_gram_characters(all_words, n), len(text))
    return signals
