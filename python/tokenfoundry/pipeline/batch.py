"""A batch of records on its way through the text stages: columns, the verdicts so far, and the texts that are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry._core import shard as _shard
from tokenfoundry.io import Record
from tokenfoundry.pipeline.stages.base import SIGNALS, byte_lengths

__all__ = ["ROWS_SCHEMA", "TEXTS_SCHEMA", "Batch", "document_id"]

TEXTS_SCHEMA = pa.schema([("text", pa.large_string())])
ROWS_SCHEMA = pa.schema([
    ("id", pa.binary(16)), ("uri", pa.string()), ("record", pa.int64()), ("external_id", pa.string()),
    ("source", pa.string()), ("licence", pa.string()), ("language", pa.string()), ("language_confidence", pa.float32()),
    ("script", pa.string()), ("content_hash", pa.binary(16)), ("bytes_in", pa.int64()), ("bytes_out", pa.int64()),
    ("stage", pa.string()), ("verdict", pa.string()), ("reason", pa.string()), ("value", pa.float64()),
    ("redacted", pa.map_(pa.string(), pa.int64())), ("signals", SIGNALS),
])  # fmt: skip
_FIXED = ("id", "uri", "record", "external_id", "source", "licence", "content_hash", "bytes_in")
_VERDICT = ("bytes_out", "stage", "verdict", "reason", "value", "redacted")
_LABELS = tuple(name for name in ROWS_SCHEMA.names if name not in _FIXED and name not in _VERDICT)


def _id_key(source: str, uri: str, record: int) -> bytes:
    return b"\0".join([source.encode(), uri.encode("utf-8", "surrogateescape"), b"%d" % record])


def document_id(source: str, uri: str, record: int) -> bytes:
    """A document's identity: xxh3-128 of where it came from, whatever its content."""
    return _shard.hash128(_id_key(source, uri, record))


def _fixed_bytes(flat: bytes, width: int = 16) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(width), len(flat) // width, [None, pa.py_buffer(flat)])


@dataclass
class Batch:
    """n records, of which ``alive`` have a text still."""

    fixed: dict[str, pa.Array]
    """(n) what is known from reading"""
    stage: NDArray[np.object_]
    verdict: NDArray[np.object_]
    reason: NDArray[np.object_]
    value: NDArray[np.float64]
    alive: NDArray[np.int64]
    """(m) indices of the records whose texts these are"""
    texts: pa.LargeStringArray
    """(m)"""
    labels: dict[str, NDArray[np.object_]] = field(default_factory=dict)
    redacted: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    """(n) by kind; -1 for records that no redaction saw"""

    def __len__(self) -> int:
        return len(self.verdict)

    @classmethod
    def of_records(
        cls, records: Sequence[Record], uris: Sequence[str], source: str, licence: str | None, threads: int | None
    ) -> Batch:
        """A batch as it was read."""
        count = len(records)
        verdict = np.array([record.verdict for record in records], object)
        unread = verdict != None  # noqa: E711  (by element)
        alive = np.flatnonzero(~unread)
        texts = pa.array([record.text for record in records if record.verdict is None], pa.large_string())
        keys = [_id_key(source, uri, record.record) for uri, record in zip(uris, records, strict=True)]
        hashes = np.zeros((count, 16), np.uint8)
        hashes[alive] = np.frombuffer(_shard.hash128_batch(texts, threads), np.uint8).reshape(-1, 16)
        content = _fixed_bytes(hashes.tobytes())
        if unread.any():
            content = pa.array(content.to_pylist(), pa.binary(16), mask=unread)
        return cls(
            fixed={
                "id": _fixed_bytes(_shard.hash128_batch(pa.array(keys, pa.large_binary()), threads)),
                "uri": pa.array(uris, pa.string()),
                "record": pa.array([record.record for record in records], pa.int64()),
                "external_id": pa.array([record.external_id for record in records], pa.string()),
                "source": pa.array([source], pa.string()).take(pa.array(np.zeros(count, np.int64))),
                "licence": pa.array([record.licence or licence for record in records], pa.string()),
                "content_hash": content,
                "bytes_in": pa.array([record.size for record in records], pa.int64()),
            },
            stage=np.where(unread, np.array("read", object), np.array(None, object)),
            verdict=verdict,
            reason=np.array([record.reason for record in records], object),
            value=np.full(count, np.nan),
            alive=alive,
            texts=texts,
        )

    @classmethod
    def of_rows(cls, rows: pa.RecordBatch, texts: pa.LargeStringArray) -> Batch:
        """A batch as `to_rows` gave it, with its texts."""
        count = len(rows)

        def objects(name: str) -> NDArray[np.object_]:
            found: NDArray[np.object_] = np.array([*rows.column(name).to_pylist(), None], object)[:count]
            return found

        labels = {name: objects(name) for name in _LABELS if rows.column(name).null_count < count}
        redacted: dict[str, NDArray[np.int64]] = {}
        column = rows.column("redacted")
        if column.null_count < count:
            sizes = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
            owner = np.repeat(np.arange(count), sizes)
            first = column.offset and 0
            keys = np.array(column.keys.to_pylist(), object)[first:]
            items = column.items.to_numpy(zero_copy_only=False)
            for kind in dict.fromkeys(keys.tolist()):
                redacted[kind] = np.full(count, -1, np.int64)
                redacted[kind][owner[keys == kind]] = items[keys == kind]
        verdict = objects("verdict")
        return cls(
            fixed={name: rows.column(name) for name in _FIXED},
            stage=objects("stage"),
            verdict=verdict,
            reason=objects("reason"),
            value=rows.column("value").fill_null(np.nan).to_numpy(zero_copy_only=False).copy(),
            alive=np.flatnonzero(verdict == None),  # noqa: E711
            texts=texts,
            labels=labels,
            redacted=redacted,
        )

    def set_columns(self, columns: dict[str, pa.Array]) -> None:
        """Columns (m) that a stage gave; those that begin with ``redacted_`` are counts by kind."""
        for name, column in columns.items():
            if name.startswith("redacted_"):
                kind = self.redacted.setdefault(name.removeprefix("redacted_"), np.full(len(self), -1, np.int64))
                kind[self.alive] = column.to_numpy(zero_copy_only=False)
            else:
                label = self.labels.setdefault(name, np.full(len(self), None, object))
                if name == "signals":
                    # Of several stages all that they say.
                    for index, pairs in zip(self.alive.tolist(), column.to_pylist(), strict=True):
                        if pairs:
                            label[index] = [*(label[index] or []), *pairs]
                elif len(self.alive):
                    label[self.alive] = np.array([*column.to_pylist(), None], object)[:-1]

    def drop(
        self,
        gone: NDArray[np.bool_],
        stage: str,
        verdict: NDArray[np.object_],
        value: NDArray[np.float64] | None = None,
        reason: NDArray[np.object_] | None = None,
    ) -> None:
        """Take out the texts that ``gone`` (m) says, with their verdicts (m)."""
        if not gone.any():
            return
        index = self.alive[gone]
        self.stage[index] = stage
        self.verdict[index] = verdict[gone]
        if value is not None:
            self.value[index] = value[gone]
        if reason is not None:
            self.reason[index] = reason[gone]
        self.texts = self.texts.filter(pa.array(~gone))
        self.alive = self.alive[~gone]

    def to_rows(self) -> pa.RecordBatch:
        """A row for each record, of `ROWS_SCHEMA`."""
        count = len(self)
        bytes_out = np.zeros(count, np.int64)
        bytes_out[self.alive] = byte_lengths(self.texts)
        columns: dict[str, pa.Array] = dict(self.fixed)
        for name in _LABELS:
            kind = ROWS_SCHEMA.field(name).type
            columns[name] = pa.array(self.labels[name], kind) if name in self.labels else pa.nulls(count, kind)
        columns.update(
            bytes_out=pa.array(bytes_out),
            stage=pa.array(self.stage, pa.string()),
            verdict=pa.array(self.verdict, pa.string()),
            reason=pa.array(self.reason, pa.string()),
            value=pa.array(self.value, mask=np.isnan(self.value)),
            redacted=self._redactions(),
        )
        return pa.record_batch([columns[name] for name in ROWS_SCHEMA.names], schema=ROWS_SCHEMA)

    def _redactions(self) -> pa.Array:
        kind = ROWS_SCHEMA.field("redacted").type
        if not self.redacted:
            return pa.nulls(len(self), kind)
        names = list(self.redacted)
        counts = np.stack([self.redacted[name] for name in names], axis=1)
        seen = counts >= 0
        places = np.nonzero(seen)
        offsets = np.concatenate([[0], np.cumsum(seen.sum(axis=1))]).astype(np.int32)
        # A null offset makes a null map.
        nulls = np.concatenate([~seen.any(axis=1), [False]])
        keys = pa.array(names, pa.string()).take(pa.array(places[1]))
        return pa.MapArray.from_arrays(
            pa.array(offsets, pa.int32(), mask=nulls), keys, pa.array(counts[seen], pa.int64())
        )
