"""The local executor: one process, threads, bounded memory.

Text units go through lanes (`pipeline.lanes`): one thread a core takes batches through all stages, two more read the next
batches and write those that are done, so disks and processors work at the same time. Tasks of the other phases use one
thread each and are done several at a time; where there are fewer tasks than threads, each uses several.
"""

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from tokenfoundry._core import runtime
from tokenfoundry.pipeline import allocators
from tokenfoundry.pipeline.events import Listener, Silent
from tokenfoundry.pipeline.lanes import Lanes, Serial, StoppedError, Way
from tokenfoundry.pipeline.meter import Meter
from tokenfoundry.pipeline.reading import BATCH_BYTES
from tokenfoundry.pipeline.tasks import Context, Scene, Task, explained, no_memory, perform

__all__ = ["LocalExecutor", "batch_bytes", "batch_memory", "table_bytes"]

_FEEDERS = 2
# What a batch takes while stages are at it, and while it waits for them or to be written, in sizes of its raw bytes:
# lines and their columns, copies of stages that edit or drop, and what allocators keep.
_COPIES_AT_WORK = 6
_COPIES_WAITING = 2
# Of the process before any document: Python, Arrow, the extension, a large vocabulary and the tables of its encoder.
_BASE_MEMORY = 224 << 20
_LOOK_SECONDS = 0.2


def _batches(threads: int) -> int:
    """Memory of all batches under way, in sizes of one."""
    return _COPIES_AT_WORK * threads + _COPIES_WAITING * _FEEDERS * (threads + 1)


def batch_bytes(memory: int | None, threads: int) -> int:
    """How large batches may be within a budget. The result does not depend on it."""
    if memory is None:
        return BATCH_BYTES
    return min(max((memory - _BASE_MEMORY) // (2 * _batches(threads)), 64 << 10), BATCH_BYTES)


def table_bytes(memory: int | None, threads: int) -> int | None:
    """What a thread's encoder may remember within a budget: half of what is above the base, since batches of texts and
    of tokens take the other half. The result does not depend on it."""
    if memory is None:
        return None
    return max((memory - _BASE_MEMORY) // (2 * threads), 4 << 20)


def batch_memory(memory: int | None, threads: int) -> int:
    """What all batches under way take, for `plan`."""
    return batch_bytes(memory, threads) * _batches(threads)


class _Relay(Silent):
    """Hears what happens in other threads, and tells it where the line is run."""

    def __init__(self) -> None:
        self.heard: queue.SimpleQueue[tuple[str, tuple[Any, ...]]] = queue.SimpleQueue()

    def stage_advanced(self, *what: Any) -> None:
        self.heard.put(("stage_advanced", what))

    def rejected(self, *what: Any) -> None:
        self.heard.put(("rejected", what))

    def wake(self, _: object = None) -> None:
        """Look whether it has ended, now."""
        self.heard.put(("", ()))

    def tell(self, listener: Listener, until: Callable[[], bool]) -> None:
        """Until it is so, and everything that was heard before is told."""
        while True:
            ended = until()
            try:
                name, what = self.heard.get(timeout=_LOOK_SECONDS if not ended else 0)
            except queue.Empty:
                if ended:
                    return
                continue
            if name:
                getattr(listener, name)(*what)


class LocalExecutor:
    """Does tasks in this process."""

    def run(self, tasks: Sequence[Task], context: Context, listener: Listener, meter: Meter) -> None:
        pending = [task for task in tasks if not task.done(context)]
        if not pending:
            return
        threads = context.threads or runtime.default_threads()
        memory = context.recipe.memory
        runtime.limit_encoder_tables(table_bytes(memory, threads))
        if memory is not None:
            allocators.limit_arenas(threads)
        try:
            with context.store.deferring(), meter.share(pending[0].stage) as workers:
                if pending[0].in_batches:
                    lanes = Lanes(threads)
                    scene = Scene(listener, workers, lanes, batch_bytes(memory, threads))
                    feeders = _FEEDERS if threads > 1 else 1
                    self._side_by_side(pending, replace(context, threads=1), scene, feeders, lanes)
                else:
                    count = min(threads, len(pending))
                    scene = Scene(listener, workers, Serial(workers.clock))
                    self._side_by_side(pending, replace(context, threads=threads // count), scene, count, None)
        except OSError as error:
            # Of a result that was put in place in the background.
            raise explained(error, pending[0].phase) from None
        finally:
            runtime.limit_encoder_tables(None)
            if memory is not None:
                allocators.give_back()

    def close(self) -> None: ...

    def _side_by_side(
        self, tasks: Sequence[Task], context: Context, scene: Scene, count: int, lanes: Lanes | None
    ) -> None:
        """Tasks on ``count`` threads, in order of beginning. Raises the first error; others' work is finished or given up
        first, and what has not begun is not."""
        relay = _Relay()
        way: Way = scene.way
        inner = Scene(relay, scene.meter, way, scene.batch_bytes)
        pool = ThreadPoolExecutor(min(count, len(tasks)), "tokenfoundry-task")
        futures: list[Future[None]] = []
        try:
            try:
                futures += [pool.submit(perform, task, context, inner) for task in tasks]
            except RuntimeError as refused:
                raise no_memory(tasks[0], str(refused)) from None
            for future in futures:
                future.add_done_callback(relay.wake)
            relay.tell(scene.listener, lambda: all(map(Future.done, futures)) or _first_error(futures) is not None)
        finally:
            if lanes is not None and not (futures and all(map(Future.done, futures))):
                lanes.stopped = True
            pool.shutdown(wait=True, cancel_futures=True)
            if lanes is not None:
                lanes.close()
        error = _first_error(futures)
        if error is not None:
            raise error
        wait(futures)


def _first_error(futures: Sequence[Future[None]]) -> BaseException | None:
    """The error of the first task that has one of its own."""
    found = (future.exception() for future in futures if future.done() and not future.cancelled())
    return next((error for error in found if error is not None and not isinstance(error, StoppedError)), None)
