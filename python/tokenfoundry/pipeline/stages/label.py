"""label: language and script of each document (`tf.text.label`)."""

import pyarrow as pa

from tokenfoundry import text
from tokenfoundry.pipeline.recipe import LabelStage
from tokenfoundry.pipeline.stages.base import EverySource, Outcome

__all__ = ["Label"]


class Label(EverySource):
    name = "label"
    version = 2
    edits_text = False

    def __init__(self, options: LabelStage) -> None:
        self.options = options

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        labels = text.label(texts, threads=threads)
        names = ("language", "language_confidence", "script")
        return Outcome(texts, columns={name: labels.column(name) for name in names})
