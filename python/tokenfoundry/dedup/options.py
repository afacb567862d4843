"""Arguments that several functions of the room take, checked in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry._core import dedup as _dedup
from tokenfoundry.errors import InputError
from tokenfoundry.ragged import Ragged
from tokenfoundry.tokenizer import Tokenizer

Keep = Literal["first", "last", "longest"] | Sequence[float] | NDArray[Any]
Unit = Literal["words", "whitespace", "characters", "bytes", "tokens"]

COMPLETE = 0.9999998
"""The recall at the threshold that `near_duplicates` aims at: one pair in five million is missed there, fewer above."""

OptionFields = tuple[float, str, int, int, int, int, bool]


@dataclass(frozen=True)
class Options:
    """What decides who is a near-duplicate of whom."""

    threshold: float
    unit: str
    ngram: int
    seed: int
    bands: int
    rows: int
    verify: bool

    def fields(self) -> OptionFields:
        return (self.threshold, self.unit, self.ngram, self.seed, self.bands, self.rows, self.verify)


def check_threshold(threshold: float) -> None:
    if not 0.05 <= threshold <= 1.0:
        raise InputError(f"threshold is {threshold}; it must be between 0.05 and 1")


def check_ngram(ngram: int) -> None:
    if not 1 <= ngram <= 64:
        raise InputError(f"ngram is {ngram}; it must be between 1 and 64")


def bands_of(threshold: float, bands: tuple[int, int] | None, recall: float) -> tuple[int, int]:
    """The bands given, or those that a threshold and a recall ask for."""
    if bands is None:
        if not 0.5 <= recall < 1:
            raise InputError(f"recall is {recall}; it must be at least 0.5 and less than 1")
        return _dedup.bands_for_threshold(threshold, recall)
    return check_bands(bands)


def check_bands(bands: tuple[int, int]) -> tuple[int, int]:
    count, rows = bands
    if not (1 <= count <= 256 and 1 <= rows <= 64 and count * rows <= 4096):
        raise InputError(f"bands is {bands}; at most 256 bands of at most 64 rows, 4096 slots in all")
    return count, rows


def options(
    threshold: float,
    unit: str,
    ngram: int,
    seed: int,
    bands: tuple[int, int] | None,
    recall: float,
    verify: bool = True,
) -> Options:
    check_threshold(threshold)
    check_ngram(ngram)
    if not 0 <= seed < 2**64:
        raise InputError(f"seed is {seed}; it must be between 0 and 2^64 - 1")
    return Options(threshold, unit, ngram, seed, *bands_of(threshold, bands, recall), verify)


def in_units(texts: Any, unit: Unit | Tokenizer, threads: int | None) -> tuple[Any, Unit]:
    """Texts and the name of their unit; where that is a tokenizer, the texts' tokens, without special ones."""
    if isinstance(unit, Tokenizer):
        return unit.encode_batch(texts, threads, add_special_tokens=False, disallowed_special=()), "tokens"
    return texts, unit


def as_texts(texts: Any) -> Any:
    """Texts as the core takes them; a `Ragged` of token ids becomes binary strings of four bytes a token, not copied."""
    if not isinstance(texts, Ragged):
        return texts
    values = np.ascontiguousarray(texts.values, dtype="<u4")
    offsets = np.ascontiguousarray(texts.offsets, dtype=np.int64) * 4
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(values)]
    return pa.Array.from_buffers(pa.large_binary(), len(texts), buffers)


def order_of(texts: Any, keep: Keep, given_order: Any = None) -> NDArray[np.uint32] | None:
    """The documents from the most to the least preferred; None for the order in which they come."""
    if given_order is not None:
        order = np.asarray(given_order)
        if order.shape != (len(texts),) or order.dtype.kind not in "iu":
            raise InputError(f"order must list the {len(texts)} documents by index, best first")
        if order.size and (order.min() < 0 or order.max() >= len(texts)):
            raise InputError(f"order has an index outside 0 to {len(texts) - 1}")
        return order.astype(np.uint32)
    if isinstance(keep, str):
        if keep == "first":
            return None
        if keep == "last":
            return np.arange(len(texts), dtype=np.uint32)[::-1].copy()
        if keep != "longest":
            raise InputError(f'keep must be "first", "last", "longest" or a column of numbers, not {keep!r}')
        preference: NDArray[Any] = _dedup.byte_lengths(texts)
    else:
        preference = np.asarray(keep)
        if preference.shape != (len(texts),) or preference.dtype.kind not in "iufb":
            raise InputError(
                f"keep must have one number for each of the {len(texts)} texts, not shape {preference.shape}"
            )
        if preference.dtype.kind == "f" and np.isnan(preference).any():
            raise InputError("keep has a NaN; give every document a number")
    # The largest first; among equals the first. Complement, unlike negation, turns every integer round.
    descending = -preference if preference.dtype.kind == "f" else ~preference
    return np.argsort(descending, kind="stable").astype(np.uint32)
