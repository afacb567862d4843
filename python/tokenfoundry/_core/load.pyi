"""Sampling and reading in Rust; `tokenfoundry.load` is its public face."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core.shard import Shards

_Column = NDArray[np.int64]

@final
class Stream:
    """The order of samples, and their batches. ``kind``: "rows", "windows" or "pack"."""

    def __new__(
        cls,
        sets: list[Shards],
        kind: str,
        length: int,
        seed: int,
        shuffled: bool,
        schedule: list[tuple[int, list[float]]] | None,
        block_pieces: int,
        most_pieces: int | None,
        masks: list[str | None],
    ) -> Stream: ...
    @property
    def epoch_size(self) -> int | None:
        """Items in an epoch over all sources, where there is such a thing."""

    @property
    def sizes(self) -> list[int]:
        """Items of each source: rows, windows or pieces."""

    @property
    def checksums(self) -> list[int]:
        """Numbers that stand for every byte of each source."""

    @property
    def waits(self) -> bool:
        """Whether the last batch waited for a disk."""

    def shares(self, sample: int) -> list[int] | None:
        """Slots of each source out of 65,536 at a sample; None for joined sources."""

    def taken(self, sample: int) -> list[int]:
        """Items of each source before an item of the mixture."""

    def locate(self, first: int, count: int) -> tuple[_Column, _Column, _Column]:
        """Source, epoch and item of samples (of items, where rows are packed)."""

    def has(self, sample: int) -> bool:
        """Whether there is a row of this number."""

    def block(self, sample: int) -> tuple[int, int]:
        """Number and first row of the block of pieces that a row is packed from."""

    def enter(self, number: int, first_row: int) -> None:
        """Go on at a block, whose first row is known from a state."""

    def trace(self, sample: int) -> list[tuple[int, bytes, int, int]]:
        """Source, document id, first token and tokens of each piece of a sample's row."""

    def fill_batch(
        self,
        samples: _Column,
        tokens: NDArray[Any],
        labels: NDArray[Any] | None,
        position_ids: NDArray[np.int32] | None,
        document_ids: NDArray[np.int32] | None,
        pad_id: int,
        threads: int | None,
    ) -> int:
        """Fill the rows of a batch; how many tokens they have without padding."""

    def will_need(self, samples: _Column) -> None:
        """Tell the kernel that these samples will be read soon."""

def permute(indices: _Column, size: int, key: int) -> _Column:
    """Where a keyed permutation of ``range(size)`` sends these indices."""
