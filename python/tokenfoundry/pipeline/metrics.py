"""Quality as numbers: metrics of each stage, by source and of the whole run.

Names are STAGE.WHAT. Of every stage: `yield` (documents out / in), `byte_yield`, `dropped.REASON` (share of documents).
Of some: `read.rejected_rate`, `language.CODE` (share of the documents that were labelled), `dedup.duplicate_rate`,
`tokenize.tokens_per_byte`, `redact.per_million_tokens` and `redact.KIND.per_million_tokens`,
`decontaminate.contamination`, `pack.density`, `pack.cut_rate`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from tokenfoundry.provenance.doors import Door

__all__ = ["WHOLE", "Metrics", "language_metrics", "of_doors", "of_redactions"]

WHOLE = "*"
"""The name under which the metrics of the whole run stand beside its sources."""

Metrics = dict[str, dict[str, float]]


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
        elif door.name == "decontaminate":
            found["decontaminate.contamination"] = dropped
        elif door.name == "tokenize" and door.bytes_in:
            found["tokenize.tokens_per_byte"] = door.tokens_out / door.bytes_in
    return found


def language_metrics(counts: Mapping[str, int]) -> dict[str, float]:
    """Shares of languages, from documents by language."""
    total = sum(counts.values())
    return {f"language.{name}": count / total for name, count in counts.items()} if total else {}


def of_redactions(edits: Counter[str], tokens: int) -> dict[str, float]:
    """Redactions per million tokens, by kind and in all."""
    if not tokens:
        return {}
    found = {f"redact.{kind}.per_million_tokens": count * 1e6 / tokens for kind, count in edits.items()}
    return {**found, "redact.per_million_tokens": sum(edits.values()) * 1e6 / tokens}
