"""Metrics of earlier runs, by source: JSON Lines that every finished run appends to.

Control limits are the mean ± some standard deviations of a metric over earlier runs of the same name.
"""

import fcntl
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["append", "control_limits", "values"]


def append(path: Path, entry: dict[str, Any]) -> None:
    """Add a run; several processes may at a time. A run is there once, by its manifest's digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        content = file.read()
        if any(one.get("manifest") == entry["manifest"] for one in _entries(content.splitlines())):
            return
        # A killed writer may have left half a line.
        file.write(("" if not content or content.endswith("\n") else "\n") + json.dumps(entry, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _entries(lines: Sequence[str]) -> list[dict[str, Any]]:
    entries = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("metrics"), dict):
            entries.append(entry)
    return entries


def values(path: Path | None, name: str, source: str, metric: str) -> list[float]:
    """A metric's values in earlier runs of this name; 0 where a run had the stage but not this (a reason, a language)."""
    if path is None or not path.exists():
        return []
    found = []
    stage = metric.partition(".")[0]
    for entry in _entries(path.read_text(encoding="utf-8").splitlines()):
        metrics = entry["metrics"].get(source)
        if entry.get("name") != name or metrics is None:
            continue
        if metric in metrics:
            found.append(float(metrics[metric]))
        elif any(key.startswith(f"{stage}.") for key in metrics) and (".dropped." in metric or stage == "language"):
            found.append(0.0)
    return found


def control_limits(earlier: Sequence[float], sigma: float) -> tuple[float, float]:
    """Mean - sigma s and mean + sigma s, with the sample's standard deviation s."""
    mean = math.fsum(earlier) / len(earlier)
    variance = math.fsum((value - mean) ** 2 for value in earlier) / (len(earlier) - 1)
    spread = sigma * math.sqrt(variance)
    return mean - spread, mean + spread
