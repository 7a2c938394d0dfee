"""Simulator of registries with known truth and known faults, loaded into real databases and file deliveries.

It is independent: no module of the product imports it, and it uses only the product's lists in schemas/reference.
"""

from include.simulator.build import build_country
from include.simulator.country import simulate
from include.simulator.dirt import DirtRates, SystemRates
from include.simulator.land_provinces import divide_land, inhabited_provinces
from include.simulator.land_vendors import vendor_of
from include.simulator.loading import UnknownTarget, load_registry
from include.simulator.staging import SYSTEM_SERVERS, Country
