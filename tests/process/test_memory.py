"""Memory: a run stays within its budget however much text there is, and says so.

No two runs are compared: how full the queues between threads get depends on who is scheduled when, and they may fill as
far as the budget allows. Instead the corpus is such that a run which kept its texts, or its tokens, could not stay
within: both are asserted to be large beside what the budget leaves over what any run takes.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.unit.pipeline.runs import prose

BUDGET = 384 << 20
# Of a run over almost nothing: interpreter, Arrow, the extension. What is asserted to be too much is so by this alone.
LEAST = 110 << 20
FILES = 12
FILE_BYTES = 12_000_000
COMMAND = [sys.executable, "-m", "tokenfoundry.cli"]


@pytest.mark.timeout(1200)
def test_the_peak_stays_within_the_budget_however_large_the_corpus_is(tmp_path: Path) -> None:
    source = random.Random(0)
    (tmp_path / "data").mkdir()
    paragraphs = [prose(number) for number in range(300)]
    for number in range(FILES):
        rows = []
        size = 0
        while size < FILE_BYTES:
            text = "\n".join(source.choices(paragraphs, k=12))
            rows.append(json.dumps({"text": text}))
            size += len(text)
        (tmp_path / "data" / f"{number}.jsonl").write_text("\n".join(rows))
    plain = {
        "name": "large", "output": "out", "memory": BUDGET, "threads": 2, "input": [{"path": "data/*.jsonl"}],
        # So few merges that there is a token for every second byte or so.
        "stages": [
            {"clean": {}}, {"filter": {"preset": "gopher_quality"}}, {"dedup": {}},
            {"tokenize": {"tokenizer": {"train": {"vocab_size": 300, "sample_bytes": 200_000}}}}, {"pack": {}},
            {"shard": {}},
        ],
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(plain))
    done = subprocess.run(
        [*COMMAND, "run", "recipe.yaml", "--quiet"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    made = json.loads((tmp_path / "out" / "manifest.json").read_text())
    token_bytes = 4 * made["tokens"]
    # Texts kept would be as much again as they are on disk: in Arrow and as they were read.
    assert LEAST + token_bytes > BUDGET
    assert LEAST + 3 * FILES * FILE_BYTES > BUDGET
    assert metrics["peak_memory_bytes"] < BUDGET
