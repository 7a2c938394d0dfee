"""Known faults planted in known rows: typing, encodings, dates, codes, repeats; each with a rate of its own."""

from include.simulator.dirt.cell_faults import (
    Locate,
    impossible_date,
    lost_zeros,
    lost_zeros_of_tax_code,
    negative,
    orphans,
    other_sex,
    other_year,
    soil_births,
    soil_text,
    unknown_prefixes,
    unknown_wards,
    wrong_check_digit,
)
from include.simulator.dirt.cp1258 import as_stored
from include.simulator.dirt.planting import DIRT_SCHEMA, UPDATED, Mask, Rows, Sheet, each
from include.simulator.dirt.rates import DirtRates
from include.simulator.dirt.repeats import repeat_rows
from include.simulator.dirt.system_rates import SystemRates
