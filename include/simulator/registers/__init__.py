"""Simulated registries made from the truth: population, land, insurance, finance."""

from include.simulator.registers.finance import build_finance, payment_file
from include.simulator.registers.insurance import build_insurance
from include.simulator.registers.land import build_land
from include.simulator.registers.population import build_population
