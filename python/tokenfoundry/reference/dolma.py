"""Dolma's Gopher signals (Soldaini et al. 2024, "Dolma"; its tagger ``gopher_v1``), plainly.

Words are what white space parts, and of what repeats every copy counts.
"""

from collections import Counter
from statistics import median

from tokenfoundry.reference.gopher import STOP_WORDS

__all__ = ["dolma"]


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def dolma(text: str) -> dict[str, float]:
    """Every signal of the family ``dolma``, by name."""
    words = text.split()
    lines = text.split("\n") if text else []
    characters = sum(map(len, words))
    copies = {line: times for line, times in Counter(lines).items() if times > 1}
    signals = {
        "characters": float(len(text)),
        "words": float(len(words)),
        "median_word_length": float(median(map(len, words))) if words else 0.0,
        "symbol_words": _share(sum("#" in word or "…" in word for word in words), len(words)),
        "alphabetic_words": _share(sum(any(map(str.isalpha, word)) for word in words), len(words)),
        "stop_words": float(sum(word in STOP_WORDS for word in words)),
        "bullet_lines": _share(sum(line.startswith(("*", "-")) for line in lines), len(lines)),
        "ellipsis_lines": _share(sum(line.endswith("…") for line in lines), len(lines)),
        "duplicate_lines": _share(sum(copies.values()), len(lines)),
        "duplicate_line_characters": sum(len(line) * times for line, times in copies.items()) / max(characters, 1),
    }
    for n in range(2, 11):
        grams = Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1))
        sizes = {gram: times * sum(map(len, gram)) for gram, times in grams.items()}
        if n <= 4:
            top = grams.most_common(1)
            signals[f"top_{n}_gram"] = _share(sizes[top[0][0]], characters) if top else 0.0
        else:
            repeated = sum(size for gram, size in sizes.items() if grams[gram] > 1)
            signals[f"duplicate_{n}_grams"] = _share(repeated, sum(sizes.values()))
    return signals
