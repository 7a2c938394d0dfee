"""What is Vietnamese about the data: names, dates, numbers, identifiers, administrative units.

`register` puts the `vn_*` macros and the code lists into a DuckDB connection. Each macro has an oracle in
Python beside it, the same rule written again in the plainest way; property tests hold one against the other.
"""

from __future__ import annotations

from include.vietnam.load import reference_lists, register

__all__ = ["reference_lists", "register"]
