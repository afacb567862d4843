"""A run in the middle: what it knows so far, and how it does a phase's tasks, counts and judges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry import pack
from tokenfoundry.errors import GateError
from tokenfoundry.pipeline import costs
from tokenfoundry.pipeline.corpus import Corpus
from tokenfoundry.pipeline.events import Listener
from tokenfoundry.pipeline.evidence import Evidence
from tokenfoundry.pipeline.executors import Executor
from tokenfoundry.pipeline.gates import Finding, Gates
from tokenfoundry.pipeline.line import Line
from tokenfoundry.pipeline.meter import Energy, Meter
from tokenfoundry.pipeline.metrics import Metrics
from tokenfoundry.pipeline.recipe import Recipe
from tokenfoundry.pipeline.stages.dedup import Duplicates
from tokenfoundry.pipeline.tasks import (
    Context,
    Task,
    TokenTask,
)
from tokenfoundry.provenance.doors import Door, check
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["Left", "Packed", "RunResult", "State"]


@dataclass(frozen=True)
class RunResult:
    """A finished run."""

    output: Path
    manifest: dict[str, Any]
    metrics: dict[str, Any]
    reused: bool = False
    """The output was there already, finished by an earlier run of the same recipe on the same input."""


@dataclass(frozen=True)
class Left:
    """What goes on to the tokenizer."""

    corpus: Corpus
    """Texts that dedup saw, or what the text stages after it left of them"""
    keep: NDArray[np.bool_]
    """Of this corpus, which texts are meant"""
    passed: NDArray[np.bool_]
    """Of the corpus that dedup saw, which texts went on"""
    survived: NDArray[np.bool_]
    """Of the same, which are left behind the text stages after it"""
    late: bool
    """There are such stages"""


@dataclass(frozen=True)
class Packed:
    """What the last stages work on."""

    duplicates: Duplicates
    left: Left
    tokenizer: Tokenizer
    tasks: list[TokenTask]
    lengths: NDArray[np.int64]
    """Tokens of each kept text."""
    plan: pack.Plan


class State:
    """A run in the middle: what its phases share."""

    def __init__(
        self, recipe: Recipe, threads: int | None, listener: Listener, keep_work: bool, executor: Executor | None
    ) -> None:
        self.recipe = recipe
        self.threads = threads
        self.listener = listener
        self.keep_work = keep_work
        self.meter = Meter()
        self.energy = Energy()
        self.clock = costs.Clock()
        self.line = Line(recipe)
        self.output = self.line.output
        self.work = self.line.work
        self.store = self.line.store
        self.executor = executor
        self.doors: list[Door] = []
        self.source_doors: dict[str, list[Door]] = {}
        self.late_doors: dict[str, list[Door]] = {}
        """By source, of the text stages after dedup"""
        self.metrics: Metrics = {}
        self.findings: list[Finding] = []
        self.quarantined: dict[str, Finding] = {}
        self.gates = Gates([], recipe.name, None)
        self.to_read = 0
        self.begun: set[str] = set()
        """Stages of which tasks of an earlier phase did a part"""

    def _tasks(self, tasks: list[Any]) -> None:
        """Do the tasks of a phase."""
        assert self.executor is not None
        context = Context(self.recipe, self.store, self.work.folder, self.threads)
        for line, phase, total in [(self.line.text, "text", self.to_read), (self.line.late, "refine", None)]:
            if tasks and tasks[0].phase == phase:
                for name in line.door_names:
                    self.listener.stage_started(name, None, total)
        for name in {follower.stage for task in tasks if task.phase == "text" for follower in task.then}:
            self.begun.add(name)
            self.listener.stage_started(name, None, None)
        listed: list[Task] = list(tasks)
        self.executor.run(listed, context, self.listener, self.meter)
        missing = next((task for task in listed if task.phase != "ledger" and not task.done(context)), None)
        if missing is not None:
            raise GateError(
                f"{missing.phase} of {missing}: was done and is not there; is {self.store.folder} shared by all?"
            )

    def _passed(self, door: Door, told: bool = False) -> None:
        check(door)
        self.doors.append(door)
        if not told:
            self.listener.stage_finished(door.name, door)

    def _judge(self, known: set[str], evidence: Evidence) -> bool:
        """Judge the gates on stages that are ``known``. True: a source was quarantined."""
        findings = self.gates.judge(self.metrics, known, evidence)
        if self.gates.frozen:
            self.work.save_json("limits", self.gates.frozen)
        self.findings += findings
        for finding in findings:
            self.listener.gate_found(finding)
        stopped = [finding for finding in findings if finding.action == "stop"]
        if stopped:
            more = f" ({len(stopped) - 1} more gates say stop)" if len(stopped) > 1 else ""
            raise GateError(f"gate {stopped[0].message}{more}; the line stops. Finished units are kept")
        new = [
            finding for finding in findings if finding.action == "quarantine" and finding.source not in self.quarantined
        ]
        for finding in new:
            self.quarantined.setdefault(finding.source, finding)
        return bool(new)
