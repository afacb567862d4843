"""The tasks that take a unit's documents through text stages: before dedup (`TextTask`), and after it (`RefineTask`)."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tokenfoundry.pipeline.documents import Portion, TextLine, begin_attempt, end_attempt
from tokenfoundry.pipeline.policy import Exclusions, Policy
from tokenfoundry.pipeline.recipe import Recipe
from tokenfoundry.pipeline.stages import TEXT_STAGES, text_stage
from tokenfoundry.pipeline.tasks import Context, Scene, Task, perform
from tokenfoundry.pipeline.text_files import files_of
from tokenfoundry.pipeline.unit_result import UnitResult
from tokenfoundry.pipeline.units import Unit

__all__ = ["RefineTask", "TextTask", "text_line"]

_DEATHS_BEFORE_ISOLATION = 2


def text_line(recipe: Recipe, threads: int | None, *, late: bool = False) -> TextLine:
    """The recipe's text stages before dedup, with what is asked right after reading; or (``late``) those after it."""
    policies: list[Policy | Exclusions] = []
    if recipe.licences is not None and not late:
        policies.append(Policy(recipe.licences))
    if recipe.takedowns is not None and not late:
        policies.append(Exclusions(recipe.base / recipe.takedowns))
    stages = [text_stage(kind, options, recipe.base, name) for name, kind, options in recipe.text_stages(late=late)]
    return TextLine(
        stages, policies, threads, recipe.on_error == "stop", snapshots=recipe.cache is not None, reads=not late
    )


_lines: dict[Any, TextLine] = {}
_making = threading.Lock()
_MOST_LINES = 4


def _stored_line(recipe: Recipe, threads: int | None, late: bool) -> TextLine:
    """`text_line`, made once a process: stages may have read models and evaluation sets, and have no state."""
    files = [
        path for _, _, options in recipe.text_stages(late=late) for path in files_of(options, recipe.base)
    ]  # fmt: skip
    if recipe.takedowns is not None:
        files.append(recipe.base / recipe.takedowns)
    kinds = tuple(TEXT_STAGES[kind] for _, kind, _ in recipe.text_stages(late=late))
    stamps = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]
    key = (recipe.digest, str(recipe.base), recipe.cache is None, threads, late, kinds, tuple(stamps))
    with _making:
        if key not in _lines:
            while len(_lines) >= _MOST_LINES:
                del _lines[next(iter(_lines))]
            _lines[key] = text_line(recipe, threads, late=late)
        return _lines[key]


def _through(
    unit: Unit, context: Context, scene: Scene, *, late: bool = False, start: Iterable[Portion] | None = None
) -> None:
    """Take a unit through the stages; where that was the process's death twice, with each call in a process of its own."""
    deaths = begin_attempt(context.work, unit.key)
    _stored_line(context.recipe, context.threads, late).run(
        unit, context.store, listener=scene.listener, meter=scene.meter, way=scene.way, batch_bytes=scene.batch_bytes,
        in_child=context.isolate or deaths >= _DEATHS_BEFORE_ISOLATION, start=start,
    )  # fmt: skip
    end_attempt(context.work, unit.key)


@dataclass(frozen=True)
class _UnitTask(Task):
    """A unit through text stages."""

    unit: Unit
    stage: ClassVar[str] = "read"
    in_batches: ClassVar[bool] = True

    def done(self, context: Context) -> bool:
        return context.store.has(self.unit.key, "text")

    def __str__(self) -> str:
        return str(self.unit)


@dataclass(frozen=True)
class TextTask(_UnitTask):
    """map: a unit through the text stages before dedup."""

    then: tuple[Task, ...] = ()
    """Done by the same worker right behind it: while other units are at work, and the texts still in memory."""
    phase: ClassVar[str] = "text"

    def done(self, context: Context) -> bool:
        return super().done(context) and all(task.done(context) for task in self.then)

    def run(self, context: Context, scene: Scene) -> None:
        if not super().done(context):
            _through(self.unit, context, scene)
        if self.then:
            context.store.settle(self.unit.key, "text")
        for task in self.then:
            perform(task, context, scene)


@dataclass(frozen=True)
class RefineTask(_UnitTask):
    """map, once more: the texts of a unit (with the keys of this phase) that dedup kept, through the text stages after it.

    The result has a row for each of these texts, complete: the ledger takes it in the place of the earlier row.
    """

    text_key: str
    keep: bytes
    """A bit for each text of the unit, as np.packbits does it."""
    phase: ClassVar[str] = "refine"

    def run(self, context: Context, scene: Scene) -> None:
        before = UnitResult.of(context.store, self.text_key)
        bits = np.frombuffer(self.keep, np.uint8)
        keep = np.unpackbits(bits, count=len(before.lengths())).astype(bool)
        _through(self.unit, context, scene, late=True, start=before.portions(keep))
