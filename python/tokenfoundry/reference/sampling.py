"""The order of samples, a sample at a time. Twin of ``rust/shard/src/{permutation,mixture,order}.rs``.

Source of the permutation: Black and Rogaway, "Ciphers with arbitrary finite domains" (2002).
"""

from collections.abc import Sequence
from math import isqrt

_MASK = (1 << 64) - 1
BLOCK = 1 << 16


def mix64(value: int) -> int:
    """SplitMix64's finalizer."""
    z = (value + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def permute(index: int, size: int, key: int) -> int:
    """Four rounds of a Feistel network on two digits, walked until the result is below ``size``."""
    height = isqrt(size) + (isqrt(size) ** 2 < size)
    width = -(-size // height)
    keys = [mix64(key ^ mix64(number)) for number in range(4)]

    def moved(digit: int, other: int, key: int, base: int) -> int:
        low = (1 << 32) - 1
        mixed = ((other ^ key) & low) * 0x9E3779B1
        mixed = ((mixed ^ (mixed >> 32) ^ (key >> 32)) & low) * 0x85EBCA77
        return (digit + (((mixed ^ (mixed >> 32)) & low) * base >> 32)) % base

    while True:
        left, right = divmod(index, width)
        for number in range(0, 4, 2):
            left = moved(left, right, keys[number], height)
            right = moved(right, left, keys[number + 1], width)
        index = left * width + right
        if index < size:
            return index


def shares(weights: Sequence[float]) -> list[int]:
    """Slots of 65,536 for each source, by largest remainder; one at least for a source that has a weight."""
    exact = [weight / sum(weights) * BLOCK for weight in weights]
    given = [max(int(slots), 1) if slots > 0 else 0 for slots in exact]
    order = sorted(
        (source for source in range(len(weights)) if given[source]),
        key=lambda source: (given[source] - exact[source], source),
    )
    turn = 0
    while sum(given) < BLOCK:
        given[order[turn % len(order)]] += 1
        turn += 1
    while sum(given) > BLOCK:
        given[max(range(len(given)), key=lambda source: (given[source], source))] -= 1
    return given


def sources(schedule: Sequence[tuple[int, Sequence[float]]], samples: int) -> list[int]:
    """The source of each of the first samples: the one in whose slots the reversed bits of its position fall."""
    found = []
    for sample in range(samples):
        start, weights = [phase for phase in schedule if phase[0] <= sample][-1]
        slot = int(f"{(sample - start) % BLOCK:016b}"[::-1], 2)
        for source, share in enumerate(shares(weights)):
            slot -= share
            if slot < 0:
                found.append(source)
                break
    return found


def order(
    sizes: Sequence[int], schedule: Sequence[tuple[int, Sequence[float]]] | None, seed: int, samples: int
) -> list[tuple[int, int, int]]:
    """Source, epoch and item of each of the first samples; without a schedule the sources are one."""
    if schedule is None:
        total = sum(sizes)
        joined = [(source, item) for source, size in enumerate(sizes) for item in range(size)]
        made = []
        for sample in range(samples):
            epoch, place = divmod(sample, total)
            source, item = joined[permute(place, total, mix64(mix64(seed & _MASK) ^ epoch))]
            made.append((source, epoch, item))
        return made
    made = []
    taken = [0] * len(sizes)
    for source in sources(schedule, samples):
        epoch, place = divmod(taken[source], sizes[source])
        key = mix64(mix64((seed ^ (source << 40)) & _MASK) ^ epoch)
        made.append((source, epoch, permute(place, sizes[source], key)))
        taken[source] += 1
    return made
