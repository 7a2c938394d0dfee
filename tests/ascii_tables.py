"""Small tables as text, for tests that show rows going in and rows coming out.

A contract is written as in `schemas/`, without its head. In a table, `-` is NULL and `''` is the empty text.
"""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from include.contracts.model import Table
from include.contracts.reading.load import load_contract
from include.lake.publishing.published_context import Conformed, published_context_uri
from include.lake.storage.duckdb_engine import quote
from include.lake.storage.lake import Lake
from include.quality.split.results import SplitResult
from include.quality.split.row_outcomes import conform_and_split

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
HEAD = """
apiVersion: v3.2.0
kind: DataContract
id: population
version: 1.0.0
status: active
name: population
servers: [{server: population, type: custom}]
"""


def contract_table(text: str, folder: Path) -> Table:
    """The one table of a contract: `text` is an entry of `schema` without its dash."""
    entry = {"name": "citizen", "physicalName": "cong_dan", "logicalType": "object", **yaml.safe_load(text)}
    path = folder / "population.odcs.yaml"
    path.write_text(HEAD + yaml.safe_dump({"schema": [entry]}, allow_unicode=True), encoding="utf-8")
    return load_contract(path).tables[0]


def rows_of(text: str) -> list[dict[str, str | None]]:
    """The rows of a table whose first line names the columns; `|` stands between cells, `---` is for the eye."""
    lines = [line for line in textwrap.dedent(text).strip().splitlines() if "---" not in line]
    names, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    values: dict[str, str | None] = {"-": None, "''": ""}
    return [{name: values.get(cell, cell) for name, cell in zip(names, row, strict=True)} for row in rows]


def write_extract(rows: list[dict[str, Any]], path: Path, columns: list[str] | None = None) -> str:
    """An extract with text columns only, as most registries give them. Rows keep their order."""
    names = columns or list(rows[0])
    data = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names})
    pq.write_table(data, path)
    return str(path)


@dataclass(frozen=True)
class Outcome:
    """What became of the rows of an extract, ready to compare."""

    split: SplitResult
    accepted: list[dict[str, Any]]
    rejected: dict[int, list[str]]
    superseded: set[int]
    warnings: dict[int, list[str]]

    def violations(self) -> dict[str, int]:
        """The rules that any row breaks, by id without the table's name, and how many rows do."""
        return {c.rule_id.split(".", 2)[2]: c.violations for c in self.split.counts if c.violations}


def outcome_of(table: Table, extract: str, folder: Path, run_id: str = "r1", *, beside: str | None = None) -> Outcome:
    """Conform and split an extract in a lake below `folder`; rules are named without the table's prefix."""
    lake = Lake(str(folder / "lake"), scratch=folder / "tmp")

    def found(conformed: Conformed) -> str | None:
        return beside and str(shutil.copy(beside, published_context_uri(conformed.uri)))

    split = conform_and_split(table, extract, lake=lake, run_id=run_id, schemas_dir=SCHEMAS, published_context=found)
    return read_outcome(table, split)


def read_outcome(table: Table, split: SplitResult) -> Outcome:
    """Read the three files of a split."""
    names = ", ".join(quote(c.name) for c in table.columns)
    prefix = f"{table.qualified_name}."
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        for name, uri in (("conformed", split.staged.conformed), ("faults", split.staged.faults)):
            db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{uri}', hive_partitioning = false)")
        accepted = db.execute(f"SELECT {names} FROM conformed ANTI JOIN faults USING (_row) ORDER BY _row")
        accepted_rows = [dict(zip([d[0] for d in accepted.description], r, strict=True)) for r in accepted.fetchall()]
        faults = db.execute("SELECT _row, _outcome, [r.rule_id for r in _reasons] FROM faults ORDER BY _row").fetchall()
        warned = db.execute(
            "SELECT _row, _warnings FROM read_parquet(?) ORDER BY 1", [split.staged.warnings]
        ).fetchall()
    return Outcome(
        split=split,
        accepted=accepted_rows,
        rejected={row: [i.removeprefix(prefix) for i in ids] for row, kind, ids in faults if kind == "rejected"},
        superseded={row for row, kind, _ in faults if kind == "superseded"},
        warnings={row: [i.removeprefix(prefix) for i in ids] for row, ids in warned},
    )


def check(table: Table, given: str, expected: str, folder: Path, *, beside: str = "") -> Outcome:
    """Split the rows `given` and compare what became of each with `expected`.

    `beside` are the published rows that the run does not touch, by their published names. `expected` has the columns
    `outcome` and `reasons` (rule ids, separated by a comma) and one line per row given. An accepted row with a warning
    has the outcome `accepted` and the warnings as reasons.
    """
    untouched = write_extract(rows_of(beside), folder / "beside.parquet") if beside else None
    outcome = outcome_of(table, write_extract(rows_of(given), folder / "extract.parquet"), folder, beside=untouched)
    found = []
    for row in range(outcome.split.extracted):
        kind = "rejected" if row in outcome.rejected else "superseded" if row in outcome.superseded else "accepted"
        reasons = outcome.rejected.get(row) or outcome.warnings.get(row) or []
        found.append({"outcome": kind, "reasons": ", ".join(reasons) or None})
    wanted = [{"outcome": row["outcome"], "reasons": row["reasons"]} for row in rows_of(expected)]
    assert found == wanted
    return outcome
