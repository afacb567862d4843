"""The command as a user meets it: exit codes, messages, interruption, and kills at any moment."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from tests.unit.pipeline.runs import recipe, result_bytes, write_corpus

import tokenfoundry as tf
from tokenfoundry import provenance

COMMAND = [sys.executable, "-m", "tokenfoundry.cli"]
# How often a run may end before somebody who was to disturb it came to do so.
TRIES = 20


def call(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli")
    write_corpus(path)
    (path / "recipe.yaml").write_text(yaml.safe_dump(recipe(path)))
    return path


@pytest.fixture(scope="module")
def output(folder: Path) -> Path:
    done = call("run", "recipe.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "dedup: done" in done.stderr
    assert "Through the line" in done.stdout
    return folder / "out"


def test_help_and_version() -> None:
    assert "inspect" in call("--help").stdout
    assert call("--version").stdout.startswith("tokenfoundry ")
    assert call("nonsense").returncode == 2


def test_recipe_commands(tmp_path: Path, folder: Path) -> None:
    assert yaml.safe_load(call("recipe", "new").stdout)["name"] == "my-corpus"
    assert call("recipe", "new", tmp_path / "r.yaml").returncode == 0
    assert call("recipe", "new", tmp_path / "r.yaml").returncode == 2
    assert json.loads(call("recipe", "schema").stdout)["title"] == "Recipe"
    assert "sound" in call("recipe", "check", folder / "recipe.yaml").stdout
    broken = call("recipe", "check", tmp_path / "r.yaml")
    assert (broken.returncode, broken.stdout) == (2, "")
    assert broken.stderr.startswith("error: input[0].path: ")
    assert "Traceback" not in broken.stderr
    (tmp_path / "typo.yaml").write_text("nmae: x\n")
    assert call("run", tmp_path / "typo.yaml").returncode == 2


def test_a_second_run_says_that_it_is_done(folder: Path, output: Path) -> None:
    again = call("run", "recipe.yaml", cwd=folder)
    assert again.returncode == 0
    assert "nothing to do" in again.stderr


def test_verify(output: Path) -> None:
    assert call("verify", output).returncode == 0
    shard = output / "shards" / "shard-00000.bin"
    sound = shard.read_bytes()
    shard.write_bytes(bytes([sound[0] ^ 1]) + sound[1:])
    found = call("verify", output)
    shard.write_bytes(sound)
    assert found.returncode == 1
    assert "shards/shard-00000.bin" in found.stderr
    assert call("verify", output.parent).returncode == 1


def test_trace(output: Path) -> None:
    shown = call("trace", output, "--shard", 0, "--row", 3, "--position", 100)
    assert shown.returncode == 0
    assert "data/" in shown.stdout
    plain = json.loads(call("trace", output, "--shard", 0, "--row", 3, "--position", 100, "--json").stdout)
    assert plain["uri"] in shown.stdout
    assert plain["id"] in call("trace", output, "--document", plain["uri"]).stdout
    dropped = provenance.trace_document(output, "data/c.jsonl.zst")
    gone = next(one for one in dropped if one.dropped)
    assert "dropped  by" in call("trace", output, "--document", gone.id).stdout
    assert call("trace", output, "--document", "nothing").returncode == 1
    assert call("trace", output, "--shard", 0).returncode == 2
    assert call("trace", output).returncode == 2
    assert call("trace", output, "--shard", 99, "--row", 0, "--position", 0).returncode == 1


def test_inspect(output: Path) -> None:
    shards = tf.shard.open(output / "shards")
    shard, row = next(shards.locate(row) for row in range(len(shards)) if len(shards.pieces(row)) > 1)
    shown = call("inspect", output, "--shard", shard, "--row", row)
    assert shown.returncode == 0
    assert f"shard {shard}, row {row}:" in shown.stdout
    assert "<|endoftext|>" in shown.stdout
    assert "data/" in shown.stdout
    assert call("inspect", output, "--row", 10_000).returncode == 1


def test_dedup(folder: Path, tmp_path: Path) -> None:
    done = call("dedup", folder / "data" / "c.jsonl.zst", folder / "data" / "a.jsonl", "-o", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    kept = (tmp_path / "kept" / "a.jsonl").read_text().splitlines()
    assert 10 < len(kept) < 20, "documents 3 and 4 have a copy in the other file, which comes first"
    assert call("dedup", folder / "none.jsonl", "-o", tmp_path / "x.jsonl").returncode == 1


def test_report(output: Path) -> None:
    assert "Why documents were dropped" in (output / "report.html").read_text()
    facts = json.loads(call("report", output, "--json").stdout)
    assert facts["tokens"] == sum(source["tokens"] for source in facts["sources"])
    (output / "report.html").unlink()
    assert "report.html" in call("report", output).stdout
    assert provenance.verify(output).ok


def test_a_closed_pipe_is_no_error(output: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m tokenfoundry.cli inspect {output} --rows 40 | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def start(folder: Path, name: str) -> subprocess.Popen[str]:
    plain = recipe(folder, name)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(plain))
    command = [*COMMAND, "run", f"{name}.yaml", "--quiet"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_work(folder: Path, name: str, process: subprocess.Popen[str], delay: float) -> None:
    """Until the run has begun its work, and a little longer."""
    while not (folder / name / "work" / "lock").exists() and process.poll() is None:
        time.sleep(0.005)
    time.sleep(delay)


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(folder: Path, output: Path) -> None:
    for attempt in range(TRIES):
        process = start(folder, "interrupted")
        wait_for_work(folder, "interrupted", process, 0.05 / (1 + attempt))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        if process.returncode != 0:
            break
        # Whoever was to interrupt it came too late.
        shutil.rmtree(folder / "interrupted")
    assert process.returncode == 130
    assert "run the same command again" in errors
    assert "Traceback" not in errors
    assert not list((folder / "interrupted").rglob("*.tmp"))
    assert call("run", "interrupted.yaml", cwd=folder).returncode == 0
    assert result_bytes(folder / "interrupted") == result_bytes(output)


def processes_of(process: subprocess.Popen[str]) -> list[int]:
    """A run's processes: the one that watches and the one that works."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    children = path.read_text().split() if path.exists() else []
    return [process.pid, *map(int, children)]


def kill_and_resume(folder: Path, expected: dict[str, bytes], wanted: int, seed: int) -> None:
    """Kill ``wanted`` runs at random moments, now the watcher, now the worker, and let some finish. How long a run takes is
    learnt on the way: nothing depends on how fast this machine is."""
    source = random.Random(seed)
    kills = attempt = 0
    longest = 0.5
    while kills < wanted:
        attempt += 1
        assert attempt < TRIES * wanted, "runs end before they can be killed"
        process = start(folder, "killed")
        began = time.monotonic()
        wait_for_work(folder, "killed", process, source.uniform(0, longest))
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(source.choice(processes_of(process)), signal.SIGKILL)
        process.communicate()
        killed = process.returncode != 0
        kills += killed
        if not killed:
            longest = max(longest / 2, 0.01)
        if (folder / "killed" / "manifest.json").exists() or attempt % 7 == 6:
            longest = max(longest, 0.8 * (time.monotonic() - began)) if killed else longest
            assert call("run", "killed.yaml", cwd=folder).returncode == 0
            assert result_bytes(folder / "killed") == expected
            assert not (folder / "killed" / "work").exists()
            (folder / "killed").rename(folder / f"killed-{seed}-{attempt}")
    assert call("run", "killed.yaml", cwd=folder).returncode == 0
    assert result_bytes(folder / "killed") == expected


def test_killed_at_any_moment_it_goes_on_and_ends_with_the_same_bytes(folder: Path, output: Path) -> None:
    kill_and_resume(folder, result_bytes(output), 4, 0)
    (folder / "killed").rename(folder / "killed-short")


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_killed_at_fifty_moments(folder: Path, output: Path) -> None:
    kill_and_resume(folder, result_bytes(output), 50, 100)


def test_two_runs_into_one_output_do_not_mix(folder: Path) -> None:
    first = start(folder, "shared")
    wait_for_work(folder, "shared", first, 0)
    second = call("run", "shared.yaml", cwd=folder)
    first.communicate()
    assert first.returncode == 0
    assert second.returncode in (0, 2)
    if second.returncode == 2:
        assert "another run" in second.stderr
