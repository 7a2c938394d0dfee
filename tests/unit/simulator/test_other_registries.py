"""The other systems of the country: their contracts find every planted fault and reject no sound row."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from include.contracts.reading.load import load_contract
from include.simulator import Country, DirtRates, SystemRates, simulate
from include.simulator.dirt.system_rates import SYSTEM_HARD_KINDS
from include.simulator.staging import SYSTEM_SERVERS, SYSTEM_SOURCES
from include.sources.landing.list_entries import entries_of
from tests.ascii_tables import SCHEMAS, outcome_of
from tests.repeats import held_by

PERSONS, SEED = 1_500, 11
RULES = "unit/schemas/test_registry_rules.py::test_a_row_made_to_break_a_rule_breaks_it"
ONE_OF_EACH = {next(iter(tables)) for tables in SYSTEM_SOURCES.values()}
TABLES = [(server, table) for server in SYSTEM_SERVERS for table in SYSTEM_SOURCES[server.partition("-")[0]]]


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Country:
    """Faults in one row of thirty, so that small tables have some too."""
    rates = SystemRates(**dict.fromkeys(SYSTEM_HARD_KINDS, 0.03))
    out = tmp_path_factory.mktemp("dirty")
    return simulate(persons=PERSONS, seed=SEED, out=out, rates=DirtRates.none(), systems=rates)


def rejected(country: Country, server: str, name: str, folder: Path) -> dict[int, list[str]]:
    """The rows of a staged table that its contract rejects, with the rules."""
    contract = load_contract(SCHEMAS / "registries" / f"{server.partition('-')[0]}.odcs.yaml")
    table = next(table for table in contract.tables if table.name == name)
    return outcome_of(table, str(country.staged(server, name)), folder).rejected


@pytest.mark.parametrize(
    ("server", "table"),
    [case if case[1] in ONE_OF_EACH else pytest.param(*case, marks=held_by(RULES)) for case in TABLES],
)
def test_every_hard_fault_is_found_and_nothing_else_is_rejected(
    dirty: Country, server: str, table: str, tmp_path: Path
) -> None:
    truth = pq.read_table(dirty.truth / "dirt.parquet").to_pylist()
    hard = [row for row in truth if (row["registry"], row["table"]) == (server, table) and row["is_hard"]]
    found = rejected(dirty, server, table, tmp_path)
    assert set(found) == {row["row"] for row in hard}
    base = server.partition("-")[0]
    for row in hard:
        assert row["rule_id"].removeprefix(f"{base}.{table}.") in found[row["row"]], row["kind"]


def test_every_kind_of_fault_is_planted(dirty: Country) -> None:
    kinds = set(pq.read_table(dirty.truth / "dirt.parquet", columns=["kind"])["kind"].to_pylist())
    assert kinds >= SYSTEM_HARD_KINDS


def test_a_separator_too_many_is_one_rejected_representative(dirty: Country, tmp_path: Path) -> None:
    """The cell of the enterprise is as received; the empty entry behind its last separator is a row to mend."""
    contract = load_contract(SCHEMAS / "registries" / "business.odcs.yaml")
    table = next(table for table in contract.tables if table.name == "legal_representative")
    assert table.rows_from_list is not None
    extract = tmp_path / "extract.parquet"
    with duckdb.connect() as db:
        source = f"read_parquet('{dirty.staged('business', 'enterprise')}')"
        query = entries_of(f"FROM {source}", table.rows_from_list)
        db.execute(f"COPY ({query}) TO '{extract}' (FORMAT parquet)")
        listed = db.execute(f"SELECT sum(len(string_split(LEGAL_NAMES, ';'))) FROM {source}").fetchone()
    truth = pq.read_table(dirty.truth / "dirt.parquet").to_pylist()
    found = outcome_of(table, str(extract), tmp_path)
    assert listed == (len(found.accepted) + len(found.rejected),)
    assert len(found.rejected) == sum(row["kind"] == "trailing_separator" for row in truth) > 0
    assert set(map(tuple, found.rejected.values())) == {("representative-entry-not-empty",)}


def test_the_four_registries_are_the_same_with_and_without_the_others(dirty: Country, tmp_path: Path) -> None:
    alone = simulate(persons=PERSONS, seed=SEED, out=tmp_path, rates=DirtRates.none())
    files = [path.relative_to(tmp_path) for path in (tmp_path / "staging").rglob("*.parquet")]
    assert {path.parts[1] for path in files} == {"population", "land", "insurance", "finance"}
    assert all((tmp_path / path).read_bytes() == (dirty.root / path).read_bytes() for path in files)
    others = sum(rows for name, rows in dirty.rows.items() if name not in alone.rows)
    assert 2_000 < others < 6_000  # the country of the demo stays small
