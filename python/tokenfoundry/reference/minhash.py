"""The MinHash signatures of other libraries the obvious way, as one would write them with numpy.

Twin of ``rust/dedup/src/schemes``. Needs the `regex` and `xxhash` packages (extra ``dev``).
"""

import hashlib
import unicodedata
from collections.abc import Sequence

import numpy as np
import regex
import xxhash

PRIME = (1 << 61) - 1
_LOW_32 = (1 << 32) - 1

_PUNCTUATION = "«´»–—’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～"


def _is_punctuation(character: str) -> bool:
    code = ord(character)
    if code < 128:
        return character not in "\t\n " and not character.isalnum()
    return code < 160 or character in _PUNCTUATION


def simplify(text: str) -> str:
    """datatrove's simplification: lower case, numbers as 0, no punctuation, single blanks, no diacritics."""
    text = regex.sub(r"\p{Nd}+([.,،٫⎖⎗⎘]\p{Nd}+)?", "0", text.lower())
    text = "".join(" " if _is_punctuation(character) else character for character in text)
    decomposed = unicodedata.normalize("NFD", " ".join(text.split()))
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn").strip()


def ngrams(words: Sequence[str], n: int) -> list[bytes]:
    return [" ".join(words[start : start + n]).encode() for start in range(len(words) - n + 1)]


def _fmix32(value: int) -> int:
    value ^= value >> 16
    value = value * 0x85EBCA6B & _LOW_32
    value ^= value >> 13
    value = value * 0xC2B2AE35 & _LOW_32
    return value ^ value >> 16


def _sha1_low_32(ngram: bytes) -> int:
    return int.from_bytes(hashlib.sha1(ngram, usedforsecurity=False).digest()[:4], "little")


def signature(words: Sequence[str], scheme: str, num_perm: int, ngram: int, seed: int) -> list[int]:
    """The signature of a text that was split into words; without an n-gram all slots are at their maximum."""
    random = np.random.RandomState(seed)
    tokens = ngrams(words, ngram)
    if scheme == "datasketch":
        a = [int(value) * 2 + 1 for value in random.randint(0, 1 << 31, num_perm, dtype=np.uint32)]
        b = [int(value) for value in random.randint(0, 1 << 32, num_perm, dtype=np.uint32)]
        hashes = [_fmix32(_sha1_low_32(token)) for token in tokens]
        return [min((a_i * h + b_i & _LOW_32 for h in hashes), default=_LOW_32) for a_i, b_i in zip(a, b, strict=True)]
    if scheme == "datasketch-legacy":
        drawn = [
            (int(random.randint(1, PRIME, dtype=np.uint64)), int(random.randint(0, PRIME, dtype=np.uint64)))
            for _ in range(num_perm)
        ]
        hashes = [_sha1_low_32(token) for token in tokens]
    else:
        a = random.randint(1, PRIME, dtype=np.uint64, size=num_perm).tolist()
        b = random.randint(0, PRIME, dtype=np.uint64, size=num_perm).tolist()
        drawn = list(zip(a, b, strict=True))
        digest = xxhash.xxh64_intdigest if scheme == "datatrove" else xxhash.xxh32_intdigest
        hashes = [digest(token) for token in tokens]
    mask = (1 << 64) - 1 if scheme == "datatrove" else _LOW_32
    return [min(((a_i * h + b_i) % (1 << 64) % PRIME & mask for h in hashes), default=mask) for a_i, b_i in drawn]
