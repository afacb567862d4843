"""Units of work of every phase, as plain values that can be sent to another machine.

A task names what it reads and the key of what it makes; all else is in the store. `perform` runs one, wherever it is.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tokenfoundry import shard
from tokenfoundry._core import io as _io
from tokenfoundry.errors import InputError, TokenFoundryError
from tokenfoundry.pipeline.corpus import selected
from tokenfoundry.pipeline.events import Listener
from tokenfoundry.pipeline.lanes import Serial, Way
from tokenfoundry.pipeline.meter import Cost, Meter
from tokenfoundry.pipeline.reading import BATCH_BYTES
from tokenfoundry.pipeline.recipe import Recipe
from tokenfoundry.pipeline.stages import dedup as dedup_stage
from tokenfoundry.pipeline.stages import tokenize as tokenize_stage
from tokenfoundry.pipeline.store import Store, Work, save_arrays, this_machine, write_array
from tokenfoundry.pipeline.unit_result import UnitResult
from tokenfoundry.provenance import ledger
from tokenfoundry.ragged import Ragged
from tokenfoundry.tokenizer import Tokenizer

__all__ = [
    "BandTask",
    "Context",
    "LedgerTask",
    "Scene",
    "ShardTask",
    "SketchTask",
    "Task",
    "TokenTask",
    "cost_of",
    "explained",
    "no_memory",
    "perform",
    "token_lengths",
]

_SHARD_STEP_TOKENS = 4 << 20
_HOW_TO_GO_ON = "run the same command again"


@dataclass(frozen=True)
class Context:
    """What every task of a run needs: where things are, and how it may work."""

    recipe: Recipe
    store: Store
    work: Path
    threads: int | None
    isolate: bool = False
    """Stages in child processes: a worker died here before."""
    machine: str = field(default_factory=this_machine)
    """The run's own. What is made there, the run flushes to disk; elsewhere nobody would."""

    @property
    def durable(self) -> bool:
        """Whether a task must wait for the disk itself."""
        return self.machine != this_machine()


@dataclass
class Scene:
    """Where a task is performed: who listens and what counts the time."""

    listener: Listener
    meter: Meter
    way: Way = field(default_factory=Serial)
    batch_bytes: int = BATCH_BYTES


class Task(ABC):
    """A unit of work of one phase."""

    phase: ClassVar[str]
    stage: ClassVar[str]
    """Whose costs it counts as."""
    together: ClassVar[bool] = False
    """Several are done at a time, and all that one does counts as its stage's."""
    in_batches: ClassVar[bool] = False
    """Takes batches through text stages: lanes may help, and a document may be the death of it."""

    @abstractmethod
    def done(self, context: Context) -> bool:
        """Whether its result is there."""

    @abstractmethod
    def run(self, context: Context, scene: Scene) -> None:
        """Make its result."""


@dataclass(frozen=True)
class SketchTask(Task):
    """dedup: a unit's hashes and sketches."""

    key: str
    text_key: str
    phase: ClassVar[str] = "sketch"
    stage: ClassVar[str] = "dedup"

    def done(self, context: Context) -> bool:
        return context.store.has(self.key, "sketch")

    def run(self, context: Context, scene: Scene) -> None:
        options = context.recipe.stage("dedup")
        unit = UnitResult.of(context.store, self.text_key)
        lengths = unit.lengths()
        with scene.meter.measure("dedup", int(lengths.sum())), context.store.making(self.key, "sketch") as folder:
            dedup_stage.sketch(folder, unit.read_texts(), options, context.threads)
            (folder / "unit.json").write_text(json.dumps({"text": self.text_key}))
        scene.listener.stage_advanced("dedup", len(lengths), int(lengths.sum()), 0)

    def __str__(self) -> str:
        return f"sketch of {self.text_key}"


@dataclass(frozen=True)
class BandTask(Task):
    """dedup: who meets whom in some bands."""

    folder: Path
    bands: tuple[int, ...]
    phase: ClassVar[str] = "bands"
    stage: ClassVar[str] = "dedup"
    together: ClassVar[bool] = True

    def done(self, context: Context) -> bool:
        return not self._left()

    def _left(self) -> list[int]:
        return [band for band in self.bands if not (self.folder / f"band-{band:03}.repeated").exists()]

    def run(self, context: Context, scene: Scene) -> None:
        for band in self._left():
            dedup_stage.merge_band(self.folder, band, context.recipe.stage("dedup"))

    def __str__(self) -> str:
        return f"bands {self.bands[0]} to {self.bands[-1]}"


@dataclass(frozen=True)
class TokenTask(Task):
    """tokenize: the texts of a unit that are kept."""

    key: str
    text_key: str
    tokenizer_key: str
    keep: bytes
    """A bit for each text of the unit, as np.packbits does it."""
    phase: ClassVar[str] = "tokens"
    stage: ClassVar[str] = "tokenize"

    def done(self, context: Context) -> bool:
        return context.store.has(self.key, "tokens")

    def run(self, context: Context, scene: Scene) -> None:
        options = context.recipe.stage("tokenize")
        unit = UnitResult.of(context.store, self.text_key)
        text_bytes = unit.lengths()
        keep = np.unpackbits(np.frombuffer(self.keep, np.uint8), count=len(text_bytes)).astype(bool)
        size = int(text_bytes[keep].sum())
        lengths = [np.empty(0, np.int64)]
        meter = Meter(clock=scene.way.clock)
        with context.store.making(self.key, "tokens") as folder:
            with meter.measure("tokenize", size), (folder / "values.u32").open("wb") as file:
                stored = context.store.path(self.tokenizer_key, "tokenizer") / "tokenizer.json"
                tokenizer = tokenize_stage.known_tokenizer(self.tokenizer_key, lambda: Tokenizer.from_file(stored))
                end_id = tokenize_stage.end_of_text_id(tokenizer, options)
                for tokens in tokenize_stage.encode(selected(unit, keep), tokenizer, end_id, context.threads):
                    write_array(file, tokens.values)
                    lengths.append(tokens.lengths)
                save_arrays(folder, lengths=np.concatenate(lengths))
            cost = {name: cost.to_dict() for name, cost in meter.costs.items()}
            (folder / "unit.json").write_text(json.dumps({"text": self.text_key, "costs": cost}))
        scene.meter.merge(meter.costs)
        total = sum(int(part.sum()) for part in lengths)
        scene.listener.stage_advanced("tokenize", int(keep.sum()), size, total)

    def __str__(self) -> str:
        return f"tokens of {self.text_key}"


def token_lengths(store: Store, key: str) -> NDArray[np.int64]:
    """Tokens of each text of a unit's result."""
    lengths: NDArray[np.int64] = np.load(store.path(key, "tokens") / "lengths.npy", allow_pickle=False)
    return lengths


def cost_of(store: Store, key: str, kind: str) -> dict[str, Cost]:
    """What it cost to make a result."""
    content = json.loads((store.path(key, kind) / "unit.json").read_bytes())
    return {name: Cost.from_dict(plain) for name, plain in content["costs"].items()}


@dataclass(frozen=True)
class ShardTask(Task):
    """shard: the rows of one shard, gathered from the units' tokens."""

    folder: Path
    number: int
    first_row: int
    end_row: int
    last: bool
    pack_key: str
    tokens_key: str
    """Of the list of the units' keys, in the work folder."""
    vocabulary_size: int
    tokenizer_digest: str
    phase: ClassVar[str] = "shards"
    stage: ClassVar[str] = "shard"
    together: ClassVar[bool] = True

    def done(self, context: Context) -> bool:
        return (self.folder / f"shard-{self.number:05d}.tfi").exists()

    def run(self, context: Context, scene: Scene) -> None:
        plan = context.store.load_arrays(self.pack_key, "pack")
        work = Work(context.work)
        index = work.load_arrays(self.tokens_key, "tokens-index")
        keys = json.loads((work.path(self.tokens_key, "tokens-index") / "keys.json").read_bytes())
        rows = np.asarray(plan["row_offsets"][self.first_row : self.end_row + 1])
        # As many rows at a time as have about so many tokens.
        step = max(_SHARD_STEP_TOKENS // max(int(plan["capacity"]), 1), 1)
        tokens = 0
        with shard.Writer(
            self.folder,
            vocabulary_size=self.vocabulary_size,
            tokenizer_digest=self.tokenizer_digest,
            number=self.number,
            durable=context.durable,
        ) as writer:
            for first in range(0, max(len(rows) - 1, 1), step):
                tokens += self._append(writer, plan, index, keys, rows[first : first + step + 1], context.store)
            writer.close(last=self.last)
        scene.listener.stage_advanced("shard", 0, 0, tokens)

    def _append(
        self,
        writer: shard.Writer,
        plan: dict[str, NDArray[Any]],
        index: dict[str, NDArray[Any]],
        keys: list[str],
        offsets: NDArray[np.int64],
        store: Store,
    ) -> int:
        """Write some rows: ``offsets`` are their pieces in the plan. Returns their tokens."""
        pieces = slice(int(offsets[0]), int(offsets[-1]))
        document, start, length = (np.asarray(plan[name][pieces], np.int64) for name in ("document", "start", "length"))
        unit_of = np.searchsorted(index["unit_bounds"], document, side="right") - 1
        at = np.asarray(index["token_offsets"])[document] + start - np.asarray(index["token_bounds"])[unit_of]
        units, number = np.unique(unit_of, return_inverse=True)
        files = [store.path(keys[unit], "tokens") / "values.u32" for unit in units.tolist()]
        gathered = _io.gather(files, number.astype(np.int64), at.astype(np.int64), length)
        ragged = Ragged(gathered, np.concatenate([[0], np.cumsum(length)]).astype(np.int64))
        writer.append(
            ragged, _Rows(len(length), offsets - offsets[0], length),
            document_ids=np.asarray(index["ids"])[document].tobytes(), document_starts=start,
        )  # fmt: skip
        return len(gathered)

    def __str__(self) -> str:
        return f"shard {self.number}"


class _Rows:
    """A packing plan whose pieces are whole documents, in order."""

    def __init__(self, count: int, row_offsets: NDArray[np.int64], length: NDArray[np.int64]) -> None:
        self.row_offsets = row_offsets
        self.document = np.arange(count, dtype=np.int64)
        self.start = np.zeros(count, np.int64)
        self.length = length


@dataclass(frozen=True)
class LedgerTask(Task):
    """ledger: the rows of some units, with what the later stages decided."""

    path: Path
    text_keys: tuple[str, ...]
    first_text: int
    """The first text of these units, counted in the corpus."""
    fate_key: str
    late_keys: tuple[str, ...] = ()
    """What the text stages after dedup made of each unit, if there are any."""
    phase: ClassVar[str] = "ledger"
    stage: ClassVar[str] = "ledger"
    together: ClassVar[bool] = True

    def done(self, context: Context) -> bool:
        return False

    def run(self, context: Context, scene: Scene) -> None:
        work = Work(context.work)
        names = json.loads((work.path(self.fate_key, "fate") / "verdicts.json").read_bytes())
        fate = ledger.Fate(**work.load_arrays(self.fate_key, "fate"), left_out_names=[tuple(name) for name in names])
        units = [UnitResult.of(context.store, key) for key in self.text_keys]
        late = [UnitResult.of(context.store, key) for key in self.late_keys]
        ledger.write_file(
            self.path, (rows for unit in units for rows in unit.rows()), self.first_text, fate,
            (rows for unit in late for rows in unit.rows()) if late else None, durable=context.durable,
        )  # fmt: skip

    def __str__(self) -> str:
        return self.path.name


@dataclass
class Report:
    """What a task that was performed elsewhere has to say."""

    costs: dict[str, Cost] = field(default_factory=dict)


def perform(task: Task, context: Context, scene: Scene) -> None:
    """Run a task, if nobody has. Errors name it; where memory or disk ran out, they say what to do."""
    if task.done(context):
        return
    try:
        with scene.meter.measure(task.stage) if task.together else nullcontext():
            task.run(context, scene)
    except TokenFoundryError:
        raise
    except MemoryError:
        raise no_memory(task) from None
    except OSError as error:
        raise explained(error, task) from None


def no_memory(task: Task, what: str = "") -> InputError:
    """Memory ran out, and how to go on."""
    return InputError(
        f"{task.phase} of {task}: memory ran out{f' ({what})' if what else ''}. Finished units are kept: run the same "
        "command again with fewer threads, a smaller `memory`, or on a larger machine"
    )


def explained(error: OSError, task: Task | str) -> OSError:
    """An error of the system with what was at work, and how to go on; one that says so already as it is."""
    if isinstance(error, TokenFoundryError) or _HOW_TO_GO_ON in str(error):
        return error
    where = f" ({os.fsdecode(error.filename)})" if isinstance(error.filename, str | bytes | Path) else ""
    return OSError(
        error.errno or 0,
        f"{task}: {error.strerror or error}{where}. Finished units are kept: mend it and {_HOW_TO_GO_ON}",
    )
