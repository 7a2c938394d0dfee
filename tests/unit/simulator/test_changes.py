"""The country one day later."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from include.simulator import Country
from include.simulator.staging import SOURCES
from tests.unit.simulator.later_changes import later_changes

TABLES = [(registry, table) for registry in SOURCES for table in SOURCES[registry]]


@pytest.fixture(scope="module")
def later(country: Country, tmp_path_factory: pytest.TempPathFactory) -> Country:
    return later_changes(country, 3, out=tmp_path_factory.mktemp("later"))


def changes(later: Country, registry: str, table: str, change: str) -> list[dict[str, Any]]:
    rows = pq.read_table(later.truth / "changes.parquet").to_pylist()
    return [r for r in rows if (r["registry"], r["table"], r["change"]) == (registry, table, change)]


def by_key(country: Country, registry: str, table: str) -> dict[str, dict[str, Any]]:
    keys = SOURCES[registry][table].keys
    rows = pq.read_table(country.staged(registry, table)).to_pylist()
    return {json.dumps({key: row[key] for key in keys}, ensure_ascii=False): row for row in rows}


@pytest.mark.parametrize(("registry", "table"), TABLES)
def test_rows_are_updated_added_and_deleted_as_the_truth_says(
    country: Country, later: Country, registry: str, table: str
) -> None:
    before, after = by_key(country, registry, table), by_key(later, registry, table)
    added = {c["key"] for change in ("inserted", "late") for c in changes(later, registry, table, change)}
    deleted = {c["key"] for c in changes(later, registry, table, "deleted")}
    assert added
    assert deleted
    assert set(after) - set(before) == added
    assert set(before) - set(after) == deleted
    for change in changes(later, registry, table, "updated"):
        assert str(after[change["key"]][change["column"]]) == str(change["after"])
        assert after[change["key"]] != before[change["key"]]
    touched = added | deleted | {c["key"] for c in changes(later, registry, table, "updated")}
    assert all(before[key] == after[key] for key in before if key not in touched)


@pytest.mark.parametrize(("registry", "table"), [t for t in TABLES if t[0] != "finance"])
def test_new_rows_are_younger_but_the_late_one_is_not(
    country: Country, later: Country, registry: str, table: str
) -> None:
    newest = max(row["ngay_cap_nhat"] for row in by_key(country, registry, table).values())
    after = by_key(later, registry, table)
    (late,) = changes(later, registry, table, "late")
    assert after[late["key"]]["ngay_cap_nhat"] < newest
    for change in ("updated", "inserted"):
        assert all(after[c["key"]]["ngay_cap_nhat"] > newest for c in changes(later, registry, table, change))


def test_faults_keep_their_rows(later: Country) -> None:
    dirt = pq.read_table(later.truth / "dirt.parquet")
    for registry, table in TABLES:
        rows = pq.read_table(later.staged(registry, table)).to_pylist()
        mine = pc.and_(pc.equal(dirt["registry"], registry), pc.equal(dirt["table"], table))
        for fault in dirt.filter(mine).to_pylist():
            if fault["column"] and fault["is_hard"]:
                assert str(rows[fault["row"]][fault["column"]]) == fault["received"]


def test_the_same_seed_makes_the_same_day(country: Country, later: Country, tmp_path: Any) -> None:
    again = later_changes(country, 3, out=tmp_path / "again")
    for registry, table in TABLES:
        assert again.staged(registry, table).read_bytes() == later.staged(registry, table).read_bytes()


def test_a_day_later_can_be_opened(later: Country) -> None:
    assert Country.open(later.root).as_of == "2026-10-01"
    assert isinstance(pq.read_table(later.truth / "persons.parquet"), pa.Table)
