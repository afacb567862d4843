"""Every CPU tier that this machine has encodes the same."""

import os
import subprocess
import sys
from pathlib import Path

from tests.agree.tokenizer_ids import NAMES
from tests.vocabularies import vocabulary


def test_tiers_encode_the_same() -> None:
    for name in NAMES:
        vocabulary(name)
    printed: dict[str, str] = {}
    for tier in ("scalar", "avx2", "avx512"):
        run = subprocess.run(
            [sys.executable, "-m", "tests.agree.tokenizer_ids"],
            env={**os.environ, "TOKENFOUNDRY_TIER": tier},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert run.returncode == 0 or "TOKENFOUNDRY_TIER" in run.stderr, run.stderr[-2000:]
        if run.returncode == 0:
            used, _, hashes = run.stdout.partition("\n")
            printed[used] = hashes
    assert "scalar" in printed
    assert len(set(printed.values())) == 1, printed
