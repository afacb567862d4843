"""Every code point goes through normalizers and pre-tokenizers as in `tokenizers`, whose tables are of several ages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.tokenizer_configurations import trained

import tokenfoundry as tf
from tokenfoundry._core import bpe

hf = pytest.importorskip("tokenizers")

CHARACTERS = [chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000]
# Private and unassigned planes are all alike.
FEWER = [character for character in CHARACTERS if not 0x32000 <= ord(character) < 0xE0000 and ord(character) < 0xF0000]
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
PARTS: dict[str, tuple[str, dict[str, Any], str]] = {
    **{form: ("normalizer", {"type": form}, around) for form, around in {
        "NFC": "a{}\u0316\u0301 \u0301{}", "NFD": "{}\u0316\u0301", "NFKC": "a{}\u0316\u0301 \u0301{}",
        "NFKD": "\u0301{}a", "Lowercase": "{}a", "StripAccents": "{}a", "Nmt": "{}a",
    }.items()},
    "Digits": ("pre_tokenizer", {"type": "Digits", "individual_digits": True}, "a{}"),
    "Punctuation": ("pre_tokenizer", {"type": "Punctuation", "behavior": "Isolated"}, "a{}"),
    "Whitespace": ("pre_tokenizer", {"type": "Whitespace"}, "a{}"),
    "WhitespaceSplit": ("pre_tokenizer", {"type": "WhitespaceSplit"}, "a{}"),
    r"\w": ("pre_tokenizer", {"type": "Split", "pattern": {"Regex": r"\w"}, "behavior": "Isolated", "invert": False}, "a{}"),
}  # fmt: skip
REGEXES = {
    **{regex: ("pre_tokenizer", {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}, "a{}")
       for regex in (r"\p{L}+", r"\p{N}", r"\p{M}", r"\s", r"\b", r"[^\W]", "[[:punct:]]", r"\p{S}", "(?i)k", "(?i)[s]")},
}  # fmt: skip


# The quick half of the suite asks about what has tables of its own.
OFTEN = ("NFC", "NFKC", "StripAccents", "Digits", "Punctuation", r"\w")


@pytest.mark.parametrize(
    "name", [name if name in OFTEN else pytest.param(name, marks=pytest.mark.long) for name in PARTS]
)
def test_every_code_point(name: str) -> None:
    assert differing(*PARTS[name]) == []


@pytest.mark.long
@pytest.mark.parametrize("name", REGEXES)
def test_every_code_point_in_regexes(name: str) -> None:
    assert differing(*REGEXES[name]) == []


def differing(slot: str, part: dict[str, Any], around: str) -> list[str]:
    file = json.loads(trained("bytes"))
    file["normalizer"] = part if slot == "normalizer" else None
    before = [part] if slot == "pre_tokenizer" else []
    file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [*before, BYTE_LEVEL]}
    content = json.dumps(file)
    ours = tf.Tokenizer(bpe.read_tokenizer_json(content.encode(), True))
    theirs = hf.Tokenizer.from_str(content)
    wrong = []
    for start in range(0, len(FEWER), 500):
        block = [around.format(character, character) for character in FEWER[start : start + 500]]
        text = "a".join(block)
        expected = theirs.encode(text)
        ids, _, words, _ = ours._encode_with_words(text)
        if (expected.ids, expected.word_ids) != (ids, words):
            wrong += [f"{ord(one):X}" for one, text in zip(FEWER[start:], block, strict=False)
                      if theirs.encode(text).ids != ours.encode(text)] or [f"near {ord(FEWER[start]):X}"]  # fmt: skip
    return wrong
