"""The facts of a run, gathered from its manifest, metrics and ledger."""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from tokenfoundry.provenance import ledger, manifest

__all__ = ["Summary", "summarize"]

_EXAMPLES = 3


@dataclass(frozen=True)
class Stage:
    """A stage: what came in, what went out, how long it took."""

    name: str
    documents_in: int
    documents_out: int
    bytes_out: int
    tokens_out: int
    dropped: dict[str, int]
    edits: dict[str, int]
    seconds: float
    bytes_in: int

    @property
    def bytes_per_second(self) -> float:
        return self.bytes_in / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Reason:
    """Why documents were dropped, with a few of them."""

    verdict: str
    documents: int
    bytes: int
    examples: list[str]


@dataclass(frozen=True)
class Group:
    """Documents of one source or language."""

    name: str
    documents: int
    kept: int
    tokens: int


@dataclass(frozen=True)
class Summary:
    """Everything that reports show."""

    name: str
    output: str
    documents: int
    kept: int
    tokens: int
    rows: int
    lower_bound_rows: int
    sequence_length: int
    density: float
    documents_cut: int
    shards: int
    vocab_size: int
    bytes_in: int
    bytes_out: int
    seconds: float
    threads: int
    peak_memory_bytes: int
    stages: list[Stage]
    reasons: list[Reason]
    sources: list[Group]
    languages: list[Group]
    redacted: dict[str, int]
    costs: dict[str, dict[str, float]]
    """Seconds, CPU seconds, bytes and joules by stage, of this run"""
    source_costs: dict[str, dict[str, dict[str, float]]]
    """The same by source and stage, of when the units were made"""
    cpu_seconds: float
    energy: dict[str, Any]
    cost: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    gates: list[dict[str, Any]]

    @property
    def price_per_billion_tokens(self) -> float:
        """Of the run's CPU seconds at the recipe's price."""
        return float(self.cost["price"]) * 1e9 / self.tokens if self.tokens else 0.0

    @property
    def bytes_per_token(self) -> float:
        return self.bytes_out / self.tokens if self.tokens else 0.0

    def to_dict(self) -> dict[str, Any]:
        plain = asdict(self)
        plain.update(bytes_per_token=self.bytes_per_token, price_per_billion_tokens=self.price_per_billion_tokens)
        return plain


def summarize(output: str | os.PathLike[str]) -> Summary:
    """Gather the facts of a finished run. Raises InputError if there is none."""
    folder = Path(output)
    content = manifest.load(folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    seconds = {name: entry["seconds"] for name, entry in metrics["stages"].items()}
    if "train" in seconds:
        seconds["tokenize"] = seconds.get("tokenize", 0.0) + seconds["train"]
    stages = [
        Stage(
            door["name"], door["documents"]["in"], door["documents"]["out"], door["bytes"]["out"], door["tokens"]["out"],
            door["documents"]["dropped"], {name: count for name, count in door["edits"].items() if count},
            seconds.get(door["name"], 0.0), door["bytes"]["in"],
        )
        for door in content["doors"]
    ]  # fmt: skip
    reasons, sources, languages, redacted = _from_ledger(folder)
    return Summary(
        name=content["name"],
        output=os.fspath(output),
        documents=stages[0].documents_in,
        kept=stages[-1].documents_out,
        tokens=content["tokens"],
        rows=content["rows"],
        lower_bound_rows=content["lower_bound_rows"],
        sequence_length=content["sequence_length"],
        density=content["density"],
        documents_cut=content["documents_cut"],
        shards=sum(entry["path"].endswith(".bin") for entry in content["files"]),
        vocab_size=content["tokenizer"]["vocab_size"],
        bytes_in=stages[0].bytes_in,
        bytes_out=stages[-1].bytes_out,
        seconds=metrics["total_seconds"],
        threads=metrics["threads"],
        peak_memory_bytes=metrics["peak_memory_bytes"],
        stages=stages,
        reasons=reasons,
        sources=sources,
        languages=languages,
        redacted=redacted,
        costs=metrics["stages"],
        source_costs=metrics["sources"],
        cpu_seconds=metrics["cpu_seconds"],
        energy=metrics["energy"],
        cost=metrics["cost"],
        metrics=content["metrics"],
        gates=content["gates"],
    )


def _from_ledger(folder: Path) -> tuple[list[Reason], list[Group], list[Group], dict[str, int]]:
    documents: Counter[str] = Counter()
    dropped_bytes: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    groups: dict[str, dict[str, list[int]]] = {"source": {}, "language": {}}
    redacted: Counter[str] = Counter()
    columns = ["uri", "record", "source", "language", "verdict", "reason", "value", "bytes_in", "tokens", "redacted"]
    for batch in ledger.scan(folder, columns):
        verdicts = batch.column("verdict")
        tokens = batch.column("tokens").to_pylist()
        for name, of_group in groups.items():
            for group, verdict, count in zip(batch.column(name).to_pylist(), verdicts.to_pylist(), tokens, strict=True):
                entry = of_group.setdefault(group or "(none)", [0, 0, 0])
                entry[0] += 1
                entry[1] += verdict is None
                entry[2] += count
        for counts in batch.column("redacted").filter(verdicts.is_null()).to_pylist():
            redacted.update(dict(counts or []))
        for row in batch.filter(pc.is_valid(verdicts)).to_pylist():
            # The kept document of a duplicate is told in the ledger; here all duplicates are one reason.
            verdict = row["verdict"].partition(":")[0]
            documents[verdict] += 1
            dropped_bytes[verdict] += row["bytes_in"]
            shown = examples.setdefault(verdict, [])
            if len(shown) < _EXAMPLES:
                value = "" if row["value"] is None else f" ({row['value']:.4g})"
                shown.append(row["reason"] or f"{row['uri']}#{row['record']}{value}")
    reasons = [
        Reason(verdict, count, dropped_bytes[verdict], examples[verdict]) for verdict, count in documents.most_common()
    ]
    tables = [
        sorted(
            (Group(name, *counts) for name, counts in of_group.items()), key=lambda group: (-group.tokens, group.name)
        )
        for of_group in groups.values()
    ]
    return reasons, tables[0], tables[1], {name: count for name, count in sorted(redacted.items()) if count}
