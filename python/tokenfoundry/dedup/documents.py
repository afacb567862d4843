"""Whole documents: identical ones and nearly identical ones."""

from typing import Any

from tokenfoundry._core import dedup as _dedup
from tokenfoundry.dedup.options import Keep, Unit, as_texts, bands_of, check_threshold, options, order_of
from tokenfoundry.dedup.result import Result, result_of

__all__ = ["exact", "explain", "explain_bands", "near_duplicates"]


def exact(texts: Any, *, keep: Keep = "first", order: Any = None, threads: int | None = None) -> Result:
    """Keep one of each group of identical texts.

    ``texts``: list of str or bytes, or an Arrow string or binary array (n), or a `Ragged` of tokens. ``keep``: which
    one stays: "first", "last", "longest", or a column of n numbers, of which the largest wins; ``order``: instead, the
    indices of all texts, best first. Found by xxh3-128, verified by comparing bytes.
    """
    texts = as_texts(texts)
    return result_of(_dedup.exact(texts, order_of(texts, keep, order), threads))


def near_duplicates(
    texts: Any,
    *,
    threshold: float = 0.8,
    verify: bool = True,
    keep: Keep = "first",
    order: Any = None,
    unit: Unit = "words",
    ngram: int = 5,
    seed: int = 1,
    bands: tuple[int, int] | None = None,
    recall: float = 0.997,
    threads: int | None = None,
) -> Result:
    """Keep one of each group of near-duplicates: texts whose sets of n-grams have Jaccard >= ``threshold``.

    ``texts``, ``keep`` and ``order`` as in `exact`. In that order each document is compared with the kept ones that it
    shares a band with; it goes if one is similar enough, so every removed document has a kept one at or above the
    threshold. A text of fewer than ``ngram`` units has no n-gram and goes only if another is identical.
    ``verify=False`` believes the signatures' estimate of the similarity (error about ±0.04) instead of comparing.

    ``unit``: what n-grams are made of: lower-cased "words" (in scripts without spaces each character is one), what
    lies between "whitespace", "characters", "bytes", or "tokens" (then ``texts`` is a `Ragged`). ``bands``: (bands,
    rows); by default the least that find a pair at the threshold with a chance of ``recall`` (`explain` prints it).

    The result does not depend on threads. Raises InputError for texts that are not UTF-8.
    Source: Broder, "On the resemblance and containment of documents" (1997).
    """
    chosen = options(threshold, unit, ngram, seed, bands, recall, verify)
    texts = as_texts(texts)
    return result_of(_dedup.near_duplicates(texts, order_of(texts, keep, order), chosen.fields(), threads))


def explain(threshold: float = 0.8, *, bands: tuple[int, int] | None = None, recall: float = 0.997) -> str:
    """The S-curve: the chance that a pair of a given similarity shares a band and is compared, as a table."""
    check_threshold(threshold)
    count, rows = bands_of(threshold, bands, recall)
    lines = [f"{count} bands of {rows} rows, {count * rows} permutations", "similarity  chance to be compared"]
    percents = sorted({*range(30, 101, 5), round(threshold * 100)})
    for percent in percents:
        chance = 1 - (1 - (percent / 100) ** rows) ** count
        mark = "  <- threshold" if percent == round(threshold * 100) else ""
        lines.append(f"      {percent / 100:.2f}  {chance:8.3%}  {'#' * round(chance * 40):40}{mark}".rstrip())
    return "\n".join(lines)


def explain_bands(threshold: float = 0.8) -> str:
    """`explain` of a threshold alone."""
    return explain(threshold)
