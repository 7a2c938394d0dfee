"""Importing this loads Great Expectations as every run does, so that a forked task has it: without looking for PySpark.

PySpark 4 ends a process without a main module that imports all of it, and the process that forks tasks has none.
"""

from include.quality.expectations import import_gx

import_gx()
