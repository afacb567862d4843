"""Whatever breaks under a run (disk, memory, files, permissions, one document), it says so, and goes on when it is mended."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from tests.unit.pipeline.runs import prose, recipe, result_bytes, write_corpus

import tokenfoundry as tf
from tokenfoundry import provenance
from tokenfoundry.pipeline import reading
from tokenfoundry.pipeline.events import Silent
from tokenfoundry.pipeline.recipe import CleanStage, load_recipe
from tokenfoundry.pipeline.stages import TEXT_STAGES, Outcome
from tokenfoundry.pipeline.stages.base import EverySource
from tokenfoundry.provenance import ledger

COMMAND = [sys.executable, "-m", "tokenfoundry.cli"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults")
    write_corpus(path)
    return path


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, bytes]:
    return result_bytes(tf.run(load_recipe(recipe(folder, "expected"), base=folder)).output)


def start(folder: Path, output: str, prepare: Any = None, **changes: Any) -> subprocess.CompletedProcess[str]:
    path = folder / f"{Path(output).name}.yaml"
    path.write_text(yaml.safe_dump(recipe(folder, output, **changes)))
    return subprocess.run(
        [*COMMAND, "run", str(path), "--quiet"], capture_output=True, text=True, check=False, preexec_fn=prepare, timeout=600
    )  # fmt: skip


@pytest.mark.parametrize(
    "limit", [40_000, *(pytest.param(size, marks=pytest.mark.long) for size in (3_000, 150_000, 300_000))]
)
def test_a_file_that_cannot_grow(folder: Path, expected: dict[str, bytes], tmp_path: Path, limit: int) -> None:
    """As on a full disk: writing fails in the middle of some file."""

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    output = str(tmp_path / "out")
    failed = start(folder, output, small_files)
    assert failed.returncode == 1, failed.stderr
    assert "Traceback" not in failed.stderr
    assert "File too large" in failed.stderr
    assert not list((tmp_path / "out").rglob("*.tmp"))
    done = start(folder, output)
    assert done.returncode == 0, done.stderr
    assert result_bytes(tmp_path / "out") == expected


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="mounting a small disk needs root")
@pytest.mark.parametrize("size", ["700k", *(pytest.param(size, marks=pytest.mark.long) for size in ("200k", "1100k"))])
def test_a_full_disk(folder: Path, expected: dict[str, bytes], tmp_path: Path, size: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        failed = start(folder, str(disk / "out"))
        assert failed.returncode == 1, failed.stderr
        assert "No space left on device" in failed.stderr
        assert "run the same command again" in failed.stderr or "cannot be written" in failed.stderr
        assert "Traceback" not in failed.stderr
        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        assert start(folder, str(disk / "out")).returncode == 0
        assert result_bytes(disk / "out") == expected
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def without_root() -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become somebody else")
def test_an_output_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    shared = Path("/tmp") / f"tokenfoundry-{os.getpid()}"
    shutil.copytree(folder / "data", shared / "data")
    for path in [shared, *shared.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    (shared / "out").mkdir(mode=0o555)
    (shared / "out").chmod(0o555)
    try:
        plain = recipe(shared, "out")
        (shared / "r.yaml").write_text(yaml.safe_dump(plain))
        code = (
            "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "import tokenfoundry as tf\n"
            f"try: tf.run({str(shared / 'r.yaml')!r})\n"
            "except (tf.RecipeError, OSError) as error: print(type(error).__name__, error)"
        )
        # Imported before rights are dropped: the environment may be somebody's home.
        code = "import tokenfoundry.pipeline, tokenfoundry.pipeline.runner, typer, rich.console, py3langid\n" + code
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/")
        assert "out cannot be written to: Permission denied" in done.stdout, done.stderr
    finally:
        shutil.rmtree(shared)


@pytest.mark.parametrize("what", ["vanished", "changed"])
def test_an_input_that_goes_under_the_run(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path)
    expected = result_bytes(tf.run(load_recipe(recipe(tmp_path, "expected"), base=tmp_path)).output)
    victim = tmp_path / "data" / "d.parquet"
    sound = victim.read_bytes()
    status = victim.stat()
    honest = reading._still_there

    def meanwhile(file: Any) -> None:
        if file.path == victim:
            if what == "vanished":
                victim.unlink(missing_ok=True)
            else:
                victim.write_bytes(sound[:-1])
        honest(file)

    with monkeypatch.context() as patch:
        patch.setattr(reading, "_still_there", meanwhile)
        with pytest.raises(tf.InputError, match=r"d\.parquet: (is gone|was changed).*run the same command again"):
            tf.run(load_recipe(recipe(tmp_path), base=tmp_path))
    victim.write_bytes(sound)
    os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert result_bytes(tf.run(load_recipe(recipe(tmp_path), base=tmp_path)).output) == expected


class Poison(EverySource):
    """A stage that cannot stand some documents."""

    name = "label"
    version = 1
    edits_text = False

    def __init__(self, options: Any) -> None:
        self.options = CleanStage()

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        for text in texts.to_pylist():
            if "POISON" in text:
                raise ValueError("cannot stand it")
            if "HUNGRY" in text:
                raise MemoryError
            if "DEADLY" in text:
                os.kill(os.getpid(), signal.SIGKILL)
        values = pa.array(["xx"] * len(texts))
        return Outcome(texts, columns={"language": values})


def poisoned(tmp_path: Path, word: str) -> dict[str, Any]:
    (tmp_path / "data").mkdir()
    rows = [{"text": prose(seed) + (f" {word}" if seed in (7, 23) else "")} for seed in range(40)]
    (tmp_path / "data" / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    plain = recipe(tmp_path)
    plain["input"] = [{"path": "data/a.jsonl", "source": "web"}]
    plain["stages"][2] = {"filter": {}}
    return plain


def test_memory_that_runs_out_loses_no_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEXT_STAGES, "label", Poison)
    with pytest.raises(tf.InputError, match=r"data/a\.jsonl: memory ran out.*run the same command again"):
        tf.run(load_recipe(poisoned(tmp_path, "HUNGRY"), base=tmp_path))


def test_a_stage_that_fails_on_everything_is_to_blame_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Poison):
        def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
            raise ValueError("the model is gone")

    monkeypatch.setitem(TEXT_STAGES, "label", Broken)
    with pytest.raises(tf.InputError, match=r"stage label fails on every document.*the model is gone"):
        tf.run(load_recipe(poisoned(tmp_path, "x"), base=tmp_path))


def test_a_poisonous_document_goes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEXT_STAGES, "label", Poison)
    plain = poisoned(tmp_path, "POISON")

    class Hears(Silent):
        def __init__(self) -> None:
            self.said: list[str] = []

        def rejected(self, uri: str, record: int, reason: str) -> None:
            self.said.append(reason)

    hears = Hears()
    result = tf.run(load_recipe(plain, base=tmp_path), progress=hears)
    rows = {row["record"]: row for row in ledger.read(result.output).to_pylist()}
    assert [record for record, row in rows.items() if row["verdict"] == "label.failed"] == [8, 24]
    assert "data/a.jsonl:8: stage label failed on it" in rows[8]["reason"]
    assert hears.said == [rows[8]["reason"], rows[24]["reason"]]
    assert all(row["language"] == "xx" for record, row in rows.items() if record not in (8, 24))
    assert provenance.verify(result.output).ok
    stopping = {**plain, "on_error": "stop", "output": "stopped"}
    with pytest.raises(tf.InputError, match=r"a\.jsonl:8: stage label failed on it.*on_error: stop"):
        tf.run(load_recipe(stopping, base=tmp_path))


@pytest.mark.long
def test_a_document_that_kills_the_process_is_found_by_the_runs_that_follow(tmp_path: Path) -> None:
    plain = poisoned(tmp_path, "DEADLY")
    (tmp_path / "r.json").write_text(json.dumps(plain))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.process.test_faults import Poison\n"
        "from tokenfoundry.pipeline.stages import TEXT_STAGES\n"
        "TEXT_STAGES['label'] = Poison\n"
        "import tokenfoundry as tf\n"
        "tf.run(sys.argv[2])\n"
    )
    root = str(Path(__file__).parents[2])
    ends = []
    for _ in range(3):
        command = [sys.executable, "-c", code, root, str(tmp_path / "r.json")]
        ends.append(subprocess.run(command, check=False, capture_output=True).returncode)
    assert ends == [-signal.SIGKILL, -signal.SIGKILL, 0], "the third works in child processes"
    rows = {row["record"]: row for row in ledger.read(tmp_path / "out").to_pylist()}
    assert [record for record, row in rows.items() if row["verdict"] == "label.failed"] == [8, 24]
    assert "died of signal 9" in rows[8]["reason"]
    assert provenance.verify(tmp_path / "out").ok


def test_out_of_memory_ends_with_a_message(folder: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    big = tmp_path / "data"
    shutil.copytree(folder / "data", big)

    def little_memory() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (450 << 20, 450 << 20))

    (big / "big.jsonl").write_text("".join(json.dumps({"text": prose(seed) * 400}) + "\n" for seed in range(60)))
    failed = start(tmp_path, "out", little_memory, threads=2)
    assert failed.returncode == 1
    assert "memory" in failed.stderr, failed.stderr
    assert "run the same command again" in failed.stderr
    done = start(tmp_path, "out")
    assert done.returncode == 0, done.stderr
    other = start(tmp_path, "other")
    assert other.returncode == 0
    assert result_bytes(tmp_path / "out") == result_bytes(tmp_path / "other")
