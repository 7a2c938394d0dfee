"""Findings across registers: small tables in, one count out, with the shipped definitions."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.indicators.computation import compute, tables_of, tables_read
from include.indicators.definitions import Catalogue, Period, compile_indicator, load_indicator, period_of
from include.lake.publishing import publish_reference
from include.lake.storage import Lake
from include.pipelines import PipelineContext

SCHEMAS = Path(__file__).parents[3] / "schemas"
EVERY = PipelineContext(Lake("/nowhere"), SCHEMAS, {}).readable[0]
CONTRACTS = {name: replace(one, servers=one.servers[:1]) for name, one in EVERY.items()}
"""Registers of one server each, so that none is missing."""
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.of(EVERY, SCHEMAS)


@pytest.fixture(scope="module")
def lists(tmp_path_factory) -> Lake:
    """The code lists alone."""
    lake = Lake(str(tmp_path_factory.mktemp("lists") / "lake"))
    publish_reference(lake, SCHEMAS)
    return lake


@pytest.fixture
def lake(lists, tmp_path) -> Lake:
    return Lake(shutil.copytree(lists.uri, str(tmp_path / "lake"), symlinks=True))


def put(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    """Rows with only the columns that matter; the others are empty to whoever reads."""
    zone = "" if table.startswith(("history/", "people/")) else "registry/"
    write_deltalake(lake.path(f"{zone}{table}"), pa.Table.from_pylist(list(rows)), mode="overwrite")


def counted(lake: Lake, catalogue: Catalogue, name: str, period: str = "2026Q3") -> tuple[int, int]:
    compiled = compile_indicator(load_indicator(SCHEMAS / "indicators" / f"{name}.yaml"), catalogue)
    of: Period = period_of(period, compiled.indicator.scheme)
    read = tables_read(lake, tables_of(compiled))
    done = compute(lake, compiled, of, catalogue=catalogue, contracts=CONTRACTS, read=read, now=NOW)
    assert not done.total.reason, done.total
    return int(done.total.numerator), int(done.total.denominator)


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def test_a_component_is_asked_for_twice_if_the_register_had_the_person_on_that_day(lake, catalogue):
    def citizen(code: str, published: str, change: str = "insert", version: int = 0) -> dict[str, Any]:
        return {"personal_id": code, "status_code": "1", "_change": change, "_version": version, "_at": at(published)}

    put(lake, "history/population/citizen", citizen("1", "2026-01-01"), citizen("2", "2026-09-01"),
        citizen("3", "2026-01-01"), citizen("3", "2026-07-15", "delete", 1), citizen("4", "2026-01-01"))  # fmt: skip
    put(lake, "dossiers/dossier", *(
        {"dossier_code": f"d{code}", "personal_id": code, "agency_code": "H56", "received_at": at("2026-08-01"),
         "received_on": date(2026, 8, 1), "is_test": False}
        for code in "1234"
    ))  # fmt: skip
    put(lake, "dossiers/component", *(
        {"dossier_code": f"d{code}", "component_code": component, "sequence": 1, "is_reused": code == "4",
         "is_from_database": False}
        for code in "1234"
        for component in ("TP-0001", "TP-0002")
    ))  # fmt: skip
    # 2 was published after the dossier came, 3 had left by then, 4's component was reused.
    assert counted(lake, catalogue, "once-only-violations") == (1, 4)


def test_married_twice_is_of_persons_and_a_divorce_ends_a_marriage(lake, catalogue):
    def marriage(number: str, husband: str, wife: str, note: str | None = None) -> dict[str, Any]:
        return {"office": "o", "kind": "k", "year": 2020, "book": "1", "number": number, "husband_personal_id": husband,
                "wife_personal_id": wife, "divorce_note": note, "registered_on": date(2020, 1, 1)}  # fmt: skip

    put(lake, "civil_status/marriage", marriage("1", "a", "b"), marriage("2", "a", "c"), marriage("3", "d", "e", "x"),
        marriage("4", "d", "f"))  # fmt: skip
    assert counted(lake, catalogue, "married-twice") == (1, 5)


@pytest.mark.parametrize(
    ("name", "tables", "expected"),
    [
        (
            "taxpayers-without-business-registration",
            {
                "finance/taxpayer": [
                    {"tax_code": "0100000001", "taxpayer_type": "DN", "status_code": "00"},
                    {"tax_code": "0100000002", "taxpayer_type": "DN", "status_code": "00"},
                    {"tax_code": "0100000003", "taxpayer_type": "DN", "status_code": "01"},  # closed
                    {"tax_code": "0100000004-001", "taxpayer_type": "DN", "status_code": "00"},  # a branch
                    {"tax_code": "0100000005", "taxpayer_type": "CN", "status_code": "00"},  # a person
                ],
                "business/enterprise": [{"enterprise_code": "0100000001", "status": "dang_hoat_dong"}],
            },
            (1, 2),
        ),
        (
            "status-contradictions",
            {
                "finance/taxpayer": [
                    {"tax_code": code, "status_code": status}
                    for code, status in (("1", "06"), ("2", "00"), ("3", "00"))
                ],
                "business/enterprise": [
                    {"enterprise_code": "1", "status": "dang_hoat_dong"},
                    {"enterprise_code": "2", "status": "dang_hoat_dong"},
                    {"enterprise_code": "3", "status": "cham_dut_ton_tai"},
                    {"enterprise_code": "4", "status": "cham_dut_ton_tai"},
                ],
            },
            (2, 3),
        ),
        (
            "insured-without-population-record",
            {
                "insurance/member": [
                    {"social_insurance_number": "s1", "personal_id": "1", "ward_code_current": "00004"},
                    {"social_insurance_number": "s2", "personal_id": "2", "ward_code_current": "00004"},
                    {"social_insurance_number": "s3", "personal_id": None, "ward_code_current": "00004"},
                ],
                "population/citizen": [{"personal_id": "1"}],
            },
            (1, 2),
        ),
        (
            "deaths-not-in-population",
            {
                "civil_status/death": [
                    {"personal_id": "1", "registered_on": date(2026, 8, 1)},
                    {"personal_id": "2", "registered_on": date(2026, 8, 1)},
                    {"personal_id": "1", "registered_on": date(2026, 9, 25)},  # within ten days of the end
                ],
                "population/citizen": [
                    {"personal_id": "1", "status_code": "1"},
                    {"personal_id": "2", "status_code": "2"},
                ],
            },
            (1, 2),
        ),
        (
            "persons-with-two-licences",
            {
                "driving/licence": [
                    {"licence_number": n, "personal_id": p, "state": s}
                    for n, p, s in (
                        ("1", "a", "valid"),
                        ("2", "a", "valid"),
                        ("3", "b", "valid"),
                        ("4", "b", "revoked"),
                    )
                ],
                "driving/licence_class": [
                    {"licence_number": n, "licence_class": "B", "expires_on": date(2030, 1, 1)} for n in "1234"
                ],
            },
            (1, 2),
        ),
        (
            "persons-with-two-population-records",
            {
                "population/citizen": [
                    {"personal_id": "1", "status_code": "1"},
                    {"personal_id": "2", "status_code": "1"},
                    {"personal_id": "3", "status_code": "1"},
                    {"personal_id": "4", "status_code": "2"},
                ],
                "people/index": [
                    {"record_id": f'population.citizen:["{n}"]', "person_id": p}
                    for n, p in (("1", "P1"), ("2", "P1"), ("3", "P2"), ("4", "P2"))
                ],
            },
            (1, 2),
        ),
        (
            "foreign-members-without-project",
            {
                "business/enterprise": [{"enterprise_code": n, "status": "dang_hoat_dong"} for n in "123"],
                "business/member": [
                    {"enterprise_code": n, "nationality": of}
                    for n, of in (("1", "JP"), ("1", "KR"), ("2", "JP"), ("3", "VN"))
                ],
                "investment/implementing_org": [{"project_code": "p1", "tax_code": "2"}],
            },
            (1, 2),
        ),
        (
            "projects-without-enterprise",
            {
                "investment/project": [{"project_code": "p1"}, {"project_code": "p2"}],
                "investment/implementing_org": [{"project_code": "p1", "tax_code": "1"}],
                "business/enterprise": [{"enterprise_code": "1"}],
            },
            (1, 2),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_finding_counts(lake, catalogue, name, tables, expected):
    for table, rows in tables.items():
        put(lake, table, *rows)
    assert counted(lake, catalogue, name) == expected
