"""Gates: the line warns, quarantines a source, or stops when a metric leaves its limits.

A gate's limits are fixed numbers, or control limits over earlier runs. It is judged as soon as the metric is known, at
the end of the phase that makes it. The message says which documents moved the metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokenfoundry.errors import RecipeError
from tokenfoundry.pipeline import history
from tokenfoundry.pipeline.metrics import WHOLE, Metrics
from tokenfoundry.pipeline.settings import Gate

__all__ = ["Finding", "Gates", "check_gates"]

_WITHOUT_STAGE = ("language",)
# A deviation of nothing would make a gate of every rounding.
_LEAST_SPREAD = 1e-9

Evidence = Callable[[str, str, float, float | None], list[str]]
"""From a metric, a source, its value and the limit it broke: sentences that name the documents that moved it."""


@dataclass(frozen=True)
class Finding:
    """A metric that left its limits."""

    metric: str
    source: str
    value: float
    low: float | None
    high: float | None
    limits: str
    """Where the limits come from."""
    action: str
    documents: list[str]
    """What moved the metric."""

    @property
    def message(self) -> str:
        whose = "the whole run" if self.source == WHOLE else f"source {self.source}"
        below = self.low is not None and self.value < self.low
        limit = f"below {self.low:.6g}" if below else f"above {self.high:.6g}"
        moved = "; ".join(self.documents)
        return f"{self.metric} of {whose} is {self.value:.6g}, {limit} ({self.limits})" + (
            f". {moved}" if moved else ""
        )

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "message": self.message}


def check_gates(gates: Sequence[Gate], stages: Sequence[str]) -> None:
    """Raise RecipeError for a gate on a stage that the recipe does not have."""
    known = ["read", *stages, *(_WITHOUT_STAGE if "label" in stages else ())]
    for index, gate in enumerate(gates):
        stage, dot, what = gate.metric.partition(".")
        if stage not in known or not dot or not what:
            raise RecipeError(
                f"gates[{index}].metric: {gate.metric!r} is no metric of this recipe; they begin with "
                f"{', '.join(f'{name}.' for name in dict.fromkeys(known))} as in filter.yield or dedup.duplicate_rate"
            )


class Gates:
    """Judges metrics as they become known, each once; the limits stay what they were when the run began."""

    def __init__(
        self, gates: Sequence[Gate], name: str, earlier: Path | None, frozen: dict[str, Any] | None = None
    ) -> None:
        self.gates = gates
        self.name = name
        self.earlier = earlier
        self.frozen: dict[str, Any] = dict(frozen or {})
        """Earlier values by source and metric; what a resumed run must see again."""
        self.judged: set[tuple[int, str]] = set()

    def judge(self, metrics: Metrics, known: set[str], evidence: Evidence) -> list[Finding]:
        """Findings for the gates on stages of ``known``."""
        findings = []
        for number, gate in enumerate(self.gates):
            stage = gate.metric.partition(".")[0]
            if (stage if stage not in _WITHOUT_STAGE else "label") not in known:
                continue
            if gate.metric.endswith("per_million_tokens") and "tokenize" not in known:
                continue
            wanted = [name for name in metrics if name != WHOLE] if gate.by_source else [WHOLE]
            for source in wanted:
                if (gate.sources is not None and source not in gate.sources and source != WHOLE) or (
                    number,
                    source,
                ) in self.judged:
                    continue
                value = self._value(metrics[source], gate.metric)
                if value is None:
                    continue
                self.judged.add((number, source))
                found = self._judge(gate, source, value, evidence)
                if found is not None:
                    findings.append(found)
        return findings

    @staticmethod
    def _value(metrics: dict[str, float], metric: str) -> float | None:
        if metric in metrics:
            return metrics[metric]
        stage = metric.partition(".")[0]
        there = any(name.startswith(f"{stage}.") for name in metrics)
        return 0.0 if there and (".dropped." in metric or stage in _WITHOUT_STAGE or "per_million" in metric) else None

    def _judge(self, gate: Gate, source: str, value: float, evidence: Evidence) -> Finding | None:
        low, high, origin = gate.min, gate.max, "limits of the recipe"
        if gate.sigma is not None:
            key = f"{source} {gate.metric}"
            if key not in self.frozen:
                self.frozen[key] = history.values(self.earlier, self.name, source, gate.metric)
            earlier = self.frozen[key]
            if len(earlier) >= gate.least_runs:
                control = history.control_limits(earlier, gate.sigma)
                spread = max((control[1] - control[0]) / 2, _LEAST_SPREAD)
                middle = (control[0] + control[1]) / 2
                if not middle - spread <= value <= middle + spread:
                    low, high = middle - spread, middle + spread
                    origin = f"mean {middle:.6g} ± {gate.sigma:g} sigma over {len(earlier)} earlier runs"
        if (low is None or value >= low) and (high is None or value <= high):
            return None
        broken = low if low is not None and value < low else high
        return Finding(
            gate.metric, source, value, low, high, origin, gate.action, evidence(gate.metric, source, value, broken)
        )


def most_common(counts: Counter[str], shown: int = 3) -> str:
    """ "a (12), b (3) and 4 more": where something happened most."""
    parts = [f"{name} ({count:,})" for name, count in counts.most_common(shown)]
    more = len(counts) - len(parts)
    return ", ".join(parts) + (f" and {more:,} more" if more > 0 else "")
