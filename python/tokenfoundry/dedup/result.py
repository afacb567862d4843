"""What a deduplication decided, and saying it to people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Result", "result_of"]


@dataclass(frozen=True, repr=False)
class Result:
    """What a deduplication decided; all arrays have one entry a document."""

    keep: NDArray[np.bool_]
    """Documents that stay."""
    cluster: NDArray[np.int64]
    """Smallest index among the documents that verified pairs connect; a document's own if it is in none. Documents are
    compared with kept ones only, so a cluster is a kept document and those it stands for, or several such that share one."""
    duplicate_of: NDArray[np.int64]
    """For a removed document the kept one it duplicates; -1 for kept ones."""
    jaccard: NDArray[np.float32]
    """Similarity to that document, 1 for identical ones; NaN for kept ones."""
    pairs: NDArray[np.void]
    """Verified pairs: structured array with ``left`` < ``right`` (int64) and ``jaccard`` (float32)."""
    stats: dict[str, int] = field(default_factory=dict)
    """Counts: documents; identical (removed, the same as an earlier one); short (no n-gram, compared as a whole only);
    candidates (share a band with another); verified and confirmed pairs; skipped pairs (a crowded band was cut off);
    removed."""

    def __repr__(self) -> str:
        return f"<tokenfoundry.dedup.Result: {self.stats['removed']} of {self.stats['documents']} documents removed>"

    def reasons(self, ids: Sequence[Any] | None = None) -> list[str | None]:
        """For each document None if it stays, else ``dedup.near_duplicate_of:<id>`` or ``dedup.duplicate_of:<id>`` (the
        same text or the same n-grams). ``ids``: names of the documents; their indices by default."""
        reasons: list[str | None] = [None] * len(self.keep)
        for index in np.flatnonzero(~self.keep).tolist():
            kept = int(self.duplicate_of[index])
            kind = "duplicate_of" if self.jaccard[index] == 1 else "near_duplicate_of"
            reasons[index] = f"dedup.{kind}:{kept if ids is None else ids[kept]}"
        return reasons

    def cluster_sizes(self) -> dict[int, int]:
        """How many clusters there are of each size, smallest size first; documents alone are clusters of one."""
        _, counts = np.unique(self.cluster, return_counts=True)
        sizes, clusters = np.unique(counts, return_counts=True)
        return dict(zip(sizes.tolist(), clusters.tolist(), strict=True))

    def summary(self, texts: Any = None, *, largest: int = 10, width: int = 100) -> str:
        """What was found, for people: counts, a histogram of cluster sizes and the largest clusters.

        With ``texts`` (what was deduplicated) each of the ``largest`` clusters is shown by the first ``width``
        characters of its kept document.
        """
        stats = self.stats
        documents, removed = stats["documents"], stats["removed"]
        share = removed / documents if documents else 0.0
        out = [f"{documents:,} documents, {removed:,} removed ({share:.2%}), {stats['identical']:,} of them identical"]
        members, counts = np.unique(self.cluster, return_counts=True)
        if counts.size and counts.max() > 1:
            out.append("documents in a cluster   clusters")
            low = 2
            while low <= counts.max():
                count = int(((counts >= low) & (counts < 2 * low)).sum())
                name = f"{low:,}" if low == 2 * low - 1 else f"{low:,} to {2 * low - 1:,}"
                out.append(f"{name:>22}   {count:,}")
                low *= 2
            order = np.argsort(-counts, kind="stable")[:largest]
            out.append("largest clusters (documents, first document, text)")
            for at in order.tolist():
                if counts[at] < 2:
                    break
                text = "" if texts is None else _shown(texts, int(members[at]), width)
                out.append(f"{counts[at]:>10,}  {members[at]:>10}  {text}".rstrip())
        if stats.get("skipped"):
            out.append(f"{stats['skipped']:,} pairs were not compared: more than 128 kept documents shared a band")
        return "\n".join(out)


def _shown(texts: Any, index: int, width: int) -> str:
    text = texts[index]
    text = text.as_py() if hasattr(text, "as_py") else text
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    line = " ".join(text[: width * 2].split())
    return line if len(line) <= width else line[: width - 1] + "…"


def result_of(fields: dict[str, Any]) -> Result:
    """From what the core gives."""
    pairs = np.empty(
        len(fields["pairs_left"]), dtype=[("left", np.int64), ("right", np.int64), ("jaccard", np.float32)]
    )
    for name in ("left", "right", "jaccard"):
        pairs[name] = fields[f"pairs_{name}"]
    arrays = {name: fields[name] for name in ("keep", "cluster", "duplicate_of", "jaccard")}
    return Result(**arrays, pairs=pairs, stats=fields["stats"])
