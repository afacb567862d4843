"""The byte model of `tokenfoundry.text.ByteModel`, readable: n-grams of bytes, interpolated as by Witten and Bell.

    p(b | h) = (c(hb) + t(h) p(b | h')) / (c(h) + t(h))

with c(hb) how often the byte b came after the bytes h, t(h) how many different bytes came after h, c(h) how many
came in all, and h' without its first byte. Before any context, one count is spread over all 256 bytes. N-grams that were
seen less than `least` times were not seen.
"""

import math
from collections import Counter


class ByteModel:
    """Train on texts; ask for bits a byte."""

    def __init__(self, texts: list[bytes], order: int, least: int) -> None:
        self.order = order
        self.bytes = Counter(byte for text in texts for byte in text)
        self.total = sum(self.bytes.values())
        counts: Counter[bytes] = Counter()
        for text in texts:
            for end in range(1, len(text) + 1):
                for n in range(2, min(order, end) + 1):
                    counts[text[end - n : end]] += 1
        self.counts = {ngram: count for ngram, count in counts.items() if count >= least}
        self.sums: Counter[bytes] = Counter()
        self.distinct: Counter[bytes] = Counter()
        for ngram, count in self.counts.items():
            self.sums[ngram[:-1]] += count
            self.distinct[ngram[:-1]] += 1

    def probability(self, context: bytes, byte: int) -> float:
        if not context:
            return (self.bytes[byte] + 1 / 256) / (self.total + 1)
        shorter = self.probability(context[1:], byte)
        distinct = self.distinct[context]
        if not distinct:
            return shorter
        count = self.counts.get(context + bytes([byte]), 0)
        return (count + distinct * shorter) / (self.sums[context] + distinct)

    def bits_per_byte(self, text: bytes) -> float:
        bits = 0.0
        for at, byte in enumerate(text):
            bits -= math.log2(self.probability(text[max(0, at - self.order + 1) : at], byte))
        return bits / len(text) if text else 0.0
