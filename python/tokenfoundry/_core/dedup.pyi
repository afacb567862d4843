"""Deduplication in Rust; `tokenfoundry.dedup` is its public face.

Results are dicts with ``keep`` (bool), ``cluster``, ``duplicate_of`` (int64), ``jaccard`` (float32), one entry a
document; ``pairs_left``, ``pairs_right`` (int64), ``pairs_jaccard`` (float32), one entry a verified pair; ``stats``.
``given_order`` lists the documents from the most to the least preferred; None: as they come.
``fields`` are threshold, unit, ngram, seed, bands, rows, verify: `tokenfoundry.dedup.options.Options.fields`.
"""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Index",
    "Part",
    "bands_for_threshold",
    "buckets",
    "byte_lengths",
    "decide",
    "exact",
    "foreign_signatures",
    "merge_band",
    "near_duplicates",
    "repeated_lines",
    "repeated_substrings",
    "repeated_tokens",
    "shingle_set",
    "signatures",
    "signatures_of_hashes",
    "similarities",
]

def bands_for_threshold(threshold: float, recall: float) -> tuple[int, int]:
    """Bands and rows whose chance to find a pair at the threshold is at least ``recall``."""

def byte_lengths(texts: Any) -> NDArray[np.int64]:
    """Bytes of each text."""

def exact(texts: Any, given_order: NDArray[np.uint32] | None, normalized: bool, threads: int | None) -> dict[str, Any]:
    """Keep the best of each group of identical texts: bytes, or if ``normalized`` lower-cased words."""

def near_duplicates(
    texts: Any,
    given_order: NDArray[np.uint32] | None,
    fields: tuple[float, str, int, int, int, int, bool],
    threads: int | None,
) -> dict[str, Any]:
    """Keep the best of each group of near-duplicates."""

def buckets(
    signatures: NDArray[np.uint32], bands: int, rows: int, threads: int | None
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Documents that share a band, bucket after bucket, and the offsets of the buckets (two documents or more each)."""

def shingle_set(text: bytes, ngram: int, unit_name: str) -> list[int]:
    """The set of a text's shingle hashes, sorted."""

def signatures(
    texts: Any, num_perm: int, unit_name: str, ngram: int, seed: int, threads: int | None
) -> NDArray[np.uint32]:
    """MinHash signatures (n, num_perm) of scheme "tokenfoundry"."""

def signatures_of_hashes(
    hashes: NDArray[np.uint64], offsets: NDArray[np.int64], num_perm: int, seed: int, threads: int | None
) -> NDArray[np.uint32]:
    """The same of sets of hashes, row i being ``hashes[offsets[i]:offsets[i + 1]]``."""

def foreign_signatures(
    texts: Any, scheme: str, split: str, num_perm: int, ngram: int, seed: int, threads: int | None
) -> NDArray[np.uint64]:
    """Signatures (n, num_perm) of another library's scheme. ``split``: where words come from: as the "scheme" does it, what stands
    between "blanks" of datatrove's simplified text, or the texts are "prepared": words, one a line."""

def repeated_lines(
    texts: Any, paragraphs: bool, minimum_bytes: int, most_copies: int, threads: int | None
) -> tuple[Any, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Texts without repeated lines (Arrow), their spans and those's offsets, and how many lines were compared."""

def repeated_substrings(texts: Any, minimum_bytes: int) -> tuple[Any, NDArray[np.int64], NDArray[np.int64], int]:
    """Texts without repeated strings (Arrow), their spans and those's offsets, and how many comparisons were left out."""

def repeated_tokens(
    values: NDArray[np.uint32], offsets: NDArray[np.int64], minimum_tokens: int
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    """Tokens without repeated strings and their offsets, then as `repeated_substrings`."""

def merge_band(directory: str, band: int) -> None:
    """Step 2 of a plan on disk."""

def decide(
    directory: str,
    given_order: NDArray[np.uint32] | None,
    fields: tuple[float, str, int, int, int, int, bool],
    threads: int | None,
) -> dict[str, Any]:
    """Step 3 of a plan on disk."""

@final
class Part:
    """Step 1 of a plan on disk."""

    def __new__(
        cls,
        path: str,
        fields: tuple[float, str, int, int, int, int, bool],
        first_document: int,
        memory_bytes: int,
        sets: bool,
    ) -> Part: ...
    def add(self, texts: Any, threads: int | None) -> int:
        """Add texts; returns how many the part has now."""

    def finish(self, durable: bool) -> int:
        """Write what is left, and wait for the disk if ``durable``; returns how many documents the part has."""

def similarities(
    lefts: Any,
    rights: Any,
    left: NDArray[np.uint32],
    right: NDArray[np.uint32],
    unit_name: str,
    ngram: int,
    threads: int | None,
) -> NDArray[np.float32]:
    """Exact Jaccard similarity of ``lefts[left[i]]`` and ``rights[right[i]]``; of texts without an n-gram, 1 if equal."""

@final
class Index:
    """An index on disk. One writer at a time is the caller's duty."""

    @staticmethod
    def create(directory: str, fields: tuple[float, str, int, int, int, int, bool]) -> Index: ...
    @staticmethod
    def open(directory: str) -> Index: ...
    def refresh(self) -> None: ...
    def find(
        self, texts: Any, threshold: float, threads: int | None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], bytes]:
        """Similarity of the best match (NaN: none), whether it is identical, its id (16 bytes each)."""

    def candidates(
        self, texts: Any, threshold: float, threads: int | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_], bytes]:
        """What seems at least ``threshold`` similar, most similar first, at most 16 a text: offsets (n + 1) into the rest,
        estimated similarities, whether identical, ids (16 bytes each)."""

    def add_found(self, ids: bytes, keep: NDArray[np.bool_]) -> None:
        """Add those of the texts of the last `find` or `candidates` that ``keep`` names."""

    def compact(self) -> None: ...
    def sweep(self) -> None: ...
    def verify(self) -> None: ...
    def stats(self) -> dict[str, Any]: ...
