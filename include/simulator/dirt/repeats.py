"""Repeated rows: older versions that arrive late, and exact copies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from include.simulator.dirt.planting import Rows, Sheet
from include.simulator.dirt.rates import DirtRates
from include.simulator.render import Instants

FIRST_MOMENT = np.datetime64("2016-01-04T00:00:00", "s")


def repeat_rows(
    sheet: Sheet,
    rates: DirtRates,
    *,
    written: Instants,
    floor: Instants | None = None,
    show: Callable[[Instants], pa.Array] = pa.array,
    change: Callable[[Rows, Instants], dict[str, pa.Array]] | None = None,
) -> None:
    """Appends older versions and exact copies of rows.

    `written`: when each row was written; `floor`: not before which. `show` makes the column of it, `change` says what
    else was different in the older version (rows, when they were written).
    """
    column = next(name for name in sheet.columns if name.lower() == "ngay_cap_nhat")

    def earlier(rows: Rows) -> dict[str, pa.Array]:
        start = np.full(rows.size, FIRST_MOMENT) if floor is None else floor[rows]
        room = np.maximum((written[rows] - start).astype(np.int64), 2)
        ago = np.maximum((sheet.rng.random(rows.size) * room * 0.9).astype(np.int64), 1)
        before = written[rows] - ago.astype("timedelta64[s]")
        return {column: show(before), **(change(rows, before) if change else {})}

    sheet.repeat("older_version", rates.older_version, earlier)
    sheet.repeat("repeated_row", rates.repeated_row)
