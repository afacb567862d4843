"""Runs: the same bytes every time, counts that add up, a ledger that is right, and a line that stops when it must."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.pipeline.runs import checked, recipe, result_bytes, write_corpus
from tokenizers import Tokenizer as HuggingFaceTokenizer

import tokenfoundry as tf
from tokenfoundry import provenance
from tokenfoundry.pipeline import runner
from tokenfoundry.pipeline.recipe import CleanStage, load_recipe
from tokenfoundry.pipeline.stages import TEXT_STAGES, Outcome
from tokenfoundry.pipeline.stages.base import EverySource
from tokenfoundry.provenance import ledger


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs")
    write_corpus(path)
    return path


@pytest.fixture(scope="module")
def finished(folder: Path) -> runner.RunResult:
    return tf.run(checked(folder), threads=2)


def test_twice_and_on_one_thread_or_two_the_bytes_are_the_same(folder: Path, finished: runner.RunResult) -> None:
    expected = result_bytes(finished.output)
    assert {
        "manifest.json",
        "recipe.yaml",
        "tokenizer.json",
        "ledger/documents-00000.parquet",
        "shards/shard-00000.bin",
    } <= set(expected)
    for threads in (1, 2, 3):
        again = tf.run(checked(folder, f"again-{threads}", threads=threads))
        assert result_bytes(again.output) == expected


def test_conservation(finished: runner.RunResult) -> None:
    doors = finished.manifest["doors"]
    assert [door["name"] for door in doors] == [
        "read", "clean", "label", "filter", "redact", "dedup", "tokenize", "pack", "shard"
    ]  # fmt: skip
    for door in doors:
        for what in ("documents", "bytes", "tokens"):
            counts = door[what]
            edited = door["bytes_edited"] if what == "bytes" else 0
            assert counts["in"] == counts["out"] + sum(counts["dropped"].values()) + edited
    dropped = Counter()
    for door in doors:
        dropped.update(door["documents"]["dropped"])
    assert dropped["clean.empty"] == 1
    assert dropped["gopher.too_few_words"] == 1
    assert dropped["dedup.duplicate_of"] == 1
    assert dropped["dedup.near_duplicate_of"] >= 1
    assert doors[4]["edits"]["email"] >= 1
    assert doors[4]["edits"]["ip"] >= 1
    assert doors[-1]["tokens"]["out"] == finished.manifest["tokens"] > 10_000


def test_the_ledger_has_every_document_once(folder: Path, finished: runner.RunResult) -> None:
    table = ledger.read(finished.output)
    rows = table.to_pylist()
    assert len({row["id"] for row in rows}) == len(rows) == finished.manifest["doors"][0]["documents"]["in"]
    by_name = {row["external_id"]: row for row in rows if row["external_id"]}
    assert by_name["copy"]["verdict"] == f"dedup.duplicate_of:{by_name['doc-3']['id'].hex()}"
    assert by_name["near"]["verdict"] == f"dedup.near_duplicate_of:{by_name['doc-4']['id'].hex()}"
    assert 0.8 <= by_name["near"]["value"] < 1
    assert by_name["short"]["verdict"] == "gopher.too_few_words"
    assert by_name["short"]["value"] == 2
    assert dict(by_name["mail"]["redacted"]) == {"email": 1, "ip": 1}
    assert by_name["mail"]["licence"] == "CC-BY-4.0"
    assert {row["licence"] for row in rows if row["source"] == "tables"} == {"CC0"}
    assert {row["uri"] for row in rows if row["source"] == "web"} == {
        "data/a.jsonl",
        "data/b.jsonl.gz",
        "data/c.jsonl.zst",
    }
    for row in rows:
        assert (row["tokens"] > 0) == (row["verdict"] is None) == bool(row["placements"])
        assert sum(placement["length"] for placement in row["placements"]) == row["tokens"]


def test_every_token_goes_back_to_its_document_and_text(folder: Path, finished: runner.RunResult) -> None:
    shards = tf.shard.open(finished.output / "shards")
    tokenizer = tf.Tokenizer.from_file(finished.output / "tokenizer.json")
    theirs = HuggingFaceTokenizer.from_file(str(finished.output / "tokenizer.json"))
    for row in range(0, len(shards), 37):
        shard, local = shards.locate(row)
        position = len(shards[row]) // 2
        found = provenance.trace(finished.output, shard=shard, row=local, position=position)
        assert found.token == shards[row][position]
        text = found.document.text
        assert text is not None
        ids = [*tokenizer.encode(text, allowed_special=()), tokenizer.special_tokens["<|endoftext|>"]]
        assert len(ids) == found.document.document["tokens"]
        assert ids[found.document_position] == found.token
        assert theirs.encode(text).ids == tokenizer.encode(text)
    web = provenance.trace_document(finished.output, "data/a.jsonl#1")[0]
    original = json.loads((folder / "data" / "a.jsonl").read_text().splitlines()[0])["text"]
    assert web.text == original
    assert provenance.trace_document(finished.output, web.id)[0].document == web.document
    assert len(provenance.trace_document(finished.output, "data/a.jsonl")) == 20
    with pytest.raises(tf.InputError, match="neither an id"):
        provenance.trace_document(finished.output, "nothing")
    for place in [(0, 99999, 0), (99, 0, 0), (0, 0, 99999), (0, 0, -1)]:
        with pytest.raises(tf.InputError):
            provenance.trace(finished.output, shard=place[0], row=place[1], position=place[2])


def test_verify_finds_one_flipped_bit_in_any_file(finished: runner.RunResult, tmp_path: Path) -> None:
    assert provenance.verify(finished.output).ok
    copy = tmp_path / "copy"
    shutil.copytree(finished.output, copy)
    source = np.random.default_rng(0)
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        sound = path.read_bytes()
        for place in [*source.integers(0, len(sound), 6).tolist(), 0, len(sound) - 1]:
            damaged = bytearray(sound)
            damaged[place] ^= 1 << int(source.integers(0, 8))
            path.write_bytes(damaged)
            assert not provenance.verify(copy).ok, f"byte {place} of {path.name}"
        path.write_bytes(sound[:-1])
        assert not provenance.verify(copy).ok
        path.unlink()
        assert not provenance.verify(copy).ok
        path.write_bytes(sound)
    assert provenance.verify(copy).ok
    (copy / "shards" / "stranger").write_text("")
    assert "stranger" in provenance.verify(copy).problems[0]


def test_verify_compares_the_ledger_with_the_shards(finished: runner.RunResult, tmp_path: Path) -> None:
    """A ledger that was changed together with its checksum is still found out."""
    copy = tmp_path / "copy"
    shutil.copytree(finished.output, copy)
    table = ledger.read(copy)
    placements = table.column("placements").to_pylist()
    first = next(index for index, places in enumerate(placements) if places)
    placements[first][0]["offset"] += 1
    changed = table.set_column(
        table.schema.names.index("placements"),
        "placements",
        pa.array(placements, ledger.SCHEMA.field("placements").type),
    )
    import pyarrow.parquet as pq

    from tokenfoundry.provenance import manifest

    pq.write_table(changed, ledger.files(copy)[0])
    content = manifest.load(copy)
    del content["digest"]
    content["files"] = manifest.describe_files(copy, [copy / entry["path"] for entry in content["files"]])
    manifest.save(copy, content)
    assert any("differ in offset" in problem for problem in provenance.verify(copy).problems)


@pytest.mark.parametrize(("how", "message"), [
    ("lose", "documents in, an answer for"),
    ("edit", "bytes"),
    ("add", "documents in, an answer for"),
])  # fmt: skip
def test_a_stage_that_breaks_the_law_stops_the_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, how: str, message: str, tmp_path: Path
) -> None:
    class Broken(EverySource):
        name = "label"
        version = 1
        edits_text = False

        def __init__(self, options: Any) -> None:
            self.options = CleanStage()

        def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
            plain = texts.to_pylist()
            broken = {"lose": plain[:-1], "edit": [text + "!" for text in plain], "add": [*plain, "more"]}[how]
            return Outcome(pa.array(broken, pa.large_string()))

    monkeypatch.setitem(TEXT_STAGES, "label", Broken)
    with pytest.raises(tf.GateError, match=rf"stage label: .*{message}.*the line stops"):
        tf.run(load_recipe(recipe(folder, str(tmp_path / "out")), base=folder))
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_dedup_that_loses_a_document_stops_the_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tokenfoundry.pipeline.stages import dedup

    honest = dedup.decide

    def short(*arguments: Any) -> dedup.Duplicates:
        found = honest(*arguments)
        return dedup.Duplicates(found.duplicate_of[:-1], found.near[:-1], found.jaccard[:-1])

    monkeypatch.setattr(dedup, "decide", short)
    with pytest.raises(tf.GateError, match=r"stage dedup: .* documents in, an answer for"):
        tf.run(load_recipe(recipe(folder, str(tmp_path / "out")), base=folder))


def test_a_finished_run_is_not_done_again(folder: Path, finished: runner.RunResult) -> None:
    before = (finished.output / "metrics.json").read_bytes()
    again = tf.run(checked(folder))
    assert again.reused
    assert again.manifest == finished.manifest
    assert (finished.output / "metrics.json").read_bytes() == before
    with pytest.raises(tf.RecipeError, match="another recipe"):
        tf.run(checked(folder, seed=7))


@pytest.mark.parametrize("leftovers", [[".work.4194999.removed"], [".work.4194999.removed", "work"]])
def test_a_removal_that_was_interrupted_is_finished(folder: Path, tmp_path: Path, leftovers: list[str]) -> None:
    plain = load_recipe(recipe(folder, str(tmp_path / "out")), base=folder)
    result = tf.run(plain)
    for leftover in leftovers:
        (result.output / leftover).mkdir()
        (result.output / leftover / "x.rows.arrow").write_bytes(b"x")
    (result.output / ".manifest.json.4194999.tmp").write_bytes(b"{")
    assert tf.run(plain).reused
    assert not [path for path in result.output.iterdir() if "work" in path.name or path.name.startswith(".")]
    assert provenance.verify(result.output).ok


def test_an_output_that_holds_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(tf.RecipeError, match="is not empty"):
        tf.run(load_recipe(recipe(folder, str(tmp_path)), base=folder))
    with pytest.raises((tf.RecipeError, OSError)):
        tf.run(load_recipe(recipe(folder, str(tmp_path / "precious.txt")), base=folder))


def test_changed_input_is_noticed(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    tf.run(checked(tmp_path))
    (tmp_path / "data" / "books" / "new.txt").write_text("one more")
    with pytest.raises(tf.RecipeError, match="other input"):
        tf.run(checked(tmp_path))


def test_a_tokenizer_from_a_file_and_other_options(folder: Path, finished: runner.RunResult) -> None:
    plain = recipe(folder, "options")
    plain["stages"] = [
        {"tokenize": {"tokenizer": str(finished.output / "tokenizer.json"), "end_of_text": None}},
        {"pack": {"sequence_length": 100, "strategy": "concat", "long": "drop"}},
        {"shard": {}},
    ]
    result = tf.run(load_recipe(plain, base=folder))
    doors = {door["name"]: door for door in result.manifest["doors"]}
    assert doors["pack"]["documents"]["dropped"]["pack.too_long"] > 0
    assert provenance.verify(result.output).ok
    assert result.manifest["tokenizer"]["digest"] == finished.manifest["tokenizer"]["digest"]
    verdicts = Counter(ledger.read(result.output, ["verdict"]).column("verdict").to_pylist())
    assert verdicts["pack.too_long"] == doors["pack"]["documents"]["dropped"]["pack.too_long"]


def test_no_document_is_left(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_text('{"text": "short"}\n')
    plain = recipe(tmp_path)
    plain["input"] = [{"path": "data/a.jsonl", "source": "web"}]
    plain["stages"][2] = {"filter": {}}
    result = tf.run(load_recipe(plain, base=tmp_path))
    assert (result.manifest["rows"], result.manifest["tokens"]) == (0, 0)
    assert provenance.verify(result.output).ok


def test_inputs_that_overlap_and_an_output_inside_the_input(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("one document of a few words")
    (tmp_path / "data" / "b.txt").write_text("another document of a few words")
    plain = {
        "name": "overlap",
        "output": "data/out",
        "input": [{"path": "data"}, {"path": "data/*.txt"}, {"path": "data/a.txt", "source": "other"}],
        "stages": [
            {"tokenize": {"tokenizer": {"train": {"vocab_size": 300}}}},
            {"pack": {"sequence_length": 64}},
            {"shard": {}},
        ],
    }
    result = tf.run(load_recipe(plain, base=tmp_path))
    rows = [(row["source"], row["uri"]) for row in ledger.read(result.output).to_pylist()]
    assert rows == [("default", "data/a.txt"), ("default", "data/b.txt"), ("other", "data/a.txt")]
    assert tf.run(load_recipe(plain, base=tmp_path)).reused
