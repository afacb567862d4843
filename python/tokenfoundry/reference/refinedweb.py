"""RefinedWeb's line rules, which DCLM applies again: which lines are a page's furniture, and how much of it they are.

Penedo et al. 2023, "The RefinedWeb Dataset for Falcon LLM", appendix G.2; Li et al. 2024, "DataComp-LM".
"""

import re

import regex

COUNTED = [
    "likes?",
    "shares?",
    "comments?",
    "retweets",
    "reposts",
    "quotes",
    "bookmarks",
    "upvotes",
    "downvotes",
    "downloads",
    "views",
]
COUNTER = re.compile(rf"[0-9][0-9.,]*[kKmMbB]?\s+(?:{'|'.join(COUNTED)})", re.IGNORECASE | re.ASCII)
FURNITURE = re.compile(
    r"(?:sign-in|sign in|log in|sign up).*|.*read more(?:\.\.\.|…)?|.*items in (?:your )?cart.*",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
UPPER = regex.compile(r"\p{Uppercase}")
DIGIT = regex.compile(r"\p{Nd}")
NOT_ALPHANUMERIC = regex.compile(r"^[^\p{Alphabetic}\p{N}]+|[^\p{Alphabetic}\p{N}]+$")
SPACES = re.compile(r"\s+")


def flagged(line: str) -> bool:
    """Whether a line is furniture."""
    line = line.strip()
    words = line.split()
    if not words:
        return False
    if 2 * len(UPPER.findall(line)) > len(line) or len(DIGIT.findall(line)) == len(line) or len(words) == 1:
        return True
    bare = " ".join(NOT_ALPHANUMERIC.sub("", line).split())
    return bool(COUNTER.fullmatch(bare)) or (len(words) <= 10 and bool(FURNITURE.fullmatch(line)))


def refinedweb(text: str, words: int) -> dict[str, float]:
    """The signals, of a text that has ``words`` of our words."""
    lines = [line for line in text.splitlines() if line.split()]
    bad = [line for line in lines if flagged(line)]
    symbols = text.count("#") + text.count("...") + text.count("…")
    all_words = sum(len(line.split()) for line in lines)
    return {
        "lines": len(lines),
        "flagged_lines": len(bad) / len(lines) if lines else 0.0,
        "flagged_words": sum(len(line.split()) for line in bad) / all_words if all_words else 0.0,
        "symbol_ratio": symbols / words if words else 0.0,
    }
