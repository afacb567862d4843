"""Parts of a recipe beside its input and stages: gates, licences, costs, and where and how it runs."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = ["Costs", "Gate", "Licences", "MemoryBytes", "parse_bytes"]

_UNITS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 1 << 10,
    "mi": 1 << 20,
    "gi": 1 << 30,
    "ti": 1 << 40,
}
_LEAST_MEMORY = 128 << 20


def parse_bytes(value: Any) -> int:
    """4000000, "4MB" or "4 MiB" as a number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = (
        re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", value, re.IGNORECASE) if isinstance(value, str) else None
    )
    if found is None:
        raise ValueError(f"{value!r} is no size; write 4GiB, 500MB or a number of bytes")
    return int(float(found[1]) * _UNITS[found[2].lower()])


MemoryBytes = Annotated[int, BeforeValidator(parse_bytes), Field(ge=_LEAST_MEMORY)]
Number = Annotated[float, Field(strict=False, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Gate(_Strict):
    """Limits for one metric; `tokenfoundry report OUT --json` lists a run's metrics."""

    metric: str = Field(min_length=3, description="For example filter.yield or dedup.duplicate_rate.")
    min: Number | None = None
    max: Number | None = None
    sigma: Annotated[float, Field(strict=False, gt=0)] | None = Field(
        None, description="Control limits: mean ± this many standard deviations over earlier runs."
    )
    least_runs: int = Field(4, ge=2, description="Control limits count from so many earlier runs on.")
    by_source: bool = Field(True, description="Each source by itself; false: the run as a whole.")
    sources: list[str] | None = Field(None, description="Only these sources.")
    action: Literal["warn", "quarantine", "stop"] = Field(
        "stop", description="warn: say so; quarantine: the source's documents go no further; stop: the line stops."
    )

    @model_validator(mode="after")
    def _some_limit(self) -> "Gate":
        if self.min is None and self.max is None and self.sigma is None:
            raise ValueError("has no limit; give min, max or sigma")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        if self.action == "quarantine" and not self.by_source:
            raise ValueError("quarantine is of a source; it needs by_source: true")
        return self


class Licences(_Strict):
    """Which licences documents may have. Compared without regard to case; ``*`` stands for anything."""

    allow: list[str] | None = Field(None, description="Only these; others are dropped. null: all that are not denied.")
    deny: list[str] = Field([], description="These are dropped, whatever is allowed.")
    unknown: Literal["quarantine", "allow", "drop"] = Field(
        "quarantine",
        description="Documents without a licence. quarantine: out of the shards, listed as such in the ledger.",
    )
    sources: dict[str, "Licences"] = Field({}, description="Other rules for single sources.")


class Costs(_Strict):
    """What a core and its energy cost, for the report; never changes the result."""

    price_per_core_hour: Annotated[float, Field(strict=False, ge=0)] = 0.04
    currency: str = "USD"
    watts_per_core: Annotated[float, Field(strict=False, ge=0)] = Field(
        default=10.0,
        description="Estimate of a busy core's power with its share of the machine, where RAPL cannot be read.",
    )
    grams_co2_per_kwh: Annotated[float, Field(strict=False, ge=0)] | None = Field(
        default=None,
        description="Default: codecarbon's figure for `country` where it is installed, else the world's mean, 473.",
    )
    country: str | None = Field(default=None, description="ISO 3166 alpha-3 code, for codecarbon.")
