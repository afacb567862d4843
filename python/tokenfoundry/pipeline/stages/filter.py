"""filter: drop what fails a published list of quality rules (`tf.text.filter`)."""

import numpy as np
import pyarrow as pa

from tokenfoundry import text
from tokenfoundry.pipeline.recipe import FilterStage
from tokenfoundry.pipeline.stages.base import Outcome

__all__ = ["Filter"]


class Filter:
    name = "filter"
    version = 1
    edits_text = False

    def __init__(self, options: FilterStage) -> None:
        self.options = options

    def applies_to(self, source: str) -> bool:
        return self.options.sources is None or source in self.options.sources

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        judged = text.filter(texts, preset=self.options.preset, threads=threads)
        value = judged.column("value").fill_null(np.nan).to_numpy(zero_copy_only=False)
        return Outcome(texts, verdict=judged.column("verdict"), value=value)
