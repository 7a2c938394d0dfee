"""What was planted is remembered exactly, and the rates are kept."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from include.simulator import Country, DirtRates
from include.simulator.dirt.rates import HARD_KINDS
from include.simulator.staging import SOURCES

TABLES = [(registry, table) for registry in SOURCES for table in SOURCES[registry]]


def of(dirt: pa.Table, registry: str, table: str) -> list[dict[str, Any]]:
    mine = pc.and_(pc.equal(dirt["registry"], registry), pc.equal(dirt["table"], table))
    return dirt.filter(mine).to_pylist()


def source(country: Country, registry: str, table: str) -> list[dict[str, Any]]:
    return pq.read_table(country.staged(registry, table)).to_pylist()


@pytest.mark.parametrize(("registry", "table"), TABLES)
def test_a_row_has_at_most_one_hard_fault_and_a_cell_one_fault(dirt: pa.Table, registry: str, table: str) -> None:
    faults = of(dirt, registry, table)
    hard = Counter(fault["row"] for fault in faults if fault["is_hard"])
    cells = Counter((fault["row"], fault["column"]) for fault in faults if fault["column"])
    assert max(hard.values()) == 1
    assert max(cells.values()) == 1


@pytest.mark.parametrize(("registry", "table"), TABLES)
def test_the_truth_points_at_the_cell_as_received(country: Country, dirt: pa.Table, registry: str, table: str) -> None:
    rows = source(country, registry, table)
    for fault in of(dirt, registry, table):
        if fault["column"]:
            value = rows[fault["row"]][fault["column"]]
            assert fault["received"] == (None if value is None else str(value))
            assert fault["received"] != fault["original"] or fault["kind"] == "split_ward"


@pytest.mark.parametrize(("registry", "table"), TABLES)
def test_hard_faults_are_two_to_four_in_a_hundred_at_most(
    country: Country, dirt: pa.Table, registry: str, table: str
) -> None:
    hard = sum(fault["is_hard"] for fault in of(dirt, registry, table))
    assert 0 < hard / country.rows[f"{registry}.{table}"] < 0.04


@pytest.mark.parametrize(("registry", "table"), TABLES)
def test_a_superseded_row_has_the_key_of_another_row_that_is_as_new_or_newer(
    country: Country, dirt: pa.Table, registry: str, table: str
) -> None:
    rows, keys = source(country, registry, table), SOURCES[registry][table].keys
    groups: dict[tuple[Any, ...], list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(tuple(row[key] for key in keys), []).append(number)
    copies = {fault["row"] for fault in of(dirt, registry, table) if fault["outcome"] == "superseded"}
    assert copies
    for row in copies:
        others = set(groups[tuple(rows[row][key] for key in keys)]) - copies
        assert len(others) == 1
    assert sum(len(group) - 1 for group in groups.values()) == len(copies)


def test_outcome_follows_from_the_kind(dirt: pa.Table) -> None:
    hard_rows = {(f["registry"], f["table"], f["row"]) for f in dirt.to_pylist() if f["is_hard"]}
    for fault in dirt.to_pylist():
        assert fault["is_hard"] == (fault["kind"] in HARD_KINDS)
        if fault["is_hard"]:
            assert fault["outcome"] == "rejected"
            assert fault["rule_id"].startswith(f"{fault['registry']}.{fault['table']}.")
        elif fault["kind"] in ("repeated_row", "older_version"):
            assert fault["outcome"] == "superseded"
        else:
            hard = (fault["registry"], fault["table"], fault["row"]) in hard_rows
            assert fault["outcome"] == ("rejected" if hard else "accepted")


def test_every_kind_of_fault_happens_in_a_small_country(dirt: pa.Table) -> None:
    happened = set(dirt["kind"].to_pylist())
    planted = {name for name in DirtRates.__dataclass_fields__ if not name.startswith("land_")}
    assert planted <= happened


def test_a_spotless_country_has_only_what_is_its_nature(spotless: Country) -> None:
    kinds = set(pq.read_table(spotless.truth / "dirt.parquet")["kind"].to_pylist())
    assert kinds <= {"split_ward", "personal_id_missing"}


def test_land_records_look_like_a_real_wards_file(country: Country) -> None:
    owners = source(country, "land", "ownership")
    persons = [row for row in owners if not (row["ma_chu"] or "").startswith("N/A-")]
    year_only = sum(len(row["nam_sinh"] or "") == 4 for row in persons) / len(persons)
    assert 0.83 < year_only < 0.92
    assert 0.04 < 1 - len(persons) / len(owners) < 0.12
    certificates = source(country, "land", "certificate")
    missing = sum(row["so_phat_hanh"].lower() == "chưa cấp" for row in certificates) / len(certificates)
    assert 0.06 < missing < 0.14
