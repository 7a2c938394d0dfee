"""Numbers to text, a column at a time: everything here takes whole arrays and returns Arrow arrays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Array = npt.NDArray[Any]
# Arrays of datetime64; numpy types do not say so in a way that arithmetic keeps.
Days = npt.NDArray[Any]
Instants = npt.NDArray[Any]

_FIRST_DAY = np.datetime64("1880-01-01", "D")
_LAST_DAY = np.datetime64("2040-12-31", "D")


def random_stream(seed: int, stage: str) -> np.random.Generator:
    """A generator of its own for each stage, so that a change in one stage leaves the others as they were."""
    return np.random.default_rng(np.random.SeedSequence([seed, *stage.encode()]))


def digits(values: Array, width: int) -> pa.Array:
    """Whole numbers as zero-padded text of one width."""
    return pc.utf8_lpad(pc.cast(pa.array(values), pa.string()), width, "0")


def words(vocabulary: Sequence[str | None] | pa.Array, indices: Array) -> pa.Array:
    """The word at every index; index -1 is null."""
    pool = vocabulary if isinstance(vocabulary, pa.Array) else pa.array(vocabulary, pa.string())
    return pool.take(pa.array(indices, pa.int32(), mask=np.asarray(indices) < 0))


def thousands(values: Array) -> pa.Array:
    """Whole numbers with a dot between thousands: 1234567 as `1.234.567`."""
    numbers = np.asarray(values, np.int64)
    text = digits(numbers % 1000, 3)
    rest = numbers // 1000
    while rest.any():
        text = join(null_where(digits(rest % 1000, 3), rest == 0), text, separator=".")
        rest = rest // 1000
    return pc.if_else(pa.array(numbers == 0), "0", pc.utf8_ltrim(text, "0"))


def join(*parts: pa.Array | str, separator: str = "") -> pa.Array:
    """Text put together row by row; a null part is left out."""
    return pc.binary_join_element_wise(*parts, separator, null_handling="skip")


def null_where(values: pa.Array, mask: Array) -> pa.Array:
    """The values, null where the mask says so."""
    return pc.if_else(pa.array(mask), pa.scalar(None, values.type), values)


@lru_cache(maxsize=4)
def _calendar(pattern: str) -> pa.Array:
    days = np.arange(_FIRST_DAY, _LAST_DAY + 1)
    return pa.array([day.strftime(pattern) for day in days.astype(object)], pa.string())


def dates(days: Array, pattern: str = "%d/%m/%Y") -> pa.Array:
    """Dates as text by a calendar of ready-made strings; not-a-time is null."""
    known = ~np.isnat(days)
    index = np.where(known, (days.astype("datetime64[D]") - _FIRST_DAY).astype(np.int64), -1)
    return words(_calendar(pattern), index.astype(np.int32))


def instants(seconds: Array, pattern: str = "%Y-%m-%d") -> pa.Array:
    """Local instants as text: the date by pattern, a space, the time."""
    days = seconds.astype("datetime64[D]")
    within = (seconds - days).astype("timedelta64[s]").astype(np.int64)
    clock = join(digits(within // 3600, 2), digits(within // 60 % 60, 2), digits(within % 60, 2), separator=":")
    return join(dates(days, pattern), clock, separator=" ")


def distinct_numbers(rng: np.random.Generator, size: int, low: int, high: int) -> Array:
    """`size` different whole numbers in [low, high), in random order."""
    if high - low < size:
        raise ValueError(f"{size} different numbers do not fit in [{low}, {high})")
    drawn = rng.integers(low, high, size)
    while True:
        first = np.zeros(size, bool)
        first[np.unique(drawn, return_index=True)[1]] = True
        again = np.flatnonzero(~first)
        if not again.size:
            return drawn
        drawn[again] = rng.integers(low, high, again.size)


def years_of(days: Days) -> npt.NDArray[np.int64]:
    """The calendar year of every date."""
    return days.astype("datetime64[Y]").astype(np.int64) + 1970


def ages_on(days: Days, on: date) -> npt.NDArray[np.float64]:
    """Ages in years, with the fraction."""
    lived: npt.NDArray[np.float64] = (np.datetime64(on) - days).astype("timedelta64[D]").astype(np.int64) / 365.25
    return lived
