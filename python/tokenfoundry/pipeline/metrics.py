"""Quality as numbers: metrics of each stage, by source and of the whole run.

Names are STAGE.WHAT. Of every stage: `yield` (documents out / in), `byte_yield`, `dropped.REASON` (share of documents).
Of some: `read.rejected_rate`, `language.CODE` (share of the documents that were labelled), `dedup.duplicate_rate`,
`tokenize.tokens_per_byte`, `redact.per_million_tokens` and `redact.KIND.per_million_tokens`,
`decontaminate.contamination`, `pack.density`, `pack.cut_rate`. A second stage of a kind has its number: `filter_2.yield`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from tokenfoundry.provenance.doors import Door

__all__ = ["WHOLE", "Metrics", "kind_of", "language_metrics", "of_doors", "of_redactions"]

WHOLE = "*"
"""The name under which the metrics of the whole run stand beside its sources."""

Metrics = dict[str, dict[str, float]]


def kind_of(name: str) -> str:
    """The kind of a stage: filter_2 is a filter."""
    return name.partition("_")[0]


def of_doors(doors: Iterable[Door]) -> dict[str, float]:
    """Metrics of some stages' counts."""
    found: dict[str, float] = {}
    for door in doors:
        if not door.documents_in:
            continue
        found[f"{door.name}.yield"] = door.documents_out / door.documents_in
        if door.bytes_in:
            found[f"{door.name}.byte_yield"] = door.bytes_out / door.bytes_in
        for reason, count in door.dropped_documents.items():
            found[f"{door.name}.dropped.{reason}"] = count / door.documents_in
        dropped = 1 - door.documents_out / door.documents_in
        if door.name == "read":
            found["read.rejected_rate"] = dropped
        elif door.name == "dedup":
            found["dedup.duplicate_rate"] = dropped
        elif kind_of(door.name) == "decontaminate":
            found[f"{door.name}.contamination"] = dropped
        elif door.name == "tokenize" and door.bytes_in:
            found["tokenize.tokens_per_byte"] = door.tokens_out / door.bytes_in
    return found


def language_metrics(counts: Mapping[str, int]) -> dict[str, float]:
    """Shares of languages, from documents by language."""
    total = sum(counts.values())
    return {f"language.{name}": count / total for name, count in counts.items()} if total else {}


def of_redactions(doors: Iterable[Door], tokens: int) -> dict[str, float]:
    """Redactions per million tokens, by kind and in all, of every stage that redacts."""
    redacting = [door for door in doors if kind_of(door.name) == "redact"]
    if not tokens or not redacting:
        return {}
    edits: Counter[str] = sum((door.edits for door in redacting), Counter())
    found = {f"redact.{kind}.per_million_tokens": count * 1e6 / tokens for kind, count in edits.items()}
    return {**found, "redact.per_million_tokens": sum(edits.values()) * 1e6 / tokens}
