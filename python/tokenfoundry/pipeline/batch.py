"""A batch of records on its way through the text stages: columns, the verdicts so far, and the texts that are left.

Everything is a column; the only loops are over verdicts that differ and over records that could not be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tokenfoundry._core import shard as _shard
from tokenfoundry.io import Record
from tokenfoundry.pipeline.stages.base import SIGNALS, byte_lengths

__all__ = ["ROWS_SCHEMA", "TEXTS_SCHEMA", "Batch", "Tally", "document_id", "fixed_bytes", "identity_prefix", "tally"]

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
# What Arrow can take apart: it has no functions for maps.
_PAIRS = pa.list_(pa.struct([pa.field("key", pa.string(), nullable=False), pa.field("value", pa.int64())]))
_LABELS = tuple(name for name in ROWS_SCHEMA.names if name not in _FIXED and name not in _VERDICT)


def identity_prefix(source: str, uri: str) -> bytes:
    """What a document's id is the hash of, but for the number of its record."""
    return b"\0".join([source.encode(), uri.encode("utf-8", "surrogateescape"), b""])


def document_id(source: str, uri: str, record: int) -> bytes:
    """A document's identity: xxh3-128 of where it came from, whatever its content."""
    return _shard.hash128(identity_prefix(source, uri) + b"%d" % record)


def fixed_bytes(flat: bytes, width: int = 16) -> pa.Array:
    """Values of ``width`` bytes, one after another, as a column."""
    return pa.Array.from_buffers(pa.binary(width), len(flat) // width, [None, pa.py_buffer(flat)])


@dataclass(frozen=True)
class Tally:
    """How often a verdict was given, and the bytes of the texts it was given to."""

    verdict: str
    documents: int
    bytes: int


def tally(verdict: pa.StringArray, gone: NDArray[np.bool_], lengths: NDArray[np.int64]) -> Iterator[Tally]:
    """Count verdicts (m) of the texts that are ``gone`` (m); ``lengths`` (m) are their bytes."""
    if not gone.any():
        return
    coded = verdict.filter(pa.array(gone)).dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    documents = np.bincount(codes, minlength=len(coded.dictionary))
    sizes = np.bincount(codes, weights=lengths[gone], minlength=len(coded.dictionary))
    for name, count, size in zip(coded.dictionary.to_pylist(), documents.tolist(), sizes.tolist(), strict=True):
        yield Tally(name, count, int(size))


@dataclass
class Batch:
    """n records, of which ``alive`` have a text still."""

    fixed: dict[str, pa.Array]
    """(n) what is known from reading"""
    fate: NDArray[np.int32]
    """(n) which of ``fates`` a record met; -1: none yet"""
    value: NDArray[np.float64]
    """(n) what the verdict rests on; NaN for nothing"""
    alive: NDArray[np.int64]
    """(m) indices of the records whose texts these are"""
    texts: pa.LargeStringArray
    """(m)"""
    fates: list[tuple[str, str]] = field(default_factory=list)
    """Stage and verdict"""
    reasons: dict[int, str] = field(default_factory=dict)
    """By record, of those that something is to be said about"""
    labels: dict[str, pa.Array] = field(default_factory=dict)
    redacted: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    """(n) by kind; -1 for records that no redaction saw"""

    def __len__(self) -> int:
        return len(self.fate)

    @classmethod
    def of_columns(
        cls, columns: dict[str, pa.Array], texts: pa.LargeStringArray, uri: str, source: str, licence: str | None
    ) -> Batch:
        """Documents (n) of one file that all have a text; ``columns``: id, record, external_id, licence, content_hash."""
        count = len(texts)
        licences = columns["licence"]
        if licence is not None:
            has = pc.fill_null(pc.not_equal(licences, ""), False)
            licences = pc.if_else(has, licences, pa.scalar(licence, pa.string()))
        fixed = {
            **columns, "licence": licences, "uri": pa.repeat(pa.scalar(uri, pa.string()), count),
            "source": pa.repeat(pa.scalar(source, pa.string()), count), "bytes_in": pa.array(byte_lengths(texts)),
        }  # fmt: skip
        return cls(
            {name: fixed[name] for name in _FIXED}, np.full(count, -1, np.int32), np.full(count, np.nan),
            np.arange(count), texts,
        )  # fmt: skip

    @classmethod
    def of_records(
        cls, records: Sequence[Record], uris: Sequence[str], source: str, licence: str | None, threads: int | None
    ) -> Batch:
        """A batch as it was read, a record at a time."""
        count = len(records)
        verdicts = [record.verdict for record in records]
        names = list(dict.fromkeys(verdict for verdict in verdicts if verdict is not None))
        numbers: dict[str | None, int] = {None: -1}
        numbers.update((name, number) for number, name in enumerate(names))
        fate = np.array([numbers[verdict] for verdict in verdicts], np.int32)
        alive = np.flatnonzero(fate < 0)
        texts = pa.array([record.text for record in records if record.verdict is None], pa.large_string())
        keys = [identity_prefix(source, uri) + b"%d" % record.record for uri, record in zip(uris, records, strict=True)]
        hashes = np.zeros((count, 16), np.uint8)
        hashes[alive] = np.frombuffer(_shard.hash128_batch(texts, threads), np.uint8).reshape(-1, 16)
        content = fixed_bytes(hashes.tobytes())
        if len(names):
            content = pa.array(content.to_pylist(), pa.binary(16), mask=fate >= 0)
        return cls(
            fixed={
                "id": fixed_bytes(_shard.hash128_batch(pa.array(keys, pa.large_binary()), threads)),
                "uri": pa.array(uris, pa.string()),
                "record": pa.array([record.record for record in records], pa.int64()),
                "external_id": pa.array([record.external_id for record in records], pa.string()),
                "source": pa.repeat(pa.scalar(source, pa.string()), count),
                "licence": pa.array([record.licence or licence for record in records], pa.string()),
                "content_hash": content,
                "bytes_in": pa.array([record.size for record in records], pa.int64()),
            },
            fate=fate,
            value=np.full(count, np.nan),
            alive=alive,
            texts=texts,
            fates=[("read", name) for name in names],
            reasons={index: record.reason for index, record in enumerate(records) if record.reason is not None},
        )

    @classmethod
    def joined(cls, parts: Sequence[Batch]) -> Batch:
        """Batches as they were read, one after another."""
        if len(parts) == 1:
            return parts[0]
        fates = list(dict.fromkeys(fate for part in parts for fate in part.fates))
        firsts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        codes = [np.array([*map(fates.index, part.fates), -1], np.int32)[part.fate] for part in parts]
        return cls(
            fixed={name: pa.concat_arrays([part.fixed[name] for part in parts]) for name in _FIXED},
            fate=np.concatenate(codes),
            value=np.concatenate([part.value for part in parts]),
            alive=np.concatenate([part.alive + first for part, first in zip(parts, firsts, strict=False)]),
            texts=pa.concat_arrays([part.texts for part in parts]),
            fates=fates,
            reasons={
                index + first: reason
                for part, first in zip(parts, firsts, strict=False)
                for index, reason in part.reasons.items()
            },
        )

    def in_order_of_records(self) -> Batch:
        """A batch of one file as it was read, its records in the order of their numbers."""
        order = np.argsort(self.fixed["record"].to_numpy(), kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        alive = place[self.alive]
        by_place = np.argsort(alive)
        return Batch(
            fixed={name: column.take(pa.array(order)) for name, column in self.fixed.items()},
            fate=self.fate[order],
            value=self.value[order],
            alive=alive[by_place],
            texts=self.texts.take(pa.array(by_place)),
            fates=self.fates,
            reasons={int(place[index]): reason for index, reason in sorted(self.reasons.items())},
        )

    @classmethod
    def of_rows(cls, rows: pa.RecordBatch, texts: pa.LargeStringArray) -> Batch:
        """A batch as `to_rows` gave it, with its texts."""
        count = len(rows)
        both = pc.binary_join_element_wise(rows.column("stage"), rows.column("verdict"), "\0").dictionary_encode()
        fate = both.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        fates = [tuple(name.split("\0", 1)) for name in both.dictionary.to_pylist()]
        reason = rows.column("reason")
        told = np.flatnonzero(reason.is_valid().to_numpy(zero_copy_only=False))
        redacted: dict[str, NDArray[np.int64]] = {}
        column = rows.column("redacted")
        if column.null_count < count:
            pairs = column.cast(_PAIRS)
            sizes = pc.list_value_length(pairs).fill_null(0).to_numpy(zero_copy_only=False)
            owner = np.repeat(np.arange(count), sizes)
            keys = np.array(pairs.flatten().field(0).to_pylist(), object)
            items = pairs.flatten().field(1).to_numpy(zero_copy_only=False)
            for kind in dict.fromkeys(keys.tolist()):
                redacted[kind] = np.full(count, -1, np.int64)
                redacted[kind][owner[keys == kind]] = items[keys == kind]
        return cls(
            fixed={name: rows.column(name) for name in _FIXED},
            fate=fate,
            value=rows.column("value").fill_null(np.nan).to_numpy(zero_copy_only=False).copy(),
            alive=np.flatnonzero(fate < 0),
            texts=texts,
            fates=[(stage, verdict) for stage, verdict in fates],
            reasons={index: reason[index].as_py() for index in told.tolist()},
            labels={name: rows.column(name) for name in _LABELS if rows.column(name).null_count < count},
            redacted=redacted,
        )

    def _spread(self, column: pa.Array) -> pa.Array:
        """A column of texts (m) as one of records (n), null where there is no text any more."""
        if len(self.alive) == len(self):
            return column
        places = np.full(len(self), -1, np.int64)
        places[self.alive] = np.arange(len(self.alive))
        return column.take(pa.array(places, mask=places < 0))

    def set_columns(self, columns: dict[str, pa.Array]) -> None:
        """Columns (m) that a stage gave; those that begin with ``redacted_`` are counts by kind."""
        for name, column in columns.items():
            if name.startswith("redacted_"):
                kind = self.redacted.setdefault(name.removeprefix("redacted_"), np.full(len(self), -1, np.int64))
                earlier = np.maximum(kind[self.alive], 0)
                kind[self.alive] = earlier + column.to_numpy(zero_copy_only=False)
                continue
            new = self._spread(column.cast(ROWS_SCHEMA.field(name).type))
            old = self.labels.get(name)
            if old is not None:
                new = _both(old, new) if name == "signals" else pc.coalesce(new, old)
            self.labels[name] = new

    def drop(
        self,
        gone: NDArray[np.bool_],
        stage: str,
        verdict: pa.StringArray,
        value: NDArray[np.float64] | None = None,
    ) -> None:
        """Take out the texts that ``gone`` (m) says, with their verdicts (m)."""
        if not gone.any():
            return
        index = self.alive[gone]
        coded = verdict.filter(pa.array(gone)).dictionary_encode()
        first = len(self.fates)
        self.fates += [(stage, name) for name in coded.dictionary.to_pylist()]
        self.fate[index] = coded.indices.to_numpy(zero_copy_only=False) + first
        if value is not None:
            self.value[index] = value[gone]
        self.texts = self.texts.filter(pa.array(~gone))
        self.alive = self.alive[~gone]

    def to_rows(self) -> pa.RecordBatch:
        """A row for each record, of `ROWS_SCHEMA`."""
        count = len(self)
        bytes_out = np.zeros(count, np.int64)
        bytes_out[self.alive] = byte_lengths(self.texts)
        columns: dict[str, pa.Array] = dict(self.fixed)
        for name in _LABELS:
            columns[name] = self.labels.get(name, pa.nulls(count, ROWS_SCHEMA.field(name).type))
        columns.update(
            bytes_out=pa.array(bytes_out),
            stage=self._named([stage for stage, _ in self.fates]),
            verdict=self._named([verdict for _, verdict in self.fates]),
            reason=self._reason_column(),
            value=pa.array(self.value, mask=np.isnan(self.value)),
            redacted=self._redactions(),
        )
        return pa.record_batch([columns[name] for name in ROWS_SCHEMA.names], schema=ROWS_SCHEMA)

    def _named(self, names: list[str]) -> pa.StringArray:
        if not names:
            return pa.nulls(len(self), pa.string())
        return pa.array(names, pa.string()).take(pa.array(self.fate, mask=self.fate < 0))

    def _reason_column(self) -> pa.StringArray:
        if not self.reasons:
            return pa.nulls(len(self), pa.string())
        places = np.full(len(self), -1, np.int64)
        places[list(self.reasons)] = np.arange(len(self.reasons))
        return pa.array(list(self.reasons.values()), pa.string()).take(pa.array(places, mask=places < 0))

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


def _both(old: pa.Array, new: pa.Array) -> pa.Array:
    """Of several stages all that they say."""
    pairs: list[list[Any] | None] = []
    for before, after in zip(old.to_pylist(), new.to_pylist(), strict=True):
        pairs.append([*(before or []), *(after or [])] if before or after else None)
    return pa.array(pairs, SIGNALS)
