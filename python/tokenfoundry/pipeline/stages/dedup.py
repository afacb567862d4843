"""dedup: of identical documents and of near-duplicates one stays (`tf.dedup`)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry import dedup
from tokenfoundry.pipeline.corpus import Corpus
from tokenfoundry.pipeline.recipe import DedupStage

__all__ = ["VERSION", "Duplicates", "find_duplicates"]

VERSION = 1


@dataclass(frozen=True)
class Duplicates:
    """For each of n documents: the kept one it duplicates (-1: it stays), how, and how similar."""

    duplicate_of: NDArray[np.int64]
    near: NDArray[np.bool_]
    jaccard: NDArray[np.float32]

    @property
    def keep(self) -> NDArray[np.bool_]:
        return self.duplicate_of < 0


def find_duplicates(corpus: Corpus, options: DedupStage, threads: int | None) -> Duplicates:
    """Identical documents first, then near-duplicates among the rest."""
    count = len(corpus)
    duplicate_of = np.full(count, -1, np.int64)
    near = np.zeros(count, np.bool_)
    jaccard = np.full(count, np.nan, np.float32)
    keep: Literal["first"] | NDArray[np.int64] = "first" if options.keep == "first" else corpus.lengths()
    if options.exact and count:
        found = dedup.exact(corpus.texts(), keep=keep, threads=threads)
        duplicate_of[:] = found.duplicate_of
        jaccard[~found.keep] = 1.0
    if options.near and count:
        left = np.flatnonzero(duplicate_of < 0)
        texts = pa.chunked_array(list(corpus.selected(duplicate_of < 0)), pa.large_string())
        preference = keep if isinstance(keep, str) else keep[left]
        found = dedup.near_duplicates(
            texts, threshold=options.threshold, ngram=options.ngram, keep=preference, threads=threads
        )
        removed = ~found.keep
        duplicate_of[left[removed]] = left[found.duplicate_of[removed]]
        near[left[removed]] = True
        jaccard[left[removed]] = found.jaccard[removed]
        # Whoever was identical to one that has now gone duplicates that one's kept document; the first of identical
        # texts was compared for all of them.
        for index in np.flatnonzero(duplicate_of >= 0).tolist():
            target = int(duplicate_of[index])
            if duplicate_of[target] >= 0:
                duplicate_of[index] = duplicate_of[target]
                near[index] = True
                jaccard[index] = jaccard[target]
    return Duplicates(duplicate_of, near, jaccard)
