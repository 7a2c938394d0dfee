"""Model of an agreement: frozen objects without mistakes of form."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

from include.contracts.words import day_of

Protection = Literal["none", "pseudonym", "year", "decade", "province", "keep_last", "drop"]
Standing = Literal["in_force", "pending", "expired", "withdrawn"]


@dataclass(frozen=True, slots=True)
class SharedColumn:
    """One column of a product and how its values are protected.

    `none` shares them unchanged; `pseudonym` shares a keyed hash, the same for one recipient everywhere and unrelated
    between recipients; `year` keeps the year of a date, `decade` ten years (`1980-1989`); `province` keeps the province
    of a ward of today; `keep_last` keeps the last `keep` characters; `drop` marks a column that was requested and is
    not shared.
    """

    name: str
    protection: Protection = "none"
    keep: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.protection}{f' {self.keep}' if self.keep else ''}"


LEAST_MINIMUM = 5
"""Least minimum frequency of a cell. Also in docs/explanation/statistical-disclosure-control.md, with its source."""
LEAST_DOMINANCE_PERCENT = 10
"""Least p of the p% rule, by which a sum that one contributor dominates is suppressed."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a product of counts and sums holds of its groups, and how strict its disclosure control is.

    `sums` are numeric columns; `totals` adds the totals over each set of group columns. A cell of fewer than `minimum`
    rows is suppressed, and one with a sum of which an outsider could tell the largest contribution to within
    `dominance_percent`. Figures are rounded to multiples of `round_to`, if it is not 0. `unit` are the columns that
    name what is counted (a person, a parcel); empty for the source's key.
    """

    sums: tuple[str, ...] = ()
    totals: bool = False
    minimum: int = LEAST_MINIMUM
    dominance_percent: int = LEAST_DOMINANCE_PERCENT
    round_to: int = 0
    unit: tuple[str, ...] = ()

    def __str__(self) -> str:
        lists = f"sums: {', '.join(self.sums) or '–'}; unit: {', '.join(self.unit) or '–'}"
        numbers = f"minimum: {self.minimum}; dominancePercent: {self.dominance_percent}; roundTo: {self.round_to}"
        return f"totals: {str(self.totals).lower()}; {numbers}; {lists}"


@dataclass(frozen=True, slots=True)
class Product:
    """One shared table: its published table, columns and rows.

    `rows` is a SQL predicate over the published table's columns; empty for all rows. With `statistics`, the recipient
    gets one row for each group of equal `columns` in place of the rows.
    """

    name: str
    registry: str
    table: str
    columns: tuple[SharedColumn, ...]
    rows: str = ""
    title: str = ""
    statistics: Statistics | None = None

    @property
    def given(self) -> tuple[SharedColumn, ...]:
        """The shared columns: those not dropped."""
        return tuple(column for column in self.columns if column.protection != "drop")

    @property
    def needs_key(self) -> bool:
        """Whether a column is protected by a pseudonym."""
        return any(column.protection == "pseudonym" for column in self.columns)

    @property
    def needs_wards(self) -> bool:
        """Whether a column is the province of a ward, which the code list tells."""
        return any(column.protection == "province" for column in self.columns)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Early end of an agreement: the first day on which it does not hold, and why."""

    first_day: date
    reason: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement: the products a recipient may read, the purpose, the legal ground and the period.

    `valid_from` and `valid_until` are the first and the last day it holds. `digest` is SHA-256 over the parsed file.
    """

    agreement_id: str
    version: str
    title: str
    provider: str
    recipient: str
    recipient_name: str
    purpose: str
    legal_basis: tuple[str, ...]
    valid_from: date
    valid_until: date
    provider_contact: str
    recipient_contact: str
    products: tuple[Product, ...]
    path: Path
    digest: str
    description: str = ""
    withdrawal: Withdrawal | None = None

    @property
    def last_day(self) -> date:
        """The last day on which it holds: `valid_until`, or the day before its withdrawal."""
        if self.withdrawal is None:
            return self.valid_until
        return min(self.valid_until, self.withdrawal.first_day - timedelta(days=1))

    def standing(self, at: datetime) -> Standing:
        """Standing of the agreement at that instant: in force, or why not."""
        today = day_of(at)
        if self.withdrawal is not None and today >= self.withdrawal.first_day:
            return "withdrawn"
        if today < self.valid_from:
            return "pending"
        return "in_force" if today <= self.valid_until else "expired"

    def reason(self, at: datetime) -> str:
        """Reason why nothing may be read at that instant; empty if the agreement holds."""
        match self.standing(at):
            case "withdrawn" if self.withdrawal is not None:
                return f"agreement withdrawn on {self.withdrawal.first_day}: {self.withdrawal.reason}"
            case "pending":
                return f"agreement not valid before {self.valid_from}"
            case "expired":
                return f"agreement expired after {self.valid_until}"
            case _:
                return ""


def terms_digest(product: Product, *, version: str, key_id: str, types: tuple[tuple[str, str], ...]) -> str:
    """SHA-256 over a product's terms: source, columns, protections, rows, key and column types.

    Of statistics, the agreement's version too. When it changes, the product is recreated: nothing shared on other terms
    stays readable.
    """
    columns = [str(column) for column in product.columns]
    parts = [
        product.registry,
        product.table,
        product.rows,
        key_id,
        *columns,
        *(f"{name} {kind}" for name, kind in types),
        *([str(product.statistics), version] if product.statistics else []),
    ]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
