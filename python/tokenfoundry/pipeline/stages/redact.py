"""redact: placeholders in the place of personal data; counts in the ledger, never the values (`tf.text.redact`)."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tokenfoundry import text
from tokenfoundry.pipeline.stages.base import OfSources, Outcome
from tokenfoundry.pipeline.text_files import fingerprint
from tokenfoundry.pipeline.text_options import RedactStage

__all__ = ["Redact"]


class Redact(OfSources):
    name = "redact"
    version = 2
    reads_files = True
    edits_text = True

    def __init__(self, options: RedactStage, base: Path = Path()) -> None:
        self.options = options
        self.key = (base / options.key_file).read_bytes() if options.key_file is not None else None
        self.fingerprint = fingerprint(options, base)

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        options = self.options
        redacted = text.redact(
            texts,
            kinds=options.kinds,
            action=options.action,
            key=self.key,
            public_addresses_only=options.public_addresses_only,
            threads=threads,
        )
        counts = {name: redacted.counts.column(name) for name in redacted.counts.schema.names}
        edits = {name: pc.sum(column).as_py() or 0 for name, column in counts.items()}
        verdict = None
        if options.action == "drop":
            verdict = pc.if_else(redacted.dropped, pa.scalar("redact.personal_data"), pa.scalar(None, pa.string()))
        columns = {f"redacted_{name}": column for name, column in counts.items()}
        return Outcome(redacted.texts, verdict=verdict, columns=columns, edits=edits)
