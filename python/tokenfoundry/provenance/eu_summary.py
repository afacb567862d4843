"""A run's part of the "public summary of training content" that the EU's AI Act asks of providers of general-purpose models.

Follows the sections of the European Commission's template (24 July 2025, Art. 53(1)(d) of Regulation (EU) 2024/1689).
What a run knows is filled in from its manifest and ledger; what only the provider knows is marked "to be completed".
"""

import os
from collections import Counter
from pathlib import Path

from tokenfoundry.progress import human_bytes
from tokenfoundry.provenance import ledger, manifest

__all__ = ["eu_summary"]

_TODO = "*to be completed by the provider*"


def eu_summary(output: str | os.PathLike[str]) -> str:
    """The summary as Markdown. Raises InputError if there is no run."""
    folder = Path(output)
    content = manifest.load(folder)
    documents: Counter[tuple[str, str]] = Counter()
    kept: Counter[tuple[str, str]] = Counter()
    tokens: Counter[tuple[str, str]] = Counter()
    languages: Counter[str] = Counter()
    hosts: Counter[str] = Counter()
    for batch in ledger.scan(folder, ["source", "licence", "language", "tokens", "uri"]):
        columns = [batch.column(name).to_pylist() for name in ("source", "licence", "language", "tokens", "uri")]
        for source, licence, language, count, uri in zip(*columns, strict=True):
            key = (source, licence or "unknown")
            documents[key] += 1
            if count:
                kept[key] += 1
                tokens[key] += count
                languages[language or "unknown"] += count
                if "://" in uri:
                    hosts[uri.split("/")[2]] += count
    doors = {door["name"]: door for door in content["doors"]}
    dropped: Counter[str] = Counter()
    for door in content["doors"]:
        dropped.update({reason.partition(":")[0]: count for reason, count in door["documents"]["dropped"].items()})
    rows = [
        f"| {_cell(source)} | {_cell(licence)} | {documents[source, licence]:,} | {kept[source, licence]:,} | {tokens[source, licence]:,} |"
        for source, licence in sorted(documents, key=lambda key: (-tokens[key], key))
    ]
    redact = doors.get("redact", {}).get("edits", {})
    licences = content["recipe"].get("licences")
    removed = doors.get("takedown")
    parts = [
        f"# Public summary of training content: {content['name']}",
        "Made by tokenfoundry from the run's manifest and ledger "
        f"(manifest `{content['digest']}`). Sections follow the European Commission's template for Article 53(1)(d) of "
        "Regulation (EU) 2024/1689.",
        "## 1. General information",
        f"- Provider, model, contact: {_TODO}",
        "- Modality: text",
        f"- Size: {content['tokens']:,} tokens, {human_bytes(content['doors'][-1]['bytes']['out'])} of text, "
        f"{content['doors'][-1]['documents']['out']:,} documents",
        f"- Languages, by share of tokens: {_shares(languages)}",
        f"- Date of the latest acquisition of data: {_TODO}",
        "## 2. List of data sources",
        "| source | licence | documents read | documents used | tokens |\n|---|---|---:|---:|---:|\n" + "\n".join(rows),
        "Say for each source which it is: publicly available dataset, licensed private data, crawled and scraped from "
        f"online sources, user data, synthetic data, or other: {_TODO}",
        *([f"Hosts, by share of tokens: {_shares(hosts)}"] if hosts else []),
        "## 3. Data processing",
        "### 3.1 Reservation of rights and licences",
        _licence_words(licences),
        f"Measures to respect opt-outs of text and data mining before collection: {_TODO}",
        "### 3.2 Removal of unlawful or unwanted content",
        "Documents left out, by reason:\n\n| reason | documents |\n|---|---:|\n"
        + "\n".join(f"| `{_cell(reason)}` | {count:,} |" for reason, count in dropped.most_common()),
        "Personal data replaced by placeholders: "
        + (
            ", ".join(f"{count:,} {kind}" for kind, count in redact.items())
            if redact
            else "no such stage in the recipe"
        )
        + ".",
        "### 3.3 Takedowns after publication",
        "None."
        if removed is None
        else f"{sum(d['documents']['in'] - d['documents']['out'] for d in content['doors'] if d['name'] == 'takedown'):,} "
        "documents; `takedowns.jsonl` has what and why.",
    ]
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _shares(counts: Counter[str], shown: int = 20) -> str:
    total = sum(counts.values())
    if not total:
        return "none"
    parts = [f"{name} {count / total:.1%}" for name, count in counts.most_common(shown)]
    return ", ".join(parts) + (f" and {len(counts) - shown} more" if len(counts) > shown else "")


def _licence_words(licences: dict[str, object] | None) -> str:
    if licences is None:
        return "The recipe has no rules on licences."
    allowed = licences["allow"]
    listed = (
        "all that are not denied"
        if allowed is None
        else ", ".join(map(str, allowed if isinstance(allowed, list) else [allowed]))
    )
    denied = licences["deny"]
    refused = ", ".join(map(str, denied)) if isinstance(denied, list) and denied else "none"
    return f"Licences allowed: {listed}. Denied: {refused}. Documents without a licence: {licences['unknown']}."
