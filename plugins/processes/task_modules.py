"""Importing this loads what every run needs and takes long, so that a forked task has it.

Great Expectations: without looking for PySpark, for PySpark 4 ends a process without a main module that imports all of
it, and the process that forks tasks has none. The `vn_*` macros as DuckDB sees them: publishing a contract asks for
them, and to make them all takes 0.2 s of processor.
"""

from include.quality.expectations import import_gx
from include.vietnam import expand_macros

import_gx()
expand_macros("SELECT vn_text(a)")
