"""The documents of one unit on their way through text stages: read, or taken from an earlier result, judged, counted and kept.

A cache also keeps the result after each stage but the last, compressed, so that a run with other late stages begins
behind those it shares.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry.errors import GateError, InputError
from tokenfoundry.pipeline.batch import Batch, tally
from tokenfoundry.pipeline.events import Listener
from tokenfoundry.pipeline.isolate import apply
from tokenfoundry.pipeline.lanes import Serial, Way
from tokenfoundry.pipeline.meter import Cost, Meter
from tokenfoundry.pipeline.policy import Exclusions, Policy, apply_policy
from tokenfoundry.pipeline.reading import BATCH_BYTES, RawBatch, columns_of, read_unit
from tokenfoundry.pipeline.stages import Outcome, TextStage
from tokenfoundry.pipeline.stages.base import byte_lengths
from tokenfoundry.pipeline.store import Store
from tokenfoundry.pipeline.unit_result import KIND, Sink, UnitResult, Written
from tokenfoundry.pipeline.units import Unit
from tokenfoundry.provenance.doors import Door, check

__all__ = ["Portion", "TextLine", "begin_attempt", "end_attempt"]

Portion = tuple[pa.RecordBatch, pa.LargeStringArray]
"""Rows of an earlier result, and the texts of those that are left."""


@dataclass
class _Done:
    """What a worker has to say of one batch."""

    doors: list[Door]
    meter: Meter
    written: dict[int, Written] = field(default_factory=dict)
    """By number of stages behind it"""
    rejected: list[tuple[str, int, str]] = field(default_factory=list)
    advanced: list[tuple[str, int, int]] = field(default_factory=list)
    """Stage, documents and bytes"""


@dataclass
class TextLine:
    """The text stages of a recipe, as a unit goes through them."""

    stages: Sequence[TextStage]
    policies: Sequence[Policy | Exclusions] = ()
    """What may not go on, asked right after reading"""
    threads: int | None = None
    """Of one worker"""
    stop_on_error: bool = False
    snapshots: bool = False
    """Also keep what there is after each stage but the last."""
    reads: bool = True
    """False: texts come from an earlier result, and reading and policies are behind them."""

    @property
    def door_names(self) -> list[str]:
        """In order."""
        before = ["read", *(policy.name for policy in self.policies)] if self.reads else []
        return [*before, *(stage.name for stage in self.stages)]

    @property
    def _doors_before(self) -> int:
        """Doors before the first stage's."""
        return len(self.policies) + 1 if self.reads else 0

    def run(
        self,
        unit: Unit,
        store: Store,
        *,
        listener: Listener,
        meter: Meter,
        in_child: bool = False,
        way: Way | None = None,
        batch_bytes: int = BATCH_BYTES,
        start: Iterable[Portion] | None = None,
    ) -> None:
        """Make a unit's result, from as far along the line as the store has it. ``start``: what goes in where nothing
        is read. Memory: the batches under way."""
        way = way or Serial()
        first = self._shared_prefix(unit, store)
        begin = first or 0
        own, spent, reading = Meter(), Meter(), Meter(clock=way.clock)
        doors = [Door(name) for name in self.door_names]
        batches: Iterable[RawBatch | Portion]
        if first is None:
            batches = start if start is not None else self._reading(unit, batch_bytes, reading)
        else:
            before = UnitResult.of(store, unit.keys[first])
            facts = before.facts()
            for index, plain in enumerate(facts["doors"]):
                doors[index] = Door.from_dict(plain)
            own.merge({name: Cost.from_dict(plain) for name, plain in facts["costs"].items()})
            batches = zip(before.rows(), before.text_batches(), strict=True)
        with ExitStack() as stack:
            earliest = begin if self.reads else begin + 1
            wanted = range(earliest, len(unit.keys)) if self.snapshots else [len(unit.keys) - 1]
            sinks = {
                index: Sink(store, unit.keys[index], index < len(unit.keys) - 1, stack)
                for index in wanted
                if not store.has(unit.keys[index], KIND)
            }
            work = partial(self._batch, unit, begin, frozenset(sinks), in_child, way.clock)
            for done in way.map(work, batches):
                for rejection in done.rejected:
                    listener.rejected(*rejection)
                for whole, counted in zip(doors, done.doors, strict=True):
                    whole.add(counted)
                with reading.measure("read"):
                    for index, written in done.written.items():
                        sinks[index].write(written)
                spent.merge(done.meter.costs)
                for name, documents, size in done.advanced:
                    listener.stage_advanced(name, documents, size, 0)
            spent.merge(reading.costs)
            meter.merge(spent.costs)
            own.merge({name: cost.scaled(way.cpu_share()) for name, cost in spent.costs.items()})
            for index, sink in sinks.items():
                counted_doors = doors[: self._doors_before + index]
                names = dict.fromkeys(["read", *(door.name for door in counted_doors)])
                costs = {name: own.costs.get(name, Cost()) for name in names}
                sink.finish(counted_doors, costs, unit.source)

    def _shared_prefix(self, unit: Unit, store: Store) -> int | None:
        """The most stages after which the store has the result; None: it must be read."""
        return next((index for index in reversed(range(len(unit.keys) - 1)) if store.has(unit.keys[index], KIND)), None)

    def _reading(self, unit: Unit, batch_bytes: int, meter: Meter) -> Iterator[RawBatch]:
        """The unit's raw batches; what it takes to get them counts as ``read``."""
        batches = read_unit(unit, batch_bytes)
        while True:
            with meter.measure("read"):
                raw = next(batches, None)
            if raw is None:
                return
            yield raw

    def _batch(
        self,
        unit: Unit,
        begin: int,
        wanted: frozenset[int],
        in_child: bool,
        clock: Callable[[], float],
        raw: RawBatch | Portion,
    ) -> _Done:
        """One batch through all stages behind ``begin``, by one worker."""
        done = _Done([Door(name) for name in self.door_names], Meter(clock=clock))
        batch = self._read(raw, unit, done) if isinstance(raw, RawBatch) else Batch.of_rows(*raw)
        for index in range(begin, len(self.stages) + 1):
            if index > begin:
                door = done.doors[self._doors_before + index - 1]
                self._stage(self.stages[index - 1], door, batch, unit, done, in_child)
            if index in wanted:
                with done.meter.measure("read"):
                    done.written[index] = Written.of(batch)
        return done

    def _read(self, raw: RawBatch, unit: Unit, done: _Done) -> Batch:
        with done.meter.measure("read", raw.bytes):
            batch = columns_of(raw, unit.input, self.threads)
            uris, numbers = batch.fixed["uri"], batch.fixed["record"]
            for index, reason in batch.reasons.items():
                if self.stop_on_error:
                    verdict = batch.fates[batch.fate[index]][1]
                    raise InputError(f"{reason} ({verdict}); the recipe says on_error: stop")
                done.rejected.append((uris[index].as_py(), numbers[index].as_py(), reason))
            sizes = batch.fixed["bytes_in"].to_numpy()
            lengths = byte_lengths(batch.texts)
            door = done.doors[0]
            door.documents_in, door.documents_out = len(batch), len(batch.texts)
            door.bytes_in, door.bytes_out = int(sizes.sum()), int(lengths.sum())
            for code, (_, verdict) in enumerate(batch.fates):
                here = batch.fate == code
                door.dropped_documents[verdict] += int(here.sum())
                door.dropped_bytes[verdict] += int(sizes[here].sum())
            check(door)
            for policy, own_door in zip(self.policies, done.doors[1:], strict=False):
                apply_policy(policy, batch, unit.source, own_door, byte_lengths(batch.texts))
                check(own_door)
        done.advanced.append(("read", len(batch), raw.bytes))
        return batch

    def _stage(self, stage: TextStage, door: Door, batch: Batch, unit: Unit, done: _Done, in_child: bool) -> None:
        before = byte_lengths(batch.texts)
        failed: dict[int, str] = {}
        with done.meter.measure(stage.name, int(before.sum())):
            outcome = Outcome(batch.texts)
            if len(before) and stage.applies_to(unit.source):
                applied = apply(stage, batch.texts, self.threads, in_child=in_child)
                outcome, failed = applied.outcome, applied.failed
            verdict = _verdicts(outcome, len(before), stage)
            after = byte_lengths(outcome.texts)
            if failed:
                verdict = self._isolated(stage, verdict, failed, batch, done)
            gone = verdict.is_valid().to_numpy(zero_copy_only=False)
            _count_through(door, stage, before, after, verdict, gone)
            for name, amount in outcome.edits.items():
                door.edits[name] += amount
            batch.set_columns(outcome.columns)
            batch.texts = outcome.texts
            batch.drop(gone, stage.name, verdict, outcome.value)
        done.advanced.append((stage.name, len(before), int(before.sum())))

    def _isolated(
        self, stage: TextStage, verdict: pa.StringArray, failed: dict[int, str], batch: Batch, done: _Done
    ) -> pa.StringArray:
        """Verdicts with those of the documents that a stage failed on."""
        plain = verdict.to_pylist()
        for index, what in failed.items():
            record = int(batch.alive[index])
            uri, number = batch.fixed["uri"][record].as_py(), batch.fixed["record"][record].as_py()
            reason = f"{uri}:{number}: stage {stage.name} failed on it: {what}"
            if self.stop_on_error:
                raise InputError(f"{reason}; the recipe says on_error: stop")
            done.rejected.append((uri, number, reason))
            batch.reasons[record] = reason
            plain[index] = f"{stage.name}.failed"
        return pa.array(plain, pa.string())


def _verdicts(outcome: Outcome, count: int, stage: TextStage) -> pa.StringArray:
    """The stage's verdicts; null for texts that it let through."""
    answered = len(outcome.texts)
    if outcome.verdict is not None and answered == count:
        answered = len(outcome.verdict)
    if answered != count:
        raise GateError(f"stage {stage.name}: {count:,} documents in, an answer for {answered:,}; the line stops")
    if outcome.verdict is None:
        return pa.nulls(count, pa.string())
    return outcome.verdict.cast(pa.string())


def _count_through(
    door: Door,
    stage: TextStage,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    verdict: pa.StringArray,
    gone: NDArray[np.bool_],
) -> None:
    """Count a batch through a stage's door, and stop the line where it lost something."""
    counts = Door(door.name, documents_in=len(before), bytes_in=int(before.sum()))
    counts.documents_out = int((~gone).sum())
    counts.bytes_out = int(after[~gone].sum())
    for one in tally(verdict, gone, before):
        counts.dropped_documents[one.verdict] += one.documents
        counts.dropped_bytes[one.verdict] += one.bytes
    if stage.edits_text:
        counts.bytes_edited = int((before - after)[~gone].sum())
    check(counts)
    door.add(counts)


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
