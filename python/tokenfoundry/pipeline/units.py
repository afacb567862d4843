"""Cutting the input into units of work, and their keys.

A unit is a part of a large file, one file, or several small ones of the same input. Its key is a hash of what goes in
(names and content digests of the files, how they are read) and of what is done (stages, their options and versions),
so a changed file or stage is simply another unit. The key after fewer stages is the key of a prefix: where a cache has
its result, only the stages that follow are done.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tokenfoundry._core import runtime
from tokenfoundry.io import InputFile, find_files, format_of
from tokenfoundry.pipeline.digests import PART_BYTES, Digests
from tokenfoundry.pipeline.recipe import Input, Recipe
from tokenfoundry.pipeline.stages import TextStage

__all__ = ["Unit", "cut_units", "input_files", "keys_behind", "stage_facts", "stat_digest"]

_UNIT_FILES = 4096
_FORMAT_VERSION = 3
# Where the files lie is in their names; these do not change what is read from one.
_NOT_READING = frozenset({"path"})


@dataclass(frozen=True)
class Unit:
    """Files that are read one after another."""

    input: Input
    files: tuple[InputFile, ...]
    keys: tuple[str, ...]
    """Of the result after reading, and after each stage."""

    @property
    def key(self) -> str:
        return self.keys[-1]

    @property
    def source(self) -> str:
        return self.input.source

    @property
    def bytes(self) -> int:
        return sum(_size(file) for file in self.files)

    def format(self, file: InputFile) -> str:
        return format_of(file.path) if self.input.format == "auto" else self.input.format

    def __str__(self) -> str:
        first = self.files[0]
        where = f", from byte {first.span.start:,}" if first.span and self.format(first) == "jsonl" else ""
        return first.uri + where + (f" and {len(self.files) - 1} more" if len(self.files) > 1 else "")


def _size(file: InputFile) -> int:
    if file.span is None:
        return file.size
    return file.span.end - file.span.start if file.span.end - file.span.start > 4096 else PART_BYTES


def input_files(recipe: Recipe) -> list[tuple[Input, list[InputFile]]]:
    """The files of each input, each file once for a source."""
    output = recipe.output_path.resolve() if recipe.output_path is not None else None
    seen: set[tuple[str, str]] = set()
    found = []
    for entry in recipe.input:
        files = []
        for file in find_files(entry.path, recipe.base):
            # A run does not read itself, nor a file twice for one source where two inputs overlap: its documents
            # would have one identity.
            inside = output is not None and not file.remote and file.path.resolve().is_relative_to(output)
            if (entry.source, file.uri) in seen or inside:
                continue
            seen.add((entry.source, file.uri))
            files.append(file)
        found.append((entry, files))
    return found


def stat_digest(files: Sequence[tuple[Input, list[InputFile]]]) -> str:
    """Stands for names, sizes and times of change of all files: what can be known without reading any."""
    facts = [[(file.uri, file.size, file.modified_ns, file.problem) for file in group] for _, group in files]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def stage_facts(stage: TextStage) -> list[Any]:
    """What decides the outcome of a stage, for keys: plain data.

    A stage that reads more than its options (an index, a model) has ``fingerprint``, a string that stands for it.
    """
    return [stage.name, stage.version, stage.options.model_dump(mode="json"), getattr(stage, "fingerprint", "")]


def cut_units(
    recipe: Recipe,
    stages: Sequence[TextStage],
    version: str,
    digests: Digests,
    files: Sequence[tuple[Input, list[InputFile]]] | None = None,
) -> list[Unit]:
    """All units of a recipe, in the order of their documents."""
    done = [stage_facts(stage) for stage in stages]
    policy = recipe.licences.model_dump(mode="json") if recipe.licences else None
    facts = [_FORMAT_VERSION, version, policy, *recipe.exclusion_facts()]
    units: list[Unit] = []
    files = files if files is not None else input_files(recipe)
    formats = ((entry, file, format_of(file.path)) for entry, group in files for file in group)
    digests.read(
        ((file, named if entry.format == "auto" else entry.format) for entry, file, named in formats),
        recipe.threads or runtime.default_threads(),
    )
    for entry, group in files:
        pending: list[tuple[InputFile, str]] = []
        for whole in group:
            format = format_of(whole.path) if entry.format == "auto" else entry.format
            parts = digests.parts(whole, format)
            if pending and (
                len(parts) > 1
                or len(pending) >= _UNIT_FILES
                or sum(file.size for file, _ in pending) + whole.size > PART_BYTES
            ):
                units.append(_unit(entry, pending, done, facts))
                pending = []
            if len(parts) > 1:
                units.extend(_unit(entry, [part], done, facts) for part in parts)
            else:
                pending += parts
        if pending:
            units.append(_unit(entry, pending, done, facts))
    return units


def _unit(entry: Input, files: list[tuple[InputFile, str]], done: list[list[Any]], facts: list[Any]) -> Unit:
    reading = entry.model_dump(mode="json", exclude=set(_NOT_READING))
    key = _hash(
        [
            *facts,
            reading,
            [
                (file.uri, digest, [file.span.start, file.span.end, file.span.records_before] if file.span else None)
                for file, digest in files
            ],
        ]
    )
    return Unit(entry, tuple(file for file, _ in files), keys_behind(key, done))


def keys_behind(key: str, stages: Sequence[list[Any]]) -> tuple[str, ...]:
    """The key of what there is before any stage, and of what there is after each; ``stages``: their `stage_facts`."""
    keys = [key]
    for stage in stages:
        key = _hash([key, stage])
        keys.append(key)
    return tuple(keys)


def _hash(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
