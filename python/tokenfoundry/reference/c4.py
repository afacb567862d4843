"""C4's rules (Raffel et al. 2020, section 2.2), plainly; as datatrove 0.10's ``C4QualityFilter``."""

import re
import unicodedata

from tokenfoundry.reference.symbols import TERMINALS
from tokenfoundry.reference.words import words

__all__ = ["c4", "keep_lines", "sentences"]

# fmt: off
_NO_SENTENCE_END_RANGES = [
    (0x61D, 0x61E), (0x837, 0x837), (0x839, 0x839), (0x83D, 0x83E), (0x17D4, 0x17D6), (0x17D9, 0x17DA), (0x1B7D,
    0x1B7E), (0x2E53, 0x2E54), (0x10F55, 0x10F59), (0x10F86, 0x10F89), (0x11944, 0x11944), (0x11946, 0x11946),
    (0x11EF7, 0x11EF8), (0x11F43, 0x11F44), (0x16E98, 0x16E98),
]
# fmt: on
SENTENCE_ENDS = TERMINALS - {chr(code) for first, last in _NO_SENTENCE_END_RANGES for code in range(first, last + 1)}
"""What ends a sentence for spaCy's sentencizer."""

CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
PAGE = ("lorem_ipsum", "curly_bracket")


def sentences(line: str) -> int:
    """Sentences as spaCy's sentencizer counts them: after a sentence end one begins with the first word that is no mark."""
    count, ended = 0, True
    for number, word in enumerate(words(line)):
        mark = all(unicodedata.category(character).startswith("P") for character in word)
        if number == 0 or (ended and not mark and word not in SENTENCE_ENDS):
            count += 1
            ended = False
        if word in SENTENCE_ENDS:
            ended = True
    return count


def fate(line: str, terminal_punctuation: bool = True) -> tuple[str, str]:
    """What is left of a line, and what becomes of it: ``kept``, why it goes, or why the page goes."""
    line = line.strip()
    line_words = line.split()
    if any(len(word) > 1000 for word in line_words):
        return line, "long_word"
    line = CITATION.sub("", line)
    if terminal_punctuation and (not line.endswith((".", "?", "!", '"', "'")) or line.endswith("...")):
        return line, "no_terminal_punctuation"
    if len(line_words) < 3:
        return line, "few_words"
    lower = line.lower()
    if "lorem ipsum" in lower:
        return line, "lorem_ipsum"
    if "javascript" in lower:
        return line, "javascript"
    if "{" in line:
        return line, "curly_bracket"
    return line, "policy" if any(policy in lower for policy in POLICIES) else "kept"


def c4(text: str) -> dict[str, float]:
    """Every signal of the family ``c4``, by name."""
    lines = 0
    kept: list[str] = []
    fatal = ""
    for line in text.splitlines():
        lines += 1
        left, reason = fate(line)
        if reason in PAGE:
            fatal = reason
            break
        kept += [left] * (reason == "kept")
    return {
        "lines": float(lines),
        "kept_lines": float(len(kept)),
        "kept_characters": sum(map(len, kept)) / (len(text) or 1),
        "sentences": float(sum(map(sentences, kept))),
        "lorem_ipsum": float(fatal == "lorem_ipsum"),
        "curly_bracket": float(fatal == "curly_bracket"),
    }


def keep_lines(text: str, terminal_punctuation: bool = True) -> str:
    """The lines that C4 keeps of a page that it does not drop."""
    fates = [fate(line, terminal_punctuation) for line in text.splitlines()]
    return "\n".join(left for left, reason in fates if reason in ("kept", *PAGE)).strip()
