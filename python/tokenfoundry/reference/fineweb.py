"""FineWeb's own line signals (Penedo et al. 2024, section 3.6), plainly; as datatrove 0.10's ``FineWebQualityFilter``."""

from tokenfoundry.reference.symbols import TERMINALS
from tokenfoundry.reference.words import words

__all__ = ["fineweb"]


def fineweb(text: str) -> dict[str, float]:
    """Every signal of the family ``fineweb``, by name."""
    lines = [line for line in text.split("\n") if line.strip()]
    seen: set[str] = set()
    duplicate_characters = 0
    for line in lines:
        duplicate_characters += len(line) if line in seen else 0
        seen.add(line)
    number = len(lines) or 1
    number_of_words = len(words(text))
    return {
        "lines": float(len(lines)),
        "punctuated_lines": sum(line[-1] in TERMINALS for line in lines) / number,
        "short_lines": sum(len(line) <= 30 for line in lines) / number,
        "duplicate_line_characters": duplicate_characters / (len(text.replace("\n", "")) or 1),
        "newlines_per_word": text.count("\n") / number_of_words if number_of_words else 0.0,
    }
