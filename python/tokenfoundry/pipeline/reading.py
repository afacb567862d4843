"""Reading units: raw blocks of bytes, or records, in batches of bounded size; and columns out of them.

Reading is cut in two, because one half waits for disks and the other for a processor: `read_unit` gets bytes, and
`columns_of` makes a batch of columns of them, which any worker can do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from tokenfoundry._core import io as _io
from tokenfoundry._core import shard as _shard
from tokenfoundry.errors import InputError
from tokenfoundry.io import BLOCK_LINES, InputFile, LineBlock, Record, judge_line, line_blocks, records
from tokenfoundry.io.parquet import ColumnBlock, column_blocks
from tokenfoundry.pipeline.batch import Batch, fixed_bytes, identity_prefix
from tokenfoundry.pipeline.recipe import Input
from tokenfoundry.pipeline.units import Unit

__all__ = ["BATCH_BYTES", "RawBatch", "columns_of", "read_unit"]

BATCH_BYTES = 8 << 20


@dataclass
class RawBatch:
    """What was read of one or several files, in order: blocks of lines, and runs of records."""

    pieces: list[tuple[InputFile, LineBlock | ColumnBlock | list[Record]]] = field(default_factory=list)
    bytes: int = 0
    documents: int = 0
    """Records, rows and lines so far"""

    def add(self, file: InputFile, item: LineBlock | ColumnBlock | Record) -> None:
        if isinstance(item, LineBlock):
            self.pieces.append((file, item))
            self.bytes += item.content.size
            self.documents += item.lines
            return
        if isinstance(item, ColumnBlock):
            self.pieces.append((file, item))
            self.bytes += item.size
            self.documents += len(item.texts)
            return
        last = self.pieces[-1] if self.pieces else None
        if last is not None and last[0] is file and isinstance(last[1], list):
            last[1].append(item)
        else:
            self.pieces.append((file, [item]))
        self.bytes += item.size
        self.documents += 1

    @property
    def full(self) -> bool:
        return self.documents >= BLOCK_LINES


def read_unit(unit: Unit, batch_bytes: int = BATCH_BYTES) -> Iterator[RawBatch]:
    """What there is to read of a unit, in batches.

    Raises InputError where a file is gone, or is not what it was when the units were cut: its result would be kept
    under the name of something else.
    """
    batch = RawBatch()
    for file in unit.files:
        _still_there(file)
        format = unit.format(file)
        items: Iterator[LineBlock | ColumnBlock | Record]
        if format == "jsonl":
            items = line_blocks(file, unit.input, batch_bytes)
        elif format == "parquet":
            items = column_blocks(file, unit.input)
        else:
            items = records(file, format, unit.input)
        for item in items:
            batch.add(file, item)
            if batch.bytes >= batch_bytes or batch.full:
                yield batch
                batch = RawBatch()
        _still_there(file)
    if batch.pieces:
        yield batch


def _still_there(file: InputFile) -> None:
    change = file.changed()
    if change:
        raise InputError(
            f"{file.uri}: {change} while the run was reading its input. Units that are finished are kept: put the file "
            "back and run the same command again, or run again with what is there now"
        )


def columns_of(raw: RawBatch, entry: Input, threads: int | None) -> Batch:
    """The batch's records as columns. Lines and rows that are plain documents never become Python objects."""
    parts = []
    for file, piece in raw.pieces:
        if isinstance(piece, LineBlock):
            parts.append(_of_lines(file, piece, entry, threads))
        elif isinstance(piece, ColumnBlock):
            parts.append(_of_columns(file, piece, entry, threads))
        else:
            parts.append(Batch.of_records(piece, [file.uri] * len(piece), entry.source, entry.licence, threads))
    return Batch.joined(parts)


def _of_columns(file: InputFile, block: ColumnBlock, entry: Input, threads: int | None) -> Batch:
    prefix = pa.scalar(identity_prefix(entry.source, file.uri), pa.binary())
    named = pc.binary_join_element_wise(prefix, block.numbers.cast(pa.string()).cast(pa.binary()), b"")
    identities = _shard.hash128_batch(named.cast(pa.large_binary()), threads)
    columns = {
        "id": fixed_bytes(identities), "record": block.numbers, "external_id": block.external_ids,
        "licence": block.licences, "content_hash": fixed_bytes(_shard.hash128_batch(block.texts, threads)),
    }  # fmt: skip
    return Batch.of_columns(columns, block.texts, file.uri, entry.source, entry.licence)


def _of_lines(file: InputFile, block: LineBlock, entry: Input, threads: int | None) -> Batch:
    arrays, declined = _io.json_lines(
        block.column, first=block.first, text=entry.text_field.encode(), id=_key(entry.id_field),
        licence=_key(entry.licence_field), most_bytes=entry.max_document_bytes,
        prefix=identity_prefix(entry.source, file.uri),
    )  # fmt: skip
    texts, numbers, ids, licences, identities, contents = (pa.array(array) for array in arrays)
    columns = {"id": identities, "record": numbers, "external_id": ids, "licence": licences, "content_hash": contents}
    batch = Batch.of_columns(columns, texts, file.uri, entry.source, entry.licence)
    content = memoryview(block.content)
    judged = [judge_line(file, number, content[start:end].tobytes(), entry) for number, start, end in declined]
    odd = [record for record in judged if record is not None]
    if not odd:
        return batch
    others = Batch.of_records(odd, [file.uri] * len(odd), entry.source, entry.licence, threads)
    return Batch.joined([batch, others]).in_order_of_records()


def _key(name: str | None) -> bytes | None:
    return None if name is None else name.encode()
