"""What is Vietnamese about the data: names, dates, numbers, identifiers, administrative units.

`register` puts the `vn_*` macros and the code lists into a DuckDB connection. Each macro has an oracle in
Python beside it, the same rule written again in the plainest way; property tests hold one against the other.
"""

from include.vietnam.identifiers import cccd_birth_year, cccd_sex
from include.vietnam.legacy_fonts import to_tcvn3, to_vni
from include.vietnam.load import (
    WARD_LISTS,
    definitions,
    list_relation,
    macro_files,
    reference_lists,
    register,
    register_macros,
)
from include.vietnam.macro_expansion import expand_macros
from include.vietnam.working_days import HOLIDAYS, WorkingDays
