"""Running a recipe: text stages unit by unit, then dedup, tokenize, pack and shard over what is left.

Every step writes its result to the work folder, whole or not at all, before the next begins; a run that was
interrupted, however roughly, goes on from there and ends with the same bytes. The manifest is written last: an output
with a manifest is finished. Memory: a batch of documents, about 30 bytes a document, and what dedup needs.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
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
from tokenfoundry.io.atomic import atomic_path, write_atomic
from tokenfoundry.pipeline.corpus import Corpus
from tokenfoundry.pipeline.documents import UnitFiles, run_unit
from tokenfoundry.pipeline.events import Listener, RunPlan, Silent
from tokenfoundry.pipeline.meter import Meter
from tokenfoundry.pipeline.recipe import Recipe, load_recipe
from tokenfoundry.pipeline.stages import TEXT_STAGES, TextStage, text_stage
from tokenfoundry.pipeline.stages import dedup as dedup_stage
from tokenfoundry.pipeline.stages import tokenize as tokenize_stage
from tokenfoundry.pipeline.units import Unit, cut_units
from tokenfoundry.pipeline.work import Work
from tokenfoundry.provenance import ledger, manifest
from tokenfoundry.provenance.doors import Door, check, check_chain
from tokenfoundry.ragged import Ragged
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["RunResult", "run"]


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
) -> RunResult:
    """Run a recipe (a YAML file's path, a mapping, or a `Recipe`) and return what it made.

    ``threads`` overrides the recipe's; neither changes the result. ``progress`` hears what goes on. An interrupted
    run resumes; a finished one is not done again. ``keep_work`` leaves the work folder.

    Raises RecipeError before any work, InputError where ``on_error: stop`` meets a bad record, GateError where counts
    do not add up, OSError where the output cannot be written.
    """
    checked = load_recipe(recipe)
    return _Run(checked, threads or checked.threads, progress or Silent(), keep_work).run()


class _Run:
    """One run; the methods are its steps, in order."""

    def __init__(self, recipe: Recipe, threads: int | None, listener: Listener, keep_work: bool) -> None:
        self.recipe = recipe
        self.threads = threads
        self.listener = listener
        self.keep_work = keep_work
        self.output = recipe.output_path
        self.meter = Meter()
        self.stages: list[TextStage] = [
            text_stage(name, options, recipe.base) for name, options in recipe.stage_list() if name in TEXT_STAGES
        ]
        self.units = cut_units(recipe, self.stages, runtime.VERSION)
        self.input_digest = Work.key([unit.key for unit in self.units])
        self.doors: list[Door] = []

    def run(self) -> RunResult:
        finished = self._finished()
        if finished is not None:
            return finished
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecipeError(f"output: {self.output} cannot be made: {error.strerror}") from None
        work = Work(self.output / "work")
        with work.locked():
            work.sweep()
            Work.sweep_removed(self.output)
            self._claim(work)
            files = self._text_stages(work)
            corpus = Corpus.open(files)
            duplicates = self._dedup(work, corpus)
            tokenizer, end_id = self._tokenizer(work, corpus, duplicates.keep)
            tokens = self._tokenize(work, corpus, duplicates.keep, tokenizer, end_id)
            text_bytes = corpus.lengths()[duplicates.keep]
            plan = self._pack(tokens, text_bytes)
            ids = self._ids(files)
            self._shard(tokens, plan, ids, duplicates.keep, tokenizer, text_bytes)
            check_chain(self.doors)
            fate = _fate(plan, duplicates, len(corpus), self.recipe.stage("shard").rows_per_shard)
            result = self._write_results(files, ids, fate, tokenizer, plan)
        if not self.keep_work:
            work.remove()
        self.listener.run_finished(result)
        return result

    # Before the work

    def _finished(self) -> RunResult | None:
        """The result, if the output has it already; an error if it has another run's."""
        if not (self.output / "manifest.json").exists():
            return None
        found = manifest.load(self.output)
        metrics = json.loads((self.output / "metrics.json").read_text())
        if found["recipe_digest"] != self.recipe.digest:
            raise RecipeError(
                f"output: {self.output} has the result of another recipe ({found['name']}); choose another folder or remove it"
            )
        if metrics.get("input_digest") != self.input_digest:
            raise RecipeError(
                f"output: {self.output} has the result of this recipe on other input (files were added, removed or changed "
                "since, or tokenfoundry was); choose another folder or remove it"
            )
        # Interrupted after the manifest, before the work folder was gone.
        Work.sweep_removed(self.output)
        leftover = self.output / "work"
        if leftover.is_dir() and not self.keep_work:
            Work(leftover).remove()
        result = RunResult(self.output, found, metrics, reused=True)
        self.listener.run_finished(result)
        return result

    def _claim(self, work: Work) -> None:
        """Refuse a folder that holds something else."""
        ours = {
            "work",
            "shards",
            "ledger",
            "tokenizer.json",
            "recipe.yaml",
            "metrics.json",
            "report.html",
            "run.sha256",
        }
        strangers = sorted(
            path.name for path in self.output.iterdir() if path.name not in ours and not path.name.startswith(".")
        )
        if strangers:
            raise RecipeError(f"output: {self.output} is not empty (it has {strangers[0]}); choose another folder")
        done = sum(UnitFiles.of(work.folder, unit.key).done for unit in self.units)
        self.listener.run_started(RunPlan(
            self.recipe.name, str(self.output), ("read", *(name for name, _ in self.recipe.stage_list())),
            sum(len(unit.files) for unit in self.units), sum(unit.bytes for unit in self.units), len(self.units), done,
            self.threads or runtime.default_threads(),
        ))  # fmt: skip

    # The steps

    def _text_stages(self, work: Work) -> list[UnitFiles]:
        names = ["read", *(stage.name for stage in self.stages)]
        total = sum(unit.bytes for unit in self.units)
        for name in names:
            self.listener.stage_started(name, None, total)
        self.doors = [Door(name) for name in names]
        files = []
        for unit in self.units:
            unit_files = UnitFiles.of(work.folder, unit.key)
            if not unit_files.done:
                self._run_unit(unit, unit_files)
            for door, counted in zip(self.doors, unit_files.doors(), strict=True):
                door.add(counted)
            files.append(unit_files)
        for door in self.doors:
            check(door)
            self.listener.stage_finished(door.name, door)
        return files

    def _run_unit(self, unit: Unit, files: UnitFiles) -> None:
        run_unit(
            unit,
            self.stages,
            files,
            threads=self.threads,
            stop_on_error=self.recipe.on_error == "stop",
            listener=self.listener,
            meter=self.meter,
        )

    def _dedup(self, work: Work, corpus: Corpus) -> dedup_stage.Duplicates:
        options = self.recipe.stage("dedup")
        count = len(corpus)
        if options is None:
            return dedup_stage.Duplicates(
                np.full(count, -1, np.int64), np.zeros(count, np.bool_), np.full(count, np.nan, np.float32)
            )
        lengths = corpus.lengths()
        total = int(lengths.sum())
        self.listener.stage_started("dedup", count, total)
        name = f"dedup-{Work.key(self.input_digest, options.model_dump(mode='json'), dedup_stage.VERSION)}"
        arrays = work.load_arrays(name)
        if arrays is None:
            with self.meter.measure("dedup"):
                found = dedup_stage.find_duplicates(corpus, options, self.threads)
            arrays = {"duplicate_of": found.duplicate_of, "near": found.near, "jaccard": found.jaccard}
            work.save_arrays(name, **arrays)
        duplicates = dedup_stage.Duplicates(**arrays)
        if len(duplicates.duplicate_of) != count:
            raise GateError(
                f"stage dedup: {count:,} documents in, an answer for {len(duplicates.duplicate_of):,}; the line stops"
            )
        keep = duplicates.keep
        near = duplicates.near
        door = Door("dedup", documents_in=count, bytes_in=total)
        door.documents_out, door.bytes_out = int(keep.sum()), int(lengths[keep].sum())
        for reason, mask in [("dedup.duplicate_of", ~keep & ~near), ("dedup.near_duplicate_of", ~keep & near)]:
            if mask.any():
                door.dropped_documents[reason] = int(mask.sum())
                door.dropped_bytes[reason] = int(lengths[mask].sum())
        self.listener.stage_advanced("dedup", count, total, 0)
        self._passed(door)
        return duplicates

    def _passed(self, door: Door) -> None:
        check(door)
        self.doors.append(door)
        self.listener.stage_finished(door.name, door)

    def _tokenizer(self, work: Work, corpus: Corpus, keep: NDArray[np.bool_]) -> tuple[Tokenizer, int | None]:
        options = self.recipe.stage("tokenize")
        self.listener.stage_started("tokenize", int(keep.sum()), int(corpus.lengths()[keep].sum()))
        name = self._tokenize_key(options)
        path = work.path(f"tokenizer-{name}.json")
        if not path.exists():
            with self.meter.measure("train" if not isinstance(options.tokenizer, str) else "tokenize"):
                tokenizer = tokenize_stage.make_tokenizer(self.recipe, options, corpus, keep, self.threads)
            write_atomic(path, tokenizer.to_json())
        tokenizer = Tokenizer.from_file(path)
        return tokenizer, tokenize_stage.end_of_text_id(tokenizer, options)

    def _tokenize_key(self, options: Any) -> str:
        """Stands for all that decides the tokens: the documents, the tokenizer, the end mark."""
        dedup = self.recipe.stage("dedup")
        tokenizer = options.tokenizer
        facts = [
            self.input_digest,
            dedup.model_dump(mode="json") if dedup else None,
            options.model_dump(mode="json"),
            tokenize_stage.VERSION,
            self.recipe.seed,
            hashlib.sha256((self.recipe.base / tokenizer).read_bytes()).hexdigest()
            if isinstance(tokenizer, str)
            else "",
        ]
        return Work.key(*facts)

    def _tokenize(
        self, work: Work, corpus: Corpus, keep: NDArray[np.bool_], tokenizer: Tokenizer, end_id: int | None
    ) -> Ragged:
        name = f"tokens-{self._tokenize_key(self.recipe.stage('tokenize'))}"
        path = work.path(f"{name}.u32")
        arrays = work.load_arrays(name)
        if arrays is None:
            lengths = []
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                encoded = tokenize_stage.encode(corpus, keep, tokenizer, end_id, self.threads)
                for texts, tokens in self.meter.iterate("tokenize", encoded):
                    tokens.values.tofile(file)
                    lengths.append(tokens.lengths)
                    self.listener.stage_advanced("tokenize", len(tokens), texts.nbytes, len(tokens.values))
            arrays = {"lengths": np.concatenate([np.empty(0, np.int64), *lengths])}
            work.save_arrays(name, **arrays)
        offsets = np.concatenate([[0], np.cumsum(arrays["lengths"])]).astype(np.int64)
        total = int(offsets[-1])
        values = np.memmap(path, np.uint32, "r", shape=(total,)) if total else np.empty(0, np.uint32)
        tokens = Ragged(np.asarray(values), offsets)
        made = int(corpus.lengths()[keep].sum())
        door = Door("tokenize", int(keep.sum()), len(tokens), made, made, total, total)
        self._passed(door)
        return tokens

    def _pack(self, tokens: Ragged, text_bytes: NDArray[np.int64]) -> pack.Plan:
        options = self.recipe.stage("pack")
        lengths = tokens.lengths
        total = int(lengths.sum())
        self.listener.stage_started("pack", len(lengths), None)
        with self.meter.measure("pack"):
            plan = pack.plan(
                lengths, options.sequence_length, strategy=options.strategy, long=options.long, seed=self.recipe.seed
            )
        placed = np.bincount(plan.document, weights=plan.length, minlength=len(lengths)).astype(np.int64)
        door = Door(
            "pack", len(lengths), int((placed > 0).sum()), int(text_bytes.sum()), int(text_bytes[placed > 0].sum())
        )
        door.tokens_in, door.tokens_out = total, int(plan.length.sum())
        for name, mask in [("pack.too_long", (placed == 0) & (lengths > 0)), ("pack.no_tokens", lengths == 0)]:
            if mask.any():
                door.dropped_documents[name] = int(mask.sum())
                door.dropped_bytes[name] = int(text_bytes[mask].sum())
                door.dropped_tokens[name] = int(lengths[mask].sum())
        cut_off = int((lengths - placed)[placed > 0].sum())
        if cut_off:
            door.dropped_tokens["pack.truncated"] = cut_off
        self.listener.stage_advanced("pack", len(lengths), 0, total)
        self._passed(door)
        return plan

    def _ids(self, files: list[UnitFiles]) -> pa.Array:
        """Ids of the texts that the text stages left, in order."""
        parts = [batch.column("id").filter(batch.column("verdict").is_null()) for batch in _rows(files)]
        return pa.concat_arrays(parts) if parts else pa.array([], pa.binary(16))

    def _shard(
        self,
        tokens: Ragged,
        plan: pack.Plan,
        ids: pa.Array,
        keep: NDArray[np.bool_],
        tokenizer: Tokenizer,
        text_bytes: NDArray[np.int64],
    ) -> None:
        options = self.recipe.stage("shard")
        self.listener.stage_started("shard", plan.rows, None)
        folder = self.output / "shards"
        # What an interrupted run left may be of another plan.
        shutil.rmtree(folder, ignore_errors=True)
        with self.meter.measure("shard"):
            shard.write(
                folder, tokens, plan, document_ids=b"".join(ids.filter(pa.array(keep)).to_pylist()),
                vocabulary_size=tokenizer.vocab_size, tokenizer_digest=tokenizer.digest,
                rows_per_shard=options.rows_per_shard,
            )  # fmt: skip
            written = shard.verify(folder)
        placed = np.zeros(len(text_bytes), np.bool_)
        placed[plan.document] = True
        bytes_in = int(text_bytes[placed].sum())
        door = Door("shard", int(placed.sum()), _documents_in(written), bytes_in, bytes_in, plan.tokens, written.tokens)
        if len(written) != plan.rows:
            raise GateError(f"stage shard: {plan.rows:,} rows were planned, {len(written):,} are there; the line stops")
        self.listener.stage_advanced("shard", int(placed.sum()), 0, written.tokens)
        self._passed(door)

    # The results

    def _write_results(
        self, files: list[UnitFiles], ids: pa.Array, fate: ledger.Fate, tokenizer: Tokenizer, plan: pack.Plan
    ) -> RunResult:
        output = self.output
        shutil.rmtree(output / "ledger", ignore_errors=True)
        with self.meter.measure("ledger"):
            ledgers = ledger.write(output / "ledger", _rows(files), ids, fate)
        tokenizer.save(output / "tokenizer.json")
        plain = {key: value for key, value in self.recipe.to_dict().items() if key not in ("output", "threads")}
        write_atomic(output / "recipe.yaml", yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
        metrics = {
            "input_digest": self.input_digest,
            "threads": self.threads or runtime.default_threads(),
            "cpu_tier": runtime.cpu_tier(),
            **self.meter.to_dict(),
        }
        write_atomic(output / "metrics.json", json.dumps(metrics, indent=1) + "\n")
        manifest.update_run_checksums(output)
        listed = [*sorted((output / "shards").iterdir()), *ledgers, output / "tokenizer.json", output / "recipe.yaml"]
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
            "files": manifest.describe_files(output, listed),
        })  # fmt: skip
        return RunResult(output, content, metrics)


def _rows(files: list[UnitFiles]) -> Iterator[pa.RecordBatch]:
    for unit in files:
        with pa.memory_map(str(unit.rows)) as source:
            reader = pa.ipc.open_file(source)
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)


def _documents_in(shards: shard.Shards) -> int:
    """Distinct documents in shards, counted from what is on disk."""
    pieces = [shards.all_pieces(number)[1]["document"] for number in range(len(shards.names))]
    return len(np.unique(np.concatenate(pieces))) if pieces else 0


def _fate(plan: pack.Plan, duplicates: dedup_stage.Duplicates, count: int, rows_per_shard: int) -> ledger.Fate:
    """Where the pieces of each of the ``count`` texts lie, in the order of the texts."""
    text_of = np.flatnonzero(duplicates.keep)
    rows = np.repeat(np.arange(plan.rows), np.diff(plan.row_offsets))
    before = np.concatenate([[0], np.cumsum(plan.length)])
    offset = before[:-1] - before[plan.row_offsets[rows]] if len(rows) else np.empty(0, np.int64)
    text = text_of[plan.document]
    order = np.lexsort((plan.start, text))
    pieces_of = np.bincount(text, minlength=count) if count else np.empty(0, np.int64)
    tokens = np.bincount(text, weights=plan.length, minlength=count).astype(np.int64)[:count]
    verdict: list[str | None] = [None] * count
    for index in text_of[pieces_of[text_of] == 0].tolist():
        verdict[index] = "pack.too_long" if plan.longer_than_row else "pack.no_tokens"
    return ledger.Fate(
        duplicate_of=duplicates.duplicate_of,
        near=duplicates.near,
        jaccard=duplicates.jaccard,
        tokens=tokens,
        packing_verdict=verdict,
        piece_offsets=np.concatenate([[0], np.cumsum(pieces_of)]).astype(np.int64),
        shard=(rows // rows_per_shard)[order],
        row=(rows % rows_per_shard)[order],
        offset=offset[order],
        start=plan.start[order],
        length=plan.length[order],
    )
