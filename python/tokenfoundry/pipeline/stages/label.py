"""label: language, script and other columns of each document (`tf.text.label`, `tf.text.Columns`)."""

from pathlib import Path

import pyarrow as pa

from tokenfoundry.pipeline.stages.base import OfSources, Outcome, signals_of
from tokenfoundry.pipeline.text_files import columns_of, fingerprint
from tokenfoundry.pipeline.text_options import LabelStage

__all__ = ["Label"]

_ALWAYS = ("language", "language_confidence", "script")


class Label(OfSources):
    name = "label"
    version = 3
    reads_files = True
    edits_text = False

    def __init__(self, options: LabelStage, base: Path = Path()) -> None:
        self.options = options
        self.columns = columns_of(options, base)
        self.fingerprint = fingerprint(options, base)

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        found = self.columns.compute(texts, [*_ALWAYS, *self.options.columns], threads=threads)
        columns = {name: found[name] for name in _ALWAYS}
        if self.options.columns:
            columns["signals"] = signals_of({name: found[name] for name in self.options.columns}, len(texts))
        return Outcome(texts, columns=columns)
