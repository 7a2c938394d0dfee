"""Content of the report: sections of figures with the quarter before, annexes by agency, what is missing, notes.

Changes of shares are in percentage points between the values as they are printed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from include.audit.government_report.inputs import ReportInputs
from include.audit.government_report.missing import missing_texts
from include.contracts.words import day_of, figure
from include.indicators.computation import Figure
from include.indicators.definitions import SECTIONS, UNITS, Heading, Indicator, Period

_SCOPES = {"ministry": "Bộ, ngành trung ương", "province": "Tỉnh, thành phố"}
_HIDDEN = "ẩn (số nhỏ)"
_NONE = "không có"
_NOTHING = "–"
_OWED = "reports-missing"


@dataclass(frozen=True, slots=True)
class Line:
    """A figure as printed: the value, numerator and denominator, the value before and the change; `note` is its source.

    `unit` is empty for a count.

    `numbers` are the same as numbers, for Excel: value, numerator, denominator, value before, change.
    """

    label: str
    unit: str
    value: str
    counted: str
    before: str
    change: str
    note: int
    numbers: tuple[Decimal | None, ...]
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Figures under one heading."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Annex:
    """An indicator by agency: ministries, or provinces, the greatest value first."""

    title: str
    lines: tuple[Line, ...]
    note: int


@dataclass(frozen=True, slots=True)
class Note:
    """Where a figure comes from: definition, law, edition, the last day and the tables it was counted over."""

    number: int
    indicator: str
    name: str
    definition: str
    legal_basis: tuple[str, ...]
    edition: int
    last_day: date
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GovernmentReport:
    """The whole report. `figures_sha256` is the digest of all of its numbers.

    Without `is_owed_known` nobody counted the reports that agencies owe, so none in `owed` says nothing.
    """

    heading: Heading
    period: Period
    at: datetime
    sections: tuple[Section, ...]
    annexes: tuple[Annex, ...]
    missing: tuple[str, ...]
    owed: tuple[str, ...]
    is_owed_known: bool
    upcoming: tuple[str, ...]
    notes: tuple[Note, ...]
    figures_sha256: str

    @property
    def made_on(self) -> date:
        """The day on which it was made."""
        return day_of(self.at)

    @property
    def period_text(self) -> str:
        """The period in words: `quý I năm 2018`."""
        year, _, number = self.period.code.partition("Q")
        if not number:
            return f"tính đến ngày {self.period.code[8:]}/{self.period.code[5:7]}/{self.period.code[:4]}"
        return f"quý {('I', 'II', 'III', 'IV')[int(number) - 1]} năm {year}"


def report_content(heading: Heading, period: Period, inputs: ReportInputs, *, at: datetime) -> GovernmentReport:
    """The report of a period from recorded values."""
    numbers = {name: place for place, name in enumerate(_in_order(heading, inputs), 1)}
    sections = []
    for section, title in SECTIONS.items():
        of_section = [name for name in numbers if inputs.definitions[name].section == section]
        lines = [line for name in of_section for line in _lines(inputs, name, numbers[name])]
        if lines:
            sections.append(Section(title.vietnamese, tuple(lines)))
    annexes = [annex for name in heading.annexes if name in numbers for annex in _annexes(inputs, name, numbers[name])]
    printed = [[line.label, line.value, line.counted] for section in sections for line in section.lines]
    printed += [[annex.title, line.label, line.value, line.counted] for annex in annexes for line in annex.lines]
    return GovernmentReport(
        heading=heading,
        period=period,
        at=at,
        sections=tuple(sections),
        annexes=tuple(annexes),
        missing=missing_texts(inputs, numbers),
        owed=tuple(_owing(inputs, _OWED)),
        is_owed_known=_OWED in inputs.now and inputs.now[_OWED].total.value is not None,
        upcoming=tuple(_owing(inputs, "reports-upcoming")),
        notes=tuple(_note(inputs, name, number) for name, number in numbers.items()),
        figures_sha256=hashlib.sha256(json.dumps(printed, ensure_ascii=False).encode()).hexdigest(),
    )


def _in_order(heading: Heading, inputs: ReportInputs) -> list[str]:
    """The indicators with values, by section; those that the heading names first before the others."""
    sections, first = list(SECTIONS), heading.first
    known = [name for name in inputs.now if name in inputs.definitions]

    def place(name: str) -> tuple[int, int, str]:
        return (
            sections.index(inputs.definitions[name].section),
            first.index(name) if name in first else len(first),
            name,
        )

    return sorted(known, key=place)


def _lines(inputs: ReportInputs, name: str, note: int) -> list[Line]:
    """The total, and ministries and provinces where the indicator tells them apart."""
    indicator, shown = inputs.definitions[name], inputs.now[name]
    found = [_line(inputs, name, indicator.name.vietnamese, shown.total, note)]
    for part in shown.stored.of("scope"):
        found.append(_line(inputs, name, _SCOPES.get(part.member, part.member), part, note, is_part=True))
    return found


def _annexes(inputs: ReportInputs, name: str, note: int) -> list[Annex]:
    agencies = inputs.now[name].stored.of("agency")
    found = []
    for title, is_province in (("Bộ, ngành trung ương", False), ("Tỉnh, thành phố", True)):
        of_scope = [one for one in agencies if one.member.startswith("H") == is_province]
        ranked = sorted(of_scope, key=lambda one: (one.value is None, -(one.value or 0), one.member))
        lines = [_line(inputs, name, inputs.agency(one.member), one, note) for one in ranked]
        if lines:
            found.append(Annex(f"{inputs.definitions[name].name.vietnamese}: {title}", tuple(lines), note))
    return found


def _line(inputs: ReportInputs, name: str, label: str, now: Figure, note: int, *, is_part: bool = False) -> Line:
    indicator, shown = inputs.definitions[name], inputs.now[name]
    before = _same_of(inputs, name, now)
    change = None if now.value is None or before is None or before.value is None else now.value - before.value
    past = None if before is None else before.value
    return Line(
        label=label,
        unit="" if indicator.unit == "count" else UNITS[indicator.unit].vietnamese,
        value=_HIDDEN if shown.is_hidden(now) else _NONE if now.value is None else _text(now.value, indicator),
        counted=_counted(now),
        before=_NOTHING if past is None else _text(past, indicator),
        change=_NOTHING if change is None else _change(change, indicator),
        note=note,
        numbers=(now.value, now.numerator, now.denominator, past, change),
        is_part=is_part,
    )


def _same_of(inputs: ReportInputs, name: str, now: Figure) -> Figure | None:
    """The figure of the same member in the period before; None if the two may not be compared."""
    before = inputs.comparable_before(name)
    same = before.stored.figures if before else ()
    return next((one for one in same if (one.dimension, one.member) == (now.dimension, now.member)), None)


def _text(value: Decimal, indicator: Indicator) -> str:
    return figure("vi", value, indicator.digits)


def _change(change: Decimal, indicator: Indicator) -> str:
    sign = "+" if change > 0 else "−" if change < 0 else ""
    unit = {"percent": " điểm %", "count": ""}.get(indicator.unit, f" {UNITS[indicator.unit].vietnamese}")
    return f"{sign}{figure('vi', abs(change), indicator.digits)}{unit}"


def _counted(one: Figure) -> str:
    counts = [count for count in (one.numerator, one.denominator) if count is not None]
    return "/".join(figure("vi", count, max(0, -int(count.normalize().as_tuple().exponent))) for count in counts)


def _owing(inputs: ReportInputs, name: str) -> list[str]:
    """The agencies that an indicator of reports counts, with how many each owes."""
    shown = inputs.now.get(name)
    if shown is None:
        return []
    owing = [one for one in shown.stored.of("agency") if one.value]
    return [f"{inputs.agency(one.member)}: {figure('vi', one.value or 0)} báo cáo" for one in owing]


def _note(inputs: ReportInputs, name: str, number: int) -> Note:
    indicator, stored = inputs.definitions[name], inputs.now[name].stored
    tables = tuple(f"{table} (phiên bản {version.partition(':')[2]})" for table, version in stored.tables.items())
    return Note(
        number, name, indicator.name.vietnamese, indicator.definition.vietnamese, indicator.legal_basis,
        stored.edition, day_of(stored.as_of - timedelta(microseconds=1)), tables,
    )  # fmt: skip
