"""Running a recipe: phase after phase, each as tasks on an executor, each task's result in the store.

Every result is there whole or not at all, so a run that was interrupted, however roughly, goes on from there and ends
with the same bytes. The manifest is written last: an output with a manifest is finished. Memory: a few batches of
documents, about 100 bytes a document, and what dedup needs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from tokenfoundry._core import runtime
from tokenfoundry.errors import RecipeError
from tokenfoundry.pipeline import history, publish
from tokenfoundry.pipeline.events import Listener, RunPlan, Silent
from tokenfoundry.pipeline.evidence import Evidence
from tokenfoundry.pipeline.executors import Executor, executor_for
from tokenfoundry.pipeline.gates import Gates, check_gates
from tokenfoundry.pipeline.metrics import kind_of
from tokenfoundry.pipeline.recipe import Recipe, load_recipe
from tokenfoundry.pipeline.results import Results
from tokenfoundry.pipeline.stages import tokenize as tokenize_stage
from tokenfoundry.pipeline.state import RunResult
from tokenfoundry.pipeline.store import Work
from tokenfoundry.pipeline.tasks import explained
from tokenfoundry.provenance import manifest
from tokenfoundry.provenance.doors import check_chain

__all__ = ["RunResult", "run"]


# What a run may find in its output folder.
_OURS = frozenset({
    "work", "shards", "ledger", "tokenizer.json", "recipe.yaml", "metrics.json", "report.html", "run.sha256",
    "manifest.sig", "takedowns.jsonl",
})  # fmt: skip


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
    check_gates(checked.gates, checked.stage_names())
    return _Run(checked, threads or checked.threads, progress or Silent(), keep_work, executor).run()


class _Run(Results):
    """One run."""

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
                with self.work.flushing(keep=self.keep_work):
                    result = self._work()
            except OSError as error:
                raise explained(error, f"writing to {self.output}") from None
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
        if self.line.file_tokenizer_key is not None:
            tokenize_stage.load_ahead(self.recipe, self.line.file_tokenizer_key)
        self._tasks(self.line.text_tasks())
        corpus = self.line.corpus()
        self._text_doors(corpus)
        self._judge({name for name in self.line.text.door_names if kind_of(name) != "redact"}, Evidence(corpus))
        while True:
            before = len(self.quarantined)
            doors = len(self.doors)
            packed = self._rest(corpus)
            if packed is not None:
                break
            # A source was quarantined: what follows is done again without it.
            assert len(self.quarantined) > before
            del self.doors[doors:]
        written = self._write_data(packed, corpus)
        check_chain(self.doors)
        return self._write_results(packed, corpus, written)

    def _finished(self) -> RunResult | None:
        """The result, if the output has it already; an error if it has another run's."""
        Work.sweep_output(self.output)
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
            ("read", *self.recipe.stage_names()),
            sum(len(files) for _, files in self.line.files), sum(unit.bytes for unit in units), len(units), done,
            self.threads or runtime.default_threads(),
        ))  # fmt: skip
        self.to_read = sum(unit.bytes for unit in units if not self.store.has(unit.key, "text"))
