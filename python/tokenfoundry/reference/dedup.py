"""Near-duplicates the obvious way: every pair compared, word n-grams as sets.

Twin of ``rust/dedup``. `near_duplicates` is quadratic in documents; `decide` with `similar_pairs` gives the same for corpora
of thousands. Needs the `regex` and `xxhash` packages (extra ``dev``).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence, Set
from typing import Any

import regex
import xxhash

MASK = (1 << 64) - 1
BASE = 0x9E3779B97F4A7C15

# In scripts without spaces each character is a word of its own.
_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_WORD = r"[\p{Alphabetic}\p{N}_]"
_WORDS = regex.compile(rf"(?V1)[{_WORD}&&[{_UNSPACED}]]|[{_WORD}--[{_UNSPACED}]]+")


def words(text: str) -> list[str]:
    """Runs of letters, digits and underscores, lower-cased a character at a time."""
    return ["".join(character.lower() for character in word) for word in _WORDS.findall(text)]


def mix64(value: int) -> int:
    """SplitMix64."""
    z = (value + BASE) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def word_hash(word: str) -> int:
    """64 bits of a word. Up to 16 bytes: two halves of 8 bytes, zeros behind the end, and the two halves of their
    128-bit product folded. Longer: xxh3."""
    utf8 = word.encode()
    if len(utf8) > 16:
        return xxhash.xxh3_64_intdigest(utf8)
    low = int.from_bytes(utf8[:8], "little") ^ 0x243F6A8885A308D3
    high = int.from_bytes(utf8[8:], "little") ^ 0x13198A2E03707345
    product = low * high
    return product & MASK ^ product >> 64


def shingles(text: str, ngram: int = 5) -> set[int]:
    """Hashes of all runs of n words: a polynomial in the words' hashes, mixed."""
    hashes = [word_hash(word) for word in words(text)]
    result = set()
    for start in range(len(hashes) - ngram + 1):
        value = 0
        for unit in hashes[start : start + ngram]:
            value = (value * BASE + unit) & MASK
        result.add(mix64(value))
    return result


def jaccard(left: set[int], right: set[int]) -> float:
    return len(left & right) / len(left | right)


def multipliers(count: int, seed: int) -> list[int]:
    """16-bit numbers drawn by SplitMix64, passing over one whose low nine bits another of the same 512 has."""
    made: list[int] = []
    used: set[int] = set()
    index = 0
    while len(made) < count:
        draw = mix64((mix64(seed) + index) & MASK) >> 48
        index += 1
        if draw % 512 not in used:
            made.append(draw)
            used.add(draw % 512)
            if len(used) == 512:
                used.clear()
    return made


def signature(text: str, num_perm: int, ngram: int, seed: int) -> list[int]:
    """The signature of `shingles` (`signature_of`)."""
    return signature_of(shingles(text, ngram), num_perm, seed)


def signature_of(hashes: set[int], num_perm: int, seed: int) -> list[int]:
    """One permutation sends each hash to one slot and gives it a rank of 31 bits: a slot's value is the least rank.

    A slot that no hash is sent to has the smallest value under a permutation of its own: of two halves x and y of a hash's
    low 32 bits, the one with multiplier a makes ``(a * x + y mod 2^16, x)``, the first part on top; half of that, with the
    highest bit set. Of no hash at all every slot is 2^32 - 1.
    """
    mask = mix64(seed ^ 0x6F70686173680001)
    factor = mix64(mask) | 1
    slots = [0xFFFFFFFF] * num_perm
    for value in hashes:
        product = (value ^ mask) * factor
        mixed = product & MASK ^ product >> 64
        slot = (mixed >> 32) * num_perm >> 32
        slots[slot] = min(slots[slot], mixed & 0x7FFFFFFF)
    halves = [(value & 0xFFFF, value >> 16 & 0xFFFF) for value in hashes]
    for slot, a in enumerate(multipliers(num_perm, seed)):
        if slots[slot] >> 31 and hashes:
            slots[slot] = 1 << 31 | min((a * x + y & 0xFFFF) << 16 | x for x, y in halves) >> 1
    return slots


def near_duplicates(texts: Sequence[str], threshold: float = 0.8, ngram: int = 5) -> list[int]:
    """For each text the kept text that it duplicates, or -1: the most similar of the kept ones before it, the
    earliest among equals. A text with the same n-grams as one before it shares that one's fate. Texts without an
    n-gram duplicate identical texts only."""
    sets = [shingles(text, ngram) for text in texts]
    firsts: dict[object, int] = {}
    duplicate_of: list[int] = []
    for index, text in enumerate(texts):
        first = firsts.setdefault(frozenset(sets[index]) or text, index)
        if first < index:
            duplicate_of.append(first if duplicate_of[first] < 0 else duplicate_of[first])
            continue
        best = (0.0, -1)
        for other in range(index):
            if duplicate_of[other] < 0 and sets[index] and sets[other]:
                similarity = jaccard(sets[index], sets[other])
                if similarity >= threshold and similarity > best[0]:
                    best = (similarity, other)
        duplicate_of.append(best[1])
    return duplicate_of


def similar_pairs(sets: Sequence[Set[Any]], threshold: float) -> list[tuple[int, int, float]]:
    """All pairs ``(left, right, similarity)`` at or above the threshold (more than 0), left before right: the exact join.

    By a prefix filter (Bayardo, Ma and Srikant 2007). Sets A and B of similarity t share at least t |A| members, so all but
    t |A| - 1 of A's members have one of them whichever these are: here the rarest, so that few sets meet. Empty sets are similar to none.
    """
    count = Counter(member for members in sets for member in members)
    # Rarest first; members that are as rare need the same order in all sets, whatever it is.
    rank = {member: place for place, (member, _) in enumerate(sorted(count.items(), key=lambda item: item[1]))}
    holders: dict[int, list[int]] = defaultdict(list)
    pairs = []
    for right, members in enumerate(sets):
        shared = math.ceil(threshold * len(members) - 1e-9)
        prefix = sorted(rank[member] for member in members)[: len(members) - shared + 1]
        for left in sorted({left for place in prefix for left in holders[place]}):
            similarity = len(members & sets[left]) / len(members | sets[left])
            if similarity >= threshold:
                pairs.append((left, right, similarity))
        for place in prefix:
            holders[place].append(right)
    return pairs


def decide(
    contents: Sequence[Hashable], pairs: Iterable[tuple[int, int, float]], order: Sequence[int] | None = None
) -> list[int]:
    """For each document the kept one that it duplicates, or -1, as `near_duplicates` decides, from the pairs that are similar.

    ``contents``: equal for documents that share a fate (the set of n-grams, or the text if that is empty). ``order``: the
    documents, best first; as they come by default.
    """
    similar: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for left, right, similarity in pairs:
        similar[left].append((similarity, right))
        similar[right].append((similarity, left))
    firsts: dict[Hashable, int] = {}
    duplicate_of = [-1] * len(contents)
    place: dict[int, int] = {}
    for document in range(len(contents)) if order is None else order:
        first = firsts.setdefault(contents[document], document)
        if first != document:
            duplicate_of[document] = first if duplicate_of[first] < 0 else duplicate_of[first]
            continue
        kept = [(similarity, -place[other], other) for similarity, other in similar[document] if other in place]
        if kept:
            duplicate_of[document] = max(kept)[2]
        else:
            place[document] = len(place)
    return duplicate_of


def lines(texts: Sequence[str], minimum_bytes: int = 1, copies: int = 1) -> list[str]:
    """The texts without the lines that stood ``copies`` times before, compared without the whitespace around them."""
    seen: Counter[str] = Counter()
    result = []
    for text in texts:
        kept = []
        for line in regex.findall(r"[^\n]*\n|[^\n]+$", text):
            bare = regex.sub(r"^\p{White_Space}+|\p{White_Space}+$", "", line)
            if len(bare.encode()) >= max(minimum_bytes, 1):
                seen[bare] += 1
                if seen[bare] > copies:
                    continue
            kept.append(line)
        result.append("".join(kept))
    return result


def repeated_bytes(texts: Sequence[bytes], length: int) -> list[set[int]]:
    """For each text the places of all bytes that lie in a string of ``length`` bytes which stands, not overlapping,
    earlier in the same or in an earlier text."""
    seen: set[bytes] = set()
    result = []
    for text in texts:
        covered: set[int] = set()
        for start in range(len(text) - length + 1):
            window = text[start : start + length]
            if window in seen or window in text[:start]:
                covered.update(range(start, start + length))
        seen.update(text[start : start + length] for start in range(len(text) - length + 1))
        result.append(covered)
    return result
