"""Takedowns: out of the shards, on record, nothing else moved; never in again; whole or not at all."""

import json
import shutil
from pathlib import Path

import pytest
from tests.unit.pipeline.runs import checked, recipe, write_corpus

import tokenfoundry as tf
from tokenfoundry import provenance
from tokenfoundry.pipeline.recipe import load_recipe
from tokenfoundry.provenance import ledger, takedowns


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("takedowns")
    write_corpus(path)
    tf.run(checked(path, cache="cache"))
    return path


@pytest.fixture
def output(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder / "out", tmp_path / "out"))


def texts(output: Path) -> dict[str, str]:
    """Text of every document in the shards, by id."""
    found = {}
    for row in ledger.read(output).to_pylist():
        if row["tokens"]:
            one = provenance.trace_document(output, row["id"].hex())[0]
            found[one.id] = one.text or ""
    return found


def test_one_document_goes_and_every_other_stays_as_it_was(output: Path) -> None:
    before = texts(output)
    rows = ledger.read(output).to_pylist()
    # One that shares its rows with others.
    places = [(place["shard"], place["row"]) for row in rows for place in row["placements"]]
    gone = next(
        row
        for row in rows
        if any(place["offset"] == 0 and places.count((place["shard"], place["row"])) > 1 for place in row["placements"])
    )
    files = {path: path.read_bytes() for path in (output / "shards").iterdir()}
    done = provenance.takedown(output, uri=f"{gone['uri']}#{gone['record']}", reason="asked for by its author")
    assert (done.documents, done.removed, done.tokens) == (1, 1, gone["tokens"])
    after = texts(output)
    assert after == {name: text for name, text in before.items() if name != gone["id"].hex()}
    assert provenance.verify(output).ok
    trace = provenance.trace_document(output, gone["id"].hex())[0]
    assert trace.dropped and trace.document["verdict"] == "takedown.uri"
    assert trace.document["reason"] == "asked for by its author"
    changed = {path.stem for path, content in files.items() if path.read_bytes() != content}
    assert changed == {f"shard-{number:05d}" for number in done.shards}
    record = json.loads((output / "takedowns.jsonl").read_text())
    assert record["documents"][0]["id"] == gone["id"].hex()
    for name, digests in record["files"].items():
        assert provenance.manifest.sha256_of(output / name) == digests["after"] != digests["before"]
    shards = tf.shard.open(output / "shards")
    for row in range(0, len(shards), 5):
        for piece in shards.pieces(row):
            assert piece["document"].tobytes() != gone["id"]


@pytest.mark.parametrize(("what", "value"), [("source", "tables"), ("licence", "CC0"), ("uri", "data/a.jsonl")])
def test_a_source_a_licence_or_a_file(output: Path, what: str, value: str) -> None:
    expected = [row for row in ledger.read(output).to_pylist() if row[what] == value]
    placed = [row for row in expected if row["tokens"]]
    total = tf.shard.open(output / "shards").tokens
    done = provenance.takedown(output, **{what: value}, reason="licence withdrawn")
    assert (done.documents, done.removed) == (len(expected), len(placed))
    assert tf.shard.open(output / "shards").tokens == total - sum(row["tokens"] for row in placed)
    found = provenance.verify(output)
    assert found.ok, found.problems
    again = provenance.takedown(output, **{what: value}, reason="once more")
    assert again.removed == 0
    assert provenance.verify(output).ok
    assert len((output / "takedowns.jsonl").read_text().splitlines()) == 2


def test_copies_that_stay_are_named_and_taken_on_demand(output: Path) -> None:
    copy = next(row for row in ledger.read(output).to_pylist() if row["external_id"] == "copy")
    done = provenance.takedown(output, document=copy["id"].hex(), reason="r")
    assert done.removed == 0
    assert done.copies_left == ["data/a.jsonl#4"]
    assert provenance.takedown(output, document=copy["id"].hex(), reason="r", duplicates=True).removed == 1
    assert provenance.verify(output).ok


def test_nothing_matches(output: Path) -> None:
    before = (output / "manifest.json").read_bytes()
    with pytest.raises(tf.InputError, match="no document"):
        provenance.takedown(output, uri="none", reason="r")
    with pytest.raises(tf.InputError, match="needs a reason"):
        provenance.takedown(output, uri="data/a.jsonl", reason=" ")
    with pytest.raises(tf.InputError, match="give one of"):
        provenance.takedown(output, uri="a", source="b", reason="r")
    assert (output / "manifest.json").read_bytes() == before


def test_interrupted_anywhere_it_is_finished_or_never_was(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = Path(shutil.copytree(output, tmp_path / "calm"))
    provenance.takedown(calm, source="tables", reason="r")
    wanted = tf.shard.open(calm / "shards").tokens
    replace = Path.replace
    for stop_after in range(0, 12):
        folder = Path(shutil.copytree(output, tmp_path / f"stop-{stop_after}"))
        count = 0

        def dying(self: Path, target: Path, limit: int = stop_after) -> Path:
            nonlocal count
            count += 1
            if count > limit:
                raise KeyboardInterrupt
            return replace(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dying)
            try:
                provenance.takedown(folder, source="tables", reason="r")
            except KeyboardInterrupt:
                assert not provenance.verify(folder).ok or "takedown" not in (folder / "manifest.json").read_text()
        takedowns.finish_pending(folder)
        if (folder / "takedowns.jsonl").exists():
            assert tf.shard.open(folder / "shards").tokens == wanted
        else:
            provenance.takedown(folder, source="tables", reason="r")
            assert tf.shard.open(folder / "shards").tokens == wanted
        found = provenance.verify(folder)
        assert [problem for problem in found.problems if "report.html" not in problem] == []


def test_a_run_that_names_the_record_never_takes_them_in_again(folder: Path, output: Path) -> None:
    provenance.takedown(output, uri="data/b.jsonl.gz", reason="r")
    provenance.takedown(output, document=ledger.find(output, "uri", "data/a.jsonl")[0]["id"].hex(), reason="r")
    # The same text under another name is out as well.
    (folder / "data" / "again.jsonl").write_text((folder / "data" / "a.jsonl").read_text().splitlines()[0] + "\n")
    try:
        result = tf.run(
            load_recipe(
                recipe(folder, str(output.parent / "new"), takedowns=str(output / "takedowns.jsonl")), base=folder
            )
        )
    finally:
        (folder / "data" / "again.jsonl").unlink()
    rows = ledger.read(result.output).to_pylist()
    listed = [(row["uri"], row["record"]) for row in rows if row["verdict"] == "takedown.listed"]
    assert ("data/a.jsonl", 1) in listed and ("data/again.jsonl", 1) in listed
    assert len([uri for uri, _ in listed if uri == "data/b.jsonl.gz"]) == 15
    assert [door["name"] for door in result.manifest["doors"]][:2] == ["read", "takedown"]
    assert provenance.verify(result.output).ok
    (output.parent / "bad.jsonl").write_text("{}\n")
    with pytest.raises(tf.RecipeError, match=r"bad\.jsonl:1"):
        tf.run(
            load_recipe(
                recipe(folder, str(output.parent / "bad"), takedowns=str(output.parent / "bad.jsonl")), base=folder
            )
        )


def test_a_cache_forgets_them(folder: Path, output: Path, tmp_path: Path) -> None:
    cache = Path(shutil.copytree(folder / "cache", tmp_path / "cache"))
    provenance.takedown(output, source="tables", reason="r")
    texts_before = len(list(cache.glob("*/*.text")))
    assert provenance.purge(cache, output / "takedowns.jsonl") >= 3
    assert 0 < len(list(cache.glob("*/*.text"))) < texts_before
    assert provenance.purge(cache, output / "takedowns.jsonl") == 0
