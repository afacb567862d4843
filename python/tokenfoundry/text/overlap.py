"""Decontamination: which documents hold word n-grams of an evaluation set, and where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tokenfoundry._core.text import NgramIndex
from tokenfoundry.errors import InputError

__all__ = ["NgramIndex", "Overlap", "joined_fields", "ngram_index", "ngram_overlap"]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What :func:`ngram_overlap` gives, a row a document.

    Attributes:
        table: ``ngrams`` (int64: how many of its n-grams are in the index), ``share`` (float64: the part of its words
            that is inside spans) and ``set`` (string: the evaluation set of the first span; null without one).
        spans: large_list of ``{start, end, set}``: byte positions in the text, overlapping n-grams joined.
        texts: large_string, the texts without their spans if ``cut``; else None.
    """

    table: pa.RecordBatch
    spans: pa.LargeListArray
    texts: pa.LargeStringArray | None


def joined_fields(records: Iterable[Mapping[str, Any]], fields: Sequence[str] = ("input", "label")) -> list[str]:
    """Each record's fields as one text, so that n-grams reach from the question into the answer.

    Raises:
        InputError: a record has none of the fields.
    """
    texts = []
    for number, record in enumerate(records):
        parts = [str(record[field]) for field in fields if record.get(field) is not None]
        if not parts:
            raise InputError(
                f"record {number} has none of {', '.join(fields)}; it has {', '.join(record) or 'nothing'}"
            )
        texts.append(" ".join(parts))
    return texts


def ngram_index(sets: Mapping[str, Any], *, ngram: int = 13, short_ngram: int = 8) -> NgramIndex:
    """Index the word n-grams of evaluation sets.

    Words are runs of letters, marks and digits in lower case; ideographs are words. Thirteen words is what GPT-3 used
    (Brown et al. 2020, appendix C). A text of fewer words gives its ``short_ngram``-grams, or nothing
    (counted in ``.skipped``) if it has fewer still.

    Args:
        sets: texts by the name of their set; :func:`joined_fields` makes texts of records.
        ngram: words of an n-gram, 1 to 64.
        short_ngram: words of an n-gram of short texts, less than ``ngram``; 0 for none.

    Raises:
        InputError: a size is out of range.

    Cost: 10 bytes a slot, at most 4/5 full, and a filter; ten million n-grams take 184 MB.
    """
    return NgramIndex(list(sets.items()), ngram=ngram, short_ngram=short_ngram)


def ngram_overlap(texts: Any, index: NgramIndex, *, cut: bool = False, threads: int | None = None) -> Overlap:
    """Find the n-grams of an index in texts.

    Args:
        texts: anything that holds ``str`` or ``bytes``; see the module.
        index: from :func:`ngram_index`.
        cut: also give the texts without the spans.
        threads: threads to use; all that the process may use if None.

    Raises:
        InputError: a document is longer than 4 GiB.
    """
    table, spans, left = index.overlap(texts, cut=cut, threads=threads)
    batch = pa.RecordBatch.from_struct_array(pa.array(table))
    return Overlap(batch, pa.array(spans), None if left is None else pa.array(left))
