"""Reading: blocks of lines give what the reader of records gives, lanes keep order and bounds, errors come at their place."""

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.pipeline.runs import prose

import tokenfoundry as tf
from tokenfoundry.io import find_files, records
from tokenfoundry.pipeline.batch import Batch, document_id
from tokenfoundry.pipeline.lanes import Lanes, StoppedError
from tokenfoundry.pipeline.line import Line
from tokenfoundry.pipeline.reading import columns_of, read_unit
from tokenfoundry.pipeline.recipe import Input, load_recipe
from tokenfoundry.pipeline.units import Unit


def units_of(folder: Path, files: int) -> list[Any]:
    inputs = []
    for number in range(files):
        rows = [json.dumps({"text": prose(100 * number + row)}) for row in range(30)]
        (folder / f"{number}.jsonl").write_text("\n".join(rows))
        inputs.append({"path": f"{number}.jsonl", "source": f"s{number}"})
    plain = {
        "name": "r", "output": "out", "input": inputs,
        "stages": [{"tokenize": {"tokenizer": {"train": {"vocab_size": 300}}}}, {"pack": {}}, {"shard": {}}],
    }  # fmt: skip
    return Line(load_recipe(plain, base=folder)).units


def both(path: Path, batch_bytes: int, **options: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and texts by blocks of lines, and by records."""
    entry = Input(path=str(path), source="s", **options)
    (file,) = find_files(str(path), path.parent)
    unit = Unit(entry, (file,), ("key",))
    fast = [columns_of(raw, entry, 1) for raw in read_unit(unit, batch_bytes)]
    found = list(records(file, "jsonl", entry))
    slow = Batch.of_records(found, [file.uri] * len(found), entry.source, entry.licence, 1)

    def plain(batch: Batch) -> list[dict[str, Any]]:
        rows = batch.to_rows().to_pylist()
        for index, text in zip(batch.alive.tolist(), batch.texts.to_pylist(), strict=True):
            rows[index]["text"] = text
        return rows

    return [row for batch in fast for row in plain(batch)], plain(slow)


KEYS = st.sampled_from(["text", "id", "licence", "other", "\\u0074ext", "t\u00e9xt"])
SCALARS = st.one_of(
    st.text(max_size=12).map(json.dumps),
    st.text(max_size=12).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(repr),
    st.sampled_from(["null", "true", "-0", "01", "1e5", "1e999", '"\\ud800"', '"\\u0000"', '"\\x"', '"a\tb"', '"\\ud83d\\ude00"', "", "[", '"']),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]"),
        st.dictionaries(KEYS, inner, max_size=2).map(
            lambda values: "{" + ",".join(f'"{key}" : {value}' for key, value in values.items()) + "}"
        ),
    ),
    max_leaves=4,
)
LINES = st.one_of(
    st.lists(st.tuples(KEYS, VALUES), max_size=4).map(
        lambda pairs: ("{" + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}").encode("utf-8", "surrogatepass")
    ),
    st.text(max_size=40).map(lambda text: json.dumps({"text": text, "id": 1}).encode()),
    st.binary(max_size=20),
    st.sampled_from([b"", b" ", b"\r", b"\xef\xbb\xbf{}", b'\xef\xbb\xbf{"text": "marked"}', b'{"text": "x"}\r', b"[" * 3000]),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(lines=st.lists(LINES, max_size=8), batch_bytes=st.integers(1, 200), most=st.sampled_from([1, 30, 10_000]))
def test_blocks_of_lines_give_what_records_give(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], batch_bytes: int, most: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.jsonl"
    path.write_bytes(b"\n".join(lines))
    options = {"id_field": "id", "licence_field": "licence", "licence": "mine", "max_document_bytes": most}
    fast, slow = both(path, batch_bytes, **options)
    assert fast == slow


def test_also_of_damaged_and_compressed_files(tmp_path: Path) -> None:
    rows = b"".join(json.dumps({"text": prose(number)}).encode() + b"\n" for number in range(200))
    whole = tmp_path / "whole.jsonl.gz"
    whole.write_bytes(gzip.compress(rows))
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(rows)[:-30])
    for path in (whole, cut):
        fast, slow = both(path, 10_000)
        assert fast == slow
        assert len(fast) > 100
    assert fast[-1]["verdict"] == "read.truncated"
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    fast, slow = both(empty, 10)
    assert fast == slow
    assert fast[0]["verdict"] == "read.empty_file"


def test_identities_are_those_of_document_id(tmp_path: Path) -> None:
    (unit,) = units_of(tmp_path, 1)
    (raw,) = read_unit(unit)
    batch = columns_of(raw, unit.input, 1)
    assert batch.fixed["id"].to_pylist() == [document_id("s0", "0.jsonl", number + 1) for number in range(30)]
    assert len(batch) == len(batch.texts) == 30


def test_small_files_share_a_batch(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number:02}.jsonl").write_text('{"text": "a"}\nbroken\n')
    plain = {
        "name": "r", "output": "out", "input": [{"path": "*.jsonl"}],
        "stages": [{"tokenize": {"tokenizer": {"train": {"vocab_size": 300}}}}, {"pack": {}}, {"shard": {}}],
    }  # fmt: skip
    (unit,) = Line(load_recipe(plain, base=tmp_path)).units
    (raw,) = read_unit(unit)
    batch = columns_of(raw, unit.input, 1)
    assert batch.fixed["record"].to_pylist() == [1, 2] * 50
    assert batch.fixed["uri"].to_pylist()[-1] == "49.jsonl"
    assert batch.to_rows().column("verdict").to_pylist() == [None, "read.invalid_json"] * 50
    assert pa.compute.count_distinct(batch.fixed["id"]).as_py() == 100


def test_a_file_that_goes_or_changes_is_told(tmp_path: Path) -> None:
    units = units_of(tmp_path, 2)
    (tmp_path / "1.jsonl").unlink()
    with pytest.raises(tf.InputError, match=r"1\.jsonl: is gone"):
        list(read_unit(units[1]))
    (tmp_path / "0.jsonl").write_text("shorter")
    with pytest.raises(tf.InputError, match=r"0\.jsonl: was changed"):
        list(read_unit(units[0]))


def test_lanes_keep_order_and_take_in_no_more_than_fits() -> None:
    lanes = Lanes(3)
    released = threading.Event()
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(20):
            taken += 1
            yield number

    def work(number: int) -> int:
        assert released.wait(60)
        return number

    results = lanes.map(work, items())
    answers: list[int] = []
    reader = threading.Thread(target=lambda: answers.extend(results))
    reader.start()
    # Nothing is finished, so nothing more than the lanes and one may be taken in.
    assert not released.wait(0.2)
    assert taken <= 4
    released.set()
    reader.join(60)
    assert answers == list(range(20))
    lanes.close()


def test_the_first_error_in_order_is_raised_and_closed_lanes_take_nothing() -> None:
    lanes = Lanes(4)

    def work(number: int) -> int:
        if number in (3, 5):
            raise ValueError(number)
        return number

    results = lanes.map(work, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(results)
    lanes.close()
    with pytest.raises(StoppedError):
        list(lanes.map(work, range(2)))
