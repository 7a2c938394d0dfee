"""Days at the end of a period: the last day is counted, the day after it is not, whenever the figure is computed.

Older tests computed long after the end, with days of work far from it and rows that were there long before.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from include.indicators.computation import compute, tables_of, tables_read
from include.indicators.definitions import Catalogue, compile_indicator, load_indicator, period_of
from include.lake.storage import Lake

from .test_across_registers import CONTRACTS, SCHEMAS, catalogue, lake, lists, put
from .test_dossiers_and_documents import hanoi

__all__ = ["catalogue", "lake", "lists"]

SHIPPED = sorted((SCHEMAS / "indicators").glob("*.yaml"))
LAST_COVERED = "as_of() - INTERVAL 1 MICROSECOND"


def total(lake: Lake, catalogue: Catalogue, name: str, period: str, now: datetime) -> tuple[int, int | None]:
    compiled = compile_indicator(load_indicator(SCHEMAS / "indicators" / f"{name}.yaml"), catalogue)
    read = tables_read(lake, tables_of(compiled))
    of = period_of(period, compiled.indicator.scheme)
    figure = compute(lake, compiled, of, catalogue=catalogue, contracts=CONTRACTS, read=read, now=now).total
    return int(figure.numerator or 0), None if figure.denominator is None else int(figure.denominator)


@pytest.mark.parametrize(
    ("sent", "period", "ended", "is_open"),
    [
        (date(2026, 6, 23), "2026Q2", date(2026, 7, 5), 0),  # 24, 25, 26, 29 and 30 June: five working days
        (date(2026, 6, 22), "2026Q2", date(2026, 7, 5), 1),
        (date(2026, 10, 5), "2026Q4", date(2027, 1, 5), 1),  # the days off of 2027 are not known on that day
        (date(2024, 12, 2), "2026Q2", date(2026, 7, 5), 1),  # those of 2024 never were
    ],
)
def test_a_document_is_unprocessed_by_the_last_day_of_the_period(lake, catalogue, sent, period, ended, is_open):
    put(lake, "documents/document", {"document_id": "1", "due_on": None})
    put(lake, "documents/transmission", {"document_id": "1", "receiver_code": "H56", "sent_at": hanoi(sent)})
    put(lake, "documents/status_event", {"document_id": "9", "receiver_code": "H56", "status": "03",
                                         "occurred_at": hanoi(sent)})  # fmt: skip
    last_moment = period_of(period, "as-of").ends_at - timedelta(microseconds=1)
    for now in (last_moment, hanoi(ended)):
        assert total(lake, catalogue, "documents-unprocessed", period, now) == (is_open, None), now


@pytest.mark.parametrize(
    ("since", "until", "is_in_force"),
    [
        (date(2020, 1, 1), None, True),
        (None, None, True),
        (date(2020, 1, 1), date(2026, 9, 30), True),
        (date(2020, 1, 1), date(2026, 9, 29), False),
        (date(2026, 9, 30), None, True),
        (date(2026, 10, 1), None, False),
    ],
)
def test_a_land_right_is_in_force_from_its_first_to_its_last_day(lake, catalogue, since, until, is_in_force):
    put(lake, "population/citizen", {"personal_id": "1", "status_code": "2"})
    place = {"cadastral_ward_code": "00001", "map_sheet": "1", "parcel_number": "1"}
    put(lake, "land/parcel", {**place, "ward_code_current": "00001"})
    always = {"owner_personal_id": "1", "owned_from": date(2020, 1, 1), "owned_until": None, **place}
    put(lake, "land/ownership", {**always, "ownership_id": "x"},
        {**always, "ownership_id": "y", "owned_from": since, "owned_until": until})  # fmt: skip
    now = datetime(2027, 1, 5, tzinfo=UTC)
    assert total(lake, catalogue, "dead-land-owners", "2026Q3", now) == (1 + is_in_force, 1 + is_in_force)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_day_is_the_last_that_is_covered_and_a_last_day_is_compared_as_one(path, catalogue):
    text = path.read_text(encoding="utf-8")
    plain = text.replace(LAST_COVERED, "")
    assert not re.search(r"working_days\(.*as_of\(\)|CAST\([^;]*?as_of\(\)\)* AS DATE\)", plain)
    compiled = compile_indicator(load_indicator(path), catalogue)
    for relation in compiled.query.tables:
        registry, _, table = relation.partition(".")
        for name in LAST_DAYS.get((registry, table), ()):
            assert not re.search(rf"\b{name} >=? period_end\(\)", alias_of(plain, relation, name)), (relation, name)


def alias_of(text: str, relation: str, name: str) -> str:
    """The SQL without comparisons of columns of that name that another relation has."""
    alias = re.search(rf"\b{re.escape(relation)} AS (\w+)", text)
    return "\n".join(re.findall(rf"\b{alias[1]}\.{name} >=? [^)]*\)", text)) if alias else text


def _last_days() -> dict[tuple[str, str], list[str]]:
    from include.contracts.reading import readable_contracts

    contracts, _ = readable_contracts(SCHEMAS)
    return {
        (registry, table.name): [one.name for one in table.columns if one.description.startswith("Last day")]
        for registry, contract in contracts.items()
        for table in contract.tables
    }


LAST_DAYS = _last_days()
