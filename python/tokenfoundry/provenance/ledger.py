"""The ledger: Parquet files with one row for every record of the input, kept or not.

Columns are in docs/provenance.md. `write_file` joins what the text stages said of each record with what the stages
after them decided; `read` gives the whole as a table.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tokenfoundry.errors import InputError
from tokenfoundry.io.atomic import atomic_path

__all__ = [
    "FORMAT_VERSION",
    "ROWS_PER_FILE",
    "SCHEMA",
    "Fate",
    "files",
    "find",
    "read",
    "scan",
    "write_file",
    "write_table",
]

FORMAT_VERSION = 1
ROWS_PER_FILE = 1 << 19
_GROUP_ROWS = 1 << 16
_METADATA = {"tokenfoundry.format": "ledger", "tokenfoundry.format_version": str(FORMAT_VERSION)}
_PLACEMENT = pa.struct([
    ("shard", pa.int32()), ("row", pa.int64()), ("offset", pa.int64()), ("document_start", pa.int64()),
    ("length", pa.int64()),
])  # fmt: skip
SCHEMA = pa.schema([
    ("id", pa.binary(16)), ("uri", pa.string()), ("record", pa.int64()), ("external_id", pa.string()),
    ("source", pa.string()), ("licence", pa.string()), ("language", pa.string()), ("language_confidence", pa.float32()),
    ("script", pa.string()), ("content_hash", pa.binary(16)), ("bytes_in", pa.int64()), ("bytes_out", pa.int64()),
    ("stage", pa.string()), ("verdict", pa.string()), ("reason", pa.string()), ("value", pa.float64()),
    ("redacted", pa.map_(pa.string(), pa.int64())), ("signals", pa.map_(pa.string(), pa.float64())),
    ("tokens", pa.int64()), ("placements", pa.list_(_PLACEMENT)),
])  # fmt: skip


@dataclass(frozen=True)
class Fate:
    """What the stages after the text stages decided on the n texts that reached them."""

    duplicate_of: NDArray[np.int64]
    """(n) index of the kept text, -1: stays"""
    near: NDArray[np.bool_]
    jaccard: NDArray[np.float32]
    ids: NDArray[np.uint8]
    """(n, 16)"""
    tokens: NDArray[np.int64]
    """(n) tokens in shards"""
    left_out: NDArray[np.int64]
    """(n) why a text that is no duplicate was left out: a number in ``left_out_names``; -1: it was not"""
    piece_offsets: NDArray[np.int64]
    """(n + 1) which pieces are a text's"""
    shard: NDArray[np.int64]
    row: NDArray[np.int64]
    offset: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    passed: NDArray[np.bool_]
    """(n) went on to the stages after dedup"""
    left_out_names: Sequence[tuple[str, str, str | None]]
    """Stage, verdict and reason"""


def write_file(
    path: Path,
    batches: Iterable[pa.RecordBatch],
    first_text: int,
    fate: Fate,
    late: Iterable[pa.RecordBatch] | None = None,
    *,
    durable: bool = True,
) -> None:
    """Write one file of the ledger: rows of the text stages, of which the first that has a text has number
    ``first_text`` in ``fate``. ``late``: rows of the text stages after dedup, one for each text that ``fate.passed``
    says, in the same order. The bytes do not depend on how the rows are cut into batches."""
    newer = None if late is None else _Rows(late)

    def completed() -> Iterator[pa.RecordBatch]:
        first = first_text
        for batch in batches:
            alive = np.flatnonzero(batch.column("verdict").is_null().to_numpy(zero_copy_only=False))
            if newer is not None:
                passed = np.asarray(fate.passed[first : first + len(alive)])
                batch = newer.put(batch, alive[passed])
            yield _completed(batch, alive, first, fate)
            first += len(alive)

    _write(path, SCHEMA.with_metadata(_METADATA), completed(), durable)


class _Rows:
    """Rows that take the place of others, batch by batch."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self.batches = iter(batches)
        self.left: list[pa.RecordBatch] = []

    def _next(self, count: int) -> list[pa.RecordBatch]:
        taken = []
        while count:
            batch = self.left.pop() if self.left else next(self.batches)
            taken.append(batch.slice(0, count))
            if len(batch) > count:
                self.left.append(batch.slice(count))
            count -= len(taken[-1])
        return taken

    def put(self, batch: pa.RecordBatch, places: NDArray[np.int64]) -> pa.RecordBatch:
        """The batch with the next rows at ``places``."""
        if not len(places):
            return batch
        both = pa.Table.from_batches([batch, *self._next(len(places))])
        order = np.arange(len(batch))
        order[places] = len(batch) + np.arange(len(places))
        return both.take(pa.array(order)).combine_chunks().to_batches()[0]


def write_table(path: Path, table: pa.Table, *, durable: bool = True) -> None:
    """Write rows as a file of the ledger, whole or not at all."""
    _write(path, table.schema, table.to_batches(), durable)


def _write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], durable: bool) -> None:
    """Memory: a row group, and a batch."""
    with (
        atomic_path(path, durable=durable) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for group in _row_groups(batches, schema):
            writer.write_table(group, row_group_size=_GROUP_ROWS)


def _row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Rows by `_GROUP_ROWS`, each group in one piece: its bytes do not depend on how the rows came."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    none_yet = True
    for batch in batches:
        waiting.append(batch)
        rows += len(batch)
        while rows >= _GROUP_ROWS:
            table = pa.Table.from_batches(waiting, schema)
            yield table.slice(0, _GROUP_ROWS).combine_chunks()
            none_yet = False
            rows -= _GROUP_ROWS
            waiting = table.slice(_GROUP_ROWS).to_batches()
    if rows or none_yet:
        yield pa.Table.from_batches(waiting, schema).combine_chunks()


def _completed(batch: pa.RecordBatch, alive: NDArray[np.int64], first: int, fate: Fate) -> pa.RecordBatch:
    """A batch's rows with verdicts, tokens and placements of the later stages."""
    columns: dict[str, Any] = {name: batch.column(name) for name in batch.schema.names}
    texts = slice(first, first + len(alive))
    duplicate_of = np.asarray(fate.duplicate_of[texts])
    left_out = np.asarray(fate.left_out[texts])
    gone = (duplicate_of >= 0) | (left_out >= 0)
    bytes_out = columns["bytes_out"].to_numpy().copy()
    bytes_out[alive[gone]] = 0
    tokens = np.zeros(len(batch), np.int64)
    tokens[alive] = fate.tokens[texts]
    columns.update(bytes_out=pa.array(bytes_out), tokens=pa.array(tokens))
    if gone.any():
        mask = np.zeros(len(batch), np.bool_)
        mask[alive[gone]] = True
        for name, new in _decisions(fate, texts, np.flatnonzero(gone)).items():
            columns[name] = pc.replace_with_mask(columns[name], pa.array(mask), new.cast(SCHEMA.field(name).type))
    pieces = np.zeros(len(batch) + 1, np.int64)
    bounds = np.asarray(fate.piece_offsets[first : first + len(alive) + 1])
    pieces[alive + 1] = np.diff(bounds)
    chosen = slice(int(bounds[0]), int(bounds[-1])) if len(alive) else slice(0, 0)
    placements = pa.StructArray.from_arrays(
        [
            pa.array(fate.shard[chosen], pa.int32()), pa.array(fate.row[chosen]), pa.array(fate.offset[chosen]),
            pa.array(fate.start[chosen]), pa.array(fate.length[chosen]),
        ],
        fields=list(_PLACEMENT),
    )  # fmt: skip
    offsets = pa.array(np.cumsum(pieces), pa.int32())
    columns["placements"] = pa.ListArray.from_arrays(offsets, placements)
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _decisions(fate: Fate, texts: slice, gone: NDArray[np.int64]) -> dict[str, pa.Array]:
    """Stage, verdict, reason and value of those of ``texts`` that later stages left out."""
    duplicate_of = np.asarray(fate.duplicate_of[texts])[gone]
    copies = duplicate_of >= 0
    number = np.where(copies, 0, np.asarray(fate.left_out[texts])[gone] + 1)
    stage, verdict, reason = (
        pa.array([first, *(name[index] for name in fate.left_out_names)], pa.string()).take(pa.array(number))
        for index, first in enumerate(("dedup", None, None))
    )
    kind = np.where(np.asarray(fate.near[texts])[gone], "dedup.near_duplicate_of:", "dedup.duplicate_of:")
    hexes = np.asarray(fate.ids)[np.where(copies, duplicate_of, 0)].tobytes().hex()
    names = pa.Array.from_buffers(pa.binary(32), len(gone), [None, pa.py_buffer(hexes.encode())])
    of_copies = pc.binary_join_element_wise(pa.array(kind, pa.string()), names.cast(pa.binary()).cast(pa.string()), "")
    return {
        "stage": stage,
        "verdict": pc.if_else(pa.array(copies), of_copies, verdict),
        "reason": reason,
        "value": pa.array(np.asarray(fate.jaccard[texts])[gone].astype(np.float64), mask=~copies),
    }


def files(output: Path) -> list[Path]:
    """The ledger's files, in order."""
    return sorted((output / "ledger").glob("documents-*.parquet"))


def scan(output: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The ledger's rows in order, a batch at a time."""
    for path in files(output):
        try:
            with pq.ParquetFile(path) as source:
                yield from source.iter_batches(columns=list(columns) if columns else None)
        except pa.ArrowException as error:
            raise InputError(f"{path}: is damaged or not a ledger: {str(error).splitlines()[0]}") from None


def read(output: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The whole ledger."""
    schema = SCHEMA if columns is None else pa.schema([SCHEMA.field(name) for name in columns])
    return pa.Table.from_batches([batch.cast(schema) for batch in scan(output, columns)], schema)


def find(output: Path, column: str, wanted: Any) -> list[dict[str, Any]]:
    """Rows whose ``column`` is ``wanted``, as dicts; reads batch by batch."""
    rows: list[dict[str, Any]] = []
    value = pa.scalar(wanted, SCHEMA.field(column).type)
    for batch in scan(output):
        rows.extend(batch.filter(pc.equal(batch.column(column), value)).to_pylist())
    return rows
