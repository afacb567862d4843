"""clean: Unicode normal form, control characters, line ends, blanks, whole lines (`tf.text.normalize`, `drop_lines`)."""

import pyarrow as pa
import pyarrow.compute as pc

from tokenfoundry import text
from tokenfoundry.pipeline.stages.base import OfSources, Outcome
from tokenfoundry.pipeline.text_options import CleanStage

__all__ = ["Clean"]


class Clean(OfSources):
    name = "clean"
    version = 2
    edits_text = True

    def __init__(self, options: CleanStage) -> None:
        self.options = options

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        form = None if self.options.form == "none" else self.options.form
        cleaned = text.normalize(texts, form=form, threads=threads)
        left, counts = cleaned.texts, [cleaned.edits]
        if self.options.drop_lines:
            kept = text.drop_lines(left, rules=self.options.drop_lines, threads=threads)
            left = kept.texts
            counts.append(kept.dropped.rename_columns([f"lines_{name}" for name in kept.dropped.schema.names]))
        edits = {
            name: total
            for batch in counts
            for name in batch.schema.names
            if (total := pc.sum(batch.column(name)).as_py() or 0) or batch is counts[0]
        }
        # Nothing is left of a text of blanks and control characters only, or of lines that all had to go.
        empty = pc.equal(pc.binary_length(left), 0)
        verdict = pc.if_else(empty, pa.scalar("clean.empty"), pa.scalar(None, pa.string()))
        return Outcome(left, verdict=verdict, edits=edits)
