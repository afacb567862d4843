"""From documents to the plan of rows: each phase does its tasks, counts what went through, and lets the gates judge."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenfoundry import pack
from tokenfoundry.errors import GateError
from tokenfoundry.pipeline import metrics as metrics_of
from tokenfoundry.pipeline import placing
from tokenfoundry.pipeline.corpus import Corpus
from tokenfoundry.pipeline.evidence import Evidence
from tokenfoundry.pipeline.metrics import WHOLE
from tokenfoundry.pipeline.stages import dedup as dedup_stage
from tokenfoundry.pipeline.stages import tokenize as tokenize_stage
from tokenfoundry.pipeline.stages.dedup import Duplicates
from tokenfoundry.pipeline.state import Left, Packed, State
from tokenfoundry.pipeline.tasks import (
    BandTask,
    TokenTask,
    token_lengths,
)
from tokenfoundry.provenance.doors import Door
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["Phases"]

_DOCUMENTS_OF_A_BAND_TASK = 300_000


class Phases(State):
    """The phases in order, from documents to the plan of rows."""

    def _text_doors(self, corpus: Corpus) -> None:
        self.metrics[WHOLE] = {}
        self.source_doors = self._count_doors(corpus, self.line.text.door_names)

    def _count_doors(self, corpus: Corpus, names: list[str]) -> dict[str, list[Door]]:
        """Count what went through text stages, their metrics too; doors by source."""
        doors = [Door(name) for name in names]
        by_source: dict[str, list[Door]] = {}
        for unit, source in zip(corpus.units, corpus.sources, strict=True):
            mine = by_source.setdefault(source, [Door(name) for name in names])
            for whole, own, counted in zip(doors, mine, unit.doors(), strict=True):
                whole.add(counted)
                own.add(counted)
        for door in doors:
            self._passed(door)
        for source, mine in by_source.items():
            self.metrics.setdefault(source, {}).update(metrics_of.of_doors(mine))
        self.metrics[WHOLE].update(metrics_of.of_doors(doors))
        if any(metrics_of.kind_of(name) == "label" for name in names):
            self._language_metrics(corpus)
        return by_source

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

    def _present(self, corpus: Corpus) -> NDArray[np.bool_]:
        names, numbers = corpus.source_numbers()
        absent = [number for number, name in enumerate(names) if name in self.quarantined]
        return ~np.isin(numbers, absent)

    def _rest(self, corpus: Corpus) -> Packed | None:
        """From dedup to packing; None where a gate quarantined a source on the way."""
        present = self._present(corpus)
        if self.recipe.gates:
            self._gate_door(corpus, present)
        duplicates = self._dedup(corpus, present)
        keep = duplicates.keep & present
        if self._judge({"dedup"}, Evidence(corpus, duplicates.duplicate_of)):
            return None
        left = self._refine(corpus, keep)
        if left is None:
            return None
        corpus, keep = left.corpus, left.keep
        key = self.line.tokenizer_key(corpus, keep)
        self.listener.stage_started("tokenize", int(keep.sum()), int(corpus.lengths[keep].sum()))
        tokenizer = self._tokenizer(corpus, keep, key)
        tasks = self.line.token_tasks(corpus, keep, key, tokenizer)
        self._tasks(tasks)
        by_unit = [token_lengths(self.store, task.key) for task in tasks]
        lengths = np.concatenate([np.empty(0, np.int64), *by_unit])
        self._token_door(corpus, keep, lengths)
        evidence = Evidence(corpus, None, keep, by_unit)
        redactions = {name for name in self.recipe.stage_names() if metrics_of.kind_of(name) == "redact"}
        if self._judge({"tokenize", *redactions}, evidence):
            return None
        plan = self._pack(tasks, lengths, corpus.lengths[keep])
        self._judge({"pack"}, evidence)
        return Packed(duplicates, left, tokenizer, tasks, lengths, plan)

    def _refine(self, corpus: Corpus, keep: NDArray[np.bool_]) -> Left | None:
        """The text stages after dedup, on what it kept; None where a gate quarantined a source."""
        if not self.line.late.stages:
            return Left(corpus, keep, keep, keep, late=False)
        tasks = self.line.refine_tasks(corpus, keep)
        self._tasks(tasks)
        refined = self.line.refined(tasks)
        still = np.concatenate([np.empty(0, np.bool_), *(unit.left() for unit in refined.units)])
        if len(still) != int(keep.sum()):
            raise GateError(f"refine: {int(keep.sum()):,} documents in, an answer for {len(still):,}; the line stops")
        names = self.line.late.door_names
        self.late_doors = self._count_doors(refined, names)
        if self._judge({name for name in names if metrics_of.kind_of(name) != "redact"}, Evidence(refined)):
            return None
        survived = keep.copy()
        survived[keep] = still
        return Left(refined, np.ones(len(refined), np.bool_), keep, survived, late=True)

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
        if "dedup" not in self.begun:
            self.listener.stage_started("dedup", count, int(lengths.sum()))
        self.begun.discard("dedup")
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
                folder = self.work.path(key, "bands")
                # Not flushed to disk, so good for a killed process only, not for a machine that went down.
                if not folder.is_dir():
                    with self.work.making(key, "bands", durable=False) as temporary:
                        dedup_stage.lay_out(temporary, list(zip(sketches, corpus.units, masks, strict=True)))
            bands = dedup_stage.plan_on_disk(folder, options, 1).bands
            # To send a task to another machine takes as long as to merge some ten thousand documents.
            step = max(_DOCUMENTS_OF_A_BAND_TASK // len(corpus), 1)
            self._tasks(
                [BandTask(folder, tuple(range(bands)[first : first + step])) for first in range(0, bands, step)]
            )
        with self.meter.measure("dedup"):
            hashes = np.concatenate([np.empty((0, 2), np.uint64), *(np.load(path / "hashes.npy") for path in sketches)])
            found = dedup_stage.decide(folder, hashes, corpus.lengths, present, options, self.threads)
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

    def _tokenizer(self, corpus: Corpus, keep: NDArray[np.bool_], key: str) -> Tokenizer:
        options = self.recipe.stage("tokenize")
        path = self.store.path(key, "tokenizer") / "tokenizer.json"

        def make() -> Tokenizer:
            if self.store.has(key, "tokenizer"):
                return Tokenizer.from_file(path)
            return tokenize_stage.make_tokenizer(self.recipe, options, corpus, keep, self.threads)

        with self.meter.measure("train" if not isinstance(options.tokenizer, str) else "tokenize"):
            tokenizer = tokenize_stage.known_tokenizer(key, make)
            if not self.store.has(key, "tokenizer"):
                with self.store.making(key, "tokenizer") as folder:
                    text = tokenize_stage.tokenizer_text(self.recipe, options, tokenizer)
                    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
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
            mine = [*self.source_doors[name], *self.late_doors.get(name, ())]
            self.metrics[name].update(metrics_of.of_redactions(mine, door.tokens_out))
        self.metrics[WHOLE].update(metrics_of.of_redactions(self.doors, whole.tokens_out))

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
