"""A small country with known truth and known dirt, loaded into real databases and file drops.

It stands apart: nothing of the product imports it, and of the product it uses only the lists in schemas/reference.
"""

from __future__ import annotations

from include.simulator.build import build_country
from include.simulator.country import simulate
from include.simulator.dirt import DirtRates
from include.simulator.loading import UnknownTarget, load_registry
from include.simulator.staging import Country

__all__ = [
    "Country",
    "DirtRates",
    "UnknownTarget",
    "build_country",
    "load_registry",
    "simulate",
]
