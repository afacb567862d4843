"""What `dedup.py` deduplicates, and how it scores the answers: corpora, the exact join, quality.

The truth is the exact join of the readable twin (`tokenfoundry.reference.dedup.similar_pairs`).
"""

import json
import random
import string
import sysconfig
from pathlib import Path

import numpy as np

from tokenfoundry._core import dedup as core
from tokenfoundry.reference import dedup as reference


def of_this_machine(megabytes: float) -> list[str]:
    """Pieces of about 18 kB of the documentation and sources that are installed here."""
    roots = [Path(sysconfig.get_paths()["stdlib"]), Path(sysconfig.get_paths()["purelib"]), Path("/usr/share")]
    wanted, texts, total = {".py", ".md", ".rst", ".txt", ".html", ".c", ".h", ".pod", ".pl"}, [], 0
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix not in wanted or not path.is_file() or path.is_symlink():
                continue
            text = path.read_bytes()[: 1 << 18].decode("utf-8", "replace")
            for start in range(0, len(text), 18_000):
                texts.append(text[start : start + 18_000])
                total += len(texts[-1])
            if total >= megabytes * 1e6:
                return texts
    return texts


def of_file(path: Path, megabytes: float) -> list[str]:
    """Texts of a JSON list of strings, joined to documents of 16,000 characters or a little more."""
    texts, parts, size, total = [], [], 0, 0
    for text in json.loads(path.read_text(encoding="utf-8")):
        parts.append(text)
        size += len(text)
        if size >= 16_000:
            texts.append("\n".join(parts))
            total += size
            parts, size = [], 0
            if total >= megabytes * 1e6:
                break
    return texts


def with_copies(texts: list[str], seed: int = 0) -> list[str]:
    """Shuffled, with a tenth more: copies in which 0 to 100 words are replaced."""
    source = random.Random(seed)
    copies = []
    for _ in range(len(texts) // 10):
        words = source.choice(texts).split(" ")
        for _ in range(source.choice([0, 1, 5, 30, 100])):
            words[source.randrange(len(words))] = "edited"
        copies.append(" ".join(words))
    result = texts + copies
    source.shuffle(result)
    return result


def multiplied(texts: list[str], megabytes: float) -> list[str]:
    """Texts and copies of all of them under a substitution of ASCII letters, up to ``megabytes``: the same lengths,
    words' ends and near-duplicates among themselves, other words."""
    result, total = [], 0.0
    for shift in (0, 7, 13, 19, 4, 10, 16, 22):
        letters = string.ascii_lowercase
        turned = letters[shift:] + letters[:shift]
        table = str.maketrans(letters + letters.upper(), turned + turned.upper())
        for text in texts:
            if total >= megabytes * 1e6:
                return result
            result.append(text.translate(table))
            total += len(text)
    return result


def truth(texts: list[str], threshold: float) -> list[tuple[int, int, float]]:
    """All pairs at or above the threshold, with their similarities: the exact join."""
    sets = [frozenset(core.shingle_set(text.encode(), 5, "words")) for text in texts]
    return reference.similar_pairs(sets, threshold)


def greedy(texts: list[str], pairs: list[tuple[int, int, float]]) -> np.ndarray:
    """Who stays when each document is compared with the kept ones before it; those of the same n-grams share a fate."""
    contents = [frozenset(core.shingle_set(text.encode(), 5, "words")) or text for text in texts]
    return np.array(reference.decide(contents, pairs)) < 0


def quality(texts: list[str], keep: np.ndarray, pairs: list[tuple[int, int, float]]) -> dict[str, float]:
    """removed; unbacked: share of those without a kept document at the threshold; leaked: kept pairs at it."""
    backed = {text for text, kept in zip(texts, keep, strict=True) if kept}
    has_kept = np.zeros(len(texts), bool)
    leaked = 0
    for left, right, _ in pairs:
        has_kept[left] |= keep[right]
        has_kept[right] |= keep[left]
        leaked += int(keep[left] and keep[right] and texts[left] != texts[right])
    removed = np.flatnonzero(~keep)
    unbacked = sum(not has_kept[index] and texts[index] not in backed for index in removed.tolist())
    return {"removed": len(removed), "unbacked": unbacked / max(len(removed), 1), "leaked": leaked}


def components(signatures: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """What the usual recipe keeps: connected components of unverified band matches, first document of each."""
    parents = list(range(len(signatures)))

    def root(at: int) -> int:
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = parents[at]
        return at

    for band in range(bands):
        seen: dict[bytes, int] = {}
        for index, row in enumerate(np.ascontiguousarray(signatures[:, band * rows : (band + 1) * rows])):
            left, right = root(seen.setdefault(row.tobytes(), index)), root(index)
            parents[max(left, right)] = min(left, right)
    return np.array([root(index) == index for index in range(len(signatures))])
