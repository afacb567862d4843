"""Cutting the input into units of work, each finished or not: what a resumed run need not do again.

A unit is one file, or several small ones of the same input. Its key is a hash of what goes in (paths, sizes and
modification times of the files, how they are read) and of what is done (stages, their options and versions), so a
changed file or stage is simply another unit.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from tokenfoundry.io import InputFile, find_files, format_of
from tokenfoundry.pipeline.recipe import Input, Recipe
from tokenfoundry.pipeline.stages import TextStage

__all__ = ["Unit", "cut_units"]

_UNIT_BYTES = 32 << 20
_UNIT_FILES = 4096
_FORMAT_VERSION = 1


@dataclass(frozen=True)
class Unit:
    """Files that are read one after another."""

    input: Input
    files: tuple[InputFile, ...]
    key: str

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)

    def format(self, file: InputFile) -> str:
        return format_of(file.path) if self.input.format == "auto" else self.input.format


def cut_units(recipe: Recipe, stages: Sequence[TextStage], version: str) -> list[Unit]:
    """All units of a recipe, in the order of their documents."""
    done = [(stage.name, stage.version, stage.options.model_dump(mode="json")) for stage in stages]
    units = []
    output = recipe.output_path.resolve()
    seen: set[tuple[str, str]] = set()
    for entry in recipe.input:
        group: list[InputFile] = []
        for file in find_files(entry.path, recipe.base):
            # A run does not read itself, nor a file twice for one source where two inputs overlap: its documents
            # would have one identity.
            if (entry.source, file.uri) in seen or file.path.resolve().is_relative_to(output):
                continue
            seen.add((entry.source, file.uri))
            if group and (len(group) >= _UNIT_FILES or sum(f.size for f in group) + file.size > _UNIT_BYTES):
                units.append(_unit(entry, group, done, version))
                group = []
            group.append(file)
        if group:
            units.append(_unit(entry, group, done, version))
    return units


def _unit(entry: Input, files: list[InputFile], done: list[tuple[str, int, object]], version: str) -> Unit:
    facts = [
        _FORMAT_VERSION,
        version,
        entry.model_dump(mode="json"),
        [(file.uri, file.size, file.modified_ns, file.problem) for file in files],
        done,
    ]
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    return Unit(entry, tuple(files), key)
