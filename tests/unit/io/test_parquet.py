"""Parquet as columns says what Parquet row by row says, whatever is in the file."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokenfoundry.io import find_files, records
from tokenfoundry.io.parquet import ColumnBlock, column_blocks
from tokenfoundry.pipeline.batch import Batch
from tokenfoundry.pipeline.reading import RawBatch, columns_of
from tokenfoundry.pipeline.recipe import Input

TEXT = st.one_of(st.none(), st.text(max_size=20), st.just("nul \0 here"), st.just("é" * 30), st.just("plain"))
TYPES = [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]
ENTRY = Input(path="x", source="s", licence="CC0", id_field="id", licence_field="licence", max_document_bytes=40)


def both(path: Path, entry: Input = ENTRY) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The rows by `records`, and by columns."""
    (file,) = find_files(path.name, path.parent)
    slow = list(records(file, "parquet", entry))
    one = Batch.of_records(slow, [file.uri] * len(slow), entry.source, entry.licence, 1)
    raw = RawBatch()
    for item in column_blocks(file, entry):
        raw.add(file, item)
    other = columns_of(raw, entry, 1)
    assert one.texts.to_pylist() == other.texts.to_pylist()
    return one.to_rows(), other.to_rows()


def write(path: Path, texts: Any, **columns: Any) -> None:
    pq.write_table(pa.table({"text": texts, **columns}), path, row_group_size=7)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(TEXT, min_size=1, max_size=40), kind=st.sampled_from(TYPES),
    ids=st.sampled_from([pa.int64(), pa.string(), pa.float64(), pa.binary()]),
)  # fmt: skip
def test_columns_equal_rows(tmp_path: Path, texts: list[str | None], kind: Any, ids: Any) -> None:
    is_bytes = pa.types.is_binary(kind)
    plain = [text.encode() if is_bytes and text is not None else text for text in texts]
    values: list[Any] = [None if number % 5 == 4 else number for number in range(len(texts))]
    if not pa.types.is_integer(ids) and not pa.types.is_floating(ids):
        values = [None if value is None else str(value) for value in values]
    licences = ["" if number % 3 else None if number % 2 else "MIT" for number in range(len(texts))]
    write(tmp_path / "a.parquet", pa.array(plain, kind), id=pa.array(values, ids), licence=pa.array(licences))
    slow, fast = both(tmp_path / "a.parquet")
    assert fast.equals(slow)


@pytest.mark.parametrize("kind", [pa.int64(), pa.list_(pa.string())])
def test_a_column_that_is_no_text(tmp_path: Path, kind: Any) -> None:
    write(tmp_path / "a.parquet", pa.array([None, None], kind), id=pa.array([1, 2]))
    slow, fast = both(tmp_path / "a.parquet")
    assert fast.equals(slow) and slow.column("verdict").to_pylist() == ["read.no_text"] * 2


def test_strings_that_are_not_utf8_are_lost_alone(tmp_path: Path) -> None:
    offsets = pa.py_buffer(np.array([0, 4, 9, 13], np.int32))
    texts = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"goodbad \xfffine")])
    write(tmp_path / "a.parquet", texts, id=pa.array([1, 2, 3]))
    slow, fast = both(tmp_path / "a.parquet")
    assert fast.equals(slow)
    assert slow.column("verdict").to_pylist() == [None, "read.invalid_utf8", None]


def test_a_string_is_utf8_whatever_encoding_text_files_have(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.array(["# coding: latin-1\né", "é"]), id=pa.array([1, 2]))
    for encoding in ("auto", "latin-1"):
        slow, fast = both(tmp_path / "a.parquet", ENTRY.model_copy(update={"encoding": encoding}))
        assert fast.equals(slow)


def test_blocks_are_small_and_in_order(tmp_path: Path) -> None:
    texts = [None if number == 500 else "x" * 10_000 for number in range(1000)]
    write(tmp_path / "a.parquet", pa.array(texts), id=pa.array(range(1000)))
    (file,) = find_files("a.parquet", tmp_path)
    entry = ENTRY.model_copy(update={"max_document_bytes": 1 << 20})
    items = list(column_blocks(file, entry))
    numbers: list[int] = []
    for item in items:
        numbers += item.numbers.to_pylist() if isinstance(item, ColumnBlock) else [item.record]
        assert not isinstance(item, ColumnBlock) or item.size <= (1 << 20) + 10_000
    assert numbers == list(range(1, 1001))


def test_what_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    (file,) = find_files("a.parquet", tmp_path)
    assert list(column_blocks(file, ENTRY)) == list(records(file, "parquet", ENTRY))
