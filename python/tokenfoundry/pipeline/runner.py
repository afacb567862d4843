"""Running a recipe: phase after phase, each as tasks on an executor, each task's result in the store.

Every result is there whole or not at all, so a run that was interrupted, however roughly, goes on from there and ends
with the same bytes. The manifest is written last: an output with a manifest is finished. Memory: a few batches of
documents, about 100 bytes a document, and what dedup needs.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray

from tokenfoundry import pack, shard
from tokenfoundry._core import runtime
from tokenfoundry.errors import GateError, RecipeError
from tokenfoundry.io.atomic import write_atomic
from tokenfoundry.pipeline import costs, history, placing, publish
from tokenfoundry.pipeline import metrics as metrics_of
from tokenfoundry.pipeline.corpus import Corpus
from tokenfoundry.pipeline.events import Listener, RunPlan, Silent
from tokenfoundry.pipeline.evidence import Evidence
from tokenfoundry.pipeline.executors import Executor, executor_for
from tokenfoundry.pipeline.gates import Finding, Gates, check_gates
from tokenfoundry.pipeline.line import Line
from tokenfoundry.pipeline.meter import Energy, Meter
from tokenfoundry.pipeline.metrics import WHOLE, Metrics
from tokenfoundry.pipeline.recipe import Recipe, load_recipe
from tokenfoundry.pipeline.stages import dedup as dedup_stage
from tokenfoundry.pipeline.stages import tokenize as tokenize_stage
from tokenfoundry.pipeline.stages.dedup import Duplicates
from tokenfoundry.pipeline.store import Work
from tokenfoundry.pipeline.tasks import (
    BandTask,
    Context,
    LedgerTask,
    ShardTask,
    Task,
    TokenTask,
    cost_of,
    token_lengths,
)
from tokenfoundry.provenance import manifest
from tokenfoundry.provenance.doors import Door, check, check_chain
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["RunResult", "run"]

# What a run may find in its output folder.
_OURS = frozenset({
    "work", "shards", "ledger", "tokenizer.json", "recipe.yaml", "metrics.json", "report.html", "run.sha256",
    "manifest.sig", "takedowns.jsonl",
})  # fmt: skip


@dataclass(frozen=True)
class RunResult:
    """A finished run."""

    output: Path
    manifest: dict[str, Any]
    metrics: dict[str, Any]
    reused: bool = False
    """The output was there already, finished by an earlier run of the same recipe on the same input."""


def run(
    recipe: str | os.PathLike[str] | Mapping[str, Any] | Recipe,
    *,
    threads: int | None = None,
    progress: Listener | None = None,
    keep_work: bool = False,
    executor: Executor | None = None,
) -> RunResult:
    """Run a recipe (a YAML file's path, a mapping, or a `Recipe`) and return what it made.

    ``threads`` overrides the recipe's, ``executor`` its executor; neither changes the result. ``progress`` hears what
    goes on. An interrupted run resumes; a finished one is not done again. ``keep_work`` leaves the work folder.

    Raises RecipeError before any work, InputError where ``on_error: stop`` meets a bad record or an input changes
    under the run, GateError where counts do not add up or a gate stops the line, OSError where the output cannot be
    written.
    """
    checked = load_recipe(recipe)
    check_gates(checked.gates, [name for name, _ in checked.stage_list()])
    return _Run(checked, threads or checked.threads, progress or Silent(), keep_work, executor).run()


@dataclass(frozen=True)
class _Packed:
    """What the last stages work on."""

    duplicates: Duplicates
    keep: NDArray[np.bool_]
    tokenizer: Tokenizer
    tasks: list[TokenTask]
    lengths: NDArray[np.int64]
    """Tokens of each kept text."""
    plan: pack.Plan


class _Run:
    """One run; the methods are its steps, in order."""

    def __init__(
        self, recipe: Recipe, threads: int | None, listener: Listener, keep_work: bool, executor: Executor | None
    ) -> None:
        self.recipe = recipe
        self.threads = threads
        self.listener = listener
        self.keep_work = keep_work
        self.meter = Meter()
        self.energy = Energy()
        self.clock = costs.Clock()
        self.line = Line(recipe)
        self.output = self.line.output
        self.work = self.line.work
        self.store = self.line.store
        self.executor = executor
        self.doors: list[Door] = []
        self.source_doors: dict[str, list[Door]] = {}
        self.metrics: Metrics = {}
        self.findings: list[Finding] = []
        self.quarantined: dict[str, Finding] = {}

    def run(self) -> RunResult:
        # A work folder is another run's that is about to end, or was left by a kill: under the lock we know which.
        finished = None if self.work.folder.exists() and not self.keep_work else self._finished()
        if finished is not None:
            return finished
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecipeError(f"output: {self.output} cannot be made: {error.strerror}") from None
        if not os.access(self.output, os.W_OK | os.X_OK):
            raise RecipeError(f"output: {self.output} cannot be written to: Permission denied")
        owned = self.executor is None
        with self.work.locked():
            Work.sweep_removed(self.output)
            # The run that we waited for may have been this one.
            finished = self._finished()
            if finished is not None:
                return finished
            self.work.sweep()
            if self.line.cache is not None:
                self.line.cache.folder.mkdir(parents=True, exist_ok=True)
                self.line.cache.sweep()
            self._claim()
            self.executor = self.executor or executor_for(self.recipe.executor)
            try:
                result = self._work()
            finally:
                if owned:
                    self.executor.close()
            publish.publish(self.recipe, self.output)
            if self.line.history is not None:
                entry = {"name": self.recipe.name, "manifest": result.manifest["digest"], "output": self.recipe.output}
                history.append(self.line.history, {**entry, "metrics": self.metrics})
            if not self.keep_work:
                self.work.remove()
        self.listener.run_finished(result)
        return result

    def _work(self) -> RunResult:
        self.gates = Gates(
            self.recipe.gates, self.recipe.name, self.line.history, self.work.load_json("limits")
        )  # fmt: skip
        self._tasks(self.line.text_tasks())
        corpus = self.line.corpus()
        self._text_doors(corpus)
        self._judge({name for name in self.line.text.door_names if name != "redact"}, Evidence(corpus))
        while True:
            before = len(self.quarantined)
            doors = len(self.doors)
            packed = self._rest(corpus)
            if packed is not None:
                break
            # A source was quarantined: what follows is done again without it.
            assert len(self.quarantined) > before
            del self.doors[doors:]
        written = self._shards(packed, corpus)
        check_chain(self.doors)
        return self._write_results(packed, corpus, written)

    # Before the work

    def _finished(self) -> RunResult | None:
        """The result, if the output has it already; an error if it has another run's."""
        publish.fetch_finished(self.recipe, self.output)
        if not (self.output / "manifest.json").exists():
            return None
        found = manifest.load(self.output)
        metrics = json.loads((self.output / "metrics.json").read_text())
        if found["recipe_digest"] != self.recipe.digest:
            raise RecipeError(
                f"output: {self.output} has the result of another recipe ({found['name']}); choose another folder or remove it"
            )
        if (
            metrics.get("stat_digest") != self.line.stat_digest
            and metrics.get("input_digest") != self.line.input_digest
        ):
            raise RecipeError(
                f"output: {self.output} has the result of this recipe on other input (files were added, removed or changed "
                "since, or tokenfoundry was); choose another folder or remove it"
            )
        if metrics.get("version") != runtime.VERSION or metrics.get("exclusions") != self.recipe.exclusion_facts():
            raise RecipeError(
                f"output: {self.output} has the result of this recipe by another version of tokenfoundry or with another "
                "list of takedowns; choose another folder or remove it"
            )
        # Interrupted after the manifest, before the work folder was gone.
        if self.work.folder.is_dir() and not self.keep_work:
            self.work.remove()
        publish.publish(self.recipe, self.output)
        result = RunResult(self.output, found, metrics, reused=True)
        self.listener.run_finished(result)
        return result

    def _claim(self) -> None:
        """Refuse a folder that holds something else."""
        strangers = sorted(
            path.name for path in self.output.iterdir() if path.name not in _OURS and not path.name.startswith(".")
        )
        if strangers:
            raise RecipeError(f"output: {self.output} is not empty (it has {strangers[0]}); choose another folder")
        units = self.line.units
        done = sum(self.store.has(unit.key, "text") for unit in units)
        self.listener.run_started(RunPlan(
            self.recipe.name, self.recipe.output if self.recipe.remote_output else str(self.output),
            ("read", *(name for name, _ in self.recipe.stage_list())),
            sum(len(files) for _, files in self.line.files), sum(unit.bytes for unit in units), len(units), done,
            self.threads or runtime.default_threads(),
        ))  # fmt: skip
        self.to_read = sum(unit.bytes for unit in units if not self.store.has(unit.key, "text"))

    # The steps

    def _tasks(self, tasks: list[Any]) -> None:
        """Do the tasks of a phase."""
        assert self.executor is not None
        context = Context(self.recipe, self.store, self.work.folder, self.threads)
        if tasks and tasks[0].phase == "text":
            for name in self.line.text.door_names:
                self.listener.stage_started(name, None, self.to_read)
        listed: list[Task] = list(tasks)
        self.executor.run(listed, context, self.listener, self.meter)
        missing = next((task for task in listed if task.phase != "ledger" and not task.done(context)), None)
        if missing is not None:
            raise GateError(
                f"{missing.phase} of {missing}: was done and is not there; is {self.store.folder} shared by all?"
            )

    def _text_doors(self, corpus: Corpus) -> None:
        names = self.line.text.door_names
        self.doors = [Door(name) for name in names]
        for unit, source in zip(corpus.units, corpus.sources, strict=True):
            mine = self.source_doors.setdefault(source, [Door(name) for name in names])
            for whole, own, counted in zip(self.doors, mine, unit.doors(), strict=True):
                whole.add(counted)
                own.add(counted)
        for door in self.doors:
            check(door)
            self.listener.stage_finished(door.name, door)
        for source in self.source_doors:
            self.metrics[source] = metrics_of.of_doors(self.source_doors[source])
        self.metrics[WHOLE] = metrics_of.of_doors(self.doors)
        if "label" in names:
            self._language_metrics(corpus)

    def _language_metrics(self, corpus: Corpus) -> None:
        counts: dict[str, Counter[str]] = {}
        for unit, source in zip(corpus.units, corpus.sources, strict=True):
            for batch in unit.rows():
                found = batch.column("language").drop_null().value_counts()
                for entry in found.to_pylist():
                    counts.setdefault(source, Counter())[entry["values"]] += entry["counts"]
        for source, counted in counts.items():
            self.metrics[source].update(metrics_of.language_metrics(counted))
        self.metrics[WHOLE].update(metrics_of.language_metrics(sum(counts.values(), Counter())))

    def _judge(self, known: set[str], evidence: Evidence) -> bool:
        """Judge the gates on stages that are ``known``. True: a source was quarantined."""
        findings = self.gates.judge(self.metrics, known, evidence)
        if self.gates.frozen:
            self.work.save_json("limits", self.gates.frozen)
        self.findings += findings
        for finding in findings:
            self.listener.gate_found(finding)
        stopped = [finding for finding in findings if finding.action == "stop"]
        if stopped:
            more = f" ({len(stopped) - 1} more gates say stop)" if len(stopped) > 1 else ""
            raise GateError(f"gate {stopped[0].message}{more}; the line stops. Finished units are kept")
        new = [
            finding for finding in findings if finding.action == "quarantine" and finding.source not in self.quarantined
        ]
        for finding in new:
            self.quarantined.setdefault(finding.source, finding)
        return bool(new)

    def _present(self, corpus: Corpus) -> NDArray[np.bool_]:
        names, numbers = corpus.source_numbers()
        absent = [number for number, name in enumerate(names) if name in self.quarantined]
        return ~np.isin(numbers, absent)

    def _rest(self, corpus: Corpus) -> _Packed | None:
        """From dedup to packing; None where a gate quarantined a source on the way."""
        present = self._present(corpus)
        if self.recipe.gates:
            self._gate_door(corpus, present)
        duplicates = self._dedup(corpus, present)
        keep = duplicates.keep & present
        if self._judge({"dedup"}, Evidence(corpus, duplicates.duplicate_of)):
            return None
        key = self.line.tokenizer_key(keep)
        self.listener.stage_started("tokenize", int(keep.sum()), int(corpus.lengths[keep].sum()))
        tokenizer = self._tokenizer(corpus, keep, key)
        tasks = self.line.token_tasks(corpus, keep, key, tokenizer)
        self._tasks(tasks)
        by_unit = [token_lengths(self.store, task.key) for task in tasks]
        lengths = np.concatenate([np.empty(0, np.int64), *by_unit])
        self._token_door(corpus, keep, lengths)
        evidence = Evidence(corpus, duplicates.duplicate_of, keep, by_unit)
        if self._judge({"tokenize", "redact"}, evidence):
            return None
        plan = self._pack(tasks, lengths, corpus.lengths[keep])
        self._judge({"pack"}, evidence)
        return _Packed(duplicates, keep, tokenizer, tasks, lengths, plan)

    def _gate_door(self, corpus: Corpus, present: NDArray[np.bool_]) -> None:
        lengths = corpus.lengths
        door = Door("gate", len(corpus), int(present.sum()), int(lengths.sum()), int(lengths[present].sum()))
        names, numbers = corpus.source_numbers()
        for number, name in enumerate(names):
            if name in self.quarantined:
                verdict = f"gate.{self.quarantined[name].metric}"
                door.dropped_documents[verdict] += int((numbers == number).sum())
                door.dropped_bytes[verdict] += int(lengths[numbers == number].sum())
        self._passed(door)

    def _dedup(self, corpus: Corpus, present: NDArray[np.bool_]) -> Duplicates:
        options = self.recipe.stage("dedup")
        count = len(corpus)
        if options is None:
            return Duplicates.none(count)
        lengths = corpus.lengths
        self.listener.stage_started("dedup", count, int(lengths.sum()))
        sketches = self.line.sketch_tasks()
        key = self.line.dedup_key(sorted(self.quarantined))
        if not self.store.has(key, "dedup"):
            self._tasks(sketches)
            found = self._decide(key, [self.store.path(task.key, "sketch") for task in sketches], corpus, present)
            if len(found.duplicate_of) == count:
                arrays = {"duplicate_of": found.duplicate_of, "near": found.near, "jaccard": found.jaccard}
                self.store.save_arrays(key, "dedup", **arrays)
        else:
            found = Duplicates(**self.store.load_arrays(key, "dedup"))
        if len(found.duplicate_of) != count:
            raise GateError(
                f"stage dedup: {count:,} documents in, an answer for {len(found.duplicate_of):,}; the line stops"
            )
        self._dedup_doors(corpus, present, found)
        return found

    def _decide(self, key: str, sketches: list[Path], corpus: Corpus, present: NDArray[np.bool_]) -> Duplicates:
        options = self.recipe.stage("dedup")
        folder = None
        if options.near and len(corpus):
            masks = [None if present.all() else corpus.of_unit(present, index) for index in range(len(sketches))]
            with self.meter.measure("dedup"):
                if not self.work.has(key, "bands"):
                    with self.work.making(key, "bands") as temporary:
                        dedup_stage.lay_out(temporary, list(zip(sketches, masks, strict=True)))
                folder = self.work.path(key, "bands")
            bands = dedup_stage.plan_on_disk(folder, options, 1).bands
            self._tasks([BandTask(folder, band) for band in range(bands)])
        with self.meter.measure("dedup"):
            hashes = np.concatenate([np.empty((0, 2), np.uint64), *(np.load(path / "hashes.npy") for path in sketches)])
            found = dedup_stage.decide(folder, hashes, corpus.lengths, present, options)
        if folder is not None:
            shutil.rmtree(folder)
        return found

    def _dedup_doors(self, corpus: Corpus, present: NDArray[np.bool_], found: Duplicates) -> None:
        lengths = corpus.lengths
        names, numbers = corpus.source_numbers()

        def door_of(chosen: NDArray[np.bool_]) -> Door:
            keep = found.keep & chosen
            door = Door(
                "dedup", int(chosen.sum()), int(keep.sum()), int(lengths[chosen].sum()), int(lengths[keep].sum())
            )
            for reason, mask in [("dedup.duplicate_of", ~found.near), ("dedup.near_duplicate_of", found.near)]:
                gone = mask & ~found.keep & chosen
                if gone.any():
                    door.dropped_documents[reason] = int(gone.sum())
                    door.dropped_bytes[reason] = int(lengths[gone].sum())
            return door

        whole = door_of(present)
        self.listener.stage_finished("dedup", whole)
        self._passed(whole, told=True)
        for number, name in enumerate(names):
            self.metrics[name].update(metrics_of.of_doors([door_of(present & (numbers == number))]))
        self.metrics[WHOLE].update(metrics_of.of_doors([whole]))

    def _passed(self, door: Door, told: bool = False) -> None:
        check(door)
        self.doors.append(door)
        if not told:
            self.listener.stage_finished(door.name, door)

    def _tokenizer(self, corpus: Corpus, keep: NDArray[np.bool_], key: str) -> Tokenizer:
        options = self.recipe.stage("tokenize")
        path = self.store.path(key, "tokenizer") / "tokenizer.json"
        if not self.store.has(key, "tokenizer"):
            with self.meter.measure("train" if not isinstance(options.tokenizer, str) else "tokenize"):
                tokenizer = tokenize_stage.make_tokenizer(self.recipe, options, corpus, keep, self.threads)
                with self.store.making(key, "tokenizer") as folder:
                    (folder / "tokenizer.json").write_text(tokenizer.to_json(), encoding="utf-8")
        tokenizer = Tokenizer.from_file(path)
        tokenize_stage.end_of_text_id(tokenizer, options)
        return tokenizer

    def _token_door(self, corpus: Corpus, keep: NDArray[np.bool_], lengths: NDArray[np.int64]) -> None:
        text_bytes = corpus.lengths[keep]
        names, numbers = corpus.source_numbers()
        numbers = numbers[keep]

        def door_of(chosen: NDArray[np.bool_]) -> Door:
            documents, size, tokens = int(chosen.sum()), int(text_bytes[chosen].sum()), int(lengths[chosen].sum())
            return Door("tokenize", documents, documents, size, size, tokens, tokens)

        everything = np.ones(len(numbers), np.bool_)
        if len(lengths) != len(numbers):
            raise GateError(f"stage tokenize: {len(numbers):,} documents in, {len(lengths):,} out; the line stops")
        whole = door_of(everything)
        self._passed(whole)
        self.metrics[WHOLE].update(metrics_of.of_doors([whole]))
        for number, name in enumerate(names):
            door = door_of(numbers == number)
            self.metrics[name].update(metrics_of.of_doors([door]))
            redact = next((one for one in self.source_doors[name] if one.name == "redact"), None)
            if redact is not None:
                self.metrics[name].update(metrics_of.of_redactions(redact.edits, door.tokens_out))
        redact = next((one for one in self.doors if one.name == "redact"), None)
        if redact is not None:
            self.metrics[WHOLE].update(metrics_of.of_redactions(redact.edits, whole.tokens_out))

    def _pack(self, tasks: list[TokenTask], lengths: NDArray[np.int64], text_bytes: NDArray[np.int64]) -> pack.Plan:
        options = self.recipe.stage("pack")
        self.listener.stage_started("pack", len(lengths), None)
        key = self.line.pack_key(tasks)
        with self.meter.measure("pack"):
            if not self.store.has(key, "pack"):
                made = pack.plan(
                    lengths,
                    options.sequence_length,
                    strategy=options.strategy,
                    long=options.long,
                    seed=self.recipe.seed,
                )
                placing.save_plan(self.store, key, made)
            plan = placing.load_plan(self.store, key)
        self.listener.stage_advanced("pack", len(lengths), 0, int(lengths.sum()))
        door, _ = placing.pack_door(plan, lengths, text_bytes)
        self._passed(door)
        whole = self.metrics[WHOLE]
        whole.update(metrics_of.of_doors([door]))
        whole["pack.density"] = plan.density
        whole["pack.cut_rate"] = plan.cut / max(len(lengths), 1)
        return plan

    def _shards(self, packed: _Packed, corpus: Corpus) -> list[str]:
        plan, tokenizer = packed.plan, packed.tokenizer
        rows_per_shard = self.recipe.stage("shard").rows_per_shard
        pack_key = self.line.pack_key(packed.tasks)
        text_bytes = corpus.lengths[packed.keep]
        self.listener.stage_started("shard", plan.rows, None)
        self._tokens_index(pack_key, packed, corpus)
        folder = self.work.path(pack_key, "shards")
        folder.mkdir(parents=True, exist_ok=True)
        count = max(-(-plan.rows // rows_per_shard), 1)
        self._tasks([
            ShardTask(
                folder, number, number * rows_per_shard, min((number + 1) * rows_per_shard, plan.rows), number == count - 1,
                pack_key, pack_key, tokenizer.vocab_size, tokenizer.digest,
            )
            for number in range(count)
        ])  # fmt: skip
        with self.meter.measure("shard"):
            written = shard.verify(folder, threads=self.threads)
        _, placed = placing.pack_door(plan, packed.lengths, text_bytes)
        bytes_in = int(text_bytes[placed].sum())
        door = Door("shard", int(placed.sum()), _documents_in(written), bytes_in, bytes_in, plan.tokens, written.tokens)
        if len(written) != plan.rows:
            raise GateError(f"stage shard: {plan.rows:,} rows were planned, {len(written):,} are there; the line stops")
        self.listener.stage_advanced("shard", int(placed.sum()), 0, written.tokens)
        self._passed(door)
        target = self.output / "shards"
        # What an interrupted run left may be of another plan.
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for path in sorted(folder.iterdir()):
            if path.name.startswith("shard-"):
                # Linked until the manifest is there: a run that is killed now has them still.
                os.link(path, target / path.name)
        return written.names

    def _tokens_index(self, key: str, packed: _Packed, corpus: Corpus) -> None:
        """What shard tasks need to find tokens of documents in the units' results."""
        if self.work.has(key, "tokens-index"):
            return
        counts = [int(corpus.of_unit(packed.keep, index).sum()) for index in range(len(corpus.units))]
        unit_bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(packed.lengths)]).astype(np.int64)
        with self.work.making(key, "tokens-index") as folder:
            np.save(folder / "unit_bounds.npy", unit_bounds[:-1])
            np.save(folder / "token_offsets.npy", offsets)
            np.save(folder / "token_bounds.npy", offsets[unit_bounds])
            np.save(folder / "ids.npy", _ids(corpus)[packed.keep])
            (folder / "keys.json").write_text(json.dumps([task.key for task in packed.tasks]))

    # The results

    def _ledger(self, packed: _Packed, corpus: Corpus) -> list[Path]:
        keep, plan = packed.keep, packed.plan
        names: list[tuple[str, str, str | None]] = [
            ("pack", "pack.too_long" if plan.longer_than_row else "pack.no_tokens", None)
        ]
        pieces = placing.pieces_of_texts(plan, keep, self.recipe.stage("shard").rows_per_shard)
        left_out = np.where(keep & (np.diff(pieces["piece_offsets"]) == 0), 0, -1).astype(np.int64)
        sources, numbers = corpus.source_numbers()
        for number, source in enumerate(sources):
            finding = self.quarantined.get(source)
            if finding is not None:
                left_out[numbers == number] = len(names)
                names.append(("gate", f"gate.{finding.metric}", finding.message))
        key = self.line.pack_key(packed.tasks)
        shutil.rmtree(self.work.path(key, "fate"), ignore_errors=True)
        with self.work.making(key, "fate") as folder:
            arrays = {
                "duplicate_of": packed.duplicates.duplicate_of, "near": packed.duplicates.near,
                "jaccard": packed.duplicates.jaccard, "ids": _ids(corpus), "left_out": left_out, **pieces,
            }  # fmt: skip
            for name, array in arrays.items():
                np.save(folder / f"{name}.npy", array)
            (folder / "verdicts.json").write_text(json.dumps(names))
        target = self.output / "ledger"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        tasks = [
            LedgerTask(target / f"documents-{number:05d}.parquet", keys, first, key)
            for number, (keys, first) in enumerate(self.line.ledger_groups(corpus))
        ]
        self._tasks(tasks)
        return [task.path for task in tasks]

    def _write_results(self, packed: _Packed, corpus: Corpus, shards: list[str]) -> RunResult:
        output, plan, tokenizer = self.output, packed.plan, packed.tokenizer
        ledgers = self._ledger(packed, corpus)
        tokenizer.save(output / "tokenizer.json")
        plain = self.recipe.result_dict()
        write_atomic(output / "recipe.yaml", yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
        with self.meter.measure("ledger"):
            listed = [
                *sorted((output / "shards").iterdir()),
                *ledgers,
                output / "tokenizer.json",
                output / "recipe.yaml",
            ]
            files = manifest.describe_files(output, listed)
        metrics = {
            "input_digest": self.line.input_digest,
            "stat_digest": self.line.stat_digest,
            "version": runtime.VERSION,
            "exclusions": self.recipe.exclusion_facts(),
            "threads": self.threads or runtime.default_threads(),
            "cpu_tier": runtime.cpu_tier(),
            **costs.of_run(self.recipe, self.clock, self.meter, self.energy, self._costs_made(corpus, packed.tasks)),
        }
        write_atomic(output / "metrics.json", json.dumps(metrics, indent=1) + "\n")
        manifest.update_run_checksums(output)
        content = manifest.save(output, {
            "name": self.recipe.name,
            "recipe_digest": self.recipe.digest,
            "recipe": plain,
            "versions": {"tokenfoundry": runtime.VERSION, "pyarrow": pa.__version__, "numpy": np.__version__},
            "tokenizer": {"file": "tokenizer.json", "digest": tokenizer.digest, "vocab_size": tokenizer.vocab_size},
            "sequence_length": plan.capacity,
            "rows": plan.rows,
            "tokens": plan.tokens,
            "density": plan.density,
            "lower_bound_rows": plan.lower_bound,
            "documents_cut": plan.cut,
            "doors": [door.to_dict() for door in self.doors],
            "metrics": {source: dict(sorted(found.items())) for source, found in self.metrics.items()},
            "gates": [finding.to_dict() for finding in self.findings],
            "files": files,
        })  # fmt: skip
        if self.recipe.sign is not None:
            from tokenfoundry.provenance.signing import sign

            sign(output, self.recipe.base / self.recipe.sign)
        return RunResult(output, content, metrics)

    def _costs_made(self, corpus: Corpus, tasks: list[TokenTask]) -> dict[str, Meter]:
        """What the units cost when they were made, by source."""
        made: dict[str, Meter] = {}
        for index, source in enumerate(corpus.sources):
            meter = made.setdefault(source, Meter())
            meter.merge(cost_of(self.store, self.line.units[index].key, "text"))
            meter.merge(cost_of(self.store, tasks[index].key, "tokens"))
        return made


def _ids(corpus: Corpus) -> NDArray[np.uint8]:
    """Id of each text, (n, 16)."""
    return np.concatenate([np.empty((0, 16), np.uint8), *(unit.ids() for unit in corpus.units)])


def _documents_in(shards: shard.Shards) -> int:
    """Distinct documents in shards, counted from what is on disk."""
    pieces = [shards.all_pieces(number)[1]["document"] for number in range(len(shards.names))]
    return len(np.unique(np.concatenate(pieces))) if pieces else 0
