"""What a run leaves behind: shards, ledger, metrics, and last of all the manifest."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray

from tokenfoundry import shard
from tokenfoundry._core import runtime
from tokenfoundry.errors import GateError
from tokenfoundry.io.atomic import Flushing, write_atomic
from tokenfoundry.pipeline import costs, placing
from tokenfoundry.pipeline.corpus import Corpus
from tokenfoundry.pipeline.meter import Meter
from tokenfoundry.pipeline.phases import Phases
from tokenfoundry.pipeline.state import Packed, RunResult
from tokenfoundry.pipeline.store import save_arrays
from tokenfoundry.pipeline.tasks import (
    LedgerTask,
    ShardTask,
    Task,
    cost_of,
)
from tokenfoundry.provenance import manifest
from tokenfoundry.provenance.doors import Door

__all__ = ["Results"]


@dataclass
class _Data:
    """Shards and ledger, on their way to the disk."""

    files: list[Path]
    flushing: Flushing


class Results(Phases):
    """The last phase: shards, ledger, manifest."""

    def _write_data(self, packed: Packed, corpus: Corpus) -> _Data:
        """Shards and ledger. Neither waits for the other, and the disk gets them while their sums are taken."""
        shards, folder = self._shard_tasks(packed)
        ledgers = self._ledger_tasks(packed, corpus)
        self._tasks([*shards, *ledgers])
        flushing = Flushing()
        flushing.add([*(path for path in folder.iterdir() if _of_shard(path)), *(task.path for task in ledgers)])
        self._check_shards(packed, folder)
        target = self.output / "shards"
        # What an interrupted run left may be of another plan.
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for path in sorted(folder.iterdir()):
            if _of_shard(path):
                # Linked until the manifest is there: a run that is killed now has them still.
                os.link(path, target / path.name)
        flushing.add_folder(target)
        return _Data([*sorted(target.iterdir()), *(task.path for task in ledgers)], flushing)

    def _shard_tasks(self, packed: Packed) -> tuple[list[Task], Path]:
        """And the folder that the shards will be in."""
        plan, tokenizer = packed.plan, packed.tokenizer
        rows_per_shard = self.recipe.stage("shard").rows_per_shard
        pack_key = self.line.pack_key(packed.tasks)
        self.listener.stage_started("shard", plan.rows, None)
        self._tokens_index(pack_key, packed)
        folder = self.work.path(pack_key, "shards")
        folder.mkdir(parents=True, exist_ok=True)
        count = max(-(-plan.rows // rows_per_shard), 1)
        digest = tokenizer.digest
        return [
            ShardTask(
                folder, number, number * rows_per_shard, min((number + 1) * rows_per_shard, plan.rows), number == count - 1,
                pack_key, pack_key, tokenizer.vocab_size, digest,
            )
            for number in range(count)
        ], folder  # fmt: skip

    def _check_shards(self, packed: Packed, folder: Path) -> None:
        plan = packed.plan
        text_bytes = packed.left.corpus.lengths[packed.left.keep]
        with self.meter.measure("shard"):
            written = shard.verify(folder, threads=self.threads)
        _, placed = placing.pack_door(plan, packed.lengths, text_bytes)
        bytes_in = int(text_bytes[placed].sum())
        door = Door("shard", int(placed.sum()), _documents_in(written), bytes_in, bytes_in, plan.tokens, written.tokens)
        if len(written) != plan.rows:
            raise GateError(f"stage shard: {plan.rows:,} rows were planned, {len(written):,} are there; the line stops")
        self.listener.stage_advanced("shard", int(placed.sum()), 0, written.tokens)
        self._passed(door)

    def _tokens_index(self, key: str, packed: Packed) -> None:
        """What shard tasks need to find tokens of documents in the units' results."""
        if self.work.has(key, "tokens-index"):
            return
        corpus, keep = packed.left.corpus, packed.left.keep
        counts = [int(corpus.of_unit(keep, index).sum()) for index in range(len(corpus.units))]
        unit_bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(packed.lengths)]).astype(np.int64)
        with self.work.making(key, "tokens-index", durable=False) as folder:
            save_arrays(
                folder, unit_bounds=unit_bounds[:-1], token_offsets=offsets, token_bounds=offsets[unit_bounds],
                ids=_ids(corpus)[keep],
            )  # fmt: skip
            (folder / "keys.json").write_text(json.dumps([task.key for task in packed.tasks]))

    def _ledger_tasks(self, packed: Packed, corpus: Corpus) -> list[LedgerTask]:
        left, plan = packed.left, packed.plan
        keep = left.survived
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
        with self.work.making(key, "fate", durable=False) as folder:
            arrays = {
                "duplicate_of": packed.duplicates.duplicate_of, "near": packed.duplicates.near,
                "jaccard": packed.duplicates.jaccard, "ids": _ids(corpus), "left_out": left_out, "passed": left.passed,
                **pieces,
            }  # fmt: skip
            save_arrays(folder, **arrays)
            (folder / "verdicts.json").write_text(json.dumps(names))
        target = self.output / "ledger"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        return [
            LedgerTask(
                target / f"documents-{number:05d}.parquet",
                tuple(corpus.keys[unit] for unit in units),
                first,
                key,
                tuple(left.corpus.keys[unit] for unit in units) if left.late else (),
            )
            for number, (units, first) in enumerate(self.line.ledger_groups(corpus))
        ]

    def _write_results(self, packed: Packed, corpus: Corpus, data: _Data) -> RunResult:
        output, plan, tokenizer = self.output, packed.plan, packed.tokenizer
        made = self.store.path(packed.tasks[0].tokenizer_key, "tokenizer") / "tokenizer.json" if packed.tasks else None
        if made is not None:
            write_atomic(output / "tokenizer.json", made.read_bytes(), durable=False)
        else:
            tokenizer.save(output / "tokenizer.json")
        plain = self.recipe.result_dict()
        recipe_text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
        write_atomic(output / "recipe.yaml", recipe_text, durable=False)
        with self.meter.measure("ledger"):
            listed = [*data.files, output / "tokenizer.json", output / "recipe.yaml"]
            files = manifest.describe_files(output, listed)
        metrics = {
            "input_digest": self.line.input_digest,
            "stat_digest": self.line.stat_digest,
            "version": runtime.VERSION,
            "exclusions": self.recipe.exclusion_facts(),
            "threads": self.threads or runtime.default_threads(),
            "cpu_tier": runtime.cpu_tier(),
            **costs.of_run(self.recipe, self.clock, self.meter, self.energy, self._costs_made(corpus, packed)),
        }
        write_atomic(output / "metrics.json", json.dumps(metrics, indent=1) + "\n", durable=False)
        manifest.update_run_checksums(output, durable=False)
        data.flushing.add(output / name for name in ("tokenizer.json", "recipe.yaml", "metrics.json", "run.sha256"))
        # The manifest says that all the others are there.
        data.flushing.wait()
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

    def _costs_made(self, corpus: Corpus, packed: Packed) -> dict[str, Meter]:
        """What the units cost when they were made, by source."""
        made: dict[str, Meter] = {}
        for index, source in enumerate(corpus.sources):
            meter = made.setdefault(source, Meter())
            meter.merge(cost_of(self.store, corpus.keys[index], "text"))
            if packed.left.late:
                meter.merge(cost_of(self.store, packed.left.corpus.keys[index], "text"))
            meter.merge(cost_of(self.store, packed.tasks[index].key, "tokens"))
        return made


def _of_shard(path: Path) -> bool:
    return path.name.startswith("shard-")


def _ids(corpus: Corpus) -> NDArray[np.uint8]:
    """Id of each text, (n, 16)."""
    return np.concatenate([np.empty((0, 16), np.uint8), *(unit.ids() for unit in corpus.units)])


def _documents_in(shards: shard.Shards) -> int:
    """Distinct documents in shards, counted from what is on disk."""
    pieces = [shards.all_pieces(number)[1]["document"] for number in range(len(shards.names))]
    return len(np.unique(np.concatenate(pieces))) if pieces else 0
