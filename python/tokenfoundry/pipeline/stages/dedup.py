"""dedup: of identical documents and of near-duplicates one stays (`tf.dedup`).

In units that resume: each unit's texts are sketched (hashes, band keys, shingle sets; content-addressed, so a cache
serves them to any run), each band is merged by itself, and one decision is made over all. The answer is that of
`tf.dedup.near_duplicates` over the whole corpus.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry._core import shard as _shard
from tokenfoundry.dedup.on_disk import OnDisk
from tokenfoundry.pipeline.recipe import DedupStage
from tokenfoundry.pipeline.store import save_arrays, write_array
from tokenfoundry.pipeline.unit_result import UnitResult

__all__ = ["VERSION", "Duplicates", "decide", "find_identical", "lay_out", "merge_band", "plan_on_disk", "sketch"]

VERSION = 5
_SKETCH_BYTES = 64 << 20


@dataclass(frozen=True)
class Duplicates:
    """For each of n documents: the kept one it duplicates (-1: it stays), how, and how similar."""

    duplicate_of: NDArray[np.int64]
    near: NDArray[np.bool_]
    jaccard: NDArray[np.float32]

    @property
    def keep(self) -> NDArray[np.bool_]:
        return self.duplicate_of < 0

    @classmethod
    def none(cls, count: int) -> "Duplicates":
        return cls(np.full(count, -1, np.int64), np.zeros(count, np.bool_), np.full(count, np.nan, np.float32))


def plan_on_disk(folder: Path, options: DedupStage, threads: int | None, memory_bytes: int = _SKETCH_BYTES) -> OnDisk:
    return OnDisk(
        folder, threshold=options.threshold, ngram=options.ngram, memory_bytes=memory_bytes, threads=threads
    )  # fmt: skip


def sketch(folder: Path, texts: Iterable[pa.LargeStringArray], options: DedupStage, threads: int | None) -> None:
    """A unit's texts: their hashes, and the sketches that near-duplicates are found by, numbered from 0. Nobody waits
    for the disk here: the store flushes its results itself."""
    hashes: list[bytes] = []

    def hashed() -> Iterator[pa.LargeStringArray]:
        for batch in texts:
            hashes.append(_shard.hash128_batch(batch, threads))
            yield batch

    if options.near:
        plan_on_disk(folder, options, threads).sketch(0, 0, hashed(), sets=False, durable=False)
    else:
        for _ in hashed():
            pass
    save_arrays(folder, hashes=np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, 2))


def lay_out(folder: Path, sketches: Sequence[tuple[Path, UnitResult, NDArray[np.bool_] | None]]) -> None:
    """Make the directory that bands are merged in: each unit's sketch with its documents numbered in the corpus, and its
    texts.

    Runs and texts are linked, not copied; only where each text lies is written anew. Documents that a mask leaves out meet
    nobody.
    """
    base = 0
    for number, (source, unit, mask) in enumerate(sketches):
        part = source / "part-00000"
        done = json.loads((part / "part.json").read_bytes())
        if not done["documents"]:
            continue
        target = folder / f"part-{number:05d}"
        target.mkdir()
        _link(part / "runs", target / "runs")
        if mask is not None:
            (target / "present").write_bytes(np.packbits(mask, bitorder="little").tobytes())
        places = unit.text_places()
        if places is None:
            places = _write_texts(target / "texts", unit)
        else:
            _link(unit.texts, target / "texts")
        table = np.zeros((len(places), 4), np.uint64)
        table[:, :2] = places
        with (target / "documents").open("wb") as file:
            write_array(file, table)
        (target / "part.json").write_text(json.dumps({**done, "first_document": base}))
        base += int(done["documents"])


def _write_texts(path: Path, unit: UnitResult) -> NDArray[np.int64]:
    """The unit's texts one after another, as where its result is compressed; start and length of each."""
    with path.open("wb") as file:
        for texts in unit.text_batches():
            offsets, data = np.frombuffer(texts.buffers()[1], np.int64), texts.buffers()[2]
            if len(texts) and data is not None:
                first, end = int(offsets[texts.offset]), int(offsets[texts.offset + len(texts)])
                file.write(data.slice(first, end - first))
    lengths = unit.lengths()
    return np.stack([np.cumsum(lengths) - lengths, lengths], axis=1)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system, as where the cache is.
        target.symlink_to(source.resolve())


def merge_band(folder: Path, band: int, options: DedupStage) -> None:
    """Find the documents that meet in a band."""
    plan_on_disk(folder, options, 1).merge_band(band)


def find_identical(
    hashes: NDArray[np.uint64], rank: NDArray[np.int64], present: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """For each document (n, 2 words of its text's hash) the best-ranked identical one; -1 for that one itself."""
    chosen = np.flatnonzero(present)
    order = chosen[np.lexsort((rank[chosen], hashes[chosen, 1], hashes[chosen, 0]))]
    result = np.full(len(hashes), -1, np.int64)
    if len(order):
        new = np.concatenate([[True], (hashes[order[1:]] != hashes[order[:-1]]).any(axis=1)])
        first = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
        result[order[~new]] = first[~new]
    return result


def decide(
    folder: Path | None,
    hashes: NDArray[np.uint64],
    lengths: NDArray[np.int64],
    present: NDArray[np.bool_],
    options: DedupStage,
    threads: int | None = None,
) -> Duplicates:
    """Who stays. ``folder``: the merged bands; None where only identical texts go. ``present``: who takes part."""
    count = len(hashes)
    # Best first: as they came, or the longest.
    best = np.arange(count) if options.keep == "first" else np.argsort(~lengths, kind="stable")
    rank = np.empty(count, np.int64)
    rank[best] = np.arange(count)
    found = Duplicates.none(count)
    if folder is not None and count:
        result = plan_on_disk(folder, options, threads).decide(order=best.astype(np.uint32))
        found.duplicate_of[:] = result.duplicate_of
        removed = found.duplicate_of >= 0
        found.jaccard[removed] = result.jaccard[removed]
        same = np.zeros(count, np.bool_)
        same[removed] = (hashes[removed] == hashes[found.duplicate_of[removed]]).all(axis=1)
        found.near[:] = removed & ~(same & options.exact)
    elif options.exact:
        found.duplicate_of[:] = find_identical(hashes, rank, present)
        found.jaccard[found.duplicate_of >= 0] = 1.0
    return found
