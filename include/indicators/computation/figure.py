"""Figures: exact numerator and denominator, and the value rounded half up.

A share of nothing is not zero: where the denominator is 0, or data are missing, there is no value and a reason why.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Literal

from include.contracts.words import BilingualText

Reason = Literal["", "denominator is 0", "nothing to measure", "not published", "not delivered"]
REASONS: dict[str, BilingualText] = {
    "denominator is 0": BilingualText("not available: nothing to take a share of", "không có số liệu: mẫu số bằng 0"),
    "nothing to measure": BilingualText("not available: nothing to measure", "không có số liệu: không có gì để đo"),
    "not published": BilingualText(
        "not available: its tables are not published yet", "không có số liệu: chưa công bố dữ liệu"
    ),
    "small count": BilingualText("hidden: a small count", "ẩn vì số nhỏ"),
    "not delivered": BilingualText(
        "not available: its server has not delivered", "không có số liệu: chưa nhận dữ liệu"
    ),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator's figure for one member of a dimension; both are empty for the total.

    `value` is None where it is not available, and `reason` says why. Numerator and denominator are None where they were
    not counted; of a percentile the denominator is how many were measured, and there is no numerator. `is_suppressed`:
    it tells of few, or gives away what does; readers may not see its numbers.
    """

    dimension: str
    member: str
    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None
    reason: Reason = ""
    is_suppressed: bool = False


def value_of(numerator: Decimal, denominator: Decimal | None, *, is_share: bool, digits: int) -> Decimal | None:
    """Numerator per denominator (times 100 for a share), or the numerator alone; None if the denominator is 0."""
    if denominator is None:
        return rounded_half_up(Fraction(numerator), digits)
    if denominator == 0:
        return None
    return rounded_half_up(Fraction(numerator) * (100 if is_share else 1) / Fraction(denominator), digits)


def rounded_half_up(exact: Fraction, digits: int) -> Decimal:
    """An exact number with so many decimal places, a half away from zero: 2.5 is 3, and -2.5 is -3."""
    units = floor(abs(exact) * 10**digits + Fraction(1, 2))
    # From its digits: arithmetic of decimals would round to those of the context.
    return Decimal((int(exact < 0 and units > 0), tuple(map(int, str(units))), -digits))
