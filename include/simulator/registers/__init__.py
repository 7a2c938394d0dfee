"""Simulated registries made from the truth: population, land, insurance, finance."""

from __future__ import annotations

from include.simulator.registers.finance import build_finance, payment_file
from include.simulator.registers.insurance import build_insurance
from include.simulator.registers.land import build_land
from include.simulator.registers.population import build_population

__all__ = [
    "build_finance",
    "build_insurance",
    "build_land",
    "build_population",
    "payment_file",
]
