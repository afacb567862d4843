"""Packing by the textbook: one row looked at after another.

Twin of ``rust/pack``. Quadratic. Source: Johnson, "Near-optimal bin packing algorithms" (1973).
"""

from collections.abc import Sequence

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


def best_fit_decreasing(pieces: Sequence[Piece], capacity: int) -> list[list[Piece]]:
    """Longest first, each into the row with the least room that is enough; among equals the one that last changed."""
    rows: list[list[Piece]] = []
    room: list[int] = []
    changed: list[int] = []
    for time, piece in enumerate(sorted(pieces, key=lambda piece: -piece[2])):
        fitting = [row for row in range(len(rows)) if room[row] >= piece[2]]
        if fitting:
            row = min(fitting, key=lambda row: (room[row], -changed[row]))
        else:
            row = len(rows)
            rows.append([])
            room.append(capacity)
            changed.append(time)
        rows[row].append(piece)
        room[row] -= piece[2]
        changed[row] = time
    return rows


def first_fit_decreasing(pieces: Sequence[Piece], capacity: int) -> list[list[Piece]]:
    """Longest first, each into the earliest row with room."""
    rows: list[list[Piece]] = []
    room: list[int] = []
    for piece in sorted(pieces, key=lambda piece: -piece[2]):
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
