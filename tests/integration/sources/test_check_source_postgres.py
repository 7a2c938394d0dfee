"""`check --source` on a real PostgreSQL: rights, policies and types as the server has them."""

from __future__ import annotations

from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from include.lake.storage.lake import Lake
from include.pipelines.checks.contract_check import check_sources
from include.pipelines.context import PipelineContext

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: r
version: 1.0.0
status: active
servers: [{server: r, type: postgresql, host: h, port: 5432, database: d, schema: public}]
schema:
  - name: first
    physicalName: t
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true}
      - {name: x, logicalType: string}
  - name: second
    physicalName: u
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true}
team: {name: r, members: [{username: an, role: data steward}]}
"""
TABLE = """
  - name: own_{0}
    physicalName: t{0}
    properties:
      - {{name: id, logicalType: integer, primaryKey: true, required: true}}
      - {{{1}}}
"""
FITS = "name: x, logicalType: string"


def check(folder: Path, uri: str, contract: str = CONTRACT) -> tuple[list[str], list[str]]:
    """The verdict of each table, and what was told, `level line: message -> remedy`."""
    (folder / "registries").mkdir(exist_ok=True)
    (folder / "registries/r.odcs.yaml").write_text(contract, encoding="utf-8")
    lake = Lake(str(folder / "lake"), scratch=folder / "scratch")
    report = check_sources(PipelineContext(lake, folder, {"AIRFLOW_CONN_R": uri}), "r")
    told = [f"{p.level} {p.line}: {p.message} -> {p.remedy}" for p in report.problems]
    return [one.verdict for one in report.sources], told


# Type in the source, column of the contract, verdict, what is told.
CASES = [
    ("text", FITS, "fits", ""),
    ("timestamptz", "name: x, logicalType: timestamp", "fits", ""),
    ("timestamp", "name: x, logicalType: timestamp", "refused", "defaultTimezone"),
    ("timestamptz", "name: x, logicalType: date", "refused", "defaultTimezone"),
    ("timestamptz", "name: x, logicalType: integer", "refused", "no value of x (TIMESTAMP"),
    ("bytea", "name: x, logicalType: date", "refused", "no value of x (BYTEA)"),
    ("numeric(12,3)", "name: x, logicalType: number, physicalType: 'decimal(10,2)'", "warned", "more decimals (3)"),
    ("bigint", "name: x, logicalType: integer, logicalTypeOptions: {format: i32}", "warned", "greater numbers"),
    ("text", "name: x, logicalType: number, physicalType: 'decimal(10,2)'", "warned", "x (TEXT) is text"),
    ("date", "name: x, logicalType: string, transformLogic: upper(x)", "refused", "does not go with DATE"),
]


def test_what_types_cannot_feed_is_told_before_a_row_is_read(
    pg: psycopg.Connection, postgres: str, tmp_path: Path
) -> None:
    """Each case is a table of one contract, told of at its column's line; of a table that fits nothing is told."""
    before, after = CONTRACT.split("  - name: first\n")
    contract = before + "".join(TABLE[1:].format(n, column) for n, (_, column, _, _) in enumerate(CASES))
    contract += after[after.index("  - name: second") :]
    for n, (source, *_) in enumerate(CASES):
        pg.execute(f"CREATE TABLE t{n} (id int PRIMARY KEY, x {source})".encode())
    pg.execute("CREATE TABLE u (id int PRIMARY KEY)")
    verdicts, lines = check(tmp_path, postgres, contract)
    assert verdicts == [*(verdict for *_, verdict, _ in CASES), "fits"], lines
    expected = {f"{13 + 5 * n}:": told for n, (*_, told) in enumerate(CASES) if told}
    assert [line.split()[1] for line in lines] == list(expected)
    assert [told for line, told in zip(lines, expected.values(), strict=True) if told not in line] == []


def test_a_right_that_lacks_and_a_policy_that_hides_are_told_for_each_table(
    pg: psycopg.Connection, postgres: str, tmp_path: Path
) -> None:
    pg.execute("CREATE TABLE t (id int PRIMARY KEY, x text); CREATE TABLE u (id int PRIMARY KEY)")
    pg.execute("CREATE ROLE reader LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA public TO reader")
    pg.execute("GRANT SELECT ON u TO reader; ALTER TABLE u ENABLE ROW LEVEL SECURITY")
    pg.execute("CREATE POLICY few ON u FOR SELECT USING (id > 30)")
    uri = make_url(postgres).set(username="reader", password="secret").render_as_string(hide_password=False)
    verdicts, lines = check(tmp_path, uri)
    assert verdicts == ["refused", "refused"]
    assert "GRANT SELECT" in lines[0]
    assert "polic" in lines[1]
