"""`check --source` tells what a live source lacks, and what a sync of it would be refused or reject rows for.

Older tests met the source only in a sync, which stops at its first trouble; what a contract cannot take was seen row by
row afterwards.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.contracts.yaml_files.problems import Problem
from include.lake.storage.lake import Lake
from include.pipelines.checks.contract_check import CheckReport, check_sources
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {registry}
version: 1.0.0
status: active
servers: [{{server: {registry}_src, type: {server}}}]
schema:
  - name: thing
    physicalName: {source}
    properties:
      - {{name: code, physicalName: ma, logicalType: integer, primaryKey: true}}
{columns}
team: {{members: [{{username: lan, role: data steward}}]}}
""".lstrip()


def place_of(folder: Path, uri: str, columns: str, *, registry: str = "shop", source: str = "do") -> PipelineContext:
    """A schemas folder with one contract more, whose columns are given one a line, and its source's connection."""
    registries = folder / "schemas/registries"
    registries.mkdir(parents=True, exist_ok=True)
    listed = "".join(f"      - {{{column}}}\n" for column in columns.strip().splitlines())
    server = "local, path: drop, format: parquet" if uri.startswith("file") else "custom"
    text = CONTRACT.format(registry=registry, server=server, columns=listed.rstrip("\n"), source=source)
    (registries / f"{registry}.odcs.yaml").write_text(text, encoding="utf-8")
    environ = {f"AIRFLOW_CONN_{registry.upper()}_SRC": uri}
    return PipelineContext(Lake(str(folder / "lake"), scratch=folder / "scratch"), folder / "schemas", environ)


def sqlite_at(folder: Path, columns: str) -> str:
    file = folder / "src.db"
    with sqlite3.connect(file) as connection:
        connection.execute(f"CREATE TABLE do (ma INTEGER NOT NULL, {columns})")
    return f"sqlite:///{file}"


def parquet_at(folder: Path, **columns: pa.Array) -> str:
    (folder / "drop").mkdir()
    pq.write_table(pa.table({"ma": pa.array([1]), **columns}), folder / "drop/do.parquet")
    return f"file://{folder}/drop"


def only(report: CheckReport) -> Problem:
    (problem,) = report.problems
    return problem


def test_a_source_that_fits_is_told_so(tmp_path: Path) -> None:
    report = check_sources(
        place_of(tmp_path, sqlite_at(tmp_path, "ten TEXT"), "name: name, physicalName: ten, logicalType: string"),
        "shop",
    )
    assert report.problems == ()
    assert [(one.registry, one.table, one.verdict, one.kind) for one in report.sources] == [
        ("shop", "thing", "fits", "sqlite")
    ]
    assert "1 tables at their sources: no mistakes" in report.summary


LINE_OF_FIRST_COLUMN = 12
IN_SQLITE = [
    # the source's column, the contract's, level, message, remedy
    ("ho_tn TEXT", "name: a, physicalName: ho_ten, logicalType: string", "error",
     "no column 'ho_ten' (did you mean 'ho_tn'?)", "physicalName"),
    ("x TEXT", 'name: a, logicalType: string, transformLogic: vn_name("y")', "error", "no column 'y'", "transform"),
    ("x TEXT", "name: a, physicalName: x, logicalType: integer", "warning", "x (TEXT) is text", "logicalType"),
    ("x DATETIME", "name: a, physicalName: x, logicalType: timestamp", "warning", "without an offset", "defaultTime"),
    ("x DECIMAL(12,3)", "name: a, physicalName: x, logicalType: number, physicalType: 'decimal(10,2)'", "warning",
     "more decimals (3) than DECIMAL(10,2)", "widen"),
    ("x BIGINT", "name: a, physicalName: x, logicalType: integer, logicalTypeOptions: {format: i16}", "warning",
     "greater numbers than SMALLINT", "widen"),
    ("x TEXT", "name: a, physicalName: x, logicalType: integer, transformLogic: 'year(\"x\")'", "error",
     "over what the source has: it: `year` does not go with VARCHAR", "CAST"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "column", "level", "message", "remedy"), IN_SQLITE, ids=[c[3] for c in IN_SQLITE])
def test_what_a_database_lacks_is_told_by_line(
    tmp_path: Path, source: str, column: str, level: str, message: str, remedy: str
) -> None:
    problem = only(check_sources(place_of(tmp_path, sqlite_at(tmp_path, source), column), "shop"))
    assert message in problem.message
    assert remedy in problem.remedy
    assert (problem.level, problem.line) == (level, LINE_OF_FIRST_COLUMN)


LOCAL, INSTANT = pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("us", tz="UTC"))
IN_PARQUET = [
    (LOCAL, "name: a, physicalName: x, logicalType: timestamp", "error", "no zone", "defaultTimezone"),
    (INSTANT, "name: a, physicalName: x, logicalType: date", "error", "no zone", "defaultTimezone"),
    (pa.array([True]), "name: a, physicalName: x, logicalType: date", "error", "no value of x", "transformLogic"),
    (
        pa.array([1], pa.decimal128(12, 3)),
        "name: a, physicalName: x, logicalType: number, physicalType: 'decimal(10,2)'",
        "warning",
        "more decimals (3)",
        "widen",
    ),
]


@pytest.mark.parametrize(("values", "column", "level", "message", "remedy"), IN_PARQUET, ids=[c[3] for c in IN_PARQUET])
def test_what_a_typed_file_lacks_is_told_by_line(
    tmp_path: Path, values: pa.Array, column: str, level: str, message: str, remedy: str
) -> None:
    context = place_of(tmp_path, parquet_at(tmp_path, x=values), column, source="do.parquet")
    problem = only(check_sources(context, "shop"))
    assert message in problem.message
    assert remedy in problem.remedy
    assert (problem.level, problem.line) == (level, LINE_OF_FIRST_COLUMN)


def test_names_of_a_file_that_may_be_values_are_not_told(tmp_path: Path) -> None:
    uri = parquet_at(tmp_path, **{"ho_tan": pa.array(["x"]), "001099012345": pa.array(["x"])})
    lacking = place_of(tmp_path, uri, "name: a, physicalName: ho_ten, logicalType: string", source="do.parquet")
    problem = only(check_sources(lacking, "shop"))
    assert "no column 'ho_ten' (did you mean the one at position 2?)" in problem.message
    fitting = place_of(tmp_path, uri, "name: a, physicalName: ho_tan, logicalType: string", source="do.parquet")
    report = check_sources(fitting, "shop")
    assert report.sources[0].columns == (("ma", "BIGINT"), ("ho_tan", "VARCHAR"), ("", "VARCHAR"))
    assert "001099012345" not in json.dumps(report.to_dict())


def test_a_table_that_is_not_there_is_told_with_near_names(tmp_path: Path) -> None:
    uri = sqlite_at(tmp_path, "x TEXT")
    problem = only(
        check_sources(place_of(tmp_path, uri, "name: a, physicalName: x, logicalType: string", source="doo"), "shop")
    )
    assert "'doo'" in problem.message
    assert "did you mean 'do'" in problem.message
    assert "physicalName" in problem.remedy


def test_one_source_that_is_not_there_does_not_hide_the_others(tmp_path: Path) -> None:
    context = place_of(tmp_path, sqlite_at(tmp_path, "x TEXT"), "name: a, physicalName: x, logicalType: integer")
    place_of(
        tmp_path, "postgresql://u:p@127.0.0.1:1/x", "name: a, physicalName: x, logicalType: string", registry="away"
    )
    unset = PipelineContext(context.lake, context.schemas, {**context.environ})
    report = check_sources(unset)
    assert [(one.registry, one.verdict) for one in report.sources] == [("away", "refused"), ("shop", "warned")]
    assert "AIRFLOW_CONN_AWAY_SRC is not set" in report.problems[0].message
    down = PipelineContext(
        context.lake, context.schemas, {**context.environ, "AIRFLOW_CONN_AWAY_SRC": "postgresql://u:p@127.0.0.1:1/x"}
    )
    report = check_sources(down, "away")
    assert "does not answer" in only(report).message


def test_a_contract_with_mistakes_is_mended_before_its_source_is_looked_at(tmp_path: Path) -> None:
    context = place_of(tmp_path, sqlite_at(tmp_path, "x TEXT"), "name: a b, physicalName: x, logicalType: string")
    report = check_sources(context)
    assert (report.sources, report.not_looked_at) == ((), ("shop",))
    assert "mend the contract first to look at the source of shop" in report.summary


def test_a_registry_that_nobody_knows_is_misuse(tmp_path: Path) -> None:
    context = place_of(tmp_path, sqlite_at(tmp_path, "x TEXT"), "name: a, physicalName: x, logicalType: string")
    with pytest.raises(Misuse, match="did you mean `shop`"):
        check_sources(context, "shopp")


@pytest.mark.parametrize(("uri", "status"), [("sqlite", 0), ("", 1), ("other", 2)])
def test_the_command_line_says_it_by_exit_status_and_json(tmp_path: Path, uri: str, status: int) -> None:
    context = place_of(tmp_path, sqlite_at(tmp_path, "x TEXT"), "name: a, physicalName: x, logicalType: string")
    environ = {"LAKE_URI": str(tmp_path / "lake"), "SCHEMAS_DIR": str(context.schemas), "PATH": "/usr/bin:/bin"}
    environ |= context.environ if uri else {}
    asked = "shap" if uri == "other" else "shop"
    command = [sys.executable, "-m", "include.cli", "check", "--source", asked, "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    if status == 2:
        assert "did you mean `shop`" in done.stderr
        return
    told = json.loads(done.stdout)
    assert told["has_errors"] == bool(status)
    assert told["sources"][0]["verdict"] == ("refused" if status else "fits")
