"""clean: Unicode normal form, control characters, line ends, blanks (`tf.text.normalize`)."""

import pyarrow as pa
import pyarrow.compute as pc

from tokenfoundry import text
from tokenfoundry.pipeline.recipe import CleanStage
from tokenfoundry.pipeline.stages.base import EverySource, Outcome

__all__ = ["Clean"]


class Clean(EverySource):
    name = "clean"
    version = 1
    edits_text = True

    def __init__(self, options: CleanStage) -> None:
        self.options = options

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        form = None if self.options.form == "none" else self.options.form
        cleaned = text.normalize(texts, form=form, threads=threads)
        edits = {name: pc.sum(cleaned.edits.column(name)).as_py() or 0 for name in cleaned.edits.schema.names}
        # Nothing is left of a text of blanks and control characters only.
        empty = pc.equal(pc.binary_length(cleaned.texts), 0)
        verdict = pc.if_else(empty, pa.scalar("clean.empty"), pa.scalar(None, pa.string()))
        return Outcome(cleaned.texts, verdict=verdict, edits=edits)
