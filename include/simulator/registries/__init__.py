"""Simulated registries made from the truth: population, land, insurance, finance."""

from include.simulator.registries.finance import build_finance, payment_file
from include.simulator.registries.insurance import build_insurance
from include.simulator.registries.land import build_land
from include.simulator.registries.population import build_population
