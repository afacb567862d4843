"""The Ray executor: the same tasks on a cluster.

`ray.init()` here, or the cluster that `RAY_ADDRESS` names, or the one that is joined already. Tasks are sent as plain
values and answer with their costs; documents and tokens never pass through the driver: they lie in the store (`cache`, or the
output's work folder), which every node must see under the same path. So a node that dies takes nothing along but the
tasks it was at, and Ray does those again elsewhere; nodes that join get work at once. A task whose worker died of the
document it was at (no more memory, a crash) is done once more with each stage in a process of its own, which finds the document.

Progress is the driver's; each node's documents, bytes and tokens are Ray metrics (`tokenfoundry_documents` and so on,
on the dashboard and its Prometheus port), and tasks have their phase as name.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenfoundry._core import runtime
from tokenfoundry.errors import RecipeError, TokenFoundryError
from tokenfoundry.pipeline import allocators
from tokenfoundry.pipeline.events import Listener, Recorder
from tokenfoundry.pipeline.executors.local import batch_bytes, table_bytes
from tokenfoundry.pipeline.meter import Cost, Meter
from tokenfoundry.pipeline.store import Work
from tokenfoundry.pipeline.tasks import Context, Scene, Task, perform

__all__ = ["RayExecutor"]

_RETRIES = 5
_IN_FLIGHT_FOR_EACH_CPU = 3


def _work(task: Task, context: Context, memory: int | None) -> tuple[dict[str, Cost], Recorder, list[Path]]:
    """What a worker does, within its share of the budget. Also gives what the run has to flush to disk."""
    recorder, meter = Recorder(), Meter()
    threads = context.threads or 1
    runtime.limit_encoder_tables(table_bytes(memory, threads))
    if memory is not None:
        allocators.limit_arenas(threads)
    scene = Scene(recorder, meter, batch_bytes=batch_bytes(memory, threads))
    made: list[Path] = []
    if isinstance(context.store, Work) and not context.durable:
        with context.store.noting() as made:
            perform(task, context, scene)
    else:
        perform(task, context, scene)
    if memory is not None:
        allocators.give_back()
    # Metrics are a view; a cluster that has none must not stop the work.
    with contextlib.suppress(Exception):
        _count(recorder)
    return meter.costs, recorder, made


_COUNTERS: dict[str, Any] = {}


def _count(recorder: Recorder) -> None:
    from ray.util.metrics import Counter

    for stage, counts in recorder.advances.items():
        for what, amount in zip(("documents", "bytes", "tokens"), counts, strict=True):
            if what not in _COUNTERS:
                _COUNTERS[what] = Counter(
                    f"tokenfoundry_{what}", description=f"{what} that passed a stage", tag_keys=("stage",)
                )
            if amount:
                _COUNTERS[what].inc(amount, tags={"stage": stage})


class RayExecutor:
    """Does tasks on a Ray cluster. ``cpus``: what each task asks for, and the threads it uses."""

    def __init__(self, cpus: int = 1) -> None:
        try:
            import ray
        except ImportError:
            raise RecipeError("executor: ray is not installed; pip install 'tokenfoundry[ray]'") from None
        self.ray = ray
        self.cpus = cpus
        self.share: int | None = None
        self.started = not ray.is_initialized()
        if self.started:
            # Joins RAY_ADDRESS if it is set; without one ray.init() would also join any cluster it finds here.
            address = os.environ.get("RAY_ADDRESS") or "local"
            ray.init(address=address, include_dashboard=None, log_to_driver=False, configure_logging=False)
        self.work = ray.remote(_work)

    def run(self, tasks: Sequence[Task], context: Context, listener: Listener, meter: Meter) -> None:
        ray = self.ray
        pending = [task for task in tasks if not task.done(context)]
        if not pending:
            return
        context = replace(context, threads=self.cpus)
        self.share = self._share(context.recipe.memory)
        shared = ray.put(context)
        alone = ray.put(replace(context, isolate=True))
        waiting = iter(pending)
        running: dict[Any, tuple[Task, bool]] = {}
        try:
            while True:
                while len(running) < self._most_in_flight() and (task := next(waiting, None)) is not None:
                    running[self._submit(task, shared)] = (task, False)
                if not running:
                    return
                finished, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
                for reference in finished:
                    task, isolated = running.pop(reference)
                    again = self._finish(reference, task, isolated, context, listener, meter)
                    if again:
                        running[self._submit(task, alone)] = (task, True)
        except BaseException:
            for reference in running:
                with contextlib.suppress(Exception):
                    ray.cancel(reference, force=False)
            raise

    def _submit(self, task: Task, context: Any) -> Any:
        return self.work.options(
            num_cpus=self.cpus, max_retries=_RETRIES, retry_exceptions=False, name=f"tokenfoundry:{task.phase}"
        ).remote(task, context, self.share)

    def _share(self, memory: int | None) -> int | None:
        """What one worker may take of a node's budget: nodes have as many workers as CPUs, divided by what a task asks for."""
        if memory is None:
            return None
        nodes: list[dict[str, Any]] = self.ray.nodes()  # type: ignore[no-untyped-call]
        cpus = max((node["Resources"].get("CPU", 0) for node in nodes if node["Alive"]), default=1)
        return int(memory // max(cpus // self.cpus, 1))

    def _most_in_flight(self) -> int:
        """Tasks that are submitted at a time: enough for all CPUs there are now, and a few waiting."""
        resources: dict[str, float] = self.ray.cluster_resources()  # type: ignore[no-untyped-call]
        cpus = resources.get("CPU", 1)
        return max(int(cpus / self.cpus * _IN_FLIGHT_FOR_EACH_CPU), 2)

    def _finish(
        self, reference: Any, task: Task, isolated: bool, context: Context, listener: Listener, meter: Meter
    ) -> bool:
        """Take a task's answer; True: its worker died, it is to be done in isolation."""
        errors = self.ray.exceptions
        try:
            costs, recorder, made = self.ray.get(reference)
        except errors.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, BaseException) else error
            if isinstance(cause, TokenFoundryError | OSError | MemoryError):
                raise cause from None
            raise
        except (errors.WorkerCrashedError, errors.OutOfMemoryError, errors.NodeDiedError) as error:
            if task.in_batches and not isolated:
                return True
            raise OSError(
                f"{task.phase} of {task}: its worker died {_RETRIES + 1} times, perhaps for lack of memory "
                f"({str(error).splitlines()[0][:200]}). Finished units are kept: run the same command again, with "
                "fewer CPUs a node or more memory"
            ) from None
        if isinstance(context.store, Work):
            context.store.flush(made)
        meter.merge(costs)
        recorder.tell(listener)
        return False

    def close(self) -> None:
        if self.started:
            self.ray.shutdown()
