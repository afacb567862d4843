"""extract: text out of web pages, in processes that a hostile page cannot outlive (`tf.text.extract`)."""

import pyarrow as pa
import pyarrow.compute as pc

from tokenfoundry import text
from tokenfoundry.pipeline.stages.base import OfSources, Outcome
from tokenfoundry.pipeline.text_options import ExtractStage

__all__ = ["Extract"]


class Extract(OfSources):
    name = "extract"
    version = 1
    edits_text = True

    def __init__(self, options: ExtractStage) -> None:
        self.options = options

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        options = self.options
        extracted = text.extract(
            texts,
            format=options.format,
            library=options.library,
            main_content=options.main_content,
            repair=options.repair,
            timeout_seconds=options.timeout_seconds,
            memory_bytes=options.memory_bytes,
            workers=threads,
        )
        changed = pc.not_equal(texts, extracted.texts)
        edits = {"pages": int(pc.sum(changed.cast(pa.int64())).as_py() or 0)}
        return Outcome(extracted.texts, verdict=extracted.verdict, edits=edits)
