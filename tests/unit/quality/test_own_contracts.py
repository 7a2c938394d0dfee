"""Every rule of every contract in `schemas/` runs in both evaluations, and both count the same.

Before each change on tables that together have every kind of rule; `make test-long` takes all.
The rows are made from the contract alone: each source column is text, with nothing in the first row and a wild text
in the second. What they break is not the point; that both evaluations agree on it is.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from include.contracts.model import Table
from include.contracts.reading.load import load_contracts
from include.lake.storage.lake import Lake
from include.quality.expectations.assessment import assess
from include.quality.split.row_outcomes import conform_and_split
from tests.ascii_tables import SCHEMAS, write_extract
from tests.repeats import repeats

TABLES = {table.qualified_name: table for c in load_contracts(SCHEMAS).values() for table in c.tables}
WILD = "Đinh 'O\"{x}:y% 31/02/2020"


def source_columns(table: Table) -> list[str]:
    named = {c.source_name for c in table.columns if not c.expression}
    parsed = [sqlglot.parse_one(c.expression, read="duckdb") for c in table.columns if c.expression]
    spoken_of = {column.name for tree in parsed for column in tree.find_all(exp.Column)}
    return sorted(named | spoken_of)


def of_every_kind() -> list[str]:
    """Tables that together have a rule of every kind on every type of column, each query over a whole table too."""
    known: set[tuple[str, ...]] = set()
    chosen = []
    for name, table in TABLES.items():
        types = {column.name: column.sql_type for column in table.columns}
        kinds: set[tuple[str, ...]] = {
            (rule.metric, rule.scope, rule.severity, *sorted(types[column] for column in rule.columns))
            if len(rule.columns) == 1
            else (rule.metric, rule.scope, rule.severity, rule.query if rule.scope != "row" else "")
            for rule in table.rules
        }
        if kinds - known:
            chosen.append(name)
            known |= kinds
    return chosen


@pytest.mark.parametrize("name", TABLES if repeats(0, 1) else of_every_kind())
def test_both_evaluations_run_every_rule_and_agree(name: str, tmp_path: Path) -> None:
    table = TABLES[name]
    columns = source_columns(table)
    rows = [dict.fromkeys(columns), dict.fromkeys(columns, WILD), dict.fromkeys(columns, "1")]
    extract = write_extract(rows, tmp_path / "extract.parquet", columns)
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    split = conform_and_split(table, extract, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assessment = assess(table, split, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assert assessment.counts == {count.rule_id: count.violations for count in split.counts}
    assert set(assessment.counts) == {rule.rule_id for rule in table.rules}
    assert split.rejected >= 1
    assert WILD not in lake.read_text(assessment.results) + lake.read_text(assessment.data_docs)
