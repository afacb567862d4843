"""Shares of characters by kind: Unicode's general categories, over all code points of a text."""

import regex

KINDS = {
    "letters": regex.compile(r"[\p{L}\p{M}]"),
    "upper": regex.compile(r"\p{Uppercase}"),
    "digits": regex.compile(r"\p{Nd}"),
    "punctuation": regex.compile(r"\p{P}"),
}


def characters(text: str) -> dict[str, float]:
    """The signals of a text."""
    counts = {name: len(pattern.findall(text)) for name, pattern in KINDS.items()}
    counts["spaces"] = sum(character.isspace() for character in text)
    counts["others"] = len(text) - sum(counts[name] for name in ("letters", "digits", "spaces", "punctuation"))
    counts["not_ascii"] = sum(not character.isascii() for character in text)
    return {name: count / len(text) if text else 0.0 for name, count in counts.items()}
