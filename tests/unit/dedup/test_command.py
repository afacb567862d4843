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
