"""What may not go on, whatever its text: licences that the recipe does not allow, and documents that were taken down."""

import fnmatch
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry.errors import RecipeError
from tokenfoundry.pipeline.batch import Batch, tally
from tokenfoundry.pipeline.settings import Licences
from tokenfoundry.provenance.doors import Door

__all__ = ["Exclusions", "Policy"]


class Policy:
    """Judges the licence of each record."""

    name = "licence"

    def __init__(self, rules: Licences) -> None:
        self.rules = rules

    def verdict(self, licence: str | None, source: str) -> str | None:
        """None: may go on."""
        rules = self.rules.sources.get(source, self.rules)
        if licence is None or not licence.strip():
            return {"quarantine": "licence.quarantined", "allow": None, "drop": "licence.unknown"}[rules.unknown]
        if _matches(licence, rules.deny):
            return "licence.denied"
        return None if rules.allow is None or _matches(licence, rules.allow) else "licence.not_allowed"

    def judge(self, batch: Batch, source: str) -> pa.StringArray:
        licences = batch.fixed["licence"].take(pa.array(batch.alive)).dictionary_encode(null_encoding="encode")
        verdicts = [self.verdict(licence, source) for licence in licences.dictionary.to_pylist()]
        return pa.array(verdicts, pa.string()).take(licences.indices)


def _matches(licence: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(licence.strip().lower(), pattern.strip().lower()) for pattern in patterns)


_ASKED = ("uri", "record", "external_id", "licence", "id", "content_hash")


class Exclusions:
    """Documents that a list of takedowns names: by uri, uri#record, their own id, source, licence, id or content."""

    name = "takedown"

    def __init__(self, path: Path) -> None:
        self.keys: dict[str, set[str]] = {name: set() for name in ("uri", "source", "licence", "document", "content")}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
                wanted = entry["what"]
                for name, value in wanted.items():
                    self.keys[name].add(value)
                for document in entry.get("documents", []):
                    if document.get("content_hash"):
                        # The same text comes back under another address as well.
                        self.keys["content"].add(document["content_hash"])
            except (ValueError, KeyError, TypeError, AttributeError):
                raise RecipeError(
                    f'takedowns: {path}:{number}: must be {{"what": {{"uri"|"source"|"licence"|"document": …}}}}'
                ) from None

    def judge(self, batch: Batch, source: str) -> pa.StringArray:
        columns = {name: batch.fixed[name].to_pylist() for name in _ASKED}
        found: list[str | None] = []
        own_ids = self.keys["uri"] | self.keys["document"]
        for index in batch.alive.tolist():
            uri = columns["uri"][index]
            content = columns["content_hash"][index]
            gone = (
                uri in self.keys["uri"]
                or f"{uri}#{columns['record'][index]}" in self.keys["uri"]
                or columns["external_id"][index] in own_ids
                or source in self.keys["source"]
                or columns["licence"][index] in self.keys["licence"]
                or columns["id"][index].hex() in self.keys["document"]
                or (content is not None and content.hex() in self.keys["content"])
            )
            found.append("takedown.listed" if gone else None)
        return pa.array(found, pa.string())


def apply_policy(
    policy: Policy | Exclusions, batch: Batch, source: str, door: Door, lengths: NDArray[np.int64]
) -> None:
    """Take out what the policy forbids, and count it through its door; ``lengths`` (m) are the texts' bytes."""
    verdict = policy.judge(batch, source)
    gone = verdict.is_valid().to_numpy(zero_copy_only=False)
    door.documents_in += len(gone)
    door.bytes_in += int(lengths.sum())
    door.documents_out += int((~gone).sum())
    door.bytes_out += int(lengths[~gone].sum())
    for one in tally(verdict, gone, lengths):
        door.dropped_documents[one.verdict] += one.documents
        door.dropped_bytes[one.verdict] += one.bytes
    batch.drop(gone, policy.name, verdict)
