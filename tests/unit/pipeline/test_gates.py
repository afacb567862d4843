"""Gates: metrics in limits, control limits over earlier runs, and what a gate does; with `diff` of two runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.pipeline.runs import prose, recipe, result_bytes, write_corpus

import tokenfoundry as tf
from tokenfoundry.pipeline import history
from tokenfoundry.pipeline.events import Silent
from tokenfoundry.pipeline.recipe import load_recipe
from tokenfoundry.provenance import ledger, verify
from tokenfoundry.report.diff import diff


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gates")
    write_corpus(path)
    return path


def run(folder: Path, output: str | Path, gates: list[dict[str, Any]], progress: Any = None, **changes: Any) -> Any:
    return tf.run(load_recipe(recipe(folder, str(output), gates=gates, **changes), base=folder), progress=progress)


@pytest.mark.parametrize(("metric", "limit", "documents"), [
    ("filter.yield", {"min": 0.999}, "data/c.jsonl.zst#"),
    ("filter.dropped.gopher.too_few_words", {"max": 0.001}, "data/c.jsonl.zst#8"),
    ("dedup.duplicate_rate", {"max": 0.01}, "data/a.jsonl#4"),
    ("tokenize.tokens_per_byte", {"max": 0.01}, "tokens of"),
    ("redact.per_million_tokens", {"max": 1}, "data/c.jsonl.zst#10"),
    ("redact.email.per_million_tokens", {"max": 1}, "data/c.jsonl.zst#10"),
    ("language.en", {"max": 0.001}, "data/"),
    ("clean.dropped.clean.empty", {"max": 0.0}, "data/c.jsonl.zst#9"),
    ("read.yield", {"max": 0.5}, "read dropped no document"),
])  # fmt: skip
def test_a_gate_stops_the_line_and_names_the_documents(
    folder: Path, tmp_path: Path, metric: str, limit: dict[str, float], documents: str
) -> None:
    with pytest.raises(tf.GateError, match="the line stops") as caught:
        run(folder, tmp_path / "out", [{"metric": metric, "sources": ["web"], **limit}])
    message = str(caught.value)
    assert f"{metric} of source web is" in message
    assert documents in message, message
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_what_a_gate_stopped_goes_on_when_the_limit_is_wider(folder: Path, tmp_path: Path) -> None:
    expected = result_bytes(
        run(folder, tmp_path / "plain", [{"metric": "pack.density", "min": 0.1, "by_source": False}]).output
    )
    with pytest.raises(tf.GateError, match=r"pack\.density of the whole run"):
        run(folder, tmp_path / "out", [{"metric": "pack.density", "min": 1.0, "by_source": False}])

    class Reads(Silent):
        documents = 0

        def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None:
            self.documents += documents if name == "read" else 0

    reads = Reads()
    result = run(folder, tmp_path / "out", [{"metric": "pack.density", "min": 0.1, "by_source": False}], reads)
    assert reads.documents == 0, "units of the run that was stopped are kept"
    assert result_bytes(result.output) == expected


def test_warn_is_in_the_manifest_and_heard(folder: Path, tmp_path: Path) -> None:
    class Hears(Silent):
        def __init__(self) -> None:
            self.found: list[Any] = []

        def gate_found(self, finding: Any) -> None:
            self.found.append(finding)

    hears = Hears()
    result = run(folder, tmp_path / "out", [{"metric": "filter.yield", "min": 1.0, "action": "warn"}], hears)
    assert (
        [entry["source"] for entry in result.manifest["gates"]]
        == [finding.source for finding in hears.found]
        == ["web"]
    )
    assert verify(result.output).ok


@pytest.mark.parametrize("metric", ["read.byte_yield", "dedup.duplicate_rate", "tokenize.tokens_per_byte"])
def test_quarantine_takes_a_source_out_and_the_rest_is_as_if_it_never_was(
    folder: Path, tmp_path: Path, metric: str
) -> None:
    gate = {"metric": metric, "max": -1.0, "action": "quarantine", "sources": ["tables"]}
    result = run(folder, tmp_path / "out", [gate])
    rows = ledger.read(result.output).to_pylist()
    assert {row["verdict"] for row in rows if row["source"] == "tables"} == {f"gate.{metric}"}
    assert all("of source tables is" in row["reason"] for row in rows if row["source"] == "tables")
    door = next(door for door in result.manifest["doors"] if door["name"] == "gate")
    assert door["documents"]["dropped"] == {f"gate.{metric}": 20}
    assert verify(result.output).ok
    plain = recipe(folder, str(tmp_path / "without"))
    plain["input"] = [entry for entry in plain["input"] if entry["source"] != "tables"]
    plain["stages"][2]["filter"]["sources"] = ["web"]
    without = tf.run(load_recipe(plain, base=folder))
    shard = "shards/shard-00000.bin"
    assert (without.output / shard).read_bytes() == (result.output / shard).read_bytes()


def test_control_limits_over_earlier_runs(folder: Path, tmp_path: Path) -> None:
    gates = [{"metric": "filter.yield", "sigma": 3, "sources": ["web"]}]
    log = tmp_path / "runs.jsonl"
    for number in range(5):
        run(folder, tmp_path / f"{number}", gates, history=str(log), seed=number)
    assert len(log.read_text().splitlines()) == 5
    value = json.loads(log.read_text().splitlines()[0])["metrics"]["web"]["filter.yield"]
    # Earlier runs that vary a little, around another mean.
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    for number, entry in enumerate(entries):
        entry["metrics"]["web"]["filter.yield"] = value + 0.1 + 0.001 * number
        entry["manifest"] = str(number)
    log.write_text("".join(json.dumps(entry) + "\n" for entry in entries) + '{"half a li')
    with pytest.raises(tf.GateError, match=r"± 3 sigma over 5 earlier runs"):
        run(folder, tmp_path / "new", gates, history=str(log))
    for number, entry in enumerate(entries):
        entry["metrics"]["web"]["filter.yield"] = value + 0.001 * (number - 2)
    log.write_text("".join(json.dumps(entry) + "\n" for entry in entries) + '{"half a li')
    # Limits stay what they were for the run that was stopped; a new one sees the new history.
    with pytest.raises(tf.GateError):
        run(folder, tmp_path / "new", gates, history=str(log))
    assert run(folder, tmp_path / "fresh", gates, history=str(log)).manifest["gates"] == []
    assert len(history._entries(log.read_text().splitlines())) == 6


def test_few_earlier_runs_judge_nobody(folder: Path, tmp_path: Path) -> None:
    gates = [{"metric": "filter.yield", "sigma": 0.1}]
    for number in range(3):
        assert run(folder, tmp_path / f"{number}", gates, history=str(tmp_path / "log")).manifest["gates"] == []


def test_control_limits_are_the_textbooks() -> None:
    low, high = history.control_limits([1.0, 2.0, 3.0, 4.0, 5.0], 3)
    assert (low, high) == pytest.approx((3 - 3 * 2.5**0.5, 3 + 3 * 2.5**0.5))


@pytest.mark.parametrize(("gate", "message"), [
    ({"metric": "fliter.yield", "min": 1}, r"gates\[0\]\.metric: 'fliter.yield' is no metric"),
    ({"metric": "filter.yield"}, r"gates\[0\]: has no limit"),
    ({"metric": "filter.yield", "min": 2, "max": 1}, r"min 2.0 is above max"),
    ({"metric": "filter.yield", "min": 1, "sources": ["wbe"]}, r"gates\[0\]\.sources: 'wbe'"),
    ({"metric": "filter.yield", "min": 1, "action": "quarantine", "by_source": False}, "quarantine is of a source"),
])  # fmt: skip
def test_gates_that_are_wrong(folder: Path, tmp_path: Path, gate: dict[str, Any], message: str) -> None:
    with pytest.raises(tf.RecipeError, match=message):
        run(folder, tmp_path / "out", [gate])
    assert not (tmp_path / "out").exists()


def test_diff(folder: Path, tmp_path: Path) -> None:
    one = run(folder, tmp_path / "one", [])
    assert diff(one.output, one.output).same_bytes
    stages = recipe(folder)["stages"]
    stages[2] = {"filter": {"preset": "gopher", "sources": ["tables"]}}
    stages[4] = {"dedup": {"near": False}}
    two = run(folder, tmp_path / "two", [], stages=stages)
    found = diff(one.output, two.output)
    assert not found.same_bytes
    assert any("stages[4].dedup.near: True -> False" in line for line in found.recipe)
    changes = {change.name: (change.before, change.after) for change in found.stages["dedup"]}
    assert changes["documents dropped: dedup.near_duplicate_of"][1] is None
    moves = {(move.before, move.after): move for move in found.moves}
    assert moves["gopher.too_few_words", "kept"].examples == ["data/c.jsonl.zst#8"]
    assert moves["dedup.near_duplicate_of", "kept"].documents >= 1
    assert (found.only_before, found.only_after) == (0, 0)
    assert any(change.name == "filter.yield" for change in found.metrics["web"])


@pytest.mark.parametrize(("rules", "expected"), [
    ({"deny": ["cc0"]}, {"tables": "licence.denied", "books": "licence.quarantined"}),
    ({"allow": ["CC-BY-*"], "unknown": "allow"}, {"tables": "licence.not_allowed"}),
    ({"allow": ["CC*"], "unknown": "drop"}, {"books": "licence.unknown"}),
    ({"unknown": "drop", "sources": {"books": {"unknown": "allow"}}}, {}),
])  # fmt: skip
def test_licences(folder: Path, tmp_path: Path, rules: dict[str, Any], expected: dict[str, str]) -> None:
    result = run(folder, tmp_path / "out", [], licences=rules)
    for row in ledger.read(result.output).to_pylist():
        if row["source"] in expected:
            assert (row["stage"], row["verdict"]) == ("licence", expected[row["source"]])
        else:
            assert row["stage"] != "licence"
    assert verify(result.output).ok
    assert [door["name"] for door in result.manifest["doors"]][1] == "licence"


def test_metrics_are_in_the_manifest_by_source(folder: Path, tmp_path: Path) -> None:
    metrics = run(folder, tmp_path / "out", []).manifest["metrics"]
    assert set(metrics) == {"web", "tables", "books", "*"}
    assert metrics["tables"]["dedup.duplicate_rate"] == 0
    assert metrics["web"]["dedup.duplicate_rate"] > 0
    assert 0.1 < metrics["*"]["tokenize.tokens_per_byte"] < 1
    assert sum(value for name, value in metrics["*"].items() if name.startswith("language.")) == pytest.approx(1)
    assert prose(1)
