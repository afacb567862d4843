"""The documents of one unit: read, passed through the text stages, and kept in the store.

The result `KEY.text` is a folder: `texts.arrow` has the texts that are left, to be memory-mapped by what comes after;
`rows.arrow` a row for every record, kept or not, of `ROWS_SCHEMA`; `lengths.npy` and `ids.npy` the bytes and id of each text that is left;
`unit.json` the counts at each door and what each stage cost. A cache also keeps the result after each stage but the
last, compressed, so that a run with other late stages begins behind those it shares.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry.errors import GateError, InputError
from tokenfoundry.pipeline.batch import ROWS_SCHEMA, TEXTS_SCHEMA, Batch, document_id
from tokenfoundry.pipeline.events import Listener
from tokenfoundry.pipeline.isolate import apply
from tokenfoundry.pipeline.meter import Cost, Meter
from tokenfoundry.pipeline.policy import Exclusions, Policy, apply_policy
from tokenfoundry.pipeline.reading import RawBatch, read_unit
from tokenfoundry.pipeline.stages import Outcome, TextStage
from tokenfoundry.pipeline.stages.base import byte_lengths
from tokenfoundry.pipeline.store import Store
from tokenfoundry.pipeline.units import Unit
from tokenfoundry.provenance.doors import Door, check

__all__ = ["ROWS_SCHEMA", "TEXTS_SCHEMA", "TextLine", "UnitResult", "document_id"]

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
        yield from _batches(self.folder / "rows.arrow")

    def text_batches(self) -> list[pa.LargeStringArray]:
        return [batch.column(0) for batch in _batches(self.texts)]


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    # Not closed: batches that are mapped live on in whoever holds them.
    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    for index in range(reader.num_record_batches):
        yield reader.get_batch(index)


class _Sink:
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

    def write(self, batch: Batch) -> None:
        self.texts.write_batch(pa.record_batch([batch.texts], schema=TEXTS_SCHEMA))
        self.rows.write_batch(batch.to_rows())
        self.lengths.append(byte_lengths(batch.texts))
        self.records += len(batch)
        self.ids += batch.fixed["id"].take(pa.array(batch.alive)).to_pylist()

    def finish(self, doors: Sequence[Door], costs: dict[str, Cost], source: str) -> None:
        self.inner.close()
        np.save(self.folder / "lengths.npy", np.concatenate([np.empty(0, np.int64), *self.lengths]))
        np.save(self.folder / "ids.npy", np.frombuffer(b"".join(self.ids), np.uint8).reshape(-1, 16))
        content = {
            "source": source,
            "records": self.records,
            "doors": [door.to_dict() for door in doors],
            "costs": {name: cost.to_dict() for name, cost in costs.items()},
        }
        (self.folder / "unit.json").write_text(json.dumps(content))


@dataclass
class TextLine:
    """The text stages of a recipe, as a unit goes through them."""

    stages: Sequence[TextStage]
    policies: Sequence[Policy | Exclusions] = ()
    threads: int | None = None
    stop_on_error: bool = False
    snapshots: bool = False
    """Also keep the result after each stage."""

    @property
    def door_names(self) -> list[str]:
        return ["read", *(policy.name for policy in self.policies), *(stage.name for stage in self.stages)]

    def run(
        self,
        unit: Unit,
        store: Store,
        *,
        listener: Listener,
        meter: Meter,
        in_child: bool = False,
        read: Callable[[Unit], Iterator[RawBatch]] = read_unit,
    ) -> None:
        """Make a unit's result, from as far along the line as the store has it. Memory: a few batches."""
        first = self._shared_prefix(unit, store)
        own = Meter(elsewhere=meter.elsewhere)
        doors = [Door(name) for name in self.door_names]
        if first is None:
            batches = self._read(unit, own, doors, listener, read)
            first = 0
        else:
            before = UnitResult.of(store, unit.keys[first])
            facts = before.facts()
            for index, plain in enumerate(facts["doors"]):
                doors[index] = Door.from_dict(plain)
            own.merge({name: Cost.from_dict(plain) for name, plain in facts["costs"].items()})
            batches = _of_result(before)
        spent_before = {name: Cost.from_dict(cost.to_dict()) for name, cost in own.costs.items()}
        with ExitStack() as stack:
            wanted = range(first, len(unit.keys)) if self.snapshots else [len(unit.keys) - 1]
            sinks = {
                index: _Sink(store, unit.keys[index], index < len(unit.keys) - 1, stack)
                for index in wanted
                if not store.has(unit.keys[index], KIND)
            }
            for batch in batches:
                if first in sinks:
                    sinks[first].write(batch)
                for index in range(first, len(self.stages)):
                    door = doors[len(self.policies) + 1 + index]
                    self._stage(self.stages[index], door, batch, unit, listener, own, in_child)
                    if index + 1 in sinks:
                        with own.measure("read"):
                            sinks[index + 1].write(batch)
            for index, sink in sinks.items():
                counted = doors[: len(self.policies) + 1 + index]
                sink.finish(counted, {door.name: own.costs.get(door.name, Cost()) for door in counted}, unit.source)
        for name, cost in own.costs.items():
            earlier = spent_before.get(name, Cost())
            meter.add(
                name, cost.wall_seconds - earlier.wall_seconds, cost.cpu_seconds - earlier.cpu_seconds,
                cost.bytes - earlier.bytes,
            )  # fmt: skip

    def _shared_prefix(self, unit: Unit, store: Store) -> int | None:
        """The most stages after which the store has the result; None: it must be read."""
        return next((index for index in reversed(range(len(unit.keys) - 1)) if store.has(unit.keys[index], KIND)), None)

    def _read(
        self,
        unit: Unit,
        meter: Meter,
        doors: list[Door],
        listener: Listener,
        read: Callable[[Unit], Iterator[RawBatch]],
    ) -> Iterator[Batch]:
        reading_before = meter.elsewhere()
        for raw in meter.iterate("read", read(unit)):
            for uri, record in zip(raw.uris, raw.records, strict=True):
                if record.verdict is not None:
                    reason = record.reason or record.verdict
                    if self.stop_on_error:
                        raise InputError(f"{reason} ({record.verdict}); the recipe says on_error: stop")
                    listener.rejected(uri, record.record, reason)
            with meter.measure("read", raw.bytes):
                entry = unit.input
                batch = Batch.of_records(raw.records, raw.uris, entry.source, entry.licence, self.threads)
                lengths = byte_lengths(batch.texts)
                door = doors[0]
                counted = Door(
                    "read",
                    len(raw.records),
                    len(batch.texts),
                    sum(record.size for record in raw.records),
                    int(lengths.sum()),
                )
                for record in raw.records:
                    if record.verdict is not None:
                        counted.dropped_documents[record.verdict] += 1
                        counted.dropped_bytes[record.verdict] += record.size
                check(counted)
                door.add(counted)
                for policy, own_door in zip(self.policies, doors[1:], strict=False):
                    apply_policy(policy, batch, unit.source, own_door, byte_lengths(batch.texts))
                    check(own_door)
            listener.stage_advanced("read", len(raw.records), raw.bytes, 0)
            yield batch
        # The reading thread's own time; of what it has read ahead, a little is of the next unit.
        meter.add("read", 0.0, meter.elsewhere() - reading_before)

    def _stage(
        self,
        stage: TextStage,
        door: Door,
        batch: Batch,
        unit: Unit,
        listener: Listener,
        meter: Meter,
        in_child: bool,
    ) -> None:
        before = byte_lengths(batch.texts)
        failed: dict[int, str] = {}
        with meter.measure(stage.name, int(before.sum())):
            outcome = Outcome(batch.texts)
            if len(before) and stage.applies_to(unit.source):
                applied = apply(stage, batch.texts, self.threads, in_child=in_child)
                outcome, failed = applied.outcome, applied.failed
            verdict = _verdicts(outcome, len(before), stage)
            after = byte_lengths(outcome.texts)
            for index, what in failed.items():
                verdict[index] = f"{stage.name}.failed"
                record = int(batch.alive[index])
                uri, number = batch.fixed["uri"][record].as_py(), batch.fixed["record"][record].as_py()
                reason = f"{uri}:{number}: stage {stage.name} failed on it: {what}"
                if self.stop_on_error:
                    raise InputError(f"{reason}; the recipe says on_error: stop")
                listener.rejected(uri, number, reason)
                batch.reason[record] = reason
            gone = verdict != None  # noqa: E711  (by element)
            _count_through(door, stage, before, after, verdict, gone)
            for name, amount in outcome.edits.items():
                door.edits[name] += amount
            batch.set_columns(outcome.columns)
            batch.texts = outcome.texts
            batch.drop(gone, stage.name, verdict, outcome.value)
        listener.stage_advanced(stage.name, len(before), int(before.sum()), 0)


def _verdicts(outcome: Outcome, count: int, stage: TextStage) -> NDArray[np.object_]:
    answered = len(outcome.texts)
    if outcome.verdict is not None and answered == count:
        answered = len(outcome.verdict)
    if answered != count:
        raise GateError(f"stage {stage.name}: {count:,} documents in, an answer for {answered:,}; the line stops")
    if outcome.verdict is None or outcome.verdict.null_count == count:
        return np.full(count, None, object)
    return np.array([*outcome.verdict.to_pylist(), None], object)[:-1]


def _count_through(
    door: Door,
    stage: TextStage,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    verdict: NDArray[np.object_],
    gone: NDArray[np.bool_],
) -> None:
    """Count a batch through a stage's door, and stop the line where it lost something."""
    counts = Door(door.name, documents_in=len(before), bytes_in=int(before.sum()))
    counts.documents_out = int((~gone).sum())
    counts.bytes_out = int(after[~gone].sum())
    for index in np.flatnonzero(gone).tolist():
        counts.dropped_documents[verdict[index]] += 1
        counts.dropped_bytes[verdict[index]] += int(before[index])
    if stage.edits_text:
        counts.bytes_edited = int((before - after)[~gone].sum())
    check(counts)
    door.add(counts)


def _of_result(result: UnitResult) -> Iterator[Batch]:
    for rows, texts in zip(result.rows(), result.text_batches(), strict=True):
        yield Batch.of_rows(rows, texts)


def attempts_file(work: Path, key: str) -> Path:
    return work / "attempts" / key


def begin_attempt(work: Path, key: str) -> int:
    """Note that a unit is at work; how often it was before without an end: each time the process died."""
    path = attempts_file(work, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        before = os.fstat(descriptor).st_size
        os.write(descriptor, b".")
    finally:
        os.close(descriptor)
    return before


def end_attempt(work: Path, key: str) -> None:
    attempts_file(work, key).unlink(missing_ok=True)
