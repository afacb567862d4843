"""What a run tells whoever watches it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tokenfoundry.pipeline.gates import Finding
    from tokenfoundry.pipeline.runner import RunResult
    from tokenfoundry.provenance.doors import Door

__all__ = ["Listener", "Recorder", "RunPlan", "Silent"]


@dataclass(frozen=True)
class RunPlan:
    """What a run is going to do."""

    name: str
    output: str
    stages: tuple[str, ...]
    """Names in order, the first "read"."""
    files: int
    bytes: int
    units: int
    units_done: int
    """Units that are there already: of an interrupted run, or in the cache."""
    threads: int


class Listener(Protocol):
    """Called from the thread that runs the line; what it raises stops the run."""

    def run_started(self, plan: RunPlan) -> None: ...
    def stage_started(self, name: str, documents_total: int | None, bytes_total: int | None) -> None: ...
    def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None: ...
    def stage_finished(self, name: str, door: "Door") -> None: ...
    def rejected(self, uri: str, record: int, reason: str) -> None: ...
    def gate_found(self, finding: "Finding") -> None: ...
    def run_finished(self, result: "RunResult") -> None: ...


class Silent:
    """Hears everything, says nothing."""

    def run_started(self, plan: RunPlan) -> None: ...
    def stage_started(self, name: str, documents_total: int | None, bytes_total: int | None) -> None: ...
    def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None: ...
    def stage_finished(self, name: str, door: "Door") -> None: ...
    def rejected(self, uri: str, record: int, reason: str) -> None: ...
    def gate_found(self, finding: "Finding") -> None: ...
    def run_finished(self, result: "RunResult") -> None: ...


_REJECTIONS_KEPT = 20


@dataclass
class Recorder(Silent):
    """What a worker elsewhere says, to be told to the listener here."""

    advances: dict[str, list[int]] = field(default_factory=dict)
    rejections: list[tuple[str, int, str]] = field(default_factory=list)
    rejected_more: int = 0

    def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None:
        counts = self.advances.setdefault(name, [0, 0, 0])
        for index, count in enumerate((documents, bytes, tokens)):
            counts[index] += count

    def rejected(self, uri: str, record: int, reason: str) -> None:
        if len(self.rejections) < _REJECTIONS_KEPT:
            self.rejections.append((uri, record, reason))
        else:
            self.rejected_more += 1

    def tell(self, listener: Any) -> None:
        for name, counts in self.advances.items():
            listener.stage_advanced(name, *counts)
        for rejection in self.rejections:
            listener.rejected(*rejection)
