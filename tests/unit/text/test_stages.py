"""The text stages in a run: what they drop, edit and say, and that nothing is lost on the way."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.unit.pipeline.runs import prose
from tests.unit.text.web_pages import HOSTILE, archive, page, response, warc_record

import tokenfoundry as tf
from tokenfoundry.io import find_files, format_of, records
from tokenfoundry.pipeline.recipe import Input, load_recipe
from tokenfoundry.provenance import ledger

END = [
    {"tokenize": {"tokenizer": {"train": {"vocab_size": 400}}}},
    {"pack": {"sequence_length": 128}},
    {"shard": {"rows_per_shard": 50}},
]


def run(folder: Path, stages: list[dict[str, Any]], inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ledger of a run."""
    recipe = {"name": "test", "output": "out", "input": inputs, "stages": [*stages, *END]}
    result = tf.run(load_recipe(recipe, base=folder))
    doors = result.manifest["doors"]
    for door in doors:
        counts = door["documents"]
        assert counts["in"] == counts["out"] + sum(counts["dropped"].values())
    rows: list[dict[str, Any]] = ledger.read(folder / "out").to_pylist()
    return rows


def write_lines(path: Path, texts: list[str]) -> None:
    path.write_text("".join(json.dumps({"text": text, "id": str(number)}) + "\n" for number, text in enumerate(texts)))


def test_web_archives_from_record_to_token(tmp_path: Path) -> None:
    text = prose(1)
    pages = [
        warc_record("warcinfo", "x", b"software: test\r\n", "application/warc-fields"),
        warc_record("request", "http://a.example/1", b"GET / HTTP/1.1\r\n\r\n", "application/http; msgtype=request"),
        response("http://a.example/1", page(text).encode()),
        response(
            "http://a.example/2",
            page(prose(2)).encode("latin-1"),
            headers={"Content-Type": "text/html; charset=latin-1"},
        ),
        response("http://a.example/3", gzip.compress(page(prose(3)).encode()), headers={"Content-Encoding": "gzip"}),
        response("http://a.example/4", b"gone", "404 Not Found"),
        response("http://a.example/5", b"\x89PNG", headers={"Content-Type": "image/png"}),
        response("http://a.example/6", b""),
        response("http://a.example/7", prose(4).encode(), headers={"Content-Type": "text/plain"}),
        warc_record("conversion", "http://a.example/8", prose(5).encode(), "text/plain"),
        response("http://a.example/9", b"<html><body><script>only()</script></body></html>"),
    ]
    (tmp_path / "a.warc.gz").write_bytes(archive(pages))
    rows = run(
        tmp_path,
        [{"extract": {"timeout_seconds": 5}}, {"clean": {}}, {"filter": {"preset": "gopher_quality"}}],
        [{"path": "a.warc.gz"}],
    )
    verdicts = {row["external_id"]: row["verdict"] for row in rows}
    assert verdicts == {
        **{f"http://a.example/{number}": None for number in (1, 2, 3, 7, 8)},
        "http://a.example/4": "read.http_status",
        "http://a.example/5": "read.not_text",
        "http://a.example/6": "read.empty_page",
        "http://a.example/9": "extract.empty",
    }
    assert all(row["tokens"] > 0 for row in rows if row["verdict"] is None)


def test_damaged_archives_keep_what_was_whole(tmp_path: Path) -> None:
    whole = archive([response(f"http://a.example/{number}", page(prose(number)).encode()) for number in range(5)])
    for name, content in {
        "cut.warc.gz": whole[: len(whole) * 3 // 5],
        "noise.warc.gz": whole[:2000] + b"\xff" * 500,
        "not.warc": b"hello" * 100,
        "empty.warc": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
        found = [
            record
            for file in find_files(name, tmp_path)
            for record in records(file, format_of(tmp_path / name), Input(path=name))
        ]
        assert found and found[-1].verdict in ("read.truncated", "read.empty_file", "read.not_an_archive"), name
        assert all(record.text is not None for record in found[:-1])
        if name == "cut.warc.gz":
            assert len(found) >= 2


def test_pages_in_files(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(
        page("Это предложение " * 30).encode("windows-1251").replace(b"<head>", b"<head><meta charset=windows-1251>")
    )
    (tmp_path / "b.htm").write_bytes(b"")
    rows = run(tmp_path, ["extract", "label"], [{"path": "*.htm*"}])  # type: ignore[list-item]
    assert [(row["verdict"], row["language"]) for row in rows] == [(None, "ru"), ("read.empty_file", None)]


def test_hostile_pages_do_not_stop_a_run(tmp_path: Path) -> None:
    pages = [
        response(f"http://h.example/{index}", text.encode() if isinstance(text, str) else text)
        for index, text in enumerate(HOSTILE.values())
    ]
    pages.append(response("http://good.example/", page(prose(1)).encode()))
    (tmp_path / "h.warc").write_bytes(archive(pages, compressed=False))
    stages = [
        {"extract": {"timeout_seconds": 1}},
        {"clean": {"drop_lines": ["c4", "repeated", "refinedweb"]}},
        {"label": {"columns": ["gopher.words", "dclm.removed_words"]}},
        {"redact": {"kinds": list(tf.text.KINDS)}},
    ]
    rows = run(tmp_path, stages, [{"path": "h.warc"}])
    assert len(rows) == len(pages)
    assert {row["external_id"]: row["verdict"] for row in rows}["http://good.example/"] is None


def test_conditions_drop_with_the_part_that_failed_and_its_value(tmp_path: Path) -> None:
    texts = [
        prose(1),
        "Dies ist ein deutscher Satz, der von einem Hund und einer Katze handelt. " * 8,
        "short",
        prose(2).upper(),
    ]
    write_lines(tmp_path / "a.jsonl", texts)
    keep = "lang == 'en' and gopher.words >= 20 and characters.upper < 0.5"
    rows = run(tmp_path, [{"filter": {"keep": keep}}], [{"path": "a.jsonl"}])
    verdicts = [row["verdict"] for row in rows]
    assert verdicts[1] == "filter.keep:lang == 'en'" and verdicts[3] in (
        "filter.keep:characters.upper < 0.5",
        "filter.keep:lang == 'en'",
    )
    assert verdicts[2] is not None
    assert rows[1]["value"] is None and rows[1]["stage"] == "filter"


def test_models_and_word_lists_are_columns(tmp_path: Path) -> None:
    tf.text.ByteModel.train([prose(seed) for seed in range(20)]).save(tmp_path / "prose.tfq")
    (tmp_path / "licences.txt").write_text("# names of licences\nMIT License\nApache License\n")
    write_lines(tmp_path / "a.jsonl", [prose(30), prose(31) + "\nUnder the MIT license.", "zq" * 200 + " xv jk" * 50])
    stage = {
        "keep": "prose.bits_per_byte < 4 and licences.count == 0",
        "models": {"prose": "prose.tfq"},
        "word_lists": {"licences": "licences.txt"},
    }
    rows = run(tmp_path, [{"filter": stage}], [{"path": "a.jsonl"}])
    assert [row["verdict"] for row in rows] == [
        None,
        "filter.keep:licences.count == 0",
        "filter.keep:prose.bits_per_byte < 4",
    ]
    assert rows[1]["value"] == 1 and rows[2]["value"] > 4


@pytest.mark.parametrize("action", ["drop", "cut"])
def test_evaluation_sets_leave_the_corpus(tmp_path: Path, action: str) -> None:
    question = "which of the seven rivers that cross the northern plain does not reach the sea in winter"
    (tmp_path / "quiz.jsonl").write_text(json.dumps({"input": question, "label": "the third"}) + "\n")
    pa.parquet = __import__("pyarrow.parquet").parquet
    pa.parquet.write_table(
        pa.table({"input": ["what is the boiling point of the second metal found"], "label": ["high"]}),
        tmp_path / "b.parquet",
    )
    text = f"{prose(1)}\n{question.upper()}? \n{prose(2)}"
    write_lines(
        tmp_path / "a.jsonl",
        [prose(3), text, "What is the boiling point, of the second metal found: high. " + prose(4)],
    )
    options = {"files": {"quiz": "quiz.jsonl", "metals": "*.parquet"}, "action": action}
    rows = run(tmp_path, [{"decontaminate": options}], [{"path": "a.jsonl"}])
    if action == "drop":
        assert [row["verdict"] for row in rows] == [None, "decontaminate.overlap:quiz", "decontaminate.overlap:metals"]
        assert 0 < rows[1]["value"] < 1
    else:
        assert [row["verdict"] for row in rows] == [None] * 3
        assert rows[1]["bytes_out"] == rows[1]["bytes_in"] - len(question)


def test_signals_are_in_the_ledger(tmp_path: Path) -> None:
    question = "which of the seven rivers that cross the northern plain does not reach the sea in winter"
    (tmp_path / "quiz.jsonl").write_text(json.dumps({"input": question}) + "\n")
    texts = [prose(1), f"{prose(2)} {question}"]
    write_lines(tmp_path / "a.jsonl", texts)
    names = ["gopher.words", "characters.digits", "bytes"]
    stages = [{"label": {"columns": names}}, {"decontaminate": {"files": {"quiz": "quiz.jsonl"}}}]
    rows = run(tmp_path, stages, [{"path": "a.jsonl"}])
    for row, text in zip(rows, texts, strict=True):
        expected = tf.text.Columns().compute(pa.array([text], pa.large_string()), names)
        signals = dict(row["signals"])
        assert {name: signals[name] for name in names} == {name: expected[name][0].as_py() for name in names}
    start = len(texts[1]) - len(question)
    assert dict(rows[1]["signals"])[f"overlap.quiz:{start}-{len(texts[1])}"] == len(question)
    assert len(rows[0]["signals"]) == len(names)


def test_redaction_in_a_run(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"a secret")
    write_lines(tmp_path / "a.jsonl", [prose(1), prose(2) + " Write to ann@example.org."])
    rows = run(tmp_path, [{"redact": {"action": "drop"}}], [{"path": "a.jsonl"}])
    assert [row["verdict"] for row in rows] == [None, "redact.personal_data"]


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"filter": {"keep": "gopher.wrds > 3"}}, "did you mean 'gopher.words'?"),
        ({"filter": {"keep": "gopher.words >"}}, "stages[0].filter: keep: condition cannot be read"),
        ({"filter": {"keep": "lang > 3"}}, "a text is compared with this number"),
        ({"filter": {"models": {"q": "none.bin"}}}, "stages[0].filter.models.q: 'none.bin' is no file"),
        ({"filter": {"models": {"q": "a.jsonl"}}}, "is no quality model"),
        (
            {"label": {"columns": ["gofer.words"]}},
            "stages[0].label.columns: there is no column 'gofer.words'; did you mean",
        ),
        ({"label": {"columns": ["lang"]}}, "stages[0].label.columns: 'lang' is text; the ledger's signals are numbers"),
        ({"label": {"word_lists": {"w": "empty.txt"}}}, "the list 'w' has no words"),
        ({"clean": {"drop_lines": ["repeat"]}}, "'repeat' is no rule; did you mean 'repeated'?"),
        ({"redact": {"action": "hash"}}, "needs a key_file"),
        ({"decontaminate": {"files": {}}}, "stages[0].decontaminate.files"),
        (
            {"decontaminate": {"files": {"x": "nope*.jsonl"}}},
            "stages[0].decontaminate.files.x: 'nope*.jsonl' is no file",
        ),
        ({"decontaminate": {"files": {"x": "a.jsonl"}, "ngram": 5}}, "short_ngram must be less than ngram"),
        ({"extract": {"library": "lynx"}}, "stages[0].extract.library: must be 'resiliparse' or 'trafilatura'"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, stage: dict[str, Any], message: str) -> None:
    write_lines(tmp_path / "a.jsonl", ["text"])
    (tmp_path / "empty.txt").write_text("# nothing\n")
    recipe = {"name": "test", "output": "out", "input": [{"path": "a.jsonl"}], "stages": [stage, *END]}
    with pytest.raises(tf.TokenFoundryError) as raised:
        load_recipe(recipe, base=tmp_path)
    assert message in str(raised.value)


def test_evaluation_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", ["text"])
    (tmp_path / "bad.jsonl").write_text('{"input": "x"}\n{oops\n')
    recipe = {
        "name": "test",
        "output": "out",
        "input": [{"path": "a.jsonl"}],
        "stages": [{"decontaminate": {"files": {"x": "bad.jsonl"}}}, *END],
    }
    with pytest.raises(tf.TokenFoundryError, match=r"decontaminate\.files\.x: .*bad\.jsonl: line 2: not JSON"):
        tf.run(load_recipe(recipe, base=tmp_path))
