"""filter: drop what fails a published list of quality rules, or a condition on columns (`tf.text.filter`, expressions)."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokenfoundry import text
from tokenfoundry.expressions import Condition, parse
from tokenfoundry.pipeline.stages.base import OfSources, Outcome
from tokenfoundry.pipeline.text_files import columns_of, fingerprint
from tokenfoundry.pipeline.text_options import FilterStage

__all__ = ["Filter"]


class Filter(OfSources):
    name = "filter"
    version = 2
    reads_files = True
    edits_text = False

    def __init__(self, options: FilterStage, base: Path = Path()) -> None:
        self.options = options
        self.columns = columns_of(options, base)
        self.condition = parse(options.keep, self.columns.schema) if options.keep is not None else None
        self.fingerprint = fingerprint(options, base)

    def __call__(self, texts: pa.LargeStringArray, threads: int | None) -> Outcome:
        count = len(texts)
        judged: pa.StringArray = pa.nulls(count, pa.string())
        value = np.full(count, np.nan)
        if self.options.preset is not None:
            found = text.filter(texts, preset=self.options.preset, threads=threads)
            judged = found.column("verdict").cast(pa.string())
            value[:] = found.column("value").fill_null(np.nan).to_numpy(zero_copy_only=False)
        if self.condition is not None:
            verdict = np.array([*judged.to_pylist(), None], object)[:count]
            self._ask(self.condition, texts, threads, verdict, value)
            judged = pa.array(verdict, pa.string())
        return Outcome(texts, verdict=judged, value=value)

    def _ask(
        self,
        condition: Condition,
        texts: pa.LargeStringArray,
        threads: int | None,
        verdict: NDArray[np.object_],
        value: NDArray[np.float64],
    ) -> None:
        """The first part of the condition that does not hold, and the number that its only column has, if it has one."""
        columns = self.columns.compute(texts, condition.columns, threads=threads)
        batch = pa.RecordBatch.from_arrays(list(columns.values()), list(columns)) if columns else None
        for part in condition.parts:
            held = part.holds(batch, len(texts))
            failed = ~held & (verdict == None)  # noqa: E711  (by element)
            verdict[failed] = f"filter.keep:{part.text}"
            if len(part.columns) == 1 and failed.any():
                column = columns[part.columns[0]]
                if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
                    value[failed] = column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)[failed]
