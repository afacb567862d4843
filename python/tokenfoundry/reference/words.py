"""Words, plainly: the twin of ``rust/text/src/segment.rs``.

A text is cut at white space into chunks; each chunk loses punctuation at both ends, then ``'s`` and ``n't``, and is cut
in the middle where letters meet a hyphen, slash, comma or the like.
"""

import unicodedata

__all__ = ["is_ideograph", "is_letter", "words"]

_ASCII_PEELED = frozenset(",:;!?()[]{}<>_#*&'\"`")
_DIGITS = frozenset("0123456789")
_CONTRACTIONS = frozenset({"re", "ve", "ll", "d", "m"})


def is_letter(character: str) -> bool:
    """General category L."""
    return character.isalpha()


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _is_peeled(character: str) -> bool:
    """Punctuation, currency and pictographs are words of their own at either end of a chunk; of ASCII only some."""
    if character.isascii():
        return character in _ASCII_PEELED
    category = unicodedata.category(character)
    return category.startswith("P") or category in ("So", "Sc")


def is_ideograph(character: str) -> bool:
    if not is_letter(character):
        return False
    name = unicodedata.name(character, "")
    if name.startswith(("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA LETTER", "KATAKANA LETTER")):
        return True
    if name.startswith(("HALFWIDTH KATAKANA LETTER", "HENTAIGANA LETTER")):
        return "SOUND MARK" not in name
    return (name.startswith(("HIRAGANA", "KATAKANA")) and "SOUND" not in name) or character in "々〇〆"


def _leading(text: str, character: str) -> int:
    return len(text) - len(text.lstrip(character))


def _prefix(chunk: str) -> int:
    """How many characters at the start of a chunk are a word of their own."""
    first, second = chunk[0], chunk[1:2]
    if first in "%=$" or (first == "+" and second not in _DIGITS) or _is_peeled(first):
        return 1
    if first == "." and second == ".":
        return _leading(chunk, ".")
    return 0


def _suffix(chunk: str) -> int:
    """How many characters at the end of a chunk are a word of their own."""
    last, previous = chunk[-1], chunk[-2:-1]
    if last in "%$+" and previous and previous in _DIGITS:
        return 1
    if last == ".":
        if previous == ".":
            return len(chunk) - len(chunk.rstrip("."))
        return int(bool(previous) and _ends_sentence(chunk[:-1]))
    if _is_peeled(last):
        return 1
    if last in "sS" and previous and previous in "'’" and len(chunk) > 2:
        return 2
    return 0


def _ends_sentence(stem: str) -> bool:
    """Whether a dot after ``stem`` is a word of its own: not in ``A.``, ``U.S.`` or ``e.g.``."""
    last = stem[-1]
    plain = (is_letter(last) and not last.isupper()) or _is_mark(last) or last in _DIGITS or _is_peeled(last)
    shouted = len(stem) > 1 and last.isupper() and stem[-2].isupper()
    return (plain or last in "%²-+" or shouted) and not _is_abbreviation(stem)


def _is_abbreviation(stem: str) -> bool:
    if len(stem.encode()) > 64 or len(stem) % 2 == 0:
        return False
    letters, dots = stem[::2], stem[1::2]
    return 2 <= len(letters) <= 8 and all(map(is_letter, letters)) and set(dots) <= {"."}


def _is_address(chunk: str) -> bool:
    return chunk.startswith("www.") or "@" in chunk or "://" in chunk


def _contraction(chunk: str) -> int:
    """How many characters at the end of a chunk are ``n't``, ``'re``, ``'ve``, ``'ll``, ``'d`` or ``'m``."""
    for tail_length, quote in enumerate(reversed(chunk[-3:])):
        if quote in "'’":
            tail = chunk[len(chunk) - tail_length :].lower() if tail_length else ""
            before = len(chunk) - tail_length - 1
            if tail == "t":
                return 3 if before > 1 and chunk[before - 1] in "nN" else 0
            return tail_length + 1 if tail in _CONTRACTIONS and before > 0 else 0
    return 0


def _middle(chunk: str) -> list[str]:
    found = []
    start = at = 0
    previous = ""
    while at < len(chunk):
        character = chunk[at]
        after = at + 1
        if character in ".-" and chunk[after : after + 1] == character:
            after = at + _leading(chunk[at:], character)
        following = chunk[after : after + 1]
        separates = character == "…" or is_ideograph(character) or unicodedata.category(character) == "So"
        if not separates and previous:
            separates = _separates(character, after - at, previous, following)
        elif character == "." and after - at > 1:
            separates = True
        if separates:
            found += [chunk[start:at]] * (start < at) + [chunk[at:after]]
            start = after
        previous = "." if after - at > 1 else character
        at = after
    return found + [chunk[start:]] * (start < len(chunk))


def _separates(character: str, run: int, previous: str, following: str) -> bool:
    """Whether a character (or a run of dots or hyphens) stands between what it separates."""
    if character == "." and run > 1:
        return True
    if not following:
        return False
    if character in "-–—~:<>=/":
        spoken = is_letter(previous) or previous in _DIGITS
        range_ = character == "-" and run == 1 and previous in _DIGITS and following in _DIGITS
        return range_ or (spoken and is_letter(following))
    if character == ",":
        return is_letter(previous) and is_letter(following)
    if character == ".":
        return previous.islower() and following.isupper()
    return character in "+*^" and previous in _DIGITS and following in _DIGITS


def words(text: str) -> list[str]:
    """The words of a text in order; together they are the text without its white space."""
    found: list[str] = []
    for chunk in text.split():
        while chunk and (length := _prefix(chunk)):
            found.append(chunk[:length])
            chunk = chunk[length:]
        suffixes = []
        while chunk and (length := _suffix(chunk)):
            suffixes.append(chunk[len(chunk) - length :])
            chunk = chunk[: len(chunk) - length]
        if chunk and _is_address(chunk):
            found.append(chunk)
        elif chunk:
            length = _contraction(chunk)
            found += _middle(chunk[: len(chunk) - length])
            found += [chunk[len(chunk) - length :]] * bool(length)
        found += reversed(suffixes)
    return found
