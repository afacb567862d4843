"""Showing a run: live bars on a terminal, a line now and then elsewhere. Everything goes to stderr."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from tokenfoundry.pipeline.events import Listener, RunPlan

if TYPE_CHECKING:
    from tokenfoundry.pipeline.gates import Finding
    from tokenfoundry.pipeline.runner import RunResult
    from tokenfoundry.provenance.doors import Door

__all__ = ["PlainProgress", "RichProgress", "human_bytes", "progress_for"]

_REJECTIONS_SHOWN = 8
_PLAIN_EVERY_SECONDS = 5.0


def human_bytes(count: float) -> str:
    """1234567 as "1.2 MB" (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 1000 or unit == "TB":
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError


def progress_for(console: Console) -> Listener:
    """Bars where ``console`` is a terminal, plain lines where not."""
    return RichProgress(console) if console.is_terminal else PlainProgress(console)


@dataclass
class _Passed:
    """What went through a stage so far."""

    documents: int = 0
    bytes: int = 0
    tokens: int = 0
    started: float = field(default_factory=time.monotonic)

    def add(self, documents: int, bytes: int, tokens: int) -> None:
        self.documents += documents
        self.bytes += bytes
        self.tokens += tokens

    def __str__(self) -> str:
        seconds = max(time.monotonic() - self.started, 1e-6)
        parts = [f"{self.documents:,} documents", f"{self.documents / seconds:,.0f}/s"]
        if self.bytes:
            parts.append(f"{human_bytes(self.bytes / seconds)}/s")
        if self.tokens:
            parts.append(f"{self.tokens:,} tokens")
        return ", ".join(parts)


class _Rejections:
    """Says the first few rejected records, then only counts."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.count = 0

    def add(self, reason: str) -> None:
        self.count += 1
        if self.count <= _REJECTIONS_SHOWN:
            self.console.print(f"rejected: {reason}", style="yellow", highlight=False, markup=False, soft_wrap=True)
        elif self.count == _REJECTIONS_SHOWN + 1:
            self.console.print("rejected: more; all are in the ledger", style="yellow")


class RichProgress:
    """A bar a stage."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>4.0f}%"),
            TextColumn("{task.fields[passed]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self.console = console
        self.tasks: dict[str, TaskID] = {}
        self.passed: dict[str, _Passed] = {}
        self.rejections = _Rejections(self.progress.console)

    def run_started(self, plan: RunPlan) -> None:
        self.console.print(_headline(plan), highlight=False, markup=False)
        self.progress.start()

    def stage_started(self, name: str, documents_total: int | None, bytes_total: int | None) -> None:
        total = bytes_total if bytes_total is not None else documents_total
        self.passed[name] = _Passed()
        self.tasks[name] = self.progress.add_task(name, total=total, passed="")

    def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None:
        self.passed[name].add(documents, bytes, tokens)
        self.progress.update(self.tasks[name], advance=bytes or documents, passed=str(self.passed[name]))

    def stage_finished(self, name: str, door: "Door") -> None:
        task = self.tasks.get(name)
        if task is not None:
            self.progress.update(task, total=1, completed=1, passed=_summary(door))

    def rejected(self, uri: str, record: int, reason: str) -> None:
        self.rejections.add(reason)

    def gate_found(self, finding: "Finding") -> None:
        _say_gate(self.progress.console, finding)

    def run_finished(self, result: "RunResult") -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was; also after an error."""
        self.progress.stop()


class PlainProgress:
    """Lines for logs: one a finished stage, and one every few seconds of a long one."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.passed: dict[str, _Passed] = {}
        self.last = time.monotonic()
        self.rejections = _Rejections(console)

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def run_started(self, plan: RunPlan) -> None:
        self._say(_headline(plan))

    def stage_started(self, name: str, documents_total: int | None, bytes_total: int | None) -> None:
        self.passed[name] = _Passed()

    def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None:
        self.passed[name].add(documents, bytes, tokens)
        if time.monotonic() - self.last >= _PLAIN_EVERY_SECONDS:
            self.last = time.monotonic()
            self._say(f"{name}: {self.passed[name]}")

    def stage_finished(self, name: str, door: "Door") -> None:
        self._say(f"{name}: done, {_summary(door)}")

    def rejected(self, uri: str, record: int, reason: str) -> None:
        self.rejections.add(reason)

    def gate_found(self, finding: "Finding") -> None:
        _say_gate(self.console, finding)

    def run_finished(self, result: "RunResult") -> None: ...

    def close(self) -> None: ...


def _say_gate(console: Console, finding: "Finding") -> None:
    line = f"gate ({finding.action}): {finding.message}"
    console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)


def _headline(plan: RunPlan) -> str:
    resumed = f", {plan.units_done} of {plan.units} units done before" if plan.units_done else ""
    return f"{plan.name}: {plan.files:,} files, {human_bytes(plan.bytes)}, {plan.threads} threads{resumed} -> {plan.output}"


def _summary(door: "Door") -> str:
    dropped = sum(door.dropped_documents.values())
    parts = [f"{door.documents_out:,} documents"]
    if dropped:
        parts.append(f"{dropped:,} dropped")
    if door.tokens_out:
        parts.append(f"{door.tokens_out:,} tokens")
    return ", ".join(parts)
