"""Parquet: rows as records, one by one (`rows`), or as columns that never become Python objects (`column_blocks`).

Both say the same of the same file; the second is for many documents. What is wrong with one row is told of that row, and
the next ones are read; a file that is damaged is read up to the damage. Memory: that of 1,024 rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tokenfoundry.io.files import InputFile
from tokenfoundry.io.readers import ReaderOptions, Record, decoded, empty_file

__all__ = ["ColumnBlock", "column_blocks", "rows"]

_ROWS = 1024
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ColumnBlock:
    """Documents of a file as columns."""

    texts: pa.LargeStringArray
    """(n) sound: UTF-8 without NUL, not too long, no nulls"""
    numbers: pa.Int64Array
    """(n) ascending; of their rows, from 1"""
    external_ids: pa.StringArray
    licences: pa.StringArray
    size: int
    """Bytes of the texts"""


def _batches(file: InputFile, options: ReaderOptions) -> Iterator[tuple[int, pa.RecordBatch] | Record]:
    """Batches of the columns that are asked for, each with the number of rows before it; or what is there instead."""
    import pyarrow.parquet as pq

    number = 0
    try:
        with file.open() as content, pq.ParquetFile(content) as source:
            schema = source.schema_arrow
            if options.text_field not in schema.names:
                fields = ", ".join(schema.names[:8])
                reason = f"{file.uri}: no column {options.text_field!r}; its columns are {fields}"
                yield Record(0, None, file.size, verdict="read.no_text", reason=reason)
                return
            asked = (options.text_field, options.id_field, options.licence_field)
            wanted = list(dict.fromkeys(name for name in asked if name is not None and name in schema.names))
            if source.metadata.num_rows == 0:
                yield empty_file(file)
            groups = range(file.span.start, file.span.end) if file.span else None
            number = file.span.records_before if file.span else 0
            for batch in source.iter_batches(batch_size=_ROWS, columns=wanted, row_groups=groups):
                yield number, batch
                number += len(batch)
    except pa.ArrowException as error:
        reason = f"{file.uri}: damaged or not Parquet after row {number}: {str(error).splitlines()[0]}"
        yield Record(number + 1, None, 0, verdict="read.truncated", reason=reason)


def rows(file: InputFile, options: ReaderOptions) -> Iterator[Record]:
    """A record for each row."""
    for item in _batches(file, options):
        if isinstance(item, Record):
            yield item
        else:
            yield from _records(file, options, *item)


def _records(
    file: InputFile, options: ReaderOptions, before: int, batch: pa.RecordBatch, chosen: NDArray[np.int64] | None = None
) -> Iterator[Record]:
    """Records of a batch's rows, or of those that are ``chosen``."""
    if chosen is not None:
        batch = batch.take(pa.array(chosen))
    numbers = before + 1 + (np.arange(len(batch)) if chosen is None else chosen)
    columns = {name: _plain(batch.column(name)).to_pylist() for name in batch.schema.names}
    is_string = _is_string(batch.column(options.text_field).type)
    for index, number in enumerate(numbers.tolist()):
        row = {name: _decode(values[index]) for name, values in columns.items() if name != options.text_field}
        yield _record(file, number, columns[options.text_field][index], row, options, is_string)


def _is_string(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _plain(column: pa.Array) -> pa.Array:
    """Strings as bytes: what is in a file that says so need not be UTF-8."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.large_binary()) if _is_string(column.type) else column


def _decode(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


class _Utf8:
    """The options of a column of strings: Parquet says what encoding they have."""

    encoding = "utf-8"

    def __init__(self, options: ReaderOptions) -> None:
        self.text_field = options.text_field
        self.id_field = options.id_field
        self.licence_field = options.licence_field
        self.max_document_bytes = options.max_document_bytes


def _record(
    file: InputFile, number: int, text: Any, row: dict[str, Any], options: ReaderOptions, is_string: bool
) -> Record:
    place = f"{file.uri}:{number}"
    if isinstance(text, bytes):
        return decoded(text, number, place, _Utf8(options) if is_string else options, row)
    what = "is null" if text is None else f"is {type(text).__name__}, not a string"
    verdict = "read.no_text" if text is None else "read.text_is_not_a_string"
    return Record(number, None, 0, verdict=verdict, reason=f"{place}: {options.text_field!r} {what}")


def column_blocks(file: InputFile, options: ReaderOptions) -> Iterator[ColumnBlock | Record]:
    """The rows of `rows`, in order, in blocks of about 1 MB; those with something to be said about them as records."""
    if file.problem:
        yield Record(0, None, 0, verdict="read.unreadable", reason=f"{file.uri}: {file.problem}")
        return
    try:
        for item in _batches(file, options):
            if isinstance(item, Record):
                yield item
            else:
                yield from _blocks(file, options, *item)
    except OSError as error:
        yield Record(0, None, 0, verdict="read.unreadable", reason=f"{file.uri}: {error.strerror or error}")


def _blocks(
    file: InputFile, options: ReaderOptions, before: int, batch: pa.RecordBatch
) -> Iterator[ColumnBlock | Record]:
    column = batch.column(options.text_field)
    if not _is_string(column.type):
        yield from _records(file, options, before, batch)
        return
    plain = _plain(column)
    sizes = pc.binary_length(plain).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    odd = plain.is_null().to_numpy(zero_copy_only=False) | (sizes > options.max_document_bytes)
    odd |= pc.fill_null(pc.match_substring(plain, b"\0"), False).to_numpy(zero_copy_only=False)
    try:
        texts = plain.cast(pa.large_string())
        names = {
            name: _strings(batch.column(name))
            for name in (options.id_field, options.licence_field)
            if name is not None and name in batch.schema.names
        }
    except pa.ArrowInvalid:  # bytes that are not UTF-8; which they are is found row by row
        yield from _records(file, options, before, batch)
        return
    none = pa.nulls(len(batch), pa.string())
    ids, licences = (names.get(name or "", none) for name in (options.id_field, options.licence_field))
    # Runs of rows that are alike, none of sound ones much longer than a block.
    group = np.cumsum(np.where(odd, 0, sizes)) // _BLOCK_BYTES
    cuts = np.flatnonzero((odd[1:] != odd[:-1]) | (group[1:] != group[:-1])) + 1
    for run in np.split(np.arange(len(batch)), cuts) if len(batch) else []:
        if odd[run[0]]:
            yield from _records(file, options, before, batch, run)
            continue
        first, count = int(run[0]), len(run)
        yield ColumnBlock(
            texts.slice(first, count), pa.array(before + 1 + run), ids.slice(first, count), licences.slice(first, count),
            int(sizes[run].sum()),
        )  # fmt: skip


def _strings(column: pa.Array) -> pa.StringArray:
    """A column of ids or licences as text, as `str` writes it."""
    if _is_string(column.type):
        return _plain(column).cast(pa.large_string()).cast(pa.string())
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    return pa.array([None if value is None else str(_decode(value)) for value in column.to_pylist()], pa.string())
