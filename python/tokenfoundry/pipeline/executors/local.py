"""The local executor: one process, threads, bounded memory.

Text units go one after another, each stage on all threads, while a thread reads ahead as far as the budget allows. Tasks that use one
thread (bands, shards, the ledger) are done several at a time.
"""

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from tokenfoundry._core import runtime
from tokenfoundry.errors import TokenFoundryError
from tokenfoundry.pipeline.events import Listener, Silent
from tokenfoundry.pipeline.meter import Meter
from tokenfoundry.pipeline.reading import BATCH_BYTES, ReadAhead
from tokenfoundry.pipeline.tasks import Context, Scene, Task, TextTask, explained, perform

__all__ = ["LocalExecutor"]

_AHEAD_BYTES = 64 << 20
# A batch has, at its peak, about this many times its text in memory: records, Arrow, and copies of stages that edit.
_BATCH_COPIES = 12


def batch_bytes(memory: int | None) -> int:
    """How large batches may be within a budget. The result does not depend on it."""
    return BATCH_BYTES if memory is None else max(min(memory // (4 * _BATCH_COPIES), BATCH_BYTES), 256 << 10)


def ahead_bytes(memory: int | None) -> int:
    """How far the reader may be ahead."""
    return _AHEAD_BYTES if memory is None else max(min(memory // 16, _AHEAD_BYTES), 1 << 20)


class LocalExecutor:
    """Does tasks in this process."""

    def run(self, tasks: Sequence[Task], context: Context, listener: Listener, meter: Meter) -> None:
        pending = [task for task in tasks if not task.done(context)]
        if not pending:
            return
        if pending[0].together:
            self._together(pending, context, meter)
            return
        memory = context.recipe.memory
        units = [
            task.unit
            for task in pending
            if isinstance(task, TextTask) and not any(context.store.has(key, "text") for key in task.unit.keys)
        ]
        try:
            with context.store.deferring(), ReadAhead(units, ahead_bytes(memory), batch_bytes(memory)) as ahead:
                meter.elsewhere = lambda: ahead.cpu_seconds
                scene = Scene(listener, meter, ahead.batches)
                for task in pending:
                    perform(task, context, scene)
        except OSError as error:
            if isinstance(error, TokenFoundryError) or "run the same command again" in str(error):
                raise
            # Of a result that was put in place in the background.
            raise explained(error, pending[0].phase) from None

    def _together(self, tasks: Sequence[Task], context: Context, meter: Meter) -> None:
        threads = min(context.threads or runtime.default_threads(), len(tasks))
        with meter.measure(tasks[0].stage):
            if threads == 1:
                for task in tasks:
                    perform(task, context, Scene(Silent(), Meter()))
                return
            with ThreadPoolExecutor(threads, "tokenfoundry-task") as pool:
                futures = [pool.submit(perform, task, context, Scene(Silent(), Meter())) for task in tasks]
                try:
                    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                except BaseException:
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise

    def close(self) -> None: ...
