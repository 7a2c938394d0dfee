"""The simulated truth: families, households, names, places, identifiers."""

from include.simulator.society.households import RELATIONSHIPS
from include.simulator.society.identifiers import tax_codes
from include.simulator.society.places import REFORM, Indices, load_wards, read_list
from include.simulator.society.truth import Society, found_society
