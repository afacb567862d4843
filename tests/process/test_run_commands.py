"""plan, diff, takedown, sign, export as a user calls them; and a death that the watching parent reports."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from tests.unit.pipeline.runs import recipe, write_corpus

import tokenfoundry as tf
from tokenfoundry.pipeline.recipe import load_recipe

COMMAND = [sys.executable, "-m", "tokenfoundry.cli"]


def call(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("commands")
    write_corpus(path)
    (path / "recipe.yaml").write_text(yaml.safe_dump(recipe(path)))
    tf.run(path / "recipe.yaml")
    return path


def test_plan(folder: Path) -> None:
    (folder / "other.yaml").write_text(yaml.safe_dump(recipe(folder, "other")))
    shown = call("plan", "other.yaml", cwd=folder)
    assert shown.returncode == 0, shown.stderr
    assert "phase" in shown.stdout and "sketch" in shown.stdout and "estimated from" in shown.stdout
    plain = json.loads(call("plan", "other.yaml", "--json", "--no-sample", cwd=folder).stdout)
    assert plain["phases"][0]["units"] == 3 and not plain["finished"]
    assert "nothing to do" in call("plan", "recipe.yaml", cwd=folder).stdout
    assert call("plan", "none.yaml", cwd=folder).returncode == 2


def test_diff_sign_takedown_export(folder: Path) -> None:
    plain = recipe(folder, "second")
    plain["stages"][4] = {"dedup": {"near": False}}
    tf.run(load_recipe(plain, base=folder))
    shown = call("diff", "out", "second", cwd=folder)
    assert "dedup.near_duplicate_of -> kept" in shown.stdout
    assert json.loads(call("diff", "out", "second", "--json", cwd=folder).stdout)["moves"]
    assert call("new-key", "run.key", cwd=folder).returncode == 0
    assert call("sign", "second", "--key", "run.key", cwd=folder).returncode == 0
    assert call("verify", "second", "--key", "run.key.pub", cwd=folder).returncode == 0
    assert call("verify", "out", "--key", "run.key.pub", cwd=folder).returncode == 1
    assert call("takedown", "second", "--uri", "data/a.jsonl#1", cwd=folder).returncode == 1, "no reason"
    done = call("takedown", "second", "--uri", "data/a.jsonl#1", "--reason", "asked", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 documents were in the shards and are out" in done.stdout
    assert "no longer is" in done.stdout
    assert call("verify", "second", cwd=folder).returncode == 0
    assert "takedown.uri" in call("trace", "second", "--document", "data/a.jsonl#1", cwd=folder).stdout
    assert "nothing to finish" in call("takedown", "second", "--finish", cwd=folder).stdout
    assert call("export", "second", "--format", "eu-summary", cwd=folder).stdout.startswith("# Public summary")
    assert call("export", "second", "--format", "croissant", "--to", "c.json", cwd=folder).returncode == 0
    assert json.loads((folder / "c.json").read_text())["@type"] == "sc:Dataset"
    assert call("export", "second", "--format", "openlineage", "--to", "o.jsonl", cwd=folder).returncode == 0
    assert len((folder / "o.jsonl").read_text().splitlines()) == 2


def test_a_gate_that_stops_says_so(folder: Path) -> None:
    gates = [{"metric": "filter.yield", "min": 1.0, "sources": ["web"]}]
    (folder / "gate.yaml").write_text(yaml.safe_dump(recipe(folder, "gated", gates=gates)))
    done = call("run", "gate.yaml", cwd=folder)
    assert done.returncode == 1
    assert "error: gate filter.yield of source web is 0.97" in done.stderr
    assert "data/c.jsonl.zst#8" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="watched on Linux only")
def test_the_death_of_the_worker_is_reported(folder: Path) -> None:
    (folder / "dies.yaml").write_text(yaml.safe_dump(recipe(folder, "dies")))
    for _ in range(20):
        process = subprocess.Popen([*COMMAND, "run", "dies.yaml", "-q"], cwd=folder, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not (folder / "dies" / "work" / "lock").exists():
            time.sleep(0.005)
        with contextlib.suppress(OSError, ValueError):
            worker = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
            os.kill(worker, signal.SIGKILL)
        _, said = process.communicate()
        if process.returncode != 0:
            break
        # It ended before it could be killed.
        shutil.rmtree(folder / "dies")
    assert process.returncode == 1
    assert "killed, perhaps by the kernel because memory ran out" in said
    assert "run the same command again" in said
    assert call("run", "dies.yaml", "-q", cwd=folder).returncode == 0
