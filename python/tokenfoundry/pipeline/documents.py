"""The documents of one unit: read, passed through the text stages, and kept in two files.

``KEY.texts.arrow`` has the texts that are left, to be memory-mapped by what comes after; ``KEY.rows.arrow`` has a row
for every record, kept or not, and the doors' counts. The rows are written last: a unit without them is not finished.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry._core import shard as _shard
from tokenfoundry.errors import GateError, InputError
from tokenfoundry.io import InputFile, Record, records
from tokenfoundry.io.atomic import atomic_path
from tokenfoundry.pipeline.events import Listener
from tokenfoundry.pipeline.meter import Meter
from tokenfoundry.pipeline.stages import Outcome, TextStage
from tokenfoundry.pipeline.stages.base import byte_lengths
from tokenfoundry.pipeline.units import Unit
from tokenfoundry.provenance.doors import Door, check

__all__ = ["ROWS_SCHEMA", "TEXTS_SCHEMA", "UnitFiles", "document_id", "run_unit"]

_BATCH_BYTES = 16 << 20
_BATCH_DOCUMENTS = 16_384

TEXTS_SCHEMA = pa.schema([("text", pa.large_string())])
ROWS_SCHEMA = pa.schema([
    ("id", pa.binary(16)), ("uri", pa.string()), ("record", pa.int64()), ("external_id", pa.string()),
    ("source", pa.string()), ("licence", pa.string()), ("language", pa.string()), ("language_confidence", pa.float32()),
    ("script", pa.string()), ("content_hash", pa.binary(16)), ("bytes_in", pa.int64()), ("bytes_out", pa.int64()),
    ("stage", pa.string()), ("verdict", pa.string()), ("reason", pa.string()), ("value", pa.float64()),
    ("redacted", pa.map_(pa.string(), pa.int64())), ("signals", pa.map_(pa.string(), pa.float64())),
])  # fmt: skip


@dataclass(frozen=True)
class UnitFiles:
    """Where a unit's result lies."""

    rows: Path
    texts: Path

    @classmethod
    def of(cls, work: Path, key: str) -> "UnitFiles":
        return cls(work / f"{key}.rows.arrow", work / f"{key}.texts.arrow")

    @property
    def done(self) -> bool:
        return self.rows.exists() and self.texts.exists()

    def doors(self) -> list[Door]:
        with pa.memory_map(str(self.rows)) as source:
            metadata = pa.ipc.open_file(source).schema.metadata
        return [Door.from_dict(plain) for plain in json.loads(metadata[b"doors"])]


def document_id(source: str, uri: str, record: int) -> bytes:
    """A document's identity: xxh3-128 of where it came from, whatever its content."""
    return _shard.hash128(b"\0".join([source.encode(), uri.encode("utf-8", "surrogateescape"), str(record).encode()]))


def run_unit(
    unit: Unit,
    stages: Sequence[TextStage],
    files: UnitFiles,
    *,
    threads: int | None,
    stop_on_error: bool,
    listener: Listener,
    meter: Meter,
) -> None:
    """Read a unit, pass it through the stages, write its two files. Memory: one batch."""
    doors = [Door("read"), *(Door(stage.name) for stage in stages)]
    batches: list[pa.RecordBatch] = []
    with (
        atomic_path(files.texts) as texts_path,
        pa.OSFile(str(texts_path), "wb") as sink,
        pa.ipc.new_file(sink, TEXTS_SCHEMA) as writer,
    ):
        for batch in meter.iterate("read", _batches(unit, stop_on_error, listener)):
            rows, texts = batch.passed_through(stages, doors, threads, listener, meter)
            batches.append(rows)
            if len(texts):
                writer.write_batch(pa.record_batch([texts], schema=TEXTS_SCHEMA))
    schema = ROWS_SCHEMA.with_metadata({"doors": json.dumps([door.to_dict() for door in doors])})
    with (
        atomic_path(files.rows) as rows_path,
        pa.OSFile(str(rows_path), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        for rows in batches:
            writer.write_batch(rows.replace_schema_metadata(schema.metadata))


@dataclass
class _Batch:
    unit: Unit
    uris: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    bytes: int = 0

    def passed_through(
        self, stages: Sequence[TextStage], doors: list[Door], threads: int | None, listener: Listener, meter: Meter
    ) -> tuple[pa.RecordBatch, pa.LargeStringArray]:
        """Rows of all records, and the texts that are left."""
        count = len(self.records)
        verdict: list[str | None] = [record.verdict for record in self.records]
        reason: list[str | None] = [record.reason for record in self.records]
        stage_of: list[str | None] = ["read" if name else None for name in verdict]
        value = np.full(count, np.nan)
        bytes_out = np.zeros(count, np.int64)
        columns: dict[str, list[object]] = {}
        redacted: list[list[tuple[str, int]] | None] = [None] * count

        door = doors[0]
        door.documents_in += count
        door.bytes_in += sum(record.size for record in self.records)
        for record in self.records:
            if record.verdict is not None:
                door.dropped_documents[record.verdict] += 1
                door.dropped_bytes[record.verdict] += record.size
        alive = np.array(
            [index for index, record in enumerate(self.records) if record.text is not None], dtype=np.int64
        )
        texts = pa.array([record.text for record in self.records if record.text is not None], pa.large_string())
        content_hashes = _hashes(texts, alive, count, threads)
        door.documents_out += len(texts)
        door.bytes_out += int(byte_lengths(texts).sum())
        check(door)
        listener.stage_advanced("read", count, self.bytes, 0)

        for stage, door in zip(stages, doors[1:], strict=True):
            before = byte_lengths(texts)
            with meter.measure(stage.name):
                applies = stage.applies_to(self.unit.input.source)
                outcome = stage(texts, threads) if applies else Outcome(texts)
            after = byte_lengths(outcome.texts)
            kept = _count_through(door, stage, before, after, outcome.verdict)
            for name, amount in outcome.edits.items():
                door.edits[name] += amount
            for name, column in outcome.columns.items():
                if name.startswith("redacted_"):
                    for index, amount in zip(alive.tolist(), column.to_pylist(), strict=True):
                        redacted[index] = [*(redacted[index] or []), (name.removeprefix("redacted_"), amount)]
                elif name == "signals":
                    # Of several stages all that they say.
                    pairs = columns.setdefault(name, [None] * count)
                    for index, item in zip(alive.tolist(), column.to_pylist(), strict=True):
                        if item:
                            pairs[index] = [*cast(list[object], pairs[index] or []), *item]
                else:
                    target = columns.setdefault(name, [None] * count)
                    for index, item in zip(alive.tolist(), column.to_pylist(), strict=True):
                        target[index] = item
            if outcome.verdict is not None:
                names = outcome.verdict.to_pylist()
                for place in np.flatnonzero(~kept).tolist():
                    index = int(alive[place])
                    verdict[index], stage_of[index] = names[place], stage.name
                    if outcome.value is not None:
                        value[index] = outcome.value[place]
            texts = outcome.texts.filter(pa.array(kept)) if not kept.all() else outcome.texts
            alive = alive[kept]
            listener.stage_advanced(stage.name, len(before), int(before.sum()), 0)
        bytes_out[alive] = byte_lengths(texts)

        entry = self.unit.input
        rows = pa.record_batch({
            "id": pa.array([document_id(entry.source, uri, record.record) for uri, record in zip(self.uris, self.records, strict=True)], pa.binary(16)),
            "uri": pa.array(self.uris, pa.string()),
            "record": pa.array([record.record for record in self.records], pa.int64()),
            "external_id": pa.array([record.external_id for record in self.records], pa.string()),
            "source": pa.array([entry.source] * count, pa.string()),
            "licence": pa.array([record.licence or entry.licence for record in self.records], pa.string()),
            "language": pa.array(columns.get("language", [None] * count), pa.string()),
            "language_confidence": pa.array(columns.get("language_confidence", [None] * count), pa.float32()),
            "script": pa.array(columns.get("script", [None] * count), pa.string()),
            "content_hash": content_hashes,
            "bytes_in": pa.array([record.size for record in self.records], pa.int64()),
            "bytes_out": pa.array(bytes_out),
            "stage": pa.array(stage_of, pa.string()),
            "verdict": pa.array(verdict, pa.string()),
            "reason": pa.array(reason, pa.string()),
            "value": pa.array(value, mask=np.isnan(value)),
            "redacted": pa.array(redacted, ROWS_SCHEMA.field("redacted").type),
            "signals": pa.array(columns.get("signals", [None] * count), ROWS_SCHEMA.field("signals").type),
        }, schema=ROWS_SCHEMA)  # fmt: skip
        return rows, texts


def _count_through(
    door: Door, stage: TextStage, before: NDArray[np.int64], after: NDArray[np.int64], verdict: pa.StringArray | None
) -> NDArray[np.bool_]:
    """Count a batch through a stage's door, and stop the line where it lost something. Returns which texts stay."""
    answered = len(after) if verdict is None or len(after) != len(before) else len(verdict)
    if answered != len(before):
        raise GateError(f"stage {stage.name}: {len(before):,} documents in, an answer for {answered:,}; the line stops")
    kept: NDArray[np.bool_] = (
        np.ones(len(before), np.bool_) if verdict is None else verdict.is_null().to_numpy(zero_copy_only=False)
    )
    counts = Door(door.name, documents_in=len(before), bytes_in=int(before.sum()))
    counts.documents_out = int(kept.sum())
    counts.bytes_out = int(after[kept].sum())
    if verdict is not None:
        for index in np.flatnonzero(~kept).tolist():
            counts.dropped_documents[verdict[index].as_py()] += 1
            counts.dropped_bytes[verdict[index].as_py()] += int(before[index])
    if stage.edits_text:
        counts.bytes_edited = int((before - after)[kept].sum())
    check(counts)
    door.add(counts)
    return kept


def _hashes(texts: pa.LargeStringArray, alive: NDArray[np.int64], count: int, threads: int | None) -> pa.Array:
    """Content hashes of the records that have a text; null for the others."""
    flat = _shard.hash128_batch(texts, threads)
    hashes: list[bytes | None] = [None] * count
    for place, index in enumerate(alive.tolist()):
        hashes[index] = flat[16 * place : 16 * place + 16]
    return pa.array(hashes, pa.binary(16))


def _batches(unit: Unit, stop_on_error: bool, listener: Listener) -> Iterator[_Batch]:
    batch = _Batch(unit)
    for file in unit.files:
        for record in _records(unit, file):
            if record.verdict is not None:
                reason = record.reason or record.verdict
                if stop_on_error:
                    raise InputError(f"{reason} ({record.verdict}); the recipe says on_error: stop")
                listener.rejected(file.uri, record.record, reason)
            batch.uris.append(file.uri)
            batch.records.append(record)
            batch.bytes += record.size
            if batch.bytes >= _BATCH_BYTES or len(batch.records) >= _BATCH_DOCUMENTS:
                yield batch
                batch = _Batch(unit)
    if batch.records:
        yield batch


def _records(unit: Unit, file: InputFile) -> Iterator[Record]:
    return records(file, unit.format(file), unit.input)
