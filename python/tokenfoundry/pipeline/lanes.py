"""Lanes: workers that batches go through side by side, and come out of in the order in which they went in.

Each lane takes a whole batch through all stages with one thread, so there is nothing to wait for between stages and no
stage leaves a core idle. How many batches there are at a time is bounded: who feeds the lanes waits for them
(back-pressure), and memory stays within the budget.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

__all__ = ["Lanes", "Serial", "StoppedError", "Way"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class StoppedError(Exception):
    """The lanes were closed while there was work left: something else went wrong, or somebody pressed Ctrl-C."""


class Way(Protocol):
    """How batches are worked on."""

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of the items; the first error in that order is raised."""
        ...

    def clock(self) -> float:
        """Seconds that a worker's work is measured in: of CPU where it can be told apart, else of the wall."""
        ...

    def cpu_share(self) -> float:
        """CPU seconds in one of `clock`'s, about."""
        ...


class Serial:
    """One batch after another, here."""

    def __init__(self, seconds: Callable[[], float] = time.process_time) -> None:
        self._seconds = seconds

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        return map(work, items)

    def clock(self) -> float:
        return self._seconds()

    def cpu_share(self) -> float:
        return 1.0


class Lanes:
    """``lanes`` threads; of each caller of `map` at most ``lanes`` + 1 batches are on their way at a time."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.stopped = False
        self._began = time.perf_counter(), time.process_time()
        self._pool = ThreadPoolExecutor(lanes, "tokenfoundry-lane")

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                if self.stopped:
                    raise StoppedError
                try:
                    pending.append(self._pool.submit(work, item))
                except RuntimeError as error:
                    if self.stopped:
                        raise StoppedError from None
                    raise MemoryError(str(error)) from None  # no room for another thread
                if len(pending) > self.lanes:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    def clock(self) -> float:
        return time.perf_counter()

    def cpu_share(self) -> float:
        wall, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        return min(cpu / (wall * self.lanes), 1.0) if wall else 1.0

    def close(self) -> None:
        """Finish what is at work; what waits is not begun."""
        self.stopped = True
        self._pool.shutdown(wait=True, cancel_futures=True)
