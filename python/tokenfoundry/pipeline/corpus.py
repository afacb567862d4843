"""The corpus between the text stages and the shards: texts memory-mapped from the units' results, counted not copied."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry.pipeline.unit_result import UnitResult

__all__ = ["Corpus", "selected"]


@dataclass(frozen=True)
class Corpus:
    """Texts that the text stages left, in the order of the input."""

    units: Sequence[UnitResult]
    sources: Sequence[str]
    """Of each unit."""
    keys: Sequence[str]
    """Of each unit's result."""

    @cached_property
    def unit_lengths(self) -> list[NDArray[np.int64]]:
        """Bytes of each text, by unit."""
        return [unit.lengths() for unit in self.units]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Bytes of each text."""
        return np.concatenate([np.empty(0, np.int64), *self.unit_lengths])

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """First text of each unit, and the number of texts."""
        return np.concatenate([[0], np.cumsum([len(lengths) for lengths in self.unit_lengths])]).astype(np.int64)

    def __len__(self) -> int:
        return int(self.bounds[-1])

    def of_unit(self, mask: NDArray[np.bool_], unit: int) -> NDArray[np.bool_]:
        """The part of a mask (n) that is of a unit's texts."""
        return mask[int(self.bounds[unit]) : int(self.bounds[unit + 1])]

    def source_numbers(self) -> tuple[list[str], NDArray[np.int64]]:
        """Names of the sources in order of appearance, and the number of each text's (n)."""
        names = list(dict.fromkeys(self.sources))
        numbers = np.array([names.index(source) for source in self.sources], np.int64)
        return names, np.repeat(numbers, np.diff(self.bounds))

    def selected(self, keep: NDArray[np.bool_]) -> Iterator[pa.LargeStringArray]:
        """Batches of the texts that ``keep`` (n) says, without empty ones."""
        for index, unit in enumerate(self.units):
            mask = self.of_unit(keep, index)
            if mask.any():
                yield from selected(unit, mask)


def selected(unit: UnitResult, mask: NDArray[np.bool_]) -> Iterator[pa.LargeStringArray]:
    """Batches of a unit's texts that ``mask`` says, without empty ones."""
    first = 0
    for texts in unit.text_batches():
        chosen = mask[first : first + len(texts)]
        first += len(texts)
        if chosen.all() and len(texts):
            yield texts
        elif chosen.any():
            yield texts.filter(pa.array(chosen))
