"""Text stages after dedup (map, dedup, map, pack, write): the answer, the ledger, resuming, the cache, gates, the plan."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.pipeline.runs import prose, recipe, result_bytes, write_corpus
from tests.unit.pipeline.test_cache import Counting

import tokenfoundry as tf
from tokenfoundry.pipeline.estimate import make_plan
from tokenfoundry.pipeline.recipe import load_recipe
from tokenfoundry.provenance import ledger, verify

LATE: list[dict[str, Any]] = [
    {"redact": {"kinds": ["email", "ip"]}},
    {"filter": {"preset": ["gopher", "c4"], "sources": ["web", "tables"]}},
    {"clean": {}},
]


def late_recipe(folder: Path, output: str = "out", late: list[dict[str, Any]] | None = None, **changes: Any) -> Any:
    """clean, label, a filter; dedup; and what looks at texts after it."""
    plain = recipe(folder, output, **changes)
    early = [plain["stages"][0], plain["stages"][1], {"filter": {"keep": "bytes > 20", "sources": ["web"]}}]
    plain["stages"] = [*early, {"dedup": {}}, *(LATE if late is None else late), *plain["stages"][5:]]
    return plain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_corpus(tmp_path)
    # Goes for the second filter, and only after dedup has seen it twice.
    rows = [{"text": prose(60) + "\nlorem ipsum dolor.", "id": f"lorem-{copy}"} for copy in range(2)]
    (tmp_path / "data" / "late.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def run(folder: Path, output: str = "out", executor: Any = None, **changes: Any) -> Any:
    return tf.run(load_recipe(late_recipe(folder, output, **changes), base=folder), executor=executor)


def test_the_answer_is_that_of_the_functions_one_after_another(folder: Path) -> None:
    result = run(folder)
    assert [door["name"] for door in result.manifest["doors"]] == [
        "read", "clean", "label", "filter", "dedup", "redact", "filter_2", "clean_2", "tokenize", "pack", "shard"
    ]  # fmt: skip
    rows = ledger.read(result.output).to_pylist()
    texts = {}
    for path in ("a.jsonl", "late.jsonl"):
        for number, text in enumerate((folder / "data" / path).read_text().splitlines(), 1):
            texts[f"data/{path}", number] = tf.text.normalize([json.loads(text)["text"]]).texts[0].as_py()
    assert rows and all(row["bytes_in"] > 0 for row in rows)
    for row in rows:
        text = texts.get((row["uri"], row["record"]))
        if text is None or (row["verdict"] or "").startswith(("dedup", "filter", "clean")):
            continue
        redacted = tf.text.redact([text], kinds=["email", "ip"]).texts
        expected = tf.text.filter(redacted, preset=("gopher", "c4"))
        assert row["verdict"] == expected.column("verdict")[0].as_py()
        assert row["stage"] == (None if row["verdict"] is None else "filter_2")
        assert row["bytes_out"] == (0 if row["verdict"] else len(redacted[0].as_py().encode()))
        assert (row["tokens"] > 0) == (row["verdict"] is None)
    mail = next(row for row in rows if row["external_id"] == "mail")
    assert dict(mail["redacted"]) == {"email": 1, "ip": 1} and mail["language"] is not None, "labels stay"
    lorem = [row for row in rows if (row["external_id"] or "").startswith("lorem")]
    assert lorem[0]["verdict"] == "c4.lorem_ipsum"
    assert lorem[1]["verdict"].startswith("dedup.duplicate_of:"), "dedup came first"
    for door, verdicts in ((door["name"], door["documents"]["dropped"]) for door in result.manifest["doors"]):
        told: dict[str, int] = {}
        for row in rows:
            if row["stage"] == door:
                name = row["verdict"].partition(":")[0] if door == "dedup" else row["verdict"]
                told[name] = told.get(name, 0) + 1
        assert told == verdicts, f"ledger and door {door}"
    assert result.manifest["metrics"]["*"]["redact.email.per_million_tokens"] > 0
    assert not verify(result.output).problems


def test_batches_threads_and_budgets_do_not_show(folder: Path) -> None:
    whole = result_bytes(run(folder, "one").output)
    small = tf.run(load_recipe(late_recipe(folder, "two", memory="128MiB"), base=folder), threads=1)
    assert result_bytes(small.output) == whole


class StopsError(Exception):
    pass


class Stops(Counting):
    """Gives up when a phase begins."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self.phase = phase

    def run(self, tasks: Any, context: Any, listener: Any, meter: Any) -> None:
        if tasks and tasks[0].phase == self.phase:
            super().run(tasks[: len(tasks) // 2], context, listener, meter)
            raise StopsError
        super().run(tasks, context, listener, meter)


@pytest.mark.parametrize("phase", ["refine", "tokens", "shards"])
def test_an_interrupted_run_goes_on(folder: Path, phase: str) -> None:
    whole = result_bytes(run(folder, "whole").output)
    with pytest.raises(StopsError):
        run(folder, "out", Stops(phase))
    again = Counting()
    assert result_bytes(run(folder, "out", again).output) == whole
    assert again.done["text"] == 0, "what was done before is not done again"
    assert again.done["refine"] == (3 - 1 if phase == "refine" else 0)


def test_a_late_stage_that_changes_leaves_dedup_done(folder: Path) -> None:
    first = Counting()
    run(folder, "one", first, cache="cache")
    assert first.done["text"] == first.done["refine"] == first.done["tokens"] == 3
    again = Counting()
    two = run(folder, "two", again, cache="cache")
    assert not any(again.done[phase] for phase in ("text", "sketch", "bands", "refine", "tokens"))
    third = Counting()
    three = run(folder, "three", third, cache="cache", late=[*LATE[:2], {"clean": {"form": "NFKC"}}])
    assert third.done["text"] == third.done["sketch"] == third.done["bands"] == 0 and third.done["refine"] == 3
    assert third.stages["redact"] == third.stages["filter_2"] == 0 < third.stages["clean_2"], "behind the shared prefix"
    plain = run(folder, "plain", late=[*LATE[:2], {"clean": {"form": "NFKC"}}])
    assert result_bytes(three.output) == result_bytes(plain.output)
    assert result_bytes(two.output) == result_bytes(run(folder, "four").output)


def test_a_gate_on_a_late_stage(folder: Path) -> None:
    gate = {"metric": "filter_2.yield", "min": 0.99, "sources": ["web"], "action": "quarantine"}
    result = run(folder, gates=[gate])
    finding = result.manifest["gates"][0]
    assert finding["source"] == "web" and "c4.lorem_ipsum" in finding["message"]
    rows = ledger.read(result.output).to_pylist()
    assert {row["verdict"] for row in rows if row["source"] == "web" and row["stage"] == "gate"} == {
        "gate.filter_2.yield"
    }
    assert sum(row["tokens"] for row in rows if row["source"] == "web") == 0 < sum(row["tokens"] for row in rows)
    with pytest.raises(tf.RecipeError, match=r"'filter_3\.yield' is no metric of this recipe"):
        run(folder, "other", gates=[{**gate, "metric": "filter_3.yield"}])


def test_one_poisonous_document_after_dedup(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tokenfoundry.pipeline.stages import TEXT_STAGES

    class Poison(TEXT_STAGES["clean"]):  # type: ignore[misc]
        def __call__(self, texts: Any, threads: Any) -> Any:
            if self.name == "clean_2" and any("someone@example" in text for text in texts.to_pylist()):
                raise ValueError("poison")
            return super().__call__(texts, threads)

    monkeypatch.setitem(TEXT_STAGES, "clean", Poison)
    result = run(folder, late=[{"clean": {}}])
    failed = [row for row in ledger.read(result.output).to_pylist() if row["verdict"] == "clean_2.failed"]
    assert [row["external_id"] for row in failed] == ["mail"]
    assert "poison" in failed[0]["reason"]


def test_the_plan(folder: Path) -> None:
    checked = load_recipe(late_recipe(folder, cache="cache"), base=folder)
    plan = {phase.name: phase for phase in make_plan(checked).phases}
    assert list(plan) == ["text", "sketch", "decide", "refine", "train", "tokens", "pack", "write"]
    assert plan["refine"].stages == ["redact", "filter_2", "clean_2"] and plan["refine"].done is None
    tf.run(checked)
    again = load_recipe(late_recipe(folder, "again", cache="cache"), base=folder)
    plan = {phase.name: phase for phase in make_plan(again).phases}
    assert plan["refine"].done == 3 and plan["tokens"].done == 3 and plan["refine"].bytes_to_do == 0
