"""Reading units in the background, a bounded number of bytes ahead of the stages.

The readers hold Python's lock, the stages mostly do not: reading the next batches while the stages work on this one
uses both. The queue is bounded by bytes, so readers wait for stages (back-pressure) and memory stays within the budget.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokenfoundry.errors import InputError
from tokenfoundry.io import InputFile, Record, records
from tokenfoundry.pipeline.units import Unit

__all__ = ["BATCH_BYTES", "RawBatch", "ReadAhead", "read_unit"]

BATCH_BYTES = 8 << 20
_BATCH_DOCUMENTS = 16_384


@dataclass
class RawBatch:
    """Records as they were read."""

    uris: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    bytes: int = 0


def read_unit(unit: Unit, batch_bytes: int = BATCH_BYTES) -> Iterator[RawBatch]:
    """A unit's records in batches.

    Raises InputError where a file is gone, or is not what it was when the units were cut: its result would be kept
    under the name of something else.
    """
    batch = RawBatch()
    for file in unit.files:
        _still_there(file)
        for record in records(file, unit.format(file), unit.input):
            batch.uris.append(file.uri)
            batch.records.append(record)
            batch.bytes += record.size
            if batch.bytes >= batch_bytes or len(batch.records) >= _BATCH_DOCUMENTS:
                yield batch
                batch = RawBatch()
        _still_there(file)
    if batch.records:
        yield batch


def _still_there(file: InputFile) -> None:
    change = file.changed()
    if change:
        raise InputError(
            f"{file.uri}: {change} while the run was reading its input. Units that are finished are kept: put the file "
            "back and run the same command again, or run again with what is there now"
        )


_Item = tuple[str, RawBatch | None, BaseException | None]


class ReadAhead:
    """Reads units in order in a thread of its own; `batches` gives those of the unit that is at work."""

    def __init__(self, units: Sequence[Unit], budget_bytes: int, batch_bytes: int = BATCH_BYTES) -> None:
        self.units = list(units)
        self.budget_bytes = budget_bytes
        self.batch_bytes = batch_bytes
        self.cpu_seconds = 0.0
        """CPU time of the reading thread so far."""
        self._queue: queue.Queue[_Item] = queue.Queue()
        self._room = threading.Condition()
        self._waiting_bytes = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._read, name="tokenfoundry-reader", daemon=True)
        self._next = 0
        if self.units:
            self._thread.start()

    def _read(self) -> None:
        began = time.thread_time()
        for unit in self.units:
            try:
                for batch in read_unit(unit, self.batch_bytes):
                    self.cpu_seconds = time.thread_time() - began
                    with self._room:
                        self._room.wait_for(lambda: self._stopped or self._waiting_bytes < self.budget_bytes)
                        if self._stopped:
                            return
                        self._waiting_bytes += batch.bytes
                    self._queue.put((unit.key, batch, None))
            except BaseException as error:
                self._queue.put((unit.key, None, error))
                return
            self._queue.put((unit.key, None, None))

    def batches(self, unit: Unit) -> Iterator[RawBatch]:
        """The batches of the next unit in order; of any other they are read here."""
        if self._next >= len(self.units) or self.units[self._next].key != unit.key:
            yield from read_unit(unit, self.batch_bytes)
            return
        self._next += 1
        while True:
            _, batch, error = self._queue.get()
            if error is not None:
                raise error
            if batch is None:
                return
            with self._room:
                self._waiting_bytes -= batch.bytes
                self._room.notify()
            yield batch

    def close(self) -> None:
        """Stop reading."""
        with self._room:
            self._stopped = True
            self._room.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=60)

    def __enter__(self) -> "ReadAhead":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
