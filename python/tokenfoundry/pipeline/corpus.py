"""The corpus between the text stages and the shards: texts memory-mapped from the units' files, counted not copied."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry.pipeline.documents import TEXTS_SCHEMA, UnitFiles
from tokenfoundry.pipeline.stages.base import byte_lengths

__all__ = ["Corpus"]


@dataclass(frozen=True)
class Corpus:
    """Texts that the text stages left, in the order of the input."""

    batches: Sequence[pa.RecordBatch]

    @classmethod
    def open(cls, files: Sequence[UnitFiles]) -> "Corpus":
        batches: list[pa.RecordBatch] = []
        for unit in files:
            reader = pa.ipc.open_file(pa.memory_map(str(unit.texts)))
            batches.extend(reader.get_batch(index) for index in range(reader.num_record_batches))
        return cls(batches)

    def __len__(self) -> int:
        return sum(len(batch) for batch in self.batches)

    def texts(self) -> pa.ChunkedArray:
        return pa.chunked_array([batch.column(0) for batch in self.batches], TEXTS_SCHEMA.field(0).type)

    def lengths(self) -> NDArray[np.int64]:
        """Bytes of each text."""
        return np.concatenate([np.empty(0, np.int64), *(byte_lengths(batch.column(0)) for batch in self.batches)])

    def selected(self, keep: NDArray[np.bool_]) -> Iterator[pa.LargeStringArray]:
        """Batches of the texts that ``keep`` (n) says, without empty ones."""
        first = 0
        for batch in self.batches:
            mask = keep[first : first + len(batch)]
            first += len(batch)
            if mask.all():
                yield batch.column(0)
            elif mask.any():
                yield batch.column(0).filter(pa.array(mask))
