"""The ledger: Parquet files with one row for every record of the input, kept or not.

Columns are in docs/formats.md. `write` joins what the text stages said of each record with what the stages after
them decided; `read` gives the whole as a table.
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

__all__ = ["FORMAT_VERSION", "SCHEMA", "Fate", "files", "read", "write"]

FORMAT_VERSION = 1
_ROWS_PER_FILE = 1 << 19
_PLACEMENT = pa.struct([
    ("shard", pa.int32()), ("row", pa.int64()), ("offset", pa.int64()), ("document_start", pa.int64()),
    ("length", pa.int64()),
])  # fmt: skip
SCHEMA = pa.schema([
    ("id", pa.binary(16)), ("uri", pa.string()), ("record", pa.int64()), ("external_id", pa.string()),
    ("source", pa.string()), ("licence", pa.string()), ("language", pa.string()), ("language_confidence", pa.float32()),
    ("script", pa.string()), ("content_hash", pa.binary(16)), ("bytes_in", pa.int64()), ("bytes_out", pa.int64()),
    ("stage", pa.string()), ("verdict", pa.string()), ("reason", pa.string()), ("value", pa.float64()),
    ("redacted", pa.map_(pa.string(), pa.int64())), ("signals", pa.map_(pa.string(), pa.float64())), ("tokens", pa.int64()), ("placements", pa.list_(_PLACEMENT)),
])  # fmt: skip


@dataclass(frozen=True)
class Fate:
    """What the stages after the text stages decided on the n texts that reached them."""

    duplicate_of: NDArray[np.int64]
    """(n) index of the kept text, -1: stays"""
    near: NDArray[np.bool_]
    jaccard: NDArray[np.float32]
    tokens: NDArray[np.int64]
    """(n) tokens in shards"""
    packing_verdict: Sequence[str | None]
    """(n) why the packing left it out, where it left out all of it"""
    piece_offsets: NDArray[np.int64]
    """(n + 1) which pieces are a text's"""
    shard: NDArray[np.int64]
    row: NDArray[np.int64]
    offset: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]


def write(folder: Path, batches: Iterable[pa.RecordBatch], ids: pa.Array, fate: Fate) -> list[Path]:
    """Write the ledger; ``batches`` are the rows of the text stages, ``ids`` (n) the ids of the texts they left."""
    written: list[Path] = []
    pending: list[pa.RecordBatch] = []
    reached = 0
    for batch in batches:
        alive = np.flatnonzero(batch.column("verdict").is_null().to_numpy(zero_copy_only=False))
        pending.append(_completed(batch, alive, reached, ids, fate))
        reached += len(alive)
        if sum(len(part) for part in pending) >= _ROWS_PER_FILE:
            written.append(_write_file(folder, len(written), pending))
            pending = []
    if pending or not written:
        written.append(_write_file(folder, len(written), pending))
    return written


def _write_file(folder: Path, number: int, batches: list[pa.RecordBatch]) -> Path:
    path = folder / f"documents-{number:05d}.parquet"
    metadata = {"tokenfoundry.format": "ledger", "tokenfoundry.format_version": str(FORMAT_VERSION)}
    with atomic_path(path) as temporary:
        table = pa.Table.from_batches(batches, SCHEMA.with_metadata(metadata))
        pq.write_table(table, temporary, compression="zstd", row_group_size=1 << 16)
    return path


def _completed(
    batch: pa.RecordBatch, alive: NDArray[np.int64], first: int, ids: pa.Array, fate: Fate
) -> pa.RecordBatch:
    """A batch's rows with verdicts, tokens and placements of the later stages."""
    columns: dict[str, Any] = {name: batch.column(name) for name in batch.schema.names}
    stage, verdict = columns["stage"].to_pylist(), columns["verdict"].to_pylist()
    reason, value = columns["reason"].to_pylist(), columns["value"].to_pylist()
    bytes_out = columns["bytes_out"].to_numpy().copy()
    tokens = np.zeros(len(batch), np.int64)
    pieces = np.zeros(len(batch) + 1, np.int64)
    for place, index in enumerate(alive.tolist()):
        text = first + place
        kept = int(fate.duplicate_of[text])
        if kept >= 0:
            kind = "near_duplicate_of" if fate.near[text] else "duplicate_of"
            stage[index], verdict[index] = "dedup", f"dedup.{kind}:{ids[kept].as_py().hex()}"
            value[index] = float(fate.jaccard[text])
            bytes_out[index] = 0
        elif fate.packing_verdict[text] is not None:
            stage[index], verdict[index] = "pack", fate.packing_verdict[text]
            bytes_out[index] = 0
        tokens[index] = fate.tokens[text]
        pieces[index + 1] = fate.piece_offsets[text + 1] - fate.piece_offsets[text]
    offsets = np.cumsum(pieces)
    from_piece = int(fate.piece_offsets[first]) if len(alive) else 0
    chosen = slice(from_piece, from_piece + int(offsets[-1]))
    placements = pa.StructArray.from_arrays(
        [
            pa.array(fate.shard[chosen], pa.int32()), pa.array(fate.row[chosen]), pa.array(fate.offset[chosen]),
            pa.array(fate.start[chosen]), pa.array(fate.length[chosen]),
        ],
        fields=list(_PLACEMENT),
    )  # fmt: skip
    columns.update(
        stage=pa.array(stage, pa.string()),
        verdict=pa.array(verdict, pa.string()),
        reason=pa.array(reason, pa.string()),
        value=pa.array(value, pa.float64()),
        bytes_out=pa.array(bytes_out),
        tokens=pa.array(tokens),
        placements=pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), placements),
    )
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


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
