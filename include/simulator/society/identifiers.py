"""Numbers that name persons and organisations, built as the law says.

Sources: personal id, Decree 137/2015/NĐ-CP and Circular 59/2021/TT-BCA; tax code and its check digit, Circular
105/2020/TT-BTC annex 1; health card, Decision 1351/QĐ-BHXH.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.simulator.render import digits, distinct_numbers, join, words

Ints = npt.NDArray[np.int64]

TAX_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def personal_ids(
    rng: np.random.Generator,
    *,
    prefixes: list[str],
    province: npt.NDArray[np.int32],
    year: Ints,
    sex: npt.NDArray[np.int8],
) -> pa.Array:
    """12 digits: province of birth registration, century and sex, year, six at random. All different.

    `sex` is 0 for men and 1 for women.
    """
    century_and_sex = (year // 100 - 19) * 2 + sex
    stem = (province.astype(np.int64) * 10 + century_and_sex) * 100 + year % 100
    serial = rng.integers(0, 1_000_000, stem.size)
    while True:
        _, first = np.unique(stem * 1_000_000 + serial, return_index=True)
        if first.size == stem.size:
            break
        again = np.setdiff1d(np.arange(stem.size), first, assume_unique=True)
        serial[again] = rng.integers(0, 1_000_000, again.size)
    tail = (century_and_sex * 100 + year % 100) * 1_000_000 + serial
    return join(words(prefixes, province), digits(tail, 9))


def old_card_numbers(rng: np.random.Generator, size: int) -> pa.Array:
    """9 digits (CMND), all different, some with a leading zero."""
    return digits(distinct_numbers(rng, size, 10_000_000, 400_000_000), 9)


def social_insurance_numbers(rng: np.random.Generator, size: int) -> pa.Array:
    """10 digits (BHXH), all different."""
    return digits(distinct_numbers(rng, size, 100_000_000, 9_800_000_000), 10)


def tax_check_digit(nine: Ints) -> Ints:
    """The tenth digit of a tax code; 10 where such a code is never issued."""
    total = np.zeros(nine.size, np.int64)
    for place, weight in enumerate(TAX_WEIGHTS):
        total += weight * (nine // 10 ** (8 - place) % 10)
    return 10 - total % 11


def tax_codes(rng: np.random.Generator, *, offices: list[str], size: int) -> pa.Array:
    """10 digits with a valid check digit, all different; the first two are a tax office."""
    office = np.array([int(code) for code in offices], np.int64)
    serial = distinct_numbers(rng, 2 * size + 100, 0, max(10_000_000, 8 * size))
    nine = np.concatenate([rng.choice(office, serial.size) * 10_000_000 + serial])
    check = tax_check_digit(nine)
    issued = np.flatnonzero(check < 10)[:size]
    return digits(nine[issued] * 10 + check[issued], 10)
