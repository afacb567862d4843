"""A text unit's result: a folder in the store with the texts that are left and a row for every record.

The result `KEY.text` is a folder: `texts.arrow` has the texts that are left, to be memory-mapped by what comes after;
`rows.arrow` a row for every record, kept or not, of `ROWS_SCHEMA`; `lengths.npy` and `ids.npy` the bytes and id of each
text that is left; `unit.json` the counts at each door and what each stage cost.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry.pipeline.batch import ROWS_SCHEMA, TEXTS_SCHEMA, Batch
from tokenfoundry.pipeline.meter import Cost
from tokenfoundry.pipeline.stages.base import byte_lengths
from tokenfoundry.pipeline.store import Store, save_arrays
from tokenfoundry.provenance.doors import Door

__all__ = ["KIND", "Sink", "UnitResult", "Written"]

KIND = "text"


@dataclass(frozen=True)
class UnitResult:
    """A unit's result in a store."""

    folder: Path

    @classmethod
    def of(cls, store: Store, key: str) -> "UnitResult":
        return cls(store.path(key, KIND))

    @property
    def done(self) -> bool:
        return self.folder.is_dir()

    @property
    def texts(self) -> Path:
        return self.folder / "texts.arrow"

    def facts(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "unit.json").read_bytes())
        return content

    def doors(self) -> list[Door]:
        return [Door.from_dict(plain) for plain in self.facts()["doors"]]

    def lengths(self) -> NDArray[np.int64]:
        lengths: NDArray[np.int64] = np.load(self.folder / "lengths.npy", allow_pickle=False)
        return lengths

    def ids(self) -> NDArray[np.uint8]:
        """Id of each text, (n, 16)."""
        ids: NDArray[np.uint8] = np.load(self.folder / "ids.npy", allow_pickle=False)
        return ids

    def rows(self) -> Iterator[pa.RecordBatch]:
        yield from _read(self.folder / "rows.arrow")

    def text_batches(self) -> list[pa.LargeStringArray]:
        return self.text_batches_of(pa.memory_map(str(self.texts)))

    def read_texts(self) -> Iterator[pa.LargeStringArray]:
        """The texts batch by batch, in memory of their own."""
        yield from (batch.column(0) for batch in _read(self.texts))

    @staticmethod
    def text_batches_of(file: pa.MemoryMappedFile) -> list[pa.LargeStringArray]:
        return [batch.column(0) for batch in _batches_of(file)]

    def text_places(self) -> NDArray[np.int64] | None:
        """Where each text begins in the file of texts and how long it is, in bytes (n, 2); None if it is compressed."""
        file = pa.memory_map(str(self.texts))
        whole = file.read_buffer()
        begins = [np.empty(0, np.int64)]
        for texts in self.text_batches_of(file):
            if not len(texts):
                continue
            offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts)]
            data = texts.buffers()[2]
            inside = data is not None and 0 <= data.address - whole.address <= whole.size - data.size
            if not inside and int(byte_lengths(texts).sum()):
                return None
            begins.append(offsets + (data.address - whole.address if inside else 0))
        return np.stack([np.concatenate(begins), self.lengths()], axis=1)

    def portions(self, keep: NDArray[np.bool_]) -> Iterator[tuple[pa.RecordBatch, pa.LargeStringArray]]:
        """Rows and texts of those texts that ``keep`` says, batch by batch."""
        first = 0
        for rows, texts in zip(self.rows(), self.text_batches(), strict=True):
            chosen = keep[first : first + len(texts)]
            first += len(texts)
            if chosen.any():
                with_text = rows.column("verdict").is_null().to_numpy(zero_copy_only=False)
                yield rows.take(pa.array(np.flatnonzero(with_text)[chosen])), texts.filter(pa.array(chosen))

    def left(self) -> NDArray[np.bool_]:
        """Of each record, whether its text is left."""
        marks = [rows.column("verdict").is_null().to_numpy(zero_copy_only=False) for rows in self.rows()]
        return np.concatenate([np.empty(0, np.bool_), *marks])


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    """Batches that are read and not mapped: a map counts as memory of the process until the last batch is let go."""
    with pa.OSFile(str(path)) as file:
        yield from _batches_of(file)


def _batches_of(file: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    reader = pa.ipc.open_file(file)
    for index in range(reader.num_record_batches):
        yield reader.get_batch(index)


@dataclass(frozen=True)
class Written:
    """A batch as it goes to a result."""

    texts: pa.RecordBatch
    rows: pa.RecordBatch
    lengths: NDArray[np.int64]
    ids: bytes

    @classmethod
    def of(cls, batch: Batch) -> "Written":
        ids = batch.fixed["id"].take(pa.array(batch.alive))
        flat = ids.buffers()[1].to_pybytes()[16 * ids.offset :][: 16 * len(ids)] if len(ids) else b""
        texts = pa.record_batch([batch.texts], schema=TEXTS_SCHEMA)
        return cls(texts, batch.to_rows(), byte_lengths(batch.texts), flat)


class Sink:
    """A result being written."""

    def __init__(self, store: Store, key: str, compressed: bool, stack: ExitStack) -> None:
        self.folder = stack.enter_context(store.making(key, KIND))
        options = pa.ipc.IpcWriteOptions(compression="zstd") if compressed else None
        self.inner = stack.enter_context(ExitStack())
        self.texts, self.rows = (
            self.inner.enter_context(
                pa.ipc.new_file(
                    self.inner.enter_context(pa.OSFile(str(self.folder / name), "wb")), schema, options=options
                )
            )
            for name, schema in [("texts.arrow", TEXTS_SCHEMA), ("rows.arrow", ROWS_SCHEMA)]
        )
        self.lengths: list[NDArray[np.int64]] = []
        self.ids: list[bytes] = []
        self.records = 0

    def write(self, batch: Written) -> None:
        self.texts.write_batch(batch.texts)
        self.rows.write_batch(batch.rows)
        self.lengths.append(batch.lengths)
        self.records += len(batch.rows)
        self.ids.append(batch.ids)

    def finish(self, doors: Sequence[Door], costs: dict[str, Cost], source: str) -> None:
        self.inner.close()
        save_arrays(
            self.folder,
            lengths=np.concatenate([np.empty(0, np.int64), *self.lengths]),
            ids=np.frombuffer(b"".join(self.ids), np.uint8).reshape(-1, 16),
        )
        content = {
            "source": source,
            "records": self.records,
            "doors": [door.to_dict() for door in doors],
            "costs": {name: cost.to_dict() for name, cost in costs.items()},
        }
        (self.folder / "unit.json").write_text(json.dumps(content))
