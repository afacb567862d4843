"""Types of side columns: numpy's names and the codes that the files carry (Megatron's dtype codes)."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tokenfoundry.errors import InputError

CODES: dict[int, np.dtype[Any]] = {
    1: np.dtype("u1"), 2: np.dtype("i1"), 3: np.dtype("<i2"), 4: np.dtype("<i4"),
    5: np.dtype("<i8"), 6: np.dtype("<f8"), 7: np.dtype("<f4"), 8: np.dtype("<u2"),
}  # fmt: skip


def code_of(name: str, dtype: DTypeLike) -> int:
    """The code of a type; bool is stored as uint8. Raises InputError for a type that has none."""
    wanted = np.dtype(dtype)
    wanted = np.dtype("u1") if wanted == np.bool_ else wanted
    for code, known in CODES.items():
        if known == wanted:
            return code
    raise InputError(f"column {name}: {wanted} cannot be stored; use one of {', '.join(map(str, CODES.values()))}")
