"""`tokenfoundry plan`: what a run would do, what is done already, and what the rest would take.

Time and memory are estimated from a sample: the first documents of each source, about 2 MB in all, go through the
recipe's stages here and now. An estimate is as good as the sample; it says nothing of a machine that is busy with other things.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tokenfoundry._core import runtime
from tokenfoundry.errors import RecipeError
from tokenfoundry.pipeline.batch import Batch
from tokenfoundry.pipeline.executors.local import batch_memory
from tokenfoundry.pipeline.gates import check_gates
from tokenfoundry.pipeline.isolate import apply
from tokenfoundry.pipeline.line import Line
from tokenfoundry.pipeline.reading import columns_of, read_unit
from tokenfoundry.pipeline.recipe import Recipe, load_recipe
from tokenfoundry.pipeline.stages import TextStage
from tokenfoundry.pipeline.stages import dedup as dedup_stage
from tokenfoundry.pipeline.stages import tokenize as tokenize_stage
from tokenfoundry.pipeline.stages.base import byte_lengths
from tokenfoundry.provenance import manifest
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["Phase", "Plan", "make_plan"]

_SAMPLE_BYTES = 2_000_000
_DOCUMENT_MEMORY = 160
_BASE_MEMORY = 120 << 20
_BYTES_PER_TOKEN = 4.0


@dataclass
class Phase:
    """A phase between two barriers."""

    name: str
    stages: list[str]
    units: int
    done: int | None
    """None: not known before the phases above are done."""
    bytes: int
    bytes_to_do: int
    seconds: float | None = None

    @property
    def share_to_do(self) -> float:
        return self.bytes_to_do / self.bytes if self.bytes else float((self.done or 0) < self.units)


@dataclass
class Plan:
    """What a run would do."""

    name: str
    output: str
    cache: str | None
    finished: bool
    files: int
    bytes: int
    threads: int
    executor: str
    phases: list[Phase] = field(default_factory=list)
    sample_documents: int = 0
    sample_bytes: int = 0
    seconds: float | None = None
    """Of all that is to do; None without a sample."""
    memory_bytes: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def make_plan(recipe: Any, *, threads: int | None = None, sample: bool = True) -> Plan:
    """The plan of a recipe, as `run` takes it. Writes nothing. Raises RecipeError as a run would."""
    checked = load_recipe(recipe)
    check_gates(checked.gates, checked.stage_names())
    line = Line(checked)
    threads = threads or checked.threads or runtime.default_threads()
    finished = (line.output / "manifest.json").exists() and (
        manifest.load(line.output)["recipe_digest"] == checked.digest
    )
    units = line.units
    total = sum(unit.bytes for unit in units)
    plan = Plan(
        checked.name, str(checked.output if checked.remote_output else line.output), checked.cache, finished,
        sum(len(files) for _, files in line.files), total, threads, checked.executor,
    )  # fmt: skip
    plan.phases = _phases(line, total)
    if finished:
        for phase in plan.phases:
            phase.done, phase.bytes_to_do = phase.units, 0
    if sample:
        _estimate(plan, line, threads)
    return plan


def _phases(line: Line, total: int) -> list[Phase]:
    units = line.units
    prefix = [
        max((index for index, key in enumerate(unit.keys) if line.store.has(key, "text")), default=-1) for unit in units
    ]
    last = len(line.text.stages)
    left = sum(unit.bytes for unit, index in zip(units, prefix, strict=True) if index < last)
    done = sum(index == last for index in prefix)
    phases = [Phase("text", ["read", *(stage.name for stage in line.text.stages)], len(units), done, total, left)]
    partly = sum(0 <= index < last for index in prefix)
    if partly:
        # Stages behind the shared prefix only: cheaper by what those before it take.
        phases[0].stages.append(f"({partly} units begin behind stages that are done)")
    options = line.recipe.stage("dedup")
    keep = None
    if options is not None:
        sketches = line.sketch_tasks()
        have = [line.store.has(task.key, "sketch") for task in sketches]
        decided = line.store.has(line.dedup_key([]), "dedup")
        to_do = 0 if decided else sum(unit.bytes for unit, there in zip(units, have, strict=True) if not there)
        phases.append(Phase("sketch", ["dedup"], len(units), len(units) if decided else sum(have), total, to_do))
        bands = dedup_stage.plan_on_disk(Path(), options, 1).bands if options.near else 0
        phases.append(
            Phase("decide", ["dedup"], bands + 1, bands + 1 if decided else 0, total, 0 if decided else total)
        )
        if decided and done == len(units):
            keep = np.asarray(line.store.load_arrays(line.dedup_key([]), "dedup")["duplicate_of"]) < 0
    elif done == len(units):
        keep = np.ones(len(line.corpus()), np.bool_)
    corpus = line.corpus() if keep is not None else None
    if line.late.stages:
        names = [stage.name for stage in line.late.stages]
        refine = Phase("refine", names, len(units), None, total, total)
        phases.append(refine)
        if corpus is not None and keep is not None:
            refining = line.refine_tasks(corpus, keep)
            ready = [line.store.has(task.unit.key, "text") for task in refining]
            refine.done = sum(ready)
            refine.bytes_to_do = sum(unit.bytes for unit, one in zip(units, ready, strict=True) if not one)
            corpus = line.refined(refining) if all(ready) else None
            keep = np.ones(len(corpus), np.bool_) if corpus is not None else None
    tokenize = line.recipe.stage("tokenize")
    key = line.tokenizer_key(corpus, keep) if corpus is not None and keep is not None else None
    trained = key is not None and line.store.has(key, "tokenizer")
    if not isinstance(tokenize.tokenizer, str):
        size = min(tokenize.tokenizer.train.sample_bytes, total)
        phases.append(Phase("train", ["tokenize"], 1, int(trained) if key else None, size, 0 if trained else size))
    tokens: int | None = None
    tokens_left = total
    packed = False
    if corpus is not None and keep is not None and key is not None and trained:
        tokenizer = Tokenizer.from_file(line.store.path(key, "tokenizer") / "tokenizer.json")
        tasks = line.token_tasks(corpus, keep, key, tokenizer)
        there = [line.store.has(task.key, "tokens") for task in tasks]
        tokens = sum(there)
        tokens_left = sum(unit.bytes for unit, one in zip(units, there, strict=True) if not one)
        packed = line.store.has(line.pack_key(tasks), "pack")
    phases.append(Phase("tokens", ["tokenize"], len(units), tokens, total, tokens_left))
    phases.append(
        Phase("pack", ["pack"], 1, int(packed) if tokens is not None else None, total, 0 if packed else total)
    )
    rows = total / _BYTES_PER_TOKEN / line.recipe.stage("pack").sequence_length
    shards = max(round(rows / line.recipe.stage("shard").rows_per_shard), 1)
    phases.append(Phase("write", ["shard", "ledger"], shards + 1, None, total, total))
    return phases


def _estimate(plan: Plan, line: Line, threads: int) -> None:
    """Put a sample through the stages and scale up."""
    recipe = line.recipe
    began = time.perf_counter()
    batches = _sample(line, threads)
    sampled = sum(int(byte_lengths(batch.texts).sum()) for batch in batches)
    plan.sample_documents = sum(len(batch) for batch in batches)
    plan.sample_bytes = sampled
    if not sampled:
        return
    rates = {"read": time.perf_counter() - began}
    _through(line.text.stages, batches, threads, rates)
    texts = [batch.texts for batch in batches if len(batch.texts)]
    options = recipe.stage("dedup")
    if options is not None and texts:
        with tempfile.TemporaryDirectory(prefix="tokenfoundry-") as folder:
            began = time.perf_counter()
            dedup_stage.sketch(Path(folder), texts, options, threads)
            rates["sketch"] = time.perf_counter() - began
    _through(line.late.stages, batches, threads, rates)
    texts = [batch.texts for batch in batches if len(batch.texts)]
    if texts:
        rates.update(_tokenizing(recipe, texts, threads))
    seconds = {
        "text": rates["read"] + sum(rates[stage.name] for stage in line.text.stages),
        "refine": sum(rates[stage.name] for stage in line.late.stages),
        "sketch": rates.get("sketch", 0.0), "decide": rates.get("sketch", 0.0) * 0.1, "train": rates.get("train", 0.0),
        "tokens": rates.get("tokens", 0.0), "pack": 0.0005, "write": 0.004 * sampled / 1e6,
    }  # fmt: skip
    for phase in plan.phases:
        base = min(sampled, _TRAINED_BYTES) if phase.name == "train" else sampled
        phase.seconds = round(seconds[phase.name] * phase.bytes_to_do / base, 2)
    plan.seconds = round(sum(phase.seconds or 0.0 for phase in plan.phases), 2)
    documents = plan.bytes / sampled * plan.sample_documents
    running = batch_memory(recipe.memory, threads)
    plan.memory_bytes = int(_BASE_MEMORY + running + documents * _DOCUMENT_MEMORY)


_TRAINED_BYTES = 500_000


def _through(stages: Sequence[TextStage], batches: list[Batch], threads: int, seconds: dict[str, float]) -> None:
    """Put batches through text stages, and note what each took."""
    for stage in stages:
        began = time.perf_counter()
        for batch in batches:
            if len(batch.alive):
                outcome = apply(stage, batch.texts, threads).outcome
                batch.texts = outcome.texts
                if outcome.verdict is not None:
                    verdict = outcome.verdict.cast(pa.string())
                    batch.drop(verdict.is_valid().to_numpy(zero_copy_only=False), stage.name, verdict)
        seconds[stage.name] = time.perf_counter() - began


def _sample(line: Line, threads: int) -> list[Batch]:
    """The first documents of each source."""
    first = {unit.source: unit for unit in reversed(line.units)}
    batches = []
    for unit in first.values():
        for raw in read_unit(unit, _SAMPLE_BYTES // len(first)):
            batches.append(columns_of(raw, unit.input, threads))
            break
    return batches


def _tokenizing(recipe: Recipe, texts: list[pa.LargeStringArray], threads: int) -> dict[str, float]:
    options = recipe.stage("tokenize")
    rates = {}
    if isinstance(options.tokenizer, str):
        tokenizer = Tokenizer.from_file(recipe.base / options.tokenizer)
    else:
        train = options.tokenizer.train
        began = time.perf_counter()
        size, few = 0, []
        for text in (text for batch in texts for text in batch.to_pylist()):
            few.append(text)
            size += len(text)
            if size >= _TRAINED_BYTES:
                break
        try:
            tokenizer = Tokenizer.train(
                few, vocab_size=min(train.vocab_size, 4000), pattern=train.pattern, special_tokens=train.special_tokens,
                min_frequency=1, threads=threads,
            )  # fmt: skip
        except ValueError as error:
            raise RecipeError(f"tokenize: a tokenizer cannot be trained on the sample: {error}") from None
        rates["train"] = time.perf_counter() - began
    began = time.perf_counter()
    for _ in tokenize_stage.encode(texts, tokenizer, None, threads):
        pass
    rates["tokens"] = time.perf_counter() - began
    return rates
