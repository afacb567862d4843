"""What a run cost: seconds, joules, carbon and money, by stage and source, from the meter's counts.

Joules are RAPL's where its counters can be read (the machine's processors, whoever else used them), else CPU seconds
times the recipe's watts. Each stage and source has its share by CPU seconds. What is an estimate says so.
"""

import os
import time
from typing import Any

from tokenfoundry.pipeline.meter import Energy, Meter, peak_memory_bytes
from tokenfoundry.pipeline.recipe import Recipe
from tokenfoundry.pipeline.settings import Costs

__all__ = ["Clock", "carbon_intensity", "of_run"]

# World mean of electricity generation in 2024, Ember, "Global Electricity Review 2025".
_WORLD_GRAMS_PER_KWH = 473.0


class Clock:
    """Wall clock and CPU time since it was made."""

    def __init__(self) -> None:
        self.wall = time.perf_counter()
        self.cpu = _cpu_seconds()

    def seconds(self) -> float:
        return time.perf_counter() - self.wall

    def cpu_seconds(self) -> float:
        return _cpu_seconds() - self.cpu


def _cpu_seconds() -> float:
    """Of this process and its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def carbon_intensity(costs: Costs) -> tuple[float, str]:
    """Grams of CO2 a kWh, and where the figure comes from."""
    if costs.grams_co2_per_kwh is not None:
        return costs.grams_co2_per_kwh, "of the recipe"
    if costs.country is not None:
        try:
            from codecarbon.core.emissions import Emissions
            from codecarbon.core.units import Energy as Kwh
            from codecarbon.external.geography import GeoMetadata
            from codecarbon.input import DataSource

            place = GeoMetadata(country_iso_code=costs.country.upper())
            kilograms = Emissions(DataSource()).get_country_emissions(Kwh.from_energy(kWh=1.0), place)
            return kilograms * 1000, f"codecarbon's for {costs.country.upper()}"
        except ImportError:
            pass
    return _WORLD_GRAMS_PER_KWH, "the world's mean of 2024 (Ember)"


def of_run(recipe: Recipe, clock: Clock, meter: Meter, energy: Energy, made: dict[str, Meter]) -> dict[str, Any]:
    """The part of metrics.json that is about costs."""
    prices = recipe.costs
    measured = energy.joules()
    # Of other machines' workers too, which report theirs to this meter.
    cpu = max(clock.cpu_seconds(), sum(cost.cpu_seconds for cost in meter.costs.values()))
    joules = measured if measured is not None else cpu * prices.watts_per_core
    grams, origin = carbon_intensity(prices)
    per_second = joules / cpu if cpu else 0.0

    def described(counts: Meter) -> dict[str, Any]:
        return {
            name: {**cost.to_dict(), "joules": round(cost.cpu_seconds * per_second, 1)}
            for name, cost in counts.costs.items()
        }

    return {
        "total_seconds": round(clock.seconds(), 3),
        "cpu_seconds": round(cpu, 3),
        "stages": described(meter),
        "sources": {source: described(counts) for source, counts in made.items()},
        "energy": {
            "joules": round(joules, 1),
            "measured_by": "RAPL" if measured is not None else f"estimate: {prices.watts_per_core:g} W a busy core",
            "grams_co2": round(joules / 3.6e6 * grams, 4),
            "grams_co2_per_kwh": round(grams, 1),
            "grams_co2_per_kwh_from": origin,
        },
        "cost": {
            "price": round(cpu / 3600 * prices.price_per_core_hour, 6),
            "currency": prices.currency,
            "price_per_core_hour": prices.price_per_core_hour,
        },
        "peak_memory_bytes": peak_memory_bytes(),
    }
