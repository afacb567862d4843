"""DCLM's heuristics (Li et al. 2024, "DataComp-LM", configuration ``dclm_baseline_refinedweb``), plainly.

Needs ``regex`` and ``uniseg``, which the extra ``dev`` brings.
"""

import re
from collections import Counter

import uniseg.wordbreak

from tokenfoundry.reference.gopher import STOP_WORDS

__all__ = ["clear", "dclm"]

COUNTED = "likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers"
COUNTER = re.compile(rf"\W*\d[,.\d]*[kmb]?\s+(?:{COUNTED})\W*")
PHRASES = [
    re.compile(r"\s?items in cart", re.IGNORECASE),
    re.compile(r"\s?read more...$", re.IGNORECASE),
    re.compile(r"^sign-in\s?", re.IGNORECASE),
]


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _counted_words(text: str) -> int:
    """fastText's words that begin with a letter or number."""
    return sum(word[0].isalnum() for word in re.split(r"[ \n\r\t\v\f\0]+", text) if word)


def _is_shouted(line: str) -> bool:
    return sum(map(str.isupper, line)) / len(line) > 0.5


def _is_number(line: str) -> bool:
    return sum(map(str.isdigit, line)) / len(line) > 0.999999


def _is_counter(line: str) -> bool:
    return bool(COUNTER.fullmatch(line.lower()))


def clear(text: str) -> str:
    """A text without its furniture: RefinedWeb's line rules (Penedo et al. 2023, appendix G.2) as DCLM applies them."""
    for bad in (_is_shouted, _is_number, _is_counter):
        text = "\n".join(line for line in text.split("\n") if not (line and bad(line))).strip()
    lines = [line for line in text.split("\n") if not line or len(line.split()) > 1]
    for phrase in PHRASES:
        left = []
        for line in lines:
            short = len(line.split()) <= 10
            changed = phrase.sub("", line) if short else line
            if not (short and line and not changed.strip()):
                left.append(changed)
        lines = "\n".join(left).strip().split("\n")
    return "\n".join(lines)


def _copies(elements: list[str]) -> tuple[float, float]:
    """The share of elements that are there more than once, and that of their characters."""
    times = Counter(elements)
    repeated = [element for element in elements if times[element] > 1]
    return _share(len(repeated), len(elements)), _share(sum(map(len, repeated)), sum(map(len, elements)))


def _grams(text: str) -> dict[str, float]:
    words = [word for word in uniseg.wordbreak.words(text) if word[0].isalnum()] if text else []
    characters = sum(map(len, words))
    signals = {}
    for n in range(2, 11):
        grams = [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
        times = Counter(grams)
        most = max(times.values(), default=0)
        if n <= 4:
            longest = max((sum(map(len, gram)) for gram, count in times.items() if count == most > 1), default=0)
            signals[f"top_{n}_gram"] = _share(longest * most, characters)
        else:
            covered = {word for at, gram in enumerate(grams) if times[gram] > 1 for word in range(at, at + n)}
            signals[f"duplicate_{n}_grams"] = _share(sum(len(words[word]) for word in covered), characters)
    return signals


def dclm(text: str) -> dict[str, float]:
    """Every signal of the family ``dclm``, by name."""
    words = text.split()
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip()]
    (of_lines, of_line_characters), (of_paragraphs, of_paragraph_characters) = _copies(lines), _copies(paragraphs)
    before = _counted_words(text)
    return {
        "words": float(before),
        "mean_word_length": _share(sum(map(len, words)), len(words)),
        "symbol_ratio": _share(sum(map(text.count, ("#", "...", ". . .", "…"))), len(words)),
        "bullet_lines": _share(sum(line.startswith(("●", "•", "*", "-")) for line in lines), len(lines)),
        "ellipsis_lines": _share(sum(line.endswith(("...", ". . .", "…")) for line in lines), len(lines)),
        "symbolic_words": _share(sum(not any(map(str.isalpha, word)) for word in words), len(words)),
        "stop_words": float(sum(word.lower() in STOP_WORDS for word in words)),
        "duplicate_lines": of_lines,
        "duplicate_paragraphs": of_paragraphs,
        "duplicate_line_characters": of_line_characters,
        "duplicate_paragraph_characters": of_paragraph_characters,
        **_grams(text),
        "removed_words": _share(before - _counted_words(clear(text)), before),
    }
