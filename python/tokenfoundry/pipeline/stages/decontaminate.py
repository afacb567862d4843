"""decontaminate: documents that hold n-grams of evaluation sets go, or the places where they do (`tf.text.ngram_overlap`)."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tokenfoundry import text
from tokenfoundry.pipeline.stages.base import SIGNALS, OfSources, Outcome
from tokenfoundry.pipeline.text_files import evaluation_texts, fingerprint
from tokenfoundry.pipeline.text_options import DecontaminateStage

__all__ = ["Decontaminate"]


class Decontaminate(OfSources):
    name = "decontaminate"
    version = 1
    reads_files = True

    def __init__(self, options: DecontaminateStage, base: Path = Path()) -> None:
        self.options = options
        self.edits_text = options.action == "cut"
        self.fingerprint = fingerprint(options, base)
        self.index = text.ngram_index(
            evaluation_texts(options, base), ngram=options.ngram, short_ngram=options.short_ngram
        )

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        cut = self.options.action == "cut"
        found = text.ngram_overlap(texts, self.index, cut=cut, threads=threads)
        hit = pc.greater_equal(found.table.column("ngrams"), self.options.min_ngrams)
        named = pc.binary_join_element_wise("decontaminate.overlap", found.table.column("set"), ":")
        value = found.table.column("share").to_numpy(zero_copy_only=False).astype(np.float64)
        columns = {"signals": _spans(found.spans, hit)}
        edits = {"documents": int(pc.sum(hit.cast(pa.int64())).as_py() or 0)}
        if found.texts is None:
            return Outcome(texts, verdict=pc.if_else(hit, named, None), value=value, columns=columns, edits=edits)
        left = pc.if_else(hit, found.texts.cast(pa.large_string()), texts)
        edits["spans"] = int(pc.sum(pc.if_else(hit, pc.list_value_length(found.spans), 0)).as_py() or 0)
        empty = pc.and_(hit, pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(left)), 0))
        return Outcome(left, verdict=pc.if_else(empty, named, None), value=value, columns=columns, edits=edits)


def _spans(spans: pa.LargeListArray, hit: pa.BooleanArray) -> pa.Array:
    """For the ledger: `overlap.SET:START-END` (bytes of the text that came in), and the bytes of each span."""
    rows = [
        [(f"overlap.{one['set']}:{one['start']}-{one['end']}", one["end"] - one["start"]) for one in row]
        if kept
        else None
        for row, kept in zip(spans.to_pylist(), hit.to_pylist(), strict=True)
    ]
    return pa.array(rows, SIGNALS)
