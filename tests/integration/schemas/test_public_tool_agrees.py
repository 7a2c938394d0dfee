"""`datacontract test`, a tool we did not write, holds our published tables to the same contracts and must agree.

It sees only the published contract and the Delta tables: no macro of ours, no split, no Great Expectations.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import yaml
from datacontract.data_contract import DataContract
from datacontract.model.run import Check, ResultEnum, Run

from include.contracts.model import Contract
from include.contracts.reading.load import load_contract
from include.contracts.reading.published import published_contract
from include.lake.publishing.publication import publish
from include.lake.storage.duckdb_engine import load_extension
from include.lake.storage.lake import Lake
from include.quality.split.row_outcomes import conform_and_split
from include.vietnam import expand_macros
from tests.ascii_tables import SCHEMAS, Outcome, read_outcome, write_extract
from tests.repeats import held_by
from tests.unit.schemas.examples import BREAKS, ODD_BUT_RIGHT, SOUND, rows_with
from tests.whole_land import schemas_with_whole_land

# The tool's libraries warn about themselves; as errors those warnings would break its imports.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
AS_AN_OUTSIDER = "unit/schemas/test_registry_rules.py::test_a_row_made_to_break_a_rule_breaks_it"
AT = datetime(2026, 1, 31, 2, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), scratch=tmp_path / "scratch")


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tool would download DuckDB's delta extension; it is given a connection that has ours instead."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "extension_directory": str(tmp_path / "extensions"),
        "autoinstall_known_extensions": False,
    }
    with duckdb.connect(config=config) as connection:
        load_extension(connection, "delta")
        yield connection


def publish_rows(lake: Lake, contract: Contract, folder: Path) -> dict[str, Outcome]:
    """Odd rows, one row for each rule broken, and sound rows enough for the floors; through split and publish."""
    outcomes = {}
    for table in contract.tables:
        name = table.qualified_name
        changes = [*ODD_BUT_RIGHT.get(name, []), *BREAKS[name].values(), *[{}] * 200]
        rows = rows_with(name, changes)
        extract = write_extract(rows, folder / f"{table.name}.parquet", list(SOUND[name]))
        split = conform_and_split(table, extract, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
        publish(lake, table, run_id="r1", at=AT, staged=split.staged, metadata={})
        outcomes[table.name] = read_outcome(table, split)
    return outcomes


def run_tool(contract: Contract, lake: Lake, connection: duckdb.DuckDBPyConnection) -> Run:
    document = yaml.safe_dump(published_contract(contract.path, lake.uri, plain=expand_macros), allow_unicode=True)
    return DataContract(data_contract_str=document, server="lake", duckdb_connection=connection).test()


def measured(check: Check) -> object:
    return (check.diagnostics or {}).get("value")


@pytest.mark.parametrize(
    "registry",
    ["population", *(pytest.param(name, marks=held_by(AS_AN_OUTSIDER)) for name in ("land", "insurance", "finance"))],
)
def test_published_tables_pass_every_error_rule_and_warn_as_often_as_we_do(
    registry: str, lake: Lake, offline: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    contract = load_contract(schemas_with_whole_land() / "registries" / f"{registry}.odcs.yaml")
    outcomes = publish_rows(lake, contract, tmp_path)
    run = run_tool(contract, lake, offline)
    assert [(c.key, c.reason) for c in run.checks if c.result in (ResultEnum.failed, ResultEnum.error)] == []

    by_rule = {(c.model, c.qualityId): c for c in run.checks if c.qualityId}
    for table in contract.tables:
        warned = [rule for rules in outcomes[table.name].warnings.values() for rule in rules]
        for rule in table.rules:
            own_id = rule.rule_id.removeprefix(f"{table.qualified_name}.")
            if "." in own_id or rule.rule_id == table.key_rule_id:  # the tool counts the key's uniqueness by itself
                continue
            check = by_rule[(table.name, own_id)]
            if rule.scope == "row":
                expected = warned.count(own_id) if rule.severity == "warning" else 0
                assert measured(check) == expected, rule.rule_id


def test_the_tool_does_find_a_fault_in_a_published_table(
    lake: Lake, offline: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Otherwise its agreement would mean nothing: one birth year is changed behind our back."""
    contract = load_contract(SCHEMAS / "registries" / "population.odcs.yaml")
    publish_rows(lake, contract, tmp_path)
    citizens = lake.table("registry", "population", "citizen")
    citizens.update({"birth_date": "date '1950-01-01'"}, predicate="birth_date_precision = 'month'")
    run = run_tool(contract, lake, offline)
    failed = {c.qualityId for c in run.checks if c.result == ResultEnum.failed}
    assert failed == {"personal-id-matches-birth-year"}
