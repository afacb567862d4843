"""Which documents moved a metric: what a gate's message says, found by reading the rows of its source again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenfoundry.pipeline.corpus import Corpus
from tokenfoundry.pipeline.gates import most_common
from tokenfoundry.pipeline.metrics import WHOLE

__all__ = ["Evidence"]

_SHOWN = 5


@dataclass
class Evidence:
    """What is known of the documents so far; calling it gives the sentences of a gate's message."""

    corpus: Corpus
    duplicate_of: NDArray[np.int64] | None = None
    kept: NDArray[np.bool_] | None = None
    tokens: list[NDArray[np.int64]] = field(default_factory=list)
    """Of each unit, tokens of its kept texts"""

    def __call__(self, metric: str, source: str, value: float, limit: float | None) -> list[str]:
        stage, _, what = metric.partition(".")
        if stage == "dedup":
            return self._duplicates(source)
        if stage == "tokenize":
            return self._tokens(source)
        if stage in ("pack", "shard"):
            return []
        if stage == "redact" and "million" in what:
            kind = what.partition(".")[0] if what.count(".") else None
            return self._redactions(source, kind)
        if stage == "language":
            return self._languages(source, what, limit is not None and value > limit)
        return self._dropped(source, stage, what.removeprefix("dropped.") if what.startswith("dropped.") else None)

    def _rows(self, source: str) -> Iterator[tuple[int, dict[str, list[Any]]]]:
        """Columns of the source's batches, and the number of the first text in each."""
        for index, unit in enumerate(self.corpus.units):
            if source not in (WHOLE, self.corpus.sources[index]):
                continue
            first = int(self.corpus.bounds[index])
            for batch in unit.rows():
                columns = {name: batch.column(name).to_pylist() for name in _COLUMNS}
                yield first, columns
                first += sum(verdict is None for verdict in columns["verdict"])

    def _dropped(self, source: str, stage: str, reason: str | None) -> list[str]:
        reasons: Counter[str] = Counter()
        files: Counter[str] = Counter()
        examples: list[str] = []
        for _, columns in self._rows(source):
            for uri, record, at, verdict, value in zip(
                columns["uri"], columns["record"], columns["stage"], columns["verdict"], columns["value"], strict=True
            ):
                if at != stage or (reason is not None and verdict != reason):
                    continue
                reasons[verdict] += 1
                files[uri] += 1
                if len(examples) < _SHOWN:
                    examples.append(f"{uri}#{record}" + ("" if value is None else f" ({verdict} {value:.4g})"))
        if not reasons:
            return [f"{stage} dropped no document"]
        return [
            f"dropped for {most_common(reasons)}",
            f"most in {most_common(files)}",
            f"for example {', '.join(examples)}",
        ]

    def _places(self, source: str, wanted: Sequence[int]) -> dict[int, str]:
        """uri#record of texts, by number."""
        found: dict[int, str] = {}
        left = set(wanted)
        for first, columns in self._rows(source):
            text = first
            for uri, record, verdict in zip(columns["uri"], columns["record"], columns["verdict"], strict=True):
                if verdict is None:
                    if text in left:
                        found[text] = f"{uri}#{record}"
                    text += 1
        return found

    def _of_source(self, source: str) -> NDArray[np.bool_]:
        names, numbers = self.corpus.source_numbers()
        return np.ones(len(numbers), np.bool_) if source == WHOLE else numbers == names.index(source)

    def _duplicates(self, source: str) -> list[str]:
        if self.duplicate_of is None:
            return []
        gone = (self.duplicate_of >= 0) & self._of_source(source)
        kept, copies = np.unique(self.duplicate_of[gone], return_counts=True)
        order = np.argsort(-copies, kind="stable")[:_SHOWN]
        largest = kept[order].tolist()
        examples = np.flatnonzero(gone & np.isin(self.duplicate_of, largest[:1]))[:3].tolist()
        names = self._places(WHOLE, [*largest, *examples])
        clusters = ", ".join(
            f"{names.get(text, text)} ({count:,} copies)"
            for text, count in zip(largest, copies[order].tolist(), strict=True)
        )
        return [
            f"{int(gone.sum()):,} documents duplicate {len(kept):,} others, most {clusters}",
            f"for example {', '.join(names[text] for text in examples if text in names)}",
        ]

    def _tokens(self, source: str) -> list[str]:
        if self.kept is None or not self.tokens:
            return []
        tokens = np.zeros(len(self.corpus), np.int64)
        tokens[self.kept] = np.concatenate(self.tokens)
        mine = self.kept & self._of_source(source)
        size = self.corpus.lengths
        if not mine.any():
            return []
        rate = tokens[mine].sum() / max(int(size[mine].sum()), 1)
        # What a document adds to the difference between the tokens there are and those its bytes would have.
        pull = np.where(mine, np.abs(tokens - rate * size), -1)
        worst = np.argsort(-pull, kind="stable")[:_SHOWN].tolist()
        names = self._places(source, worst)
        shown = ", ".join(
            f"{names[text]} ({tokens[text]:,} tokens of {size[text]:,} bytes)" for text in worst if text in names
        )
        return [f"furthest from the mean: {shown}"]

    def _redactions(self, source: str, kind: str | None) -> list[str]:
        most: list[tuple[int, str]] = []
        files: Counter[str] = Counter()
        for _, columns in self._rows(source):
            for uri, record, counts in zip(columns["uri"], columns["record"], columns["redacted"], strict=True):
                total = sum(count for name, count in counts or [] if kind in (None, name))
                if total:
                    files[uri] += total
                    most = sorted([*most, (-total, f"{uri}#{record}")])[:_SHOWN]
        shown = ", ".join(f"{name} ({-count:,})" for count, name in most)
        return [f"most in {most_common(files)}", f"documents with most: {shown}"] if most else []

    def _languages(self, source: str, language: str, above: bool) -> list[str]:
        counts: Counter[str] = Counter()
        files: Counter[str] = Counter()
        examples: list[str] = []
        for _, columns in self._rows(source):
            for uri, record, found in zip(columns["uri"], columns["record"], columns["language"], strict=True):
                if found is None:
                    continue
                counts[found] += 1
                if (found == language) == above:
                    files[uri] += 1
                    if len(examples) < _SHOWN:
                        examples.append(f"{uri}#{record}" + ("" if above else f" ({found})"))
        return [
            f"languages are {most_common(counts, 6)}",
            f"{'documents in' if above else 'documents in others than'} {language} are most in {most_common(files)}",
            f"for example {', '.join(examples)}",
        ]


_COLUMNS = ("uri", "record", "stage", "verdict", "value", "language", "redacted")
