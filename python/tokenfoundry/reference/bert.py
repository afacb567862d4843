"""BERT's normalizer and the split by scripts, as `tokenizers` has them, on Python's own Unicode tables.

Twin of the ``BertNormalizer`` in ``rust/bpe/src/tokenizer/normalize.rs`` and of ``rust/bpe/src/unicode/{bert,scripts}.rs``, whose tables are
older: compare on characters that have been in Unicode for long.
"""

import unicodedata

import regex

IDEOGRAPHS = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0x2F800, 0x2FA1F),
)  # fmt: skip

SCRIPTS = [
    "Common",
    "Inherited",
    "Latin",
    "Greek",
    "Cyrillic",
    "Armenian",
    "Hebrew",
    "Arabic",
    "Devanagari",
    "Bengali",
    "Gurmukhi",
    "Gujarati",
    "Tamil",
    "Telugu",
    "Kannada",
    "Malayalam",
    "Sinhala",
    "Thai",
    "Lao",
    "Tibetan",
    "Myanmar",
    "Georgian",
    "Hangul",
    "Ethiopic",
    "Khmer",
    "Mongolian",
    "Hiragana",
    "Katakana",
    "Bopomofo",
    "Han",
    "Adlam",
]


def normalize(
    text: str,
    *,
    clean_text: bool = True,
    handle_chinese_chars: bool = True,
    strip_accents: bool | None = None,
    lowercase: bool = True,
) -> str:
    """``strip_accents`` is what ``lowercase`` is where it is not said."""
    if clean_text:
        kept = (
            c for c in text if c in "\t\n\r" or (unicodedata.category(c) not in ("Cc", "Cf", "Co") and c != "\ufffd")
        )
        text = "".join(" " if c.isspace() else c for c in kept)
    if handle_chinese_chars:
        text = "".join(f" {c} " if any(low <= ord(c) <= high for low, high in IDEOGRAPHS) else c for c in text)
    if lowercase if strip_accents is None else strip_accents:
        text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return "".join(c.lower() for c in text) if lowercase else text


def script(character: str) -> str | None:
    """``None`` goes with any. Hiragana and Katakana, and the sign that lengthens vowels, are Han."""
    if character == " ":
        return None
    found = next((name for name in SCRIPTS if regex.match(rf"\p{{Script={name}}}", character)), None)
    return "Han" if found in ("Hiragana", "Katakana") or character == "\u30fc" else found


def split_by_scripts(text: str) -> list[str]:
    """A piece ends where the script changes."""
    pieces: list[str] = []
    last = None
    for character in text:
        here = script(character)
        if not pieces or (here is not None and last is not None and here != last):
            pieces.append("")
        pieces[-1] += character
        last = here or last
    return pieces
