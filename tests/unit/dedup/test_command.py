"""`tokenfoundry.dedup.command.run`: files in, files out."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tokenfoundry as tf
from tokenfoundry.dedup.command import run
from tokenfoundry.testing import planted_near_duplicates


def write_jsonl(path: Path, texts: list[str]) -> list[bytes]:
    rows = [json.dumps({"id": index, "text": text}).encode() for index, text in enumerate(texts)]
    with pa.output_stream(str(path)) as stream:  # compresses by the name's ending
        stream.write(b"\n".join(rows))
    return rows


def read_lines(path: Path) -> list[bytes]:
    with pa.input_stream(str(path)) as stream:
        return bytes(stream.read()).split(b"\n")[:-1]


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_what_stays_is_written_as_it_came(tmp_path: Path, ending: str) -> None:
    texts, _ = planted_near_duplicates(100, seed=1)
    rows = write_jsonl(tmp_path / f"in{ending}", texts)
    report = tmp_path / "removed.jsonl"
    summary = run([tmp_path / f"in{ending}"], tmp_path / f"out{ending}", report=report)
    result = tf.dedup.near_duplicates(texts)
    assert read_lines(tmp_path / f"out{ending}") == [row for row, keep in zip(rows, result.keep, strict=True) if keep]
    assert f"{len(texts):,} documents, {result.stats['removed']:,} removed" in summary
    assert "largest clusters" in summary
    reported = [json.loads(line) for line in report.read_text().splitlines()]
    assert [row["row"] for row in reported] == [index for index, keep in enumerate(result.keep) if not keep]
    assert all(row["kept"]["row"] == result.duplicate_of[row["row"]] for row in reported)


def test_several_files_of_several_kinds(tmp_path: Path) -> None:
    text = " ".join(f"word{index}" for index in range(50))
    pq.write_table(
        pa.table({"text": [text, "unrelated text of at least five words"], "n": [1, 2]}), tmp_path / "a.parquet"
    )
    (tmp_path / "b.txt").write_text(f"{text} tail\nanother line\n\n", encoding="utf-8")
    write_jsonl(tmp_path / "empty.jsonl", [])
    run([tmp_path / "a.parquet", tmp_path / "empty.jsonl", tmp_path / "b.txt"], tmp_path / "out")
    assert pq.read_table(tmp_path / "out/a.parquet").column("n").to_pylist() == [1, 2]
    assert (tmp_path / "out/b.txt").read_text() == "another line\n\n"
    run([tmp_path / "a.parquet", tmp_path / "b.txt"], tmp_path / "longest", keep="longest")
    assert pq.read_table(tmp_path / "longest/a.parquet").column("n").to_pylist() == [2]


def test_exact_and_lines(tmp_path: Path) -> None:
    menu = "Home | About | Contact | Imprint"
    texts = [f"{menu}\nfirst page", f"{menu}\nsecond page", f"{menu}\nfirst page"]
    write_jsonl(tmp_path / "in.jsonl", texts)
    run([tmp_path / "in.jsonl"], tmp_path / "exact.jsonl", exact=True)
    assert len(read_lines(tmp_path / "exact.jsonl")) == 2
    summary = run([tmp_path / "in.jsonl"], tmp_path / "lines.jsonl", exact=True, lines=True)
    rows = [json.loads(line) for line in read_lines(tmp_path / "lines.jsonl")]
    assert [row["text"] for row in rows] == [f"{menu}\nfirst page", "second page", "first page"]
    assert rows[1]["id"] == 1
    assert "2 repeated lines dropped" in summary and "empty now" not in summary
    write_jsonl(tmp_path / "menu.jsonl", [f"{menu}\nfirst page", menu, ""])
    summary = run([tmp_path / "menu.jsonl"], tmp_path / "left.jsonl", exact=True, lines=True)
    assert "1 documents had no other line and are empty now" in summary


def test_errors_name_the_place(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a"}\n{"body": "b"}\n')
    with pytest.raises(tf.InputError, match=r"in\.jsonl, line 2: no JSON object with 'text'"):
        run([path], tmp_path / "out.jsonl")
    with pytest.raises(tf.InputError, match="must end in"):
        run([tmp_path / "in.doc"], tmp_path / "out")
    path.write_text('{"text": "a"}\n')
    with pytest.raises(tf.InputError, match="is an input"):
        run([path], path)
    with pytest.raises(tf.InputError, match="must end like"):
        run([path], tmp_path / "out.txt")
    assert not (tmp_path / "out.jsonl").exists()


TEXT = " ".join(f"word{index}" for index in range(50))


def test_folders_are_read_and_keep_their_shape(tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    write_jsonl(source / "a.jsonl", [TEXT, "first of its kind, and long enough"])
    write_jsonl(source / "deep/a.jsonl", [TEXT + " end", "second of its kind, and long enough"])
    (source / "notes.doc").write_text(TEXT)
    summary = run([source], tmp_path / "out")
    assert summary.startswith("1 files of other kinds left out\n4 documents, 1 removed")
    assert len(read_lines(tmp_path / "out/a.jsonl")) == 2
    assert b"second" in read_lines(tmp_path / "out/deep/a.jsonl")[0]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jsonl", "deep"]
    run([str(source / "deep/*.jsonl")], tmp_path / "by-glob")
    assert len(read_lines(tmp_path / "by-glob/a.jsonl")) == 2
    with pytest.raises(tf.InputError, match=r"two inputs are named a\.jsonl"):
        run([source / "a.jsonl", source / "deep/a.jsonl"], tmp_path / "other")
    with pytest.raises(tf.InputError, match="no input files"):
        run([tmp_path / "out/deep/none*.jsonl", tmp_path / "by-glob/.."][:0], tmp_path / "other")
    with pytest.raises(tf.InputError, match="is an input"):
        run([source], source)


def test_a_report_writes_over_nothing(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [TEXT, TEXT])
    before = (tmp_path / "in.jsonl").read_bytes()
    with pytest.raises(tf.InputError, match=r"in\.jsonl is an input"):
        run([tmp_path / "in.jsonl"], tmp_path / "out.jsonl", report=tmp_path / "in.jsonl")
    with pytest.raises(tf.InputError, match=r"out\.jsonl is where documents go"):
        run([tmp_path / "in.jsonl"], tmp_path / "out.jsonl", report=tmp_path / "x/../out.jsonl")
    assert (tmp_path / "in.jsonl").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    tables = {
        "null": pa.table({"text": pa.array(["a", None])}),
        "numbers": pa.table({"text": [1, 2]}),
        "binary": pa.table({"text": [b"a"]}),
    }
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    (tmp_path / "no.parquet").write_bytes(b"no parquet")
    (tmp_path / "empty.parquet").write_bytes(b"")
    (tmp_path / "deep.jsonl").write_bytes(b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n")
    write_jsonl(tmp_path / "whole.jsonl.gz", [f"{TEXT} {index}" for index in range(100)])
    (tmp_path / "cut.jsonl.gz").write_bytes((tmp_path / "whole.jsonl.gz").read_bytes()[:-20])
    (tmp_path / "plain.jsonl.zst").write_bytes(b'{"text": "a"}\n')
    for name, message in {
        "null.parquet": "row 1: 'text' is null",
        "numbers.parquet": "column 'text' is int64, not text",
        "binary.parquet": "column 'text' is binary, not text",
        "no.parquet": "cannot be read",
        "empty.parquet": "cannot be read",
        "deep.jsonl": "line 1: no JSON object",
        "cut.jsonl.gz": "cannot be read",
        "plain.jsonl.zst": "cannot be read",
    }.items():
        with pytest.raises(tf.InputError, match=message) as raised:
            run([tmp_path / name], tmp_path / "out")
        assert name in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_only_changed_rows_are_written_anew(tmp_path: Path) -> None:
    line = "a line that is long enough to count"
    rows = [
        b'{"text": "' + line.encode() + b'\\nfirst",  "half": "\\ud800", "number": 1.50}',
        b'{"text": "' + line.encode() + b'\\nsecond", "half": "\\ud800"}',
    ]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(rows) + b"\n")
    run([tmp_path / "in.jsonl"], tmp_path / "out.jsonl", lines=True)
    assert read_lines(tmp_path / "out.jsonl") == [rows[0], b'{"text": "second", "half": "\\ud800"}']
    for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())):
        table = pa.table({"text": pa.array([f"{line}\nfirst", f"{line}\nsecond"], pa.string()).cast(kind)})
        pq.write_table(table, tmp_path / "in.parquet")
        run([tmp_path / "in.parquet"], tmp_path / "out.parquet", lines=True)
        left = pq.read_table(tmp_path / "out.parquet")
        assert left.column("text").to_pylist() == [f"{line}\nfirst", "second"]
        assert left.schema.field("text").type == (pa.large_string() if kind == pa.string_view() else kind)
