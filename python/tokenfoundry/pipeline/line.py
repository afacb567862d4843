"""A recipe as a plan: its units, the key of every result, and what of it is done.

Phases are cut at barriers: text (map), sketch and bands and the decision (dedup), refine (map, of what is left), train,
tokens (map), pack, shards, ledger. The key of each result follows from the keys of what it is made from, so all keys of a phase are known when the
phases before it are done; `plan` and the runner use the same ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import runtime
from tokenfoundry.pipeline.corpus import Corpus
from tokenfoundry.pipeline.digests import Digests
from tokenfoundry.pipeline.recipe import Recipe
from tokenfoundry.pipeline.stages import dedup as dedup_stage
from tokenfoundry.pipeline.stages import tokenize as tokenize_stage
from tokenfoundry.pipeline.store import Store, Work, digest_of
from tokenfoundry.pipeline.tasks import SketchTask, TokenTask
from tokenfoundry.pipeline.text_tasks import RefineTask, TextTask, text_line
from tokenfoundry.pipeline.unit_result import UnitResult
from tokenfoundry.pipeline.units import Unit, cut_units, input_files, keys_behind, stage_facts, stat_digest
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["Line"]

PACK_VERSION = 1
REFINE_VERSION = 1


@dataclass
class Line:
    """The plan of one run."""

    recipe: Recipe

    def __post_init__(self) -> None:
        self.output = self.recipe.output_path
        self.work = Work(self.output / "work")
        self.cache = Store(self.recipe.base / self.recipe.cache) if self.recipe.cache else None
        self.text = text_line(self.recipe, None)
        self.late = text_line(self.recipe, None, late=True)
        """Of the text stages after dedup; there may be none."""
        self.files = input_files(self.recipe)
        self.stat_digest = stat_digest(self.files)

    @property
    def store(self) -> Store:
        """Where results are: the cache, or the work folder."""
        return self.cache or self.work

    @cached_property
    def units(self) -> list[Unit]:
        """Units of the input. Reads files whose content is not known yet."""
        memories = [store.folder / "digests.json" for store in (self.cache, self.work) if store is not None]
        digests = Digests([path for path in memories if path.parent.exists()])
        units = cut_units(self.recipe, self.text.stages, runtime.VERSION, digests, self.files)
        digests.save()
        return units

    @cached_property
    def input_digest(self) -> str:
        return digest_of([unit.key for unit in self.units])

    def text_tasks(self) -> list[TextTask]:
        """Each with the sketch of its unit, unless dedup has decided already."""
        sketches = self.sketch_tasks()
        if not sketches or self.store.has(self.dedup_key([]), "dedup"):
            return [TextTask(unit) for unit in self.units]
        return [TextTask(unit, (sketch,)) for unit, sketch in zip(self.units, sketches, strict=True)]

    @property
    def text_done(self) -> bool:
        return all(self.store.has(unit.key, "text") for unit in self.units)

    def corpus(self) -> Corpus:
        """What the text stages left; they must be done."""
        return Corpus(
            [UnitResult.of(self.store, unit.key) for unit in self.units], [unit.source for unit in self.units],
            [unit.key for unit in self.units],
        )  # fmt: skip

    # dedup

    def sketch_tasks(self) -> list[SketchTask]:
        options = self.recipe.stage("dedup")
        if options is None:
            return []
        # Which document of a group stays does not change its sketch, nor does the threshold change a hash.
        facts = options.model_dump(mode="json", exclude={"keep"}) if options.near else {"near": False}
        return [
            SketchTask(digest_of("sketch", unit.key, facts, dedup_stage.VERSION), unit.key) for unit in self.units
        ]  # fmt: skip

    def dedup_key(self, absent: list[str]) -> str:
        """Of the decision; ``absent`` are sources that do not take part."""
        options = self.recipe.stage("dedup")
        keys = [task.key for task in self.sketch_tasks()]
        return digest_of("dedup", keys, options.model_dump(mode="json"), absent, dedup_stage.VERSION)

    # text stages after dedup

    def refine_tasks(self, corpus: Corpus, keep: NDArray[np.bool_]) -> list[RefineTask]:
        """``keep``: which texts of the corpus go on."""
        facts = [stage_facts(stage) for stage in self.late.stages]
        tasks = []
        for index, unit in enumerate(self.units):
            bits = np.packbits(corpus.of_unit(keep, index)).tobytes()
            first = digest_of("refine", unit.key, hashlib.sha256(bits).hexdigest(), REFINE_VERSION)
            tasks.append(RefineTask(replace(unit, keys=keys_behind(first, facts)), unit.key, bits))
        return tasks

    def refined(self, tasks: list[RefineTask]) -> Corpus:
        """What these stages left; they must be done."""
        keys = [task.unit.key for task in tasks]
        return Corpus([UnitResult.of(self.store, key) for key in keys], [task.unit.source for task in tasks], keys)

    # tokens

    @cached_property
    def file_tokenizer_key(self) -> str | None:
        """Of a tokenizer that is a file."""
        options = self.recipe.stage("tokenize").tokenizer
        if not isinstance(options, str):
            return None
        return digest_of("tokenizer", hashlib.sha256((self.recipe.base / options).read_bytes()).hexdigest())

    def tokenizer_key(self, corpus: Corpus, keep: NDArray[np.bool_]) -> str:
        """Of the tokenizer: its file, or all that decides what is learnt."""
        options = self.recipe.stage("tokenize").tokenizer
        if self.file_tokenizer_key is not None:
            return self.file_tokenizer_key
        kept = hashlib.sha256(np.packbits(keep).tobytes()).hexdigest()
        return digest_of(
            "tokenizer", list(corpus.keys), kept, options.model_dump(mode="json"), self.recipe.seed,
            tokenize_stage.VERSION,
        )  # fmt: skip

    def token_tasks(
        self, corpus: Corpus, keep: NDArray[np.bool_], tokenizer_key: str, tokenizer: Tokenizer
    ) -> list[TokenTask]:
        end, digest = self.recipe.stage("tokenize").end_of_text, tokenizer.digest
        tasks = []
        for index, text_key in enumerate(corpus.keys):
            bits = np.packbits(corpus.of_unit(keep, index)).tobytes()
            facts = [text_key, hashlib.sha256(bits).hexdigest(), digest, end, tokenize_stage.VERSION]
            tasks.append(TokenTask(digest_of("tokens", *facts), text_key, tokenizer_key, bits))
        return tasks

    def pack_key(self, tasks: list[TokenTask]) -> str:
        options = self.recipe.stage("pack").model_dump(mode="json")
        return digest_of("pack", [task.key for task in tasks], options, self.recipe.seed, PACK_VERSION)

    def ledger_groups(self, corpus: Corpus) -> list[tuple[list[int], int]]:
        """Units of each file of the ledger, by number, and its first text."""
        from tokenfoundry.provenance.ledger import ROWS_PER_FILE

        groups: list[tuple[list[int], int]] = []
        numbers: list[int] = []
        rows = first = 0
        for index, unit in enumerate(corpus.units):
            records = unit.facts()["records"]
            if numbers and rows + records > ROWS_PER_FILE:
                groups.append((numbers, first))
                numbers, rows, first = [], 0, int(corpus.bounds[index])
            numbers.append(index)
            rows += records
        if numbers or not groups:
            groups.append((numbers, first))
        return groups

    @property
    def history(self) -> Path | None:
        """Where metrics of earlier runs are."""
        if self.recipe.history is not None:
            return self.recipe.base / self.recipe.history
        return self.cache.folder / "runs.jsonl" if self.cache else None
