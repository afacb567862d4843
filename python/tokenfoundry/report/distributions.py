"""Distributions of a run for its report, counted from ledger and shards in one pass: small tables, whatever the corpus."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from tokenfoundry import shard
from tokenfoundry.provenance import ledger

__all__ = ["Distributions", "distributions"]

_SIZE_BINS = 26
_FILL_BINS = 50


@dataclass
class Distributions:
    """Histograms."""

    size_edges: list[int]
    """Bytes: powers of two"""
    dropped_sizes: dict[str, list[int]] = field(default_factory=dict)
    """Documents by size as read, of those that each stage dropped"""
    kept_sizes: list[int] = field(default_factory=list)
    fill: list[int] = field(default_factory=list)
    """Rows by the share of their tokens that are used, in steps of 2 %"""
    clusters: dict[int, int] = field(default_factory=dict)
    """Groups of duplicates by their number of documents"""
    largest_clusters: list[tuple[str, int]] = field(default_factory=list)
    """Kept document (uri#record) and documents of its group"""

    def entering(self, stages: list[str]) -> dict[str, tuple[list[int], list[int]]]:
        """For each stage that dropped something, sizes of the documents before and after it."""
        now = np.array(self.kept_sizes) + sum(
            (np.array(sizes) for sizes in self.dropped_sizes.values()), np.zeros(_SIZE_BINS, np.int64)
        )
        found = {}
        for stage in dict.fromkeys(stages):
            if stage in self.dropped_sizes:
                after = now - np.array(self.dropped_sizes[stage])
                found[stage] = (now.tolist(), after.tolist())
                now = after
        return found


def distributions(output: Path) -> Distributions:
    """Count them. Memory: about 60 bytes a duplicate."""
    found = Distributions([1 << power for power in range(_SIZE_BINS)])
    dropped: dict[str, NDArray[np.int64]] = {}
    kept = np.zeros(_SIZE_BINS, np.int64)
    copies: Counter[str] = Counter()
    for batch in ledger.scan(output, ["bytes_in", "stage", "verdict"]):
        sizes = batch.column("bytes_in").to_numpy()
        bins = np.clip(np.ceil(np.log2(np.maximum(sizes, 1))), 0, _SIZE_BINS - 1).astype(np.int64)
        stages = batch.column("stage")
        for entry in stages.unique().to_pylist():
            if entry is None:
                continue
            mask = pc.equal(stages, entry).fill_null(False).to_numpy(zero_copy_only=False)
            counts = np.bincount(bins[mask], minlength=_SIZE_BINS)
            dropped[entry] = dropped.get(entry, np.zeros(_SIZE_BINS, np.int64)) + counts
        alive = batch.column("verdict").is_null().to_numpy(zero_copy_only=False)
        kept += np.bincount(bins[alive], minlength=_SIZE_BINS)
        of_dedup = batch.filter(pc.equal(stages, "dedup").fill_null(False)).column("verdict").to_pylist()
        copies.update(verdict.rpartition(":")[2] for verdict in of_dedup)
    found.dropped_sizes = {stage: counts.tolist() for stage, counts in dropped.items()}
    found.kept_sizes = kept.tolist()
    found.clusters = dict(sorted(Counter(count + 1 for count in copies.values()).items()))
    largest = copies.most_common(8)
    names = _names(output, [identity for identity, _ in largest])
    found.largest_clusters = [(names.get(identity, identity), count + 1) for identity, count in largest]
    found.fill = _fill(output).tolist()
    return found


def _names(output: Path, ids: list[str]) -> dict[str, str]:
    wanted = {bytes.fromhex(identity) for identity in ids}
    names: dict[str, str] = {}
    if wanted:
        for batch in ledger.scan(output, ["id", "uri", "record"]):
            columns = (batch.column(name).to_pylist() for name in ("id", "uri", "record"))
            for identity, uri, record in zip(*columns, strict=True):
                if identity in wanted:
                    names[identity.hex()] = f"{uri}#{record}"
    return names


def _fill(output: Path) -> NDArray[np.int64]:
    from tokenfoundry.provenance import manifest

    capacity = manifest.load(output)["sequence_length"]
    shards = shard.open(output / "shards")
    counts = np.zeros(_FILL_BINS, np.int64)
    for number in range(len(shards.names)):
        first, pieces = shards.all_pieces(number)
        before = np.concatenate([[0], np.cumsum(pieces["length"].astype(np.int64))])
        rows = np.diff(before[first.astype(np.int64)])
        bins = np.clip(rows * _FILL_BINS // max(capacity, 1), 0, _FILL_BINS - 1)
        counts += np.bincount(bins, minlength=_FILL_BINS)
    return counts
