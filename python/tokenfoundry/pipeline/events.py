"""What a run tells whoever watches it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tokenfoundry.pipeline.runner import RunResult
    from tokenfoundry.provenance.doors import Door

__all__ = ["Listener", "RunPlan", "Silent"]


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
    """Units that an earlier, interrupted run had finished."""
    threads: int


class Listener(Protocol):
    """Called from the thread that runs the line; what it raises stops the run."""

    def run_started(self, plan: RunPlan) -> None: ...
    def stage_started(self, name: str, documents_total: int | None, bytes_total: int | None) -> None: ...
    def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None: ...
    def stage_finished(self, name: str, door: "Door") -> None: ...
    def rejected(self, uri: str, record: int, reason: str) -> None: ...
    def run_finished(self, result: "RunResult") -> None: ...


class Silent:
    """Hears everything, says nothing."""

    def run_started(self, plan: RunPlan) -> None: ...
    def stage_started(self, name: str, documents_total: int | None, bytes_total: int | None) -> None: ...
    def stage_advanced(self, name: str, documents: int, bytes: int, tokens: int) -> None: ...
    def stage_finished(self, name: str, door: "Door") -> None: ...
    def rejected(self, uri: str, record: int, reason: str) -> None: ...
    def run_finished(self, result: "RunResult") -> None: ...
