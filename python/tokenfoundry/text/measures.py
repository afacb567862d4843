"""Signals and verdicts of the published rule families."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tokenfoundry._core import text as _core

__all__ = ["FAMILIES", "PRESETS", "Rule", "filter", "rules", "signals", "words"]

FAMILIES: dict[str, tuple[str, ...]] = {
    family: tuple(f"{family}.{signal}" for signal in names) for family, names in _core.families()
}
"""The columns of each family, in order."""

PRESETS: tuple[str, ...] = tuple(_core.PRESETS)
"""Names that :func:`filter` and :func:`rules` take."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A document is dropped with ``verdict`` unless ``signal`` ``comparison`` ``threshold`` holds.

    Attributes:
        verdict: such as ``gopher.too_few_words``.
        signal: a column of :func:`signals`.
        comparison: ``>=`` or ``<=``.
        threshold: the publication's number.
    """

    verdict: str
    signal: str
    comparison: str
    threshold: float


def signals(
    texts: Any,
    *,
    families: Sequence[str] = ("gopher",),
    columns: Sequence[str] | None = None,
    threads: int | None = None,
) -> pa.RecordBatch:
    """Measure texts: one float64 column a signal, named ``family.signal``, one row a document.

    Ratios of nothing are 0. Definitions, sources and costs are in ``docs/text.md``; the readable twins are in
    ``tokenfoundry.reference``.

    Args:
        texts: anything that holds ``str`` or ``bytes``; see the module.
        families: names from :data:`FAMILIES`; several share one pass over the text.
        columns: only these signals (``gopher.words``, ...), in this order; ``families`` then says nothing. What none of
            them needs is not computed: Gopher's n-grams cost most, `docs/text.md` tells the others.
        threads: threads to use; all that the process may use if None.

    Raises:
        InputError: a family or column is unknown or named twice, or a document is longer than 4 GiB.
    """
    only = None if columns is None else list(columns)
    measured = _core.signals(texts, families=list(families), columns=only, threads=threads)
    return pa.RecordBatch.from_struct_array(pa.array(measured))


def filter(texts: Any, *, preset: str | Sequence[str] = "gopher", threads: int | None = None) -> pa.RecordBatch:
    """Judge texts by a published list of rules: the first rule that fails, and the value it failed with.

    A signal is measured when the first rule asks for it, so documents that go early cost little.

    Args:
        texts: anything that holds ``str`` or ``bytes``; see the module.
        preset: a name from :data:`PRESETS`; :func:`rules` lists what it asks. Several are asked one after another and
            share what they measure.
        threads: threads to use; all that the process may use if None.

    Returns:
        Columns ``verdict`` (string) and ``value`` (float64); both are null where the document is kept.

    Raises:
        InputError: there is no such preset, or a document is longer than 4 GiB.
    """
    presets = [preset] if isinstance(preset, str) else list(preset)
    columns = _core.filter(texts, presets=presets, threads=threads)
    return pa.RecordBatch.from_struct_array(pa.array(columns))


def rules(preset: str) -> list[Rule]:
    """The rules of a preset in the order in which :func:`filter` asks them."""
    return [Rule(*rule) for rule in _core.rules(preset)]


def words(text: str) -> list[str]:
    """The words that signals count: close to spaCy's English tokenizer (see ``tokenfoundry.reference.words``)."""
    return _core.words(text)
