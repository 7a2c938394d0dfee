"""Four registries to the lake: what was planted is found, nothing clean is lost, no name escapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from include.pipelines.sync.registry_sync import sync_registry
from include.simulator.staging import SOURCES
from tests.integration.conftest import SyncedCountry
from tests.repeats import some_of

pytestmark = pytest.mark.slow
UPDATED = {"finance": "NGAY_CAP_NHAT"}


@pytest.fixture(scope="module")
def country(country: SyncedCountry, tmp_path_factory: pytest.TempPathFactory) -> SyncedCountry:
    """With a lake of this module's own: it is synced again."""
    return country.copied_to(tmp_path_factory.mktemp("country"))


def rejected(country: SyncedCountry, registry: str, table: str) -> list[dict[str, Any]]:
    return DeltaTable(country.context.lake.rejected_table(registry, table)).to_pyarrow_table().to_pylist()


def published(country: SyncedCountry, registry: str, table: str) -> list[dict[str, Any]]:
    return DeltaTable(country.context.lake.registry_table(registry, table)).to_pyarrow_table().to_pylist()


def dirt(country: SyncedCountry) -> list[dict[str, Any]]:
    return pq.read_table(country.truth / "dirt.parquet").to_pylist()


def test_every_registry_is_published(country: SyncedCountry) -> None:
    assert {registry: run["verdict"] for registry, run in country.runs.items()} == dict.fromkeys(SOURCES, "published")
    assert {(t["registry"], t["table"]) for t in country.tables} == {(r, t) for r in SOURCES for t in SOURCES[r]}


def test_conservation_by_count(country: SyncedCountry) -> None:
    for facts in country.tables:
        registry, table = facts["registry"], facts["table"]
        kept = rejected(country, registry, table)
        live = published(country, registry, table)
        assert facts["extracted"] == facts["accepted"] + facts["rejected"] + facts["superseded"]
        assert facts["accepted"] == len(live)
        assert facts["rejected"] == sum(row["_status"] == "rejected" for row in kept)
        assert facts["superseded"] == sum(row["_status"] == "superseded" for row in kept)


def test_conservation_by_row_of_the_extract(country: SyncedCountry) -> None:
    """Every row of the landed file is published, or kept in rejected/ with its number: none twice, none lost."""
    for facts in country.tables:
        registry, table = facts["registry"], facts["table"]
        landed = pq.read_table(
            Path(country.context.lake.landing_path(registry, table, facts["run_id"])) / "extract.parquet"
        )
        numbers = [row["_row"] for row in rejected(country, registry, table)]
        assert len(numbers) == len(set(numbers)) == facts["rejected"] + facts["superseded"]
        assert landed.num_rows - len(numbers) == facts["accepted"]


def test_every_rejected_row_has_a_reason_with_rule_column_and_words(country: SyncedCountry) -> None:
    for facts in country.tables:
        for row in rejected(country, facts["registry"], facts["table"]):
            if row["_status"] == "rejected":
                assert row["_reasons"]
                assert all(reason["rule_id"] and reason["message"] for reason in row["_reasons"])


@pytest.mark.parametrize(("registry", "table"), [(r, t) for r in SOURCES for t in SOURCES[r]])
def test_all_planted_hard_faults_are_found_and_nothing_else_is_rejected(
    country: SyncedCountry, registry: str, table: str
) -> None:
    """Recall 100 %, false rejections none: the rows rejected are those in which a hard fault was planted."""
    source = pq.read_table(country.root / "staging" / registry / f"{table}.parquet").to_pylist()
    hard = {d["row"]: d for d in dirt(country) if (d["registry"], d["table"]) == (registry, table) and d["is_hard"]}
    names = list(source[0])
    of_row = {number: tuple(_text(source[number][n]) for n in names) for number in hard}
    kept = {
        tuple(_text(row[n]) for n in names): {reason["rule_id"] for reason in row["_reasons"] or []}
        for row in rejected(country, registry, table)
        if row["_status"] == "rejected"
    }
    for number, fault in hard.items():
        assert of_row[number] in kept, f"missed: {fault['kind']} in {fault['column']} (row {number})"
        assert fault["rule_id"] is None or fault["rule_id"] in kept[of_row[number]], fault["kind"]
    false = set(kept) - set(of_row.values())
    assert not false, f"{len(false)} clean rows rejected, by {set().union(*(kept[row] for row in false))}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def test_the_same_sources_again_change_nothing(country: SyncedCountry) -> None:
    lake = country.context.lake
    before = {facts["table"]: facts["version"] for facts in country.tables}
    for registry in some_of(country.runs, 2):
        again = sync_registry(registry, run_id="20260102T000000Z-00000000", context=country.context)
        assert again.verdict == "unchanged", again
        for facts in again.tables:
            table = DeltaTable(lake.registry_table(registry, facts.table))
            assert table.version() == before[facts.table] == facts.version


def test_no_planted_name_outside_the_lake_s_data_zones(country: SyncedCountry) -> None:
    """Names and numbers of persons are in landing/, registry/ and rejected/; not in audit/, not in what a run says."""
    citizens = country.root / "staging" / "population" / "citizen.parquet"
    people = duckdb.sql(f"SELECT ho_ten, so_dinh_danh FROM '{citizens}'").fetchall()
    planted = {value for row in people for value in row if value and len(value) > 8}
    said = json.dumps(country.runs, ensure_ascii=False)
    assert not [value for value in planted if value in said]
    files = [p for p in Path(country.context.lake.path("audit")).rglob("*") if p.is_file()]
    assert len(files) > 20
    for path in files:
        if path.suffix == ".parquet":
            text = json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False, default=str)
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
        assert not [value for value in planted if value in text], path
