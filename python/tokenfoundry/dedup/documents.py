"""Whole documents: identical ones and nearly identical ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry._core import dedup as _dedup
from tokenfoundry.dedup.options import (
    COMPLETE,
    Keep,
    Unit,
    as_texts,
    bands_of,
    check_bands,
    check_threshold,
    in_units,
    options,
    order_of,
)
from tokenfoundry.dedup.result import Result, result_of
from tokenfoundry.errors import InputError
from tokenfoundry.ragged import Ragged
from tokenfoundry.tokenizer import Tokenizer

__all__ = ["buckets", "exact", "explain", "explain_bands", "near_duplicates"]


def exact(
    texts: Any, *, normalized: bool = False, keep: Keep = "first", order: Any = None, threads: int | None = None
) -> Result:
    """Keep one of each group of identical texts.

    ``texts``: list of str or bytes, or an Arrow string or binary array (n), or a `Ragged` of tokens. ``keep``: which
    one stays: "first", "last", "longest" (in bytes, or in tokens where those are given), or a column of n numbers, of which
    the largest wins; ``order``: instead, the indices of all texts, best first. Found by xxh3-128, verified by comparing bytes.
    ``normalized``: texts are identical if their words are, lower-cased, in order (what a word is: see `near_duplicates`);
    case, punctuation and spacing then make no difference. Texts without a word are compared as they are.
    """
    texts = as_texts(texts)
    return result_of(_dedup.exact(texts, order_of(texts, keep, order), normalized, threads))


def near_duplicates(
    texts: Any,
    *,
    threshold: float = 0.8,
    verify: bool = True,
    keep: Keep = "first",
    order: Any = None,
    unit: Unit | Tokenizer = "words",
    ngram: int = 5,
    seed: int = 1,
    bands: tuple[int, int] | None = None,
    recall: float = COMPLETE,
    threads: int | None = None,
) -> Result:
    """Keep one of each group of near-duplicates: texts whose sets of n-grams have Jaccard >= ``threshold``.

    ``texts``, ``keep`` and ``order`` as in `exact`. In that order each document is compared with the kept ones that it
    shares a band with; it goes if one is similar enough, so every removed document has a kept one at or above the
    threshold. A text of fewer than ``ngram`` units has no n-gram and goes only if another is identical.
    ``verify=False`` believes the signatures' estimate of the similarity (error about ±0.04) instead of comparing.

    ``unit``: what n-grams are made of: lower-cased "words" (in scripts without spaces each character is one), what
    lies between "whitespace", "characters", "bytes", or "tokens" (then ``texts`` is a `Ragged`); or a `Tokenizer`, whose
    tokens of the texts are taken. ``bands``: (bands, rows); by default such that a pair at the threshold is compared with
    a chance of ``recall``: at 0.8 the 120 slots of 20 bands of 6, read as 30 bands of 4 (`explain` prints both).

    The result does not depend on threads. Raises InputError for texts that are not UTF-8.
    Source: Broder, "On the resemblance and containment of documents" (1997).
    """
    # The longest text is the longest as it was given, whatever its tokens are.
    order = order_of(as_texts(texts), keep, order)
    texts, unit = in_units(texts, unit, threads)
    chosen = options(threshold, unit, ngram, seed, bands, recall, verify)
    return result_of(_dedup.near_duplicates(as_texts(texts), order, chosen.fields(), threads))


def explain(threshold: float = 0.8, *, bands: tuple[int, int] | None = None, recall: float = 0.997) -> str:
    """The S-curve: the chance that a pair of a given similarity shares a band and is compared, as a table.

    With the defaults, the bands of an `Index` at this threshold, and below them those that `near_duplicates` takes.
    """
    check_threshold(threshold)
    count, rows = bands_of(threshold, bands, recall)
    lines = [f"{count} bands of {rows} rows, {count * rows} permutations", "similarity  chance to be compared"]
    percents = sorted({*range(30, 101, 5), round(threshold * 100)})
    for percent in percents:
        chance = 1 - (1 - (percent / 100) ** rows) ** count
        mark = "  <- threshold" if percent == round(threshold * 100) else ""
        lines.append(f"      {percent / 100:.2f}  {chance:8.3%}  {'#' * round(chance * 40):40}{mark}".rstrip())
    if bands is None:
        more, fewer = bands_of(threshold, None, COMPLETE)
        missed = (1 - threshold**fewer) ** more
        lines.append(
            f"near_duplicates and OnDisk compare what shares one of {more} bands of {fewer} rows: "
            f"a pair at the threshold is missed with a chance of {missed:.1e}"
        )
    return "\n".join(lines)


def explain_bands(threshold: float = 0.8) -> str:
    """`explain` of a threshold alone."""
    return explain(threshold)


def buckets(signatures: NDArray[Any], *, bands: tuple[int, int] = (20, 6), threads: int | None = None) -> Ragged:
    """Documents whose signatures agree in all slots of some band: the candidates, as `near_duplicates` finds them.

    ``signatures``: (n, num_perm) of any unsigned integer, ours or another library's. ``bands``: (bands, rows), together
    at most num_perm. Returns a `Ragged`: each row lists, ascending, two or more documents that share one band; the same
    documents can share several. Rows that are all ones (documents without an n-gram) are in none. Nothing is verified.
    Cost: about 0.1 µs a document and thread, and 4 bytes a band and document of memory.
    """
    array = np.asarray(signatures)
    if array.ndim != 2 or array.dtype.kind != "u":
        raise InputError(f"signatures must be two-dimensional, of unsigned integers, not {array.dtype} {array.shape}")
    count, rows = check_bands(bands)
    if count * rows > array.shape[1]:
        raise InputError(f"bands is {bands}: {count * rows} slots, but signatures have {array.shape[1]}")
    if array.dtype.itemsize == 8:
        # All ones stay all ones; slots that differ become equal once in 2^32.
        ones = array == np.uint64(2**64 - 1)
        array = np.where(ones, np.uint32(2**32 - 1), (array ^ (array >> np.uint64(32))).astype(np.uint32))
    elif array.dtype.itemsize < 4:
        ones = (array == np.iinfo(array.dtype).max).all(axis=1)
        array = np.where(ones[:, None], np.uint32(2**32 - 1), array.astype(np.uint32))
    return Ragged._trusted(*_dedup.buckets(np.ascontiguousarray(array, np.uint32), count, rows, threads))
