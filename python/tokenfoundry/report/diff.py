"""Two runs, stage by stage: what changed in counts, metrics and recipe, and which documents fared differently."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tokenfoundry.provenance import ledger, manifest

__all__ = ["RunDiff", "diff"]

_EXAMPLES = 3


@dataclass(frozen=True)
class Change:
    """A number in both runs; None where a run does not have it."""

    name: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Move:
    """Documents of both runs whose fate differs."""

    before: str
    after: str
    documents: int
    examples: list[str]


@dataclass
class RunDiff:
    """B compared with A."""

    before: str
    after: str
    recipe: list[str] = field(default_factory=list)
    """Keys that differ, with both values."""
    stages: dict[str, list[Change]] = field(default_factory=dict)
    """Counts that differ, by stage."""
    metrics: dict[str, list[Change]] = field(default_factory=dict)
    """Metrics that differ, by source."""
    only_before: int = 0
    """Documents that only A read"""
    only_after: int = 0
    moves: list[Move] = field(default_factory=list)
    same_bytes: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def diff(before: str | os.PathLike[str], after: str | os.PathLike[str]) -> RunDiff:
    """Compare two finished runs. Raises InputError where one is none. Memory: about 100 bytes a document of A."""
    a, b = manifest.load(before), manifest.load(after)
    found = RunDiff(os.fspath(before), os.fspath(after), same_bytes=a["files_root"] == b["files_root"])
    found.recipe = _differences("", a["recipe"], b["recipe"])
    if a["versions"] != b["versions"]:
        found.recipe += _differences("versions", a["versions"], b["versions"])
    for name, counts in _stages(a, b).items():
        if counts:
            found.stages[name] = counts
    for source in dict.fromkeys([*a["metrics"], *b["metrics"]]):
        changes = _changes(a["metrics"].get(source, {}), b["metrics"].get(source, {}))
        if changes:
            found.metrics[source] = changes
    _documents(Path(before), Path(after), found)
    return found


def _differences(path: str, a: Any, b: Any) -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        parts = []
        for key in dict.fromkeys([*a, *b]):
            parts += _differences(f"{path}.{key}" if path else key, a.get(key), b.get(key))
        return parts
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [
            line
            for index, (x, y) in enumerate(zip(a, b, strict=True))
            for line in _differences(f"{path}[{index}]", x, y)
        ]
    return [] if a == b else [f"{path}: {a!r} -> {b!r}"]


def _stages(a: dict[str, Any], b: dict[str, Any]) -> dict[str, list[Change]]:
    """Doors by name; of several of one name (two filters) each by its number."""

    def named(doors: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
        seen: Counter[str] = Counter()
        result = {}
        for door in doors:
            seen[door["name"]] += 1
            name = door["name"] if seen[door["name"]] == 1 else f"{door['name']} {seen[door['name']]}"
            flat: dict[str, float] = {}
            for what in ("documents", "bytes", "tokens"):
                flat[f"{what} in"], flat[f"{what} out"] = door[what]["in"], door[what]["out"]
                flat.update({f"{what} dropped: {reason}": count for reason, count in door[what]["dropped"].items()})
            flat.update({f"edits: {kind}": count for kind, count in door["edits"].items()})
            result[name] = flat
        return result

    left, right = named(a["doors"]), named(b["doors"])
    return {name: _changes(left.get(name, {}), right.get(name, {})) for name in dict.fromkeys([*left, *right])}


def _changes(a: dict[str, float], b: dict[str, float]) -> list[Change]:
    return [Change(name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b]) if a.get(name) != b.get(name)]


def _documents(before: Path, after: Path, found: RunDiff) -> None:
    fates: dict[bytes, str] = {}
    for batch in ledger.scan(before, ["id", "verdict"]):
        for identity, verdict in zip(batch.column("id").to_pylist(), batch.column("verdict").to_pylist(), strict=True):
            fates[identity] = _kind(verdict)
    moved: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    shared = 0
    for batch in ledger.scan(after, ["id", "verdict", "uri", "record"]):
        columns = [batch.column(name).to_pylist() for name in ("id", "verdict", "uri", "record")]
        for identity, verdict, uri, record in zip(*columns, strict=True):
            was = fates.get(identity)
            if was is None:
                found.only_after += 1
                continue
            shared += 1
            if was != (now := _kind(verdict)):
                moved[was, now] += 1
                shown = examples.setdefault((was, now), [])
                if len(shown) < _EXAMPLES:
                    shown.append(f"{uri}#{record}")
    found.only_before = len(fates) - shared
    found.moves = [Move(*pair, count, examples[pair]) for pair, count in moved.most_common()]


def _kind(verdict: str | None) -> str:
    return "kept" if verdict is None else verdict.partition(":")[0]
