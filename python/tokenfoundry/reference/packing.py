"""Packing by the textbook: one row looked at after another.

Twin of ``rust/pack``. Quadratic. Sources: Johnson, "Near-optimal bin packing algorithms" (1973); Karmarkar and Karp,
"The differencing method of set partitioning" (1982); Bavarian et al., "Efficient Training of Language Models to Fill
in the Middle" (2022).
"""

from collections.abc import Sequence

_MASK = (1 << 64) - 1

Piece = tuple[int, int, int]
"""document, first token, tokens"""


def split(lengths: Sequence[int], capacity: int, long: str = "split") -> list[Piece]:
    pieces: list[Piece] = []
    for document, length in enumerate(lengths):
        if length > capacity and long == "drop":
            continue
        kept = min(length, capacity) if long == "truncate" else length
        pieces.extend((document, start, min(capacity, kept - start)) for start in range(0, kept, capacity))
    return pieces


def best_fit_decreasing(pieces: Sequence[Piece], capacity: int, max_pieces: int | None = None) -> list[list[Piece]]:
    """Longest first, each into the row with the least room that is enough; of equal ones the one that has had that much
    room for longest."""
    rows: list[list[Piece]] = []
    room: list[int] = []
    changed: list[int] = []
    for time, piece in enumerate(sorted(pieces, key=lambda piece: -piece[2])):
        fitting = [
            row for row in range(len(rows)) if room[row] >= piece[2] and (not max_pieces or len(rows[row]) < max_pieces)
        ]
        if fitting:
            row = min(fitting, key=lambda row: (room[row], changed[row]))
        else:
            row = len(rows)
            rows.append([])
            room.append(capacity)
            changed.append(time)
        rows[row].append(piece)
        room[row] -= piece[2]
        changed[row] = time
    return rows


def bounded_best_fit(pieces: Sequence[Piece], capacity: int, open_rows: int) -> list[list[Piece]]:
    """As they come, into the open row with the least room that is enough (the oldest of equals); a row leaves when it is
    full, and the fullest when none has room and there are as many as may be."""
    done: list[list[Piece]] = []
    rows: list[list[Piece]] = []

    def room(row: list[Piece]) -> int:
        return capacity - sum(piece[2] for piece in row)

    for piece in pieces:
        fitting = [row for row in rows if room(row) >= piece[2]]
        if fitting:
            row = min(fitting, key=room)
        else:
            if len(rows) == open_rows:
                fullest = min(rows, key=room)
                rows = [row for row in rows if row is not fullest]
                done.append(fullest)
            row = []
            rows.append(row)
        row.append(piece)
        if room(row) == 0:
            rows = [other for other in rows if other is not row]
            done.append(row)
    return done + rows


def oldest_first(pieces: Sequence[Piece], capacity: int, lookahead: int) -> list[list[Piece]]:
    """A row begins with the piece that has waited longest and takes the largest that fit (the oldest of equals), whenever
    more than ``lookahead`` pieces wait."""
    done: list[list[Piece]] = []
    waiting: list[Piece] = []

    def fill() -> None:
        row = [waiting.pop(0)]
        while True:
            room = capacity - sum(piece[2] for piece in row)
            fitting = [piece for piece in waiting if piece[2] <= room]
            if not fitting:
                break
            largest = max(piece[2] for piece in fitting)
            chosen = next(index for index, piece in enumerate(waiting) if piece[2] == largest)
            row.append(waiting.pop(chosen))
        done.append(row)

    for piece in pieces:
        waiting.append(piece)
        while len(waiting) > lookahead:
            fill()
    while waiting:
        fill()
    return done


def differencing(costs: Sequence[int], groups: int, equal_counts: bool) -> list[int]:
    """Sums of groups, dearest first. Partitions are lists of sums; the two with the largest spread are joined, the
    dearest set of one with the cheapest of the other. With equal counts each begins with an item for every group."""
    order = sorted(costs, reverse=True)
    step = groups if equal_counts else 1
    parts = [order[first : first + step] for first in range(0, len(order), step)]
    partitions = [(part + [0] * groups)[:groups] for part in parts] or [[0] * groups]
    bases = [min(part) for part in partitions]
    ages = list(range(len(partitions)))
    live = dict(
        zip(ages, ([cost - base for cost in part] for part, base in zip(partitions, bases, strict=True)), strict=True)
    )
    base, age = sum(bases), len(ages)
    while len(live) > 1:
        one, other = sorted(live, key=lambda number: (-max(live[number]), number))[:2]
        joined = sorted(
            (a + b for a, b in zip(sorted(live.pop(one)), sorted(live.pop(other), reverse=True), strict=True)),
            reverse=True,
        )
        base += joined[-1]
        live[age] = [cost - joined[-1] for cost in joined]
        age += 1
    return [cost + base for cost in sorted(next(iter(live.values())), reverse=True)]


def _mix64(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def fill_in_the_middle(
    tokens: list[int], number: int, marks: tuple[int, int, int], rate: float, suffix_first_rate: float, key: int
) -> list[int]:
    """``marks``: prefix, middle, suffix. ``number``: the document's; ``key``: of the seed and the epoch."""
    mine = _mix64(_mix64(key) ^ number)

    def draw(which: int) -> int:
        return _mix64((mine + which * 0x9E3779B97F4A7C15) & _MASK)

    if not tokens or draw(0) >> 32 >= int(rate * 2**32):
        return tokens
    first, second = sorted(draw(which) * (len(tokens) + 1) >> 64 for which in (1, 2))
    prefix, middle, suffix = tokens[:first], tokens[first:second], tokens[second:]
    if draw(3) >> 32 < int(suffix_first_rate * 2**32):
        return [marks[0], marks[2], *suffix, marks[1], *prefix, *middle]
    return [marks[0], *prefix, marks[2], *suffix, marks[1], *middle]


def first_fit_decreasing(pieces: Sequence[Piece], capacity: int) -> list[list[Piece]]:
    """Longest first, each into the earliest row with room."""
    return first_fit(sorted(pieces, key=lambda piece: -piece[2]), capacity)


def first_fit(pieces: Sequence[Piece], capacity: int) -> list[list[Piece]]:
    """As they come, each into the earliest row with room."""
    rows: list[list[Piece]] = []
    room: list[int] = []
    for piece in pieces:
        row = next((row for row in range(len(rows)) if room[row] >= piece[2]), len(rows))
        if row == len(rows):
            rows.append([])
            room.append(capacity)
        rows[row].append(piece)
        room[row] -= piece[2]
    return rows


def concat(lengths: Sequence[int], capacity: int) -> list[list[Piece]]:
    """All tokens end to end, a row every ``capacity`` of them."""
    tokens = [(document, position) for document, length in enumerate(lengths) for position in range(length)]
    rows = []
    for first in range(0, len(tokens), capacity):
        row: list[Piece] = []
        for document, position in tokens[first : first + capacity]:
            if row and row[-1][0] == document:
                row[-1] = (document, row[-1][1], row[-1][2] + 1)
            else:
                row.append((document, position, 1))
        rows.append(row)
    return rows
