"""How long each stage took: wall clock and CPU seconds of this process, all threads."""

import re
import resource
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["Meter"]

T = TypeVar("T")


@dataclass
class Meter:
    """Seconds by stage."""

    wall_seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._add(name, time.perf_counter() - wall, time.process_time() - cpu)

    def iterate(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """The same items; the time it takes to make each counts as ``name``'s."""
        iterator = iter(items)
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._add(name, time.perf_counter() - wall, time.process_time() - cpu)
            yield item

    def _add(self, name: str, wall: float, cpu: float) -> None:
        self.wall_seconds[name] = self.wall_seconds.get(name, 0.0) + wall
        self.cpu_seconds[name] = self.cpu_seconds.get(name, 0.0) + cpu

    def to_dict(self) -> dict[str, Any]:
        return {
            "total_seconds": round(time.perf_counter() - self.started, 3),
            "stages": {
                name: {"seconds": round(seconds, 3), "cpu_seconds": round(self.cpu_seconds[name], 3)}
                for name, seconds in self.wall_seconds.items()
            },
            "peak_memory_bytes": _peak_memory_bytes(),
        }


def _peak_memory_bytes() -> int:
    """Most memory this process has held. Linux says it of the process alone; elsewhere, and in ``ru_maxrss``, a child
    begins with its parent's."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
