"""What each stage costs: seconds of wall clock and of CPU, and bytes, by stage; joules of the whole run.

Where tasks go one after another, CPU seconds of a stage are those of the whole process while it works. Where they go
side by side, each worker measures how long it was busy with a stage, and `share` gives each stage its part of the CPU
seconds and of the time that all took together. Costs are kept with each unit's result, so a run that reuses units still
knows what they cost when they were made, and what it spent itself.
"""

import re
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Cost", "Energy", "Meter"]

_RAPL = Path("/sys/class/powercap")


@dataclass
class Cost:
    """Of one stage."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    bytes: int = 0

    def add(self, other: "Cost") -> None:
        self.wall_seconds += other.wall_seconds
        self.cpu_seconds += other.cpu_seconds
        self.bytes += other.bytes

    def scaled(self, cpu_share: float) -> "Cost":
        """With only a share of the CPU seconds."""
        return Cost(self.wall_seconds, self.cpu_seconds * cpu_share, self.bytes)

    def to_dict(self) -> dict[str, Any]:
        return {"seconds": round(self.wall_seconds, 4), "cpu_seconds": round(self.cpu_seconds, 4), "bytes": self.bytes}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Cost":
        return cls(plain["seconds"], plain["cpu_seconds"], plain["bytes"])


@dataclass
class Meter:
    """Costs by stage."""

    costs: dict[str, Cost] = field(default_factory=dict)
    clock: Callable[[], float] = time.process_time
    """What CPU seconds are read from; a busy worker's is that of the wall."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, name: str, wall: float, cpu: float, bytes: int = 0) -> None:
        with self._lock:
            self.costs.setdefault(name, Cost()).add(Cost(wall, max(cpu, 0.0), bytes))

    def merge(self, other: "dict[str, Cost]") -> None:
        with self._lock:
            for name, cost in other.items():
                self.costs.setdefault(name, Cost()).add(cost)

    @contextmanager
    def share(self, otherwise: str) -> "Iterator[Meter]":
        """A meter for workers side by side. What the block takes in all is shared out among the stages by how long
        they kept workers busy; ``otherwise`` gets it where nobody measured."""
        wall, cpu = time.perf_counter(), time.process_time()
        workers = Meter(clock=time.perf_counter)
        try:
            yield workers
        finally:
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            busy = sum(cost.wall_seconds for cost in workers.costs.values())
            for name, cost in workers.costs.items():
                part = cost.wall_seconds / busy if busy else 1 / len(workers.costs)
                self.add(name, wall * part, cpu * part, cost.bytes)
            if not workers.costs:
                self.add(otherwise, wall, cpu)

    @contextmanager
    def measure(self, name: str, bytes: int = 0) -> Iterator[None]:
        wall, cpu = time.perf_counter(), self.clock()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - wall, self.clock() - cpu, bytes)

    def to_dict(self) -> dict[str, Any]:
        return {name: cost.to_dict() for name, cost in self.costs.items()}


class Energy:
    """Joules since it was made: RAPL's counters where they can be read, else None."""

    def __init__(self) -> None:
        self.before = _rapl()

    def joules(self) -> float | None:
        """Of the whole machine's processors; None where RAPL cannot be read."""
        after = _rapl()
        if not self.before or not after:
            return None
        total = 0.0
        for name, (start, span) in self.before.items():
            if name in after:
                # The counters wrap round.
                total += (after[name][0] - start) % (span + 1) / 1e6
        return total


def _rapl() -> dict[str, tuple[int, int]]:
    found = {}
    for folder in _RAPL.glob("intel-rapl:*"):
        # Packages only: what is below them (intel-rapl:0:0) is counted in them.
        if folder.name.count(":") != 1:
            continue
        try:
            found[folder.name] = (
                int((folder / "energy_uj").read_text()),
                int((folder / "max_energy_range_uj").read_text()),
            )
        except (OSError, ValueError):
            continue
    return found


def peak_memory_bytes() -> int:
    """Most memory this process has held. Linux says it of the process alone; elsewhere, and in ``ru_maxrss``, a child
    begins with its parent's."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
