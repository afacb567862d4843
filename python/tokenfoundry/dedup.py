"""Finding documents that are the same, or nearly, and deciding which of them stays.

`exact` compares bytes. `near_duplicates` finds candidates by MinHash and bands, compares each candidate exactly by
the Jaccard similarity of its word 5-grams, and removes a document only if one that stays is at least ``threshold``
similar. Cost: one pass over the text (hundreds of MB/s a core) plus the candidates; memory 4 bytes a signature slot
and document plus 8 bytes a word of the candidates. Not for semantic similarity, and not for finding a short text
inside a long one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import dedup as _dedup
from tokenfoundry.errors import InputError

__all__ = ["MinHash", "Result", "exact", "explain_bands", "near_duplicates"]

Keep = Literal["first", "longest"] | Sequence[float] | NDArray[Any]


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
    """Counts: documents, identical, short, verified, confirmed, skipped, removed."""

    def __repr__(self) -> str:
        return f"<tokenfoundry.dedup.Result: {self.stats['removed']} of {self.stats['documents']} documents removed>"


def _result(fields: dict[str, Any]) -> Result:
    pairs = np.empty(
        len(fields["pairs_left"]), dtype=[("left", np.int64), ("right", np.int64), ("jaccard", np.float32)]
    )
    for name in ("left", "right", "jaccard"):
        pairs[name] = fields[f"pairs_{name}"]
    arrays = {name: fields[name] for name in ("keep", "cluster", "duplicate_of", "jaccard")}
    return Result(**arrays, pairs=pairs, stats=fields["stats"])


def _order(texts: Any, keep: Keep) -> NDArray[np.uint32] | None:
    """The documents from the most to the least preferred; None for the order in which they come."""
    if isinstance(keep, str):
        if keep == "first":
            return None
        if keep != "longest":
            raise InputError(f'keep must be "first", "longest" or a column of numbers, not {keep!r}')
        preference: NDArray[Any] = np.array([_utf8_length(text) for text in texts], dtype=np.int64)
    else:
        preference = np.asarray(keep)
        if preference.shape != (len(texts),) or preference.dtype.kind not in "iufb":
            raise InputError(
                f"keep must have one number for each of the {len(texts)} texts, not shape {preference.shape}"
            )
        if preference.dtype.kind == "f" and np.isnan(preference).any():
            raise InputError("keep has a NaN; give every document a number")
    # The largest first; among equals the first. Booleans and unsigned numbers cannot be negated as they are.
    if preference.dtype.kind in "bu":
        preference = preference.astype(np.int64 if preference.dtype.kind == "b" else np.float64)
    return np.argsort(-preference, kind="stable").astype(np.uint32)


def _utf8_length(text: Any) -> int:
    value = text.as_py() if hasattr(text, "as_py") else text
    return len(value) if isinstance(value, bytes) else len(value.encode("utf-8", "surrogatepass"))


def exact(texts: Any, *, keep: Keep = "first", threads: int | None = None) -> Result:
    """Keep one of each group of identical texts.

    ``texts``: list of str or bytes, or an Arrow string or binary array (n). ``keep``: which one stays: "first",
    "longest", or a column of n numbers, of which the largest wins. Found by xxh3-128, verified by comparing bytes.
    """
    return _result(_dedup.exact(texts, _order(texts, keep), threads))


def near_duplicates(
    texts: Any,
    *,
    threshold: float = 0.8,
    verify: bool = True,
    keep: Keep = "first",
    ngram: int = 5,
    seed: int = 1,
    threads: int | None = None,
) -> Result:
    """Keep one of each group of near-duplicates: texts whose sets of word n-grams have Jaccard >= ``threshold``.

    ``keep`` says who is preferred, as in `exact`. In that order each document is compared with the kept ones that it
    shares a band with; it goes if one is similar enough, so every removed document has a kept one at or above the
    threshold. A text of fewer than ``ngram`` words has no n-gram and goes only if another is identical.
    ``verify=False`` believes the signatures' estimate of the similarity (error about ±0.04) instead of comparing.

    The bands find a pair at the threshold with a chance of 99.7 % or more (`explain_bands`), a more similar one
    almost surely. The result does not depend on threads. Raises InputError for texts that are not UTF-8.
    Source: Broder, "On the resemblance and containment of documents" (1997).
    """
    if not 0.05 <= threshold <= 1.0:
        raise InputError(f"threshold is {threshold}; it must be between 0.05 and 1")
    if not 1 <= ngram <= 64:
        raise InputError(f"ngram is {ngram}; it must be between 1 and 64")
    bands, rows = _dedup.bands_for_threshold(threshold)
    order = _order(texts, keep)
    return _result(_dedup.near_duplicates(texts, order, threshold, ngram, seed, bands, rows, verify, threads))


def explain_bands(threshold: float = 0.8) -> str:
    """The chance that bands for this threshold let a pair of a given similarity meet, as a table."""
    bands, rows = _dedup.bands_for_threshold(threshold)
    lines = [f"{bands} bands of {rows} rows, {bands * rows} permutations", "similarity  chance to be compared"]
    for percent in range(30, 101, 5):
        chance = 1 - (1 - (percent / 100) ** rows) ** bands
        lines.append(f"      {percent / 100:.2f}  {chance:8.3%}  {'#' * round(chance * 40)}")
    return "\n".join(lines)


class MinHash:
    """MinHash signatures of texts: two agree in a share of slots that estimates their Jaccard similarity.

    Scheme "tokenfoundry", version 1, is pinned by golden values and may be stored.
    """

    def __init__(self, num_perm: int = 112, ngram: int = 5, seed: int = 1, scheme: str = "tokenfoundry") -> None:
        if scheme != "tokenfoundry":
            raise InputError(f'scheme must be "tokenfoundry", not {scheme!r}')
        if not 1 <= num_perm <= 4096:
            raise InputError(f"num_perm is {num_perm}; it must be between 1 and 4096")
        if not 1 <= ngram <= 64:
            raise InputError(f"ngram is {ngram}; it must be between 1 and 64")
        self.num_perm = num_perm
        self.ngram = ngram
        self.seed = seed
        self.scheme = scheme

    def signatures(self, texts: Any, *, threads: int | None = None) -> NDArray[np.uint32]:
        """Signatures (n, num_perm); a text of fewer than ``ngram`` words has 2^32 - 1 in every slot."""
        return _dedup.signatures(texts, self.num_perm, self.ngram, self.seed, threads)
