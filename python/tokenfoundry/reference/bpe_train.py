"""Learning merges as Hugging Face's `tokenizers` (0.23) does it, bookkeeping included.

Twin of ``rust/bpe/src/train``. :func:`tokenfoundry.reference.bpe.train` says what training means; this says what the
trainer of `tokenizers` does where one token is reached in two ways ("th" + "e" and "t" + "he"): a candidate keeps the
count it was pushed with until it is taken, a pair may be a candidate twice, and the count of a merged pair is kept.
Slow: each merge rewrites the pieces it touches.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from tokenfoundry.reference.bpe import Pair, byte_alphabet


def train(
    pieces: Iterable[bytes],
    vocab_size: int,
    *,
    min_frequency: int = 2,
    special_tokens: Sequence[str] = (),
    alphabet: bytes | None = None,
    limit_alphabet: int | None = None,
    max_token_length: int | None = None,
) -> tuple[dict[bytes, int], list[Pair]]:
    """Ids by token and merges in order. Special tokens have the first ids; ``alphabet`` (``None``: all bytes) and the
    bytes seen come next, then a token a merge. Special tokens in printable ASCII are tokens that merging may reach."""
    counted = Counter(pieces)
    spelled = [special.encode() for special in special_tokens]
    ids = {token: number for number, token in enumerate(spelled) if all(0x21 <= byte <= 0x7E for byte in token)}
    wanted = kept_bytes(counted, range(256) if alphabet is None else alphabet, limit_alphabet)
    for byte in byte_alphabet():
        if byte in wanted and bytes([byte]) not in ids:
            ids[bytes([byte])] = len(spelled)
            spelled.append(bytes([byte]))
    reached = {bytes([byte]) for byte in wanted}
    words = [[ids[bytes([byte])] for byte in piece if byte in wanted] for piece in counted]
    weights = list(counted.values())

    counts: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for index, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += weights[index]
            places[pair].add(index)
    heap = [(-counts[pair], pair, sorted(where)) for pair, where in places.items()]
    heapq.heapify(heap)

    merges: dict[Pair, None] = {}
    while len(spelled) < vocab_size and heap:
        count, pair, where = heapq.heappop(heap)
        if -count != counts[pair]:
            heapq.heappush(heap, (-counts[pair], pair, where))
            continue
        if -count < max(min_frequency, 1):
            break
        token = spelled[pair[0]] + spelled[pair[1]]
        if token not in ids:
            ids[token] = len(spelled)
            spelled.append(token)
        reached.add(token)
        merges.pop(pair, None)  # Merged again, a pair ranks where it was merged last.
        merges[pair] = None
        places = defaultdict(set)
        for index in where:
            for changed, change in merge(words[index], pair, ids[token]):
                # Too long a pair is not counted, but what it was before is gone all the same.
                if change > 0 and max_token_length and sum(len(spelled[part]) for part in changed) >= max_token_length:
                    continue
                counts[changed] += change * weights[index]
                if change > 0:
                    places[changed].add(index)
        for changed, new in places.items():
            if counts[changed] > 0:
                heapq.heappush(heap, (-counts[changed], changed, sorted(new)))
    return {token: number for token, number in ids.items() if token in reached}, list(merges)


def kept_bytes(counted: Counter[bytes], alphabet: Iterable[int], limit: int | None) -> set[int]:
    """The bytes that become tokens: those of the alphabet, then the most frequent, of equals the first by their letters."""
    counts: Counter[int] = Counter()
    for piece, count in counted.items():
        for byte in piece:
            counts[byte] += count
    first = set(alphabet)
    ordered = [byte for byte in sorted(range(256), key=byte_alphabet().index) if byte in first or counts[byte]]
    ordered.sort(key=lambda byte: (byte not in first, -counts[byte] if byte not in first else 0))
    return set(ordered[:limit])


def merge(word: list[int], pair: Pair, merged: int) -> list[tuple[Pair, int]]:
    """Join a pair in a word, from the left; which pairs came and went."""
    changes: list[tuple[Pair, int]] = []
    index = 0
    while index + 1 < len(word):
        if (word[index], word[index + 1]) == pair:
            word[index : index + 2] = [merged]
            if index > 0:
                before = word[index - 1]
                changes += [((before, pair[0]), -1), ((before, merged), 1)]
            if index + 1 < len(word):
                after = word[index + 1]
                changes += [((pair[1], after), -1), ((merged, after), 1)]
        index += 1
    return changes
