"""Reading at memory speed, without Python objects."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

def json_lines(
    block: Any,
    *,
    first: int,
    text: bytes,
    id: bytes | None,
    licence: bytes | None,
    most_bytes: int,
    prefix: bytes,
) -> tuple[list[Any], list[tuple[int, int, int]]]:
    """Whole lines of JSON Lines as columns, and the lines that were declined.

    ``block``: an Arrow array or list of one bytes value. ``first``: number of its first line. ``text``, ``id``,
    ``licence``: keys. Columns are Arrow arrays of the n lines that are plain documents: text (large_string), number of
    the line (int64), id and licence (string, null where there is none), xxh3-128 of ``prefix`` with the number in
    decimal, and of the text (fixed binary, 16 bytes). Declined are number, start and end in the block of every other
    line that is not empty, those of more than ``most_bytes`` included. Outside the GIL.
    """

def count_lines(content: Any) -> int:
    """Newlines in an Arrow array's or list's only bytes value. Outside the GIL."""

def gather(
    paths: list[Path],
    file: NDArray[np.int64],
    first: NDArray[np.int64],
    length: NDArray[np.int64],
) -> NDArray[np.uint32]:
    """``length`` tokens from ``first`` of the file of little-endian u32 ``paths[file]``, piece after piece.

    InputError where a piece lies outside, OSError where a file cannot be read. Files are read, not mapped. Outside the
    GIL."""

def hash_and_lines(content: Any) -> tuple[bytes, int]:
    """xxh3-128 of an Arrow array's or list's only bytes value, 16 bytes, and the newlines in it. Outside the GIL."""
