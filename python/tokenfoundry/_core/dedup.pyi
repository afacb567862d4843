"""Deduplication in Rust; `tokenfoundry.dedup` is its public face.

Results are dicts with ``keep`` (bool), ``cluster``, ``duplicate_of`` (int64), ``jaccard`` (float32), one entry a
document; ``pairs_left``, ``pairs_right`` (int64), ``pairs_jaccard`` (float32), one entry a verified pair; ``stats``.
``given_order`` lists the documents from the most to the least preferred; None: as they come.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def bands_for_threshold(threshold: float) -> tuple[int, int]:
    """Bands and rows whose chance to find a pair at the threshold is at least 0.997."""

def exact(texts: Any, given_order: NDArray[np.uint32] | None, threads: int | None) -> dict[str, Any]:
    """Keep the best of each group of identical texts (bytes)."""

def near_duplicates(
    texts: Any,
    given_order: NDArray[np.uint32] | None,
    threshold: float,
    ngram: int,
    seed: int,
    bands: int,
    rows: int,
    verify: bool,
    threads: int | None,
) -> dict[str, Any]:
    """Keep the best of each group of near-duplicates."""

def shingle_set(text: str, ngram: int) -> list[int]:
    """The set of a text's shingle hashes, sorted."""

def signatures(texts: Any, num_perm: int, ngram: int, seed: int, threads: int | None) -> NDArray[np.uint32]:
    """MinHash signatures (n, num_perm) of scheme "tokenfoundry"."""
