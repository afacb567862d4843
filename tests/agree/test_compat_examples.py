"""The examples of `tokenfoundry.compat.transformers` do what they say, and their answers are equal (they look themselves)."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.agree.transformers_directories import directory

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("datasets_map", 1),
        pytest.param("torch_dataloader", 3, marks=pytest.mark.torch),
        pytest.param("trl_sft", 1, marks=pytest.mark.torch),
    ],
)
def test_an_example(name: str, lines: int, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), str(directory("r50k", tmp_path))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=500, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    measured = [line for line in result.stdout.splitlines() if "with tokenfoundry" in line]
    assert len(measured) == lines, result.stdout
    assert all(line.endswith(" x") for line in measured)
