"""Model of an indicator: frozen objects without mistakes of form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from include.contracts.words import BilingualText
from include.indicators.definitions.period import Scheme

Unit = Literal["percent", "count", "hours", "days", "vnd"]

UNITS: dict[Unit, BilingualText] = {
    "percent": BilingualText("%", "%"),
    "count": BilingualText("count", "số lượng"),
    "hours": BilingualText("hours", "giờ"),
    "days": BilingualText("days", "ngày"),
    "vnd": BilingualText("đồng", "đồng"),
}
"""Units of values: a share in percent, a number of rows; else a number per unit of the denominator, or a percentile."""

SECTIONS: dict[str, BilingualText] = {
    "services": BilingualText("Online public services", "Dịch vụ công trực tuyến"),
    "dossiers": BilingualText("Handling of administrative dossiers", "Giải quyết thủ tục hành chính"),
    "documents": BilingualText("Interagency documents", "Gửi, nhận văn bản điện tử"),
    "tasks": BilingualText("Tasks and reports", "Thực hiện nhiệm vụ và chế độ báo cáo"),
    "connections": BilingualText("Connections", "Kết nối, liên thông các hệ thống"),
    "registers": BilingualText("National registers", "Cơ sở dữ liệu quốc gia"),
    "interconnection": BilingualText("Findings across registers", "Đối chiếu giữa các cơ sở dữ liệu"),
}
"""Sections of the report to the Government, in their order."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A dimension of an indicator: a column of its rows, whose values are codes of a published column.

    `source` and `column` are that column's: `reference.agencies` and `code`. A value that is not there is counted in
    the total and under no member.
    """

    name: str
    source: str
    column: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The list that goes to the owner of a register: the rows of the numerator, with these columns of `rows`.

    `owner` is the register, whose stewards are asked to look; what is listed is read for a stated purpose only.
    """

    owner: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure: what is counted, over which tables, for which period, and how it is written.

    `rows` is a query with one row for each thing counted. `numerator` and `denominator` are expressions over its
    columns: a condition counts the rows for which it is true, a number is summed. `denominator` is empty for a plain
    count. With a `percentile` (0 for none, 50 is the median) the value is that of the numerator's numbers.
    `minimum_cell`: counts from 1 to below it are hidden from readers. `digest` is SHA-256 over the parsed file.
    """

    indicator_id: str
    version: str
    name: BilingualText
    definition: BilingualText
    legal_basis: tuple[str, ...]
    section: str
    unit: Unit
    digits: int
    scheme: Scheme
    rows: str
    numerator: str
    denominator: str
    percentile: int
    breakdown: tuple[Breakdown, ...]
    not_available: BilingualText
    minimum_cell: int
    finding: Finding | None
    path: Path
    digest: str

    @property
    def is_share(self) -> bool:
        """Whether the value is a share in percent."""
        return self.unit == "percent"
