"""Memory: a run stays within its budget however much text there is, and says so."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.unit.pipeline.runs import prose

BUDGET = 512 << 20
COMMAND = [sys.executable, "-m", "tokenfoundry.cli"]


def peak_of(folder: Path, name: str, files: int) -> int:
    plain = {
        "name": name, "output": name, "memory": BUDGET, "threads": 2,
        "input": [{"path": f"data/{number}.jsonl"} for number in range(files)],
        "stages": [
            {"clean": {}}, {"filter": {"preset": "gopher_quality"}}, {"dedup": {}},
            {"tokenize": {"tokenizer": {"train": {"vocab_size": 500, "sample_bytes": 200_000}}}}, {"pack": {}}, {"shard": {}},
        ],
    }  # fmt: skip
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(plain))
    done = subprocess.run(
        [*COMMAND, "run", f"{name}.yaml", "--quiet"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((folder / name / "metrics.json").read_text())
    return int(metrics["peak_memory_bytes"])


@pytest.mark.timeout(600)
def test_the_peak_stays_within_the_budget_and_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    source = random.Random(0)
    (tmp_path / "data").mkdir()
    paragraphs = [prose(number) for number in range(300)]
    for number in range(8):
        rows = []
        size = 0
        while size < 12_000_000:
            text = "\n".join(source.choices(paragraphs, k=12))
            rows.append(json.dumps({"text": text}))
            size += len(text)
        (tmp_path / "data" / f"{number}.jsonl").write_text("\n".join(rows))
    small, large = peak_of(tmp_path, "small", 2), peak_of(tmp_path, "large", 8)
    assert large < BUDGET
    # Four times the text: batches are as large as before, only what is kept of each document grows.
    assert large < small * 1.5
