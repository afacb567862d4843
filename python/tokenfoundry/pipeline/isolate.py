"""One poisonous document must not take its batch along.

`apply` runs a stage on a batch; where that fails, on halves, and so on down to the document at fault, which gets the
verdict `STAGE.failed`. Where a stage kills the whole process (a crash in a library, no more memory), the executor runs
the unit again `in_child`: each call in a process of its own, whose death is one more way to fail.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tokenfoundry.errors import GateError, InputError, RecipeError
from tokenfoundry.pipeline.stages import Outcome, TextStage

__all__ = ["Applied", "apply"]

# What is not the document's fault. Memory or a disk that runs out is the machine's: a run on another must end with the
# same documents.
_NOT_THEIRS = (KeyboardInterrupt, SystemExit, GeneratorExit, GateError, RecipeError, MemoryError, OSError)
# A stage that fails on all of so many documents is broken; they are not.
_BROKEN = 8


class _ChildError(Exception):
    """A child process died or failed."""


@dataclass
class Applied:
    """A stage's outcome for a batch, and which of its texts it failed on."""

    outcome: Outcome
    failed: dict[int, str] = field(default_factory=dict)
    """Index in the batch, and what happened"""


def apply(stage: TextStage, texts: pa.LargeStringArray, threads: int | None, *, in_child: bool = False) -> Applied:
    """Run a stage; find the documents that it fails on. Raises InputError for a stage that fails on all of many."""
    applied = _apply(stage, texts, threads, in_child)
    if len(applied.failed) == len(texts) >= _BROKEN:
        raise InputError(f"stage {stage.name} fails on every document, for example: {applied.failed[0]}")
    return applied


def _apply(stage: TextStage, texts: pa.LargeStringArray, threads: int | None, in_child: bool) -> Applied:
    try:
        return Applied(_in_child(stage, texts, threads) if in_child else stage(texts, threads))
    except _NOT_THEIRS:
        raise
    except BaseException as error:  # a panic in the extension is no Exception
        if "failed to spawn thread" in str(error):
            raise MemoryError(str(error)) from None
        if len(texts) == 1:
            return Applied(Outcome(texts), {0: _say(error)})
    middle = len(texts) // 2
    left = _apply(stage, texts.slice(0, middle), threads, in_child)
    right = _apply(stage, texts.slice(middle), threads, in_child)
    return _joined(left, right)


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:300]}" if str(error) else type(error).__name__


def _joined(left: Applied, right: Applied) -> Applied:
    sizes = (len(left.outcome.texts), len(right.outcome.texts))
    both = (left.outcome, right.outcome)
    verdict = value = None
    if any(part.verdict is not None for part in both):
        verdict = pa.concat_arrays(
            [
                pa.nulls(size, pa.string()) if part.verdict is None else part.verdict.cast(pa.string())
                for part, size in zip(both, sizes, strict=True)
            ]
        )
    if any(part.value is not None for part in both):
        value = np.concatenate(
            [
                np.full(size, np.nan) if part.value is None else part.value
                for part, size in zip(both, sizes, strict=True)
            ]
        )
    kinds: dict[str, Any] = {name: column.type for part in both for name, column in part.columns.items()}
    columns = {
        name: pa.concat_arrays(
            [
                part.columns[name] if name in part.columns else _missing(name, kind, size)
                for part, size in zip(both, sizes, strict=True)
            ]
        )
        for name, kind in kinds.items()
    }
    edits: dict[str, int] = {}
    for part in both:
        for name, amount in part.edits.items():
            edits[name] = edits.get(name, 0) + amount
    failed = {**left.failed, **{index + sizes[0]: what for index, what in right.failed.items()}}
    texts = pa.concat_arrays([part.texts for part in both])
    return Applied(Outcome(texts, verdict, value, columns, edits), failed)


def _missing(name: str, kind: Any, size: int) -> pa.Array:
    return pa.array(np.zeros(size, np.int64)).cast(kind) if name.startswith("redacted_") else pa.nulls(size, kind)


def _in_child(stage: TextStage, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="tokenfoundry-") as folder:
        source, target = Path(folder) / "call", Path(folder) / "outcome"
        source.write_bytes(pickle.dumps((stage, texts.to_pylist(), threads)))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        command = [
            sys.executable,
            "-c",
            "from tokenfoundry.pipeline.isolate import _child; _child()",
            str(source),
            str(target),
        ]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode < 0:
            raise _ChildError(f"the process that worked on it died of signal {-done.returncode}")
        if done.returncode or not target.exists():
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
            raise _ChildError(lines[-1][:300])
        outcome: Outcome = pickle.loads(target.read_bytes())
        return outcome


def _child() -> None:
    source, target = map(Path, sys.argv[-2:])
    stage, texts, threads = pickle.loads(source.read_bytes())
    target.write_bytes(pickle.dumps(stage(pa.array(texts, pa.large_string()), threads)))
