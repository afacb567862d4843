"""Byte-pair encoding in forty lines: learn merges from pieces, encode a piece with them.

Twin of ``rust/bpe``. Quadratic in a piece and slow everywhere.
Source: Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016); ties as in
Hugging Face's `tokenizers`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

Pair = tuple[int, int]


def byte_alphabet() -> list[int]:
    """All bytes in the order of GPT-2's printable stand-ins: printable Latin-1 first, then the rest."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return printable + [byte for byte in range(256) if byte not in printable]


def merge_pair(tokens: list[int], pair: Pair, merged: int) -> list[int]:
    """Replace each occurrence of a pair, from the left."""
    result: list[int] = []
    index = 0
    while index < len(tokens):
        if tuple(tokens[index : index + 2]) == pair:
            result.append(merged)
            index += 2
        else:
            result.append(tokens[index])
            index += 1
    return result


def train(
    pieces: Iterable[bytes], vocab_size: int, *, min_frequency: int = 2, first_id: int = 0
) -> tuple[dict[bytes, int], list[Pair]]:
    """Ids by token (from ``first_id`` on) and merges in order: always the most frequent pair, smallest ids first."""
    ids = {bytes([byte]): first_id + index for index, byte in enumerate(byte_alphabet())}
    spelled = {token_id: token for token, token_id in ids.items()}
    words = [([ids[bytes([byte])] for byte in piece], count) for piece, count in Counter(pieces).items()]
    merges: list[Pair] = []
    while first_id + len(ids) < vocab_size:
        counts: Counter[Pair] = Counter()
        for tokens, count in words:
            for pair in pairwise(tokens):
                counts[pair] += count
        if not counts:
            break
        pair = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts[pair] < max(min_frequency, 1):
            break
        token = spelled[pair[0]] + spelled[pair[1]]
        merged = ids.setdefault(token, first_id + len(ids))
        spelled[merged] = token
        merges.append(pair)
        words = [(merge_pair(tokens, pair, merged), count) for tokens, count in words]
    return ids, merges


def encode_piece(piece: bytes, ranks: Mapping[bytes, int]) -> list[int]:
    """tiktoken's rule: a piece that is a token is that token; else merge the adjacent pair whose joined bytes have the
    lowest rank, leftmost first, until none is a token."""
    if piece in ranks:
        return [ranks[piece]]
    parts = [bytes([byte]) for byte in piece]
    while True:
        candidates = [
            (ranks[left + right], index) for index, (left, right) in enumerate(pairwise(parts)) if left + right in ranks
        ]
        if not candidates:
            return [ranks[part] for part in parts]
        _, index = min(candidates)
        parts[index : index + 2] = [parts[index] + parts[index + 1]]
