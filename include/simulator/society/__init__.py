"""The simulated truth: families, households, names, places, identifiers."""

from __future__ import annotations

from include.simulator.society.households import RELATIONSHIPS
from include.simulator.society.identifiers import tax_codes
from include.simulator.society.places import REFORM, Indices, read_list
from include.simulator.society.truth import Society, found_society

__all__ = ["REFORM", "RELATIONSHIPS", "Indices", "Society", "found_society", "read_list", "tax_codes"]
