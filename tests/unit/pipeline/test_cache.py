"""Units and the cache: what is done is never done again, by whomever; what changes is done, and nothing else. And `plan`."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.pipeline.runs import checked, prose, recipe, result_bytes, write_corpus

import tokenfoundry as tf
from tokenfoundry.pipeline import digests
from tokenfoundry.pipeline.estimate import make_plan
from tokenfoundry.pipeline.events import Silent
from tokenfoundry.pipeline.executors import LocalExecutor
from tokenfoundry.pipeline.recipe import load_recipe
from tokenfoundry.provenance import ledger, verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_corpus(tmp_path)
    return tmp_path


class Counting(LocalExecutor):
    """How many tasks of each phase were not done yet."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.stages: Counter[str] = Counter()

    def run(self, tasks: Any, context: Any, listener: Any, meter: Any) -> None:
        self.done.update(task.phase for task in each(tasks) if not task.done(context))
        super().run(tasks, context, Listening(self.stages), meter)


def each(tasks: Any) -> Iterator[Any]:
    """Tasks, and by themselves those that are done right behind them."""
    for task in tasks:
        followers = getattr(task, "then", ())
        yield replace(task, then=()) if followers else task
        yield from followers


class Listening(Silent):
    def __init__(self, stages: Counter[str]) -> None:
        self.stages = stages

    def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None:
        self.stages[name] += documents


def run(folder: Path, output: str, **changes: Any) -> tuple[Counting, Any]:
    executor = Counting()
    result = tf.run(load_recipe(recipe(folder, output, cache="cache", **changes), base=folder), executor=executor)
    return executor, result


def changed_stage(folder: Path, name: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: options} if name in stage else stage for stage in recipe(folder)["stages"]]


def test_a_second_run_with_the_cache_makes_nothing_again(folder: Path) -> None:
    first, one = run(folder, "one")
    assert first.done["text"] == 3 and first.done["tokens"] == 3 and first.done["sketch"] == 3
    second, two = run(folder, "two")
    assert second.done["text"] == second.done["tokens"] == second.done["sketch"] == second.done["bands"] == 0
    assert result_bytes(one.output) == result_bytes(two.output)
    plain = tf.run(checked(folder, "plain"))
    assert result_bytes(plain.output) == result_bytes(one.output), "a cache changes nothing"


def test_another_teams_copy_of_the_data_shares_the_units(folder: Path) -> None:
    run(folder, "one")
    team = folder / "team"
    team.mkdir()
    shutil.copytree(folder / "data", team / "data")
    executor = Counting()
    plain = recipe(team, "out", cache="../cache", name="another team's")
    tf.run(load_recipe(plain, base=team), executor=executor)
    assert executor.done["text"] == executor.done["tokens"] == 0


def test_a_late_stage_that_changes_leaves_the_early_ones_done(folder: Path) -> None:
    run(folder, "one")
    executor, result = run(folder, "two", stages=changed_stage(folder, "redact", {"kinds": ["email"]}))
    assert executor.done["text"] == 3
    assert executor.stages["redact"] > 0
    assert executor.stages["read"] == executor.stages["label"] == executor.stages["filter"] == 0
    direct = tf.run(
        load_recipe(recipe(folder, "direct", stages=changed_stage(folder, "redact", {"kinds": ["email"]})), base=folder)
    )
    assert result_bytes(direct.output) == result_bytes(result.output)
    executor, _ = run(folder, "three", stages=changed_stage(folder, "pack", {"sequence_length": 512}))
    assert executor.done["text"] == executor.done["sketch"] == executor.done["tokens"] == 0
    assert executor.done["shards"] > 0
    executor, _ = run(folder, "four", stages=changed_stage(folder, "dedup", {"threshold": 0.8, "keep": "longest"}))
    assert executor.done["text"] == executor.done["sketch"] == 0
    assert executor.done["bands"] > 0


def test_a_changed_file_is_a_new_unit_and_a_touched_one_is_not(folder: Path) -> None:
    run(folder, "one")
    (folder / "data" / "a.jsonl").touch()
    executor, _ = run(folder, "two")
    assert executor.done["text"] == 0
    with (folder / "data" / "a.jsonl").open("a") as file:
        file.write(json.dumps({"text": prose(999)}) + "\n")
    executor, _ = run(folder, "three")
    assert executor.done["text"] == 1
    assert executor.done["sketch"] == 1


def test_large_files_are_cut_and_nothing_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.dumps({"text": prose(seed), "id": f"n{seed}"}) for seed in range(300)]
    (folder / "data" / "large.jsonl").write_text(
        "\ufeff" + "\n".join(lines[:150]) + "\n\n{broken\n" + "\n".join(lines[150:])
    )
    pq.write_table(
        pa.table({"text": [prose(seed) for seed in range(400, 600)], "licence": ["CC0"] * 200}),
        folder / "data" / "large.parquet", row_group_size=10,
    )  # fmt: skip
    whole = tf.run(checked(folder, "whole"))
    monkeypatch.setattr(digests, "PART_BYTES", 20_000)
    monkeypatch.setattr(digests, "_CHUNK_BYTES", 7_000)
    plan = make_plan(
        recipe(folder, "cut")
        | {"input": [{**one, "path": str(folder / one["path"])} for one in recipe(folder)["input"]]},
        sample=False,
    )
    assert plan.phases[0].units > 15
    cut = tf.run(checked(folder, "cut"))
    rows = [
        {name: row[name] for name in ("id", "uri", "record", "verdict", "reason")}
        for row in ledger.read(cut.output).to_pylist()
    ]
    assert rows == [{name: row[name] for name in rows[0]} for row in ledger.read(whole.output).to_pylist()]
    assert result_bytes(cut.output) == result_bytes(whole.output)
    assert any(row["verdict"] == "read.invalid_json" and "large.jsonl:152" in row["reason"] for row in rows)
    assert verify(cut.output).ok


def test_memory_and_threads_change_nothing(folder: Path) -> None:
    expected = result_bytes(tf.run(checked(folder, "one")).output)
    assert result_bytes(tf.run(checked(folder, "two", memory="128MiB", threads=1)).output) == expected
    with pytest.raises(tf.RecipeError, match=r"memory: .*no size"):
        tf.run(checked(folder, "three", memory="much"))


def test_plan(folder: Path) -> None:
    (folder / "r.yaml").write_text(json.dumps(recipe(folder, cache="cache")))
    before = sorted(path for path in folder.rglob("*"))
    made = make_plan(folder / "r.yaml")
    assert sorted(path for path in folder.rglob("*")) == before, "plan writes nothing"
    phases = {phase.name: phase for phase in made.phases}
    assert list(phases) == ["text", "sketch", "decide", "train", "tokens", "pack", "write"]
    assert phases["text"].units == 3 and phases["text"].done == 0 and phases["tokens"].done is None
    assert made.seconds and made.seconds > 0 and made.memory_bytes and made.sample_documents > 10
    tf.run(folder / "r.yaml")
    assert make_plan(folder / "r.yaml", sample=False).finished
    stages = changed_stage(folder, "pack", {"sequence_length": 512})
    (folder / "s.yaml").write_text(json.dumps(recipe(folder, "other", cache="cache", stages=stages)))
    phases = {phase.name: phase for phase in make_plan(folder / "s.yaml").phases}
    assert [phases[name].done == phases[name].units for name in phases] == [True] * 5 + [False] * 2
    assert phases["text"].seconds == 0 and phases["text"].bytes_to_do == 0
