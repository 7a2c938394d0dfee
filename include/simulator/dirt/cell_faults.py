"""Faults of numbers, dates and codes: functions of one value, or of many, for `Sheet.plant`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.simulator.dirt import text_faults
from include.simulator.dirt.planting import Fault, Mask, Rows, Sheet, each
from include.simulator.dirt.rates import DirtRates

Locate = Callable[[Rows], pa.Array]


def lost_zeros(value: str) -> str | None:
    """What a spreadsheet leaves of a number that starts with 0."""
    return value.lstrip("0") if value.startswith("0") else None


def lost_zeros_of_tax_code(value: str) -> str | None:
    """The same of a tax code, unless what is left could pass for a code of ten digits."""
    left = lost_zeros(value)
    return None if left is None or len(left.split("-")[0]) == 10 else left


def year_only(value: str) -> str | None:
    """dd/mm/yyyy -> yyyy."""
    return value[-4:] if len(value) == 10 else None


def zero_day(value: str) -> str | None:
    """dd/mm/yyyy -> 00/00/yyyy."""
    return f"00/00/{value[-4:]}" if len(value) == 10 else None


def first_january(value: str) -> str | None:
    """dd/mm/yyyy -> 01/01/yyyy, the default of many a form."""
    return f"01/01/{value[-4:]}" if len(value) == 10 else None


def swapped(value: str) -> str | None:
    """Day and month the American way, where that is a date too."""
    day, month = value[:2], value[3:5]
    return f"{month}/{day}{value[5:]}" if len(value) == 10 and day <= "12" and day != month else None


def impossible_date(value: str) -> str | None:
    """31 February of the same year."""
    return f"31/02/{value[-4:]}" if len(value) >= 4 and value[-4:].isdigit() else None


def other_year(value: str) -> str | None:
    """A birth 11 years earlier: in a full date, or alone."""
    year = int(value[-4:])
    return f"{value[:-4]}{year - 11}" if year > 1925 else None


def other_sex(value: str) -> str | None:
    """Codes 1 (male) and 2 (female) swapped."""
    return {"1": "2", "2": "1"}.get(value)


def wrong_check_digit(value: str) -> str | None:
    """A tax code of 10 digits, bare or after N/A-, whose tenth digit is one too high."""
    head, code = ("N/A-", value[4:]) if value.startswith("N/A-") else ("", value)
    if len(code) not in (10, 14):
        return None
    return f"{head}{code[:9]}{(int(code[9]) + 1) % 10}{code[10:]}"


def negative(value: str) -> str | None:
    """A minus in front."""
    return None if value.startswith(("-", "0")) else f"-{value}"


def unknown_wards(rng: np.random.Generator, all_codes: frozenset[str]) -> Fault:
    """Codes of five digits that no ward ever had."""
    free = sorted({f"{number:05d}" for number in range(33_000, 99_999)} - all_codes)
    return lambda values: [free[int(i)] for i in rng.integers(0, len(free), len(values))]


def orphans(rng: np.random.Generator, known: pa.Array, *, keep: int) -> Fault:
    """Well-formed numbers that nobody bears: the first `keep` characters stay, the rest is drawn until it is free."""

    def fault(values: list[str]) -> list[str | None]:
        width = [len(value) - keep for value in values]
        drawn = [f"{v[:keep]}{int(rng.integers(0, 10**w)):0{w}d}" for v, w in zip(values, width, strict=True)]
        taken = pc.is_in(pa.array(drawn), value_set=known).to_pylist()
        return [None if is_taken else value for value, is_taken in zip(drawn, taken, strict=True)]

    return fault


def unknown_prefixes(rng: np.random.Generator) -> Fault:
    """Personal ids of people registered abroad: a prefix that is no province's."""
    return lambda values: [f"{int(rng.integers(101, 290))}{value[3:]}" for value in values]


def soil_text(
    sheet: Sheet,
    column: str,
    rates: DirtRates,
    *,
    published: str,
    legacy_rule: str | None,
    has_eth: bool = True,
    has_decomposed: bool = True,
    as_code_page: str = "latin-1",
    where: Mask | None = None,
) -> None:
    """Every fault of names and other text, hard ones first; without a legacy rule there are only soft ones."""
    rng = sheet.rng

    def plant(kind: str, rate: float, fault: Fault, rule: str | None = None, among: Mask | None = where) -> None:
        sheet.plant(kind, column, rate, fault, where=among, rule=rule)

    def having(pattern: str) -> Mask:
        found = pc.fill_null(pc.match_substring_regex(sheet.columns[column], pattern), False)
        mask: Mask = found.to_numpy(zero_copy_only=False)
        return mask if where is None else mask & where

    if legacy_rule:
        rule = f"{published}.controlCharacters"
        share = rates.legacy_encoding * (0.7 if as_code_page == "latin-1" else 1.0)
        plant("legacy_encoding", share, each(lambda v: text_faults.as_tcvn3(v, as_code_page)), legacy_rule)
        if as_code_page == "latin-1":
            plant("legacy_encoding", rates.legacy_encoding - share, each(text_faults.as_vni), legacy_rule)
        plant("control_character", rates.control_character, each(text_faults.control_character), rule)
    plant("typo", rates.typo, each(lambda value: text_faults.typo(value, rng)))
    if has_eth:
        plant("eth_for_d", rates.eth_for_d, each(text_faults.eth_for_d), among=having("Đ"))
    plant("moved_tone", rates.moved_tone, each(text_faults.moved_tone), among=having(text_faults.MOVABLE_TONE))
    plant("i_for_y", rates.i_for_y, each(text_faults.i_for_y), among=having(text_faults.Y_ALONE))
    if has_decomposed:
        plant("decomposed_text", rates.decomposed_text, each(text_faults.decomposed))
    plant("lost_diacritics", rates.lost_diacritics, each(text_faults.without_diacritics))
    plant("capitals", rates.capitals, each(text_faults.capitals))
    plant("doubled_spaces", rates.doubled_spaces, each(text_faults.doubled_space))


def soil_births(sheet: Sheet, column: str, rates: DirtRates, *, published: str, old_enough: Mask) -> None:
    """Every fault of birth dates; days and months are swapped only where the date stays in the past."""
    rule = f"{published}.unreadable"
    sheet.plant("impossible_date", column, rates.impossible_date, each(impossible_date), rule=rule)
    sheet.plant("year_only_birth", column, rates.year_only_birth, each(year_only))
    sheet.plant("zero_day_birth", column, rates.zero_day_birth, each(zero_day))
    sheet.plant("default_first_january", column, rates.default_first_january, each(first_january))
    sheet.plant("swapped_day_month", column, rates.swapped_day_month, each(swapped), where=old_enough)
