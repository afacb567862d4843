"""Where the tasks of a plan are done: here (`local`), or on a Ray cluster (`ray`). The results are the same bytes."""

from collections.abc import Sequence
from typing import Protocol

from tokenfoundry.pipeline.events import Listener
from tokenfoundry.pipeline.executors.local import LocalExecutor
from tokenfoundry.pipeline.meter import Meter
from tokenfoundry.pipeline.tasks import Context, Task

__all__ = ["Executor", "executor_for"]


class Executor(Protocol):
    """Does tasks. `run` returns when all are done, and raises the first error."""

    def run(self, tasks: Sequence[Task], context: Context, listener: Listener, meter: Meter) -> None: ...
    def close(self) -> None: ...


def executor_for(name: str) -> Executor:
    """The executor of a recipe's word for it."""
    if name == "ray":
        from tokenfoundry.pipeline.executors.ray import RayExecutor

        return RayExecutor()
    return LocalExecutor()
