"""What every text stage is."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["SIGNALS", "EverySource", "OfSources", "Outcome", "TextStage", "byte_lengths", "signals_of"]


@dataclass(frozen=True)
class Outcome:
    """What became of a batch of n texts."""

    texts: pa.LargeStringArray
    """(n) also of those that are dropped"""
    verdict: pa.StringArray | None = None
    """(n) null: kept"""
    value: NDArray[np.float64] | None = None
    """(n) the value that the verdict rests on"""
    columns: dict[str, pa.Array] = field(default_factory=dict)
    """(n) columns for the ledger"""
    edits: dict[str, int] = field(default_factory=dict)
    """Edits of the whole batch, by kind"""


class TextStage(Protocol):
    """Looks at texts, and may edit or drop them. Has no state: the same texts always have the same outcome."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int:
        """Goes up with every change of what the stage does."""
        ...

    @property
    def edits_text(self) -> bool:
        """Whether texts may come out other than they went in; where not, the runner checks."""
        ...

    @property
    def options(self) -> Any: ...
    def applies_to(self, source: str) -> bool:
        """Whether documents of this source go through the stage, or past it."""
        ...

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome: ...


class EverySource:
    """A stage for documents of every source."""

    def applies_to(self, source: str) -> bool:
        return True


class OfSources:
    """A stage for documents of the sources that its options name, or of all."""

    options: Any

    def applies_to(self, source: str) -> bool:
        return self.options.sources is None or source in self.options.sources


SIGNALS = pa.map_(pa.string(), pa.float64())
"""Type of the ledger's column `signals`: numbers by name."""


def signals_of(columns: dict[str, pa.Array], rows: int) -> pa.Array:
    """Columns of numbers as one of maps, in which nulls are left out."""
    lists = {name: column.cast(pa.float64()).to_pylist() for name, column in columns.items()}
    pairs = [[(name, found[row]) for name, found in lists.items() if found[row] is not None] for row in range(rows)]
    return pa.array(pairs, SIGNALS)


def byte_lengths(texts: pa.LargeStringArray) -> NDArray[np.int64]:
    """Bytes of each text as UTF-8."""
    if not len(texts):
        return np.empty(0, np.int64)
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    lengths: NDArray[np.int64] = np.diff(offsets)
    return lengths
