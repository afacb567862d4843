"""Bad input: each piece of it is told with its file and line, counted, in the ledger, and nothing else is lost."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from tests.unit.pipeline.runs import prose

import tokenfoundry as tf
from tokenfoundry.io import find_files, format_of, records
from tokenfoundry.pipeline.recipe import Input, load_recipe
from tokenfoundry.provenance import ledger


def read(path: Path, **options: Any) -> list[tuple[int, str | None, str | None]]:
    """Record number, text and verdict of everything in a file; each reason must name the file."""
    found = []
    for file in find_files(str(path), path.parent):
        for record in records(file, format_of(path), Input(path=str(path), **options)):
            assert (record.text is None) == (record.verdict is not None) == (record.reason is not None)
            assert record.reason is None or path.name in record.reason
            found.append((record.record, record.text, record.verdict))
    return found


def line(text: str) -> bytes:
    return json.dumps({"text": text}).encode()


def test_bad_lines_are_rejected_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join([
        line("first"), b'{"text": "broken', b'{"text": "\xff"}', b"", b'{"txt": 1}', b'{"text": 5}', b"[1]",
        b'{"text": "nul \x00"}', b'{"text": "nul \\u0000"}', b'{"text": "\\ud800"}', line("last"),
    ]))  # fmt: skip
    assert read(path) == [
        (1, "first", None),
        (2, None, "read.invalid_json"),
        (3, None, "read.invalid_utf8"),
        (5, None, "read.no_text"),
        (6, None, "read.text_is_not_a_string"),
        (7, None, "read.not_an_object"),
        (8, None, "read.nul_byte"),
        (9, None, "read.nul_byte"),
        (10, None, "read.invalid_json"),
        (11, "last", None),
    ]


def test_marks_and_line_ends_of_other_systems(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line("first") + b"\r\n" + line("second") + b"\r\n")
    assert read(path) == [(1, "first", None), (2, "second", None)]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with open(os.fsencode(tmp_path / "data") + b"/caf\xe9.txt", "wb") as file:  # noqa: PTH123
        file.write(b"text")
    assert [file.uri for file in find_files("data", tmp_path)] == ["data/caf\\xe9.txt"]


def test_a_line_that_is_too_long_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(line("a") + b"\n" + line("x" * 50_000_000) + b"\n" + line("b"))
    assert read(path) == [(1, "a", None), (2, None, "read.too_long"), (3, "b", None)]
    assert [(number, verdict) for number, _, verdict in read(path, max_document_bytes=60_000_000)] == [
        (1, None),
        (2, None),
        (3, None),
    ]
    text = tmp_path / "x.txt"
    text.write_bytes(b"y" * 50_000_000)
    assert read(text) == [(1, None, "read.too_long")]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_truncated_file_gives_what_is_whole(tmp_path: Path, suffix: str) -> None:
    lines = b"\n".join(line(f"document {index} " + os.urandom(500).hex()) for index in range(5000))
    compress = {".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
    path = tmp_path / f"x.jsonl{suffix}"
    path.write_bytes(compress(lines))
    assert len(read(path)) == 5000
    path.write_bytes(compress(lines)[:-1_000_000])
    found = read(path)
    assert found[-1][2] == "read.truncated"
    complete = [text for _, text, verdict in found if verdict is None]
    assert 1000 < len(complete) < 5000
    assert all(text is not None and text.startswith(f"document {index} ") for index, text in enumerate(complete))
    path.write_bytes(b"this was never compressed")
    assert [verdict for _, _, verdict in read(path)] in (["read.truncated"], ["read.unreadable"])


def test_the_last_frame_of_a_zst_file_may_end_early_too(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(zstandard.compress(line("one") + b"\n") + zstandard.compress(line("two") + b"\n" * 100)[:-3])
    assert [verdict for _, _, verdict in read(path)][-1] == "read.truncated"
    assert read(path)[0] == (1, "one", None)


def test_text_files(tmp_path: Path) -> None:
    for name, content, options, expected in [
        ("utf8.txt", "é\n".encode(), {}, (1, "é\n", None)),
        ("empty.txt", b"", {}, (0, None, "read.empty_file")),
        ("latin.txt", b"caf\xe9", {}, (1, None, "read.invalid_utf8")),
        ("latin1.txt", b"caf\xe9", {"encoding": "latin-1"}, (1, "café", None)),
        ("nul.txt", b"a\nb\0", {}, (1, None, "read.nul_byte")),
        ("bom.txt", "\ufeffx".encode(), {"encoding": "auto"}, (1, "x", None)),
        ("utf16.txt", "hé".encode("utf-16"), {"encoding": "auto"}, (1, "hé", None)),
        (
            "coding.py",
            b"# -*- coding: koi8-r -*-\n\xc1",
            {"encoding": "auto"},
            (1, "# -*- coding: koi8-r -*-\nа", None),
        ),
        ("bad.py", b"# coding: klingon\n", {"encoding": "auto"}, (1, None, "read.unknown_encoding")),
    ]:
        path = tmp_path / name
        path.write_bytes(content)
        assert read(path, **options) == [expected], name


def test_parquet_files(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"text": ["a", None, "c\0"], "n": [1, 2, 3]}), path)
    assert read(path) == [(1, "a", None), (2, None, "read.no_text"), (3, None, "read.nul_byte")]
    assert read(path, text_field="body")[0][2] == "read.no_text"
    assert read(path, text_field="n")[0][2] == "read.text_is_not_a_string"
    sound = path.read_bytes()
    path.write_bytes(sound[:-20])
    assert [verdict for _, _, verdict in read(path)] == ["read.truncated"]
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    assert read(path) == [(0, None, "read.empty_file")]


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    gone = tmp_path / "link.txt"
    gone.symlink_to(tmp_path / "nowhere")
    found = [
        record for file in find_files(str(tmp_path), tmp_path) for record in records(file, "text", Input(path="x"))
    ]
    assert [record.verdict for record in found] == ["read.unreadable"]
    assert "link.txt" in (found[0].reason or "")


def test_a_folder_without_permission(tmp_path: Path) -> None:
    """As a user who is not root; in a child process, because root may read everything."""
    closed = tmp_path / "data" / "closed"
    closed.mkdir(parents=True)
    (closed / "x.txt").write_text("hidden")
    (tmp_path / "data" / "open.txt").write_text("seen")
    closed.chmod(0)
    tmp_path.chmod(0o755)
    code = (
        "import os\n"
        "from pathlib import Path\n"
        "from tokenfoundry.io.files import find_files\n"
        "if os.getuid() == 0:\n"
        "    os.setgid(65534)\n"
        "    os.setuid(65534)\n"
        "print([(file.uri, file.problem) for file in find_files('data', Path('.'))])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    closed.chmod(0o700)
    assert result.stdout.strip() == "[('data/closed', 'Permission denied'), ('data/open.txt', '')]", result.stderr


def bad_corpus(folder: Path) -> dict[str, Any]:
    data = folder / "data"
    data.mkdir()
    good = [line(prose(seed)) for seed in range(12)]
    (data / "a.jsonl").write_bytes(
        b"\n".join([*good[:4], b"{broken", *good[4:8], b'{"text": "\xff"}', b"\0", *good[8:]])
    )
    (data / "b.jsonl.zst").write_bytes(
        zstandard.compress(b"\n".join(line(prose(seed)) for seed in range(20, 400)))[:20_000]
    )
    (data / "c.txt").write_bytes(b"")
    (data / "d.jsonl").write_bytes(line("z" * 50_000_000))
    return {
        "name": "bad", "output": "out", "input": [{"path": "data", "source": "web"}],
        "stages": [{"clean": {}}, {"dedup": {}}, {"tokenize": {"tokenizer": {"train": {"vocab_size": 400}}}},
                   {"pack": {"sequence_length": 128}}, {"shard": {}}],
    }  # fmt: skip


def test_a_run_over_bad_input(tmp_path: Path) -> None:
    plain = bad_corpus(tmp_path)
    heard: list[str] = []

    class Listener:
        def __getattr__(self, name: str) -> Any:
            return lambda *arguments: heard.append(arguments[2]) if name == "rejected" else None

    result = tf.run(load_recipe(plain, base=tmp_path), progress=Listener())
    door = result.manifest["doors"][0]["documents"]
    expected = {
        "read.empty_file": 1, "read.invalid_json": 1, "read.invalid_utf8": 1, "read.nul_byte": 1, "read.too_long": 1,
        "read.truncated": 1,
    }  # fmt: skip
    assert door["dropped"] == expected
    assert len(heard) == 6
    assert any("data/a.jsonl:5: not JSON" in reason for reason in heard)
    rows = [row for row in ledger.read(result.output).to_pylist() if row["verdict"]]
    assert sorted(row["reason"] for row in rows if row["stage"] == "read") == sorted(heard)
    kept = {
        row["record"]
        for row in ledger.read(result.output).to_pylist()
        if row["uri"] == "data/a.jsonl" and not row["verdict"]
    }
    assert kept == {1, 2, 3, 4, 6, 7, 8, 9, 12, 13, 14, 15}


def test_on_error_stop(tmp_path: Path) -> None:
    plain = {**bad_corpus(tmp_path), "on_error": "stop"}
    with pytest.raises(tf.InputError, match=r"data/a\.jsonl:5: not JSON.*on_error: stop"):
        tf.run(load_recipe(plain, base=tmp_path))
