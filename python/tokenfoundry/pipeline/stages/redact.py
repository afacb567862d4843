"""redact: placeholders in the place of personal data; counts in the ledger, never the values (`tf.text.redact`)."""

import pyarrow as pa
import pyarrow.compute as pc

from tokenfoundry import text
from tokenfoundry.pipeline.recipe import RedactStage
from tokenfoundry.pipeline.stages.base import EverySource, Outcome

__all__ = ["Redact"]


class Redact(EverySource):
    name = "redact"
    version = 1
    edits_text = True

    def __init__(self, options: RedactStage) -> None:
        self.options = options

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        redacted = text.redact(texts, kinds=self.options.kinds, threads=threads)
        counts = {name: redacted.counts.column(name) for name in redacted.counts.schema.names}
        edits = {name: pc.sum(column).as_py() or 0 for name, column in counts.items()}
        return Outcome(
            redacted.texts, columns={f"redacted_{name}": column for name, column in counts.items()}, edits=edits
        )
