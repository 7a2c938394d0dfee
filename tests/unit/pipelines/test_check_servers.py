"""`check` looks at every server of a registry and every variant: each mistake is told in the file that has it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.contracts.yaml_files.problems import Problem
from include.lake.storage.lake import Lake
from include.pipelines.checks.contract_check import CheckReport, check_schemas, check_sources
from include.pipelines.context import PipelineContext

LAND = """
apiVersion: v3.2.0
kind: DataContract
id: land
version: 1.0.0
status: active
servers:
  - {server: land-01, type: custom}
  - server: land-38
    type: custom
    customProperties:
      - {property: variant, value: vendor}
  - {server: land-30, type: custom, customProperties: [{property: ended, value: 2025-07-01}]}
schema:
  - name: parcel
    physicalName: thua_dat
    properties:
      - {name: code, physicalName: ma, logicalType: integer, primaryKey: true}
      - {name: area, physicalName: dien_tich, logicalType: integer}
team: {members: [{username: lan, role: data steward}]}
""".lstrip()
VENDOR = """
apiVersion: lienthong/v1
kind: SourceVariant
schema:
  - name: parcel
    physicalName: PARCELS
    properties:
      - {name: code, physicalName: CODE}
      - {name: area, physicalName: AREA, transformLogic: vn_int("AREA")}
""".lstrip()


def schemas(folder: Path, contract: str = LAND, variant: str = VENDOR) -> Path:
    registries = folder / "schemas/registries"
    registries.mkdir(parents=True)
    (folder / "schemas/reference").mkdir()
    (registries / "land.odcs.yaml").write_text(contract, encoding="utf-8")
    (registries / "land.vendor.variant.yaml").write_text(variant, encoding="utf-8")
    return folder / "schemas"


def only(report: CheckReport) -> Problem:
    (problem,) = report.problems
    return problem


def test_servers_and_variants_without_mistakes_have_none(tmp_path: Path) -> None:
    assert check_schemas(schemas(tmp_path)).problems == ()


def test_what_a_variant_says_in_sql_is_bound_and_told_in_its_file(tmp_path: Path) -> None:
    problem = only(check_schemas(schemas(tmp_path, variant=VENDOR.replace('vn_int("AREA")', 'date_part("AREA")'))))
    assert (problem.path.name, problem.line, problem.level) == ("land.vendor.variant.yaml", 8, "error")
    assert "wrong number of arguments" in problem.message
    assert problem.where == "schema[parcel].properties[area].transformLogic"


def test_limits_and_paths_of_every_server_are_read(tmp_path: Path) -> None:
    limits = LAND.replace("value: vendor}", "value: vendor}\n      - {property: rowsPerSecond, value: many}")
    problem = only(check_schemas(schemas(tmp_path / "a", limits)))
    assert "limits of server 'land-38'" in problem.message
    assert problem.line == 8
    away = LAND.replace(
        "  - server: land-38\n    type: custom", "  - server: land-38\n    type: local\n    path: /away"
    )
    away = away.replace("path: /away", "path: /away\n    format: csv")
    problem = only(check_schemas(schemas(tmp_path / "b", away)))
    assert "AIRFLOW_CONN_LAND_38=" in problem.remedy
    assert (problem.level, problem.line) == ("warning", 10)


def test_a_variant_of_no_contract_is_told(tmp_path: Path) -> None:
    folder = schemas(tmp_path)
    (folder / "registries/lnd.vendor.variant.yaml").write_text(VENDOR, encoding="utf-8")
    problem = only(check_schemas(folder))
    assert (problem.path.name, problem.level) == ("lnd.vendor.variant.yaml", "warning")
    assert "beside the contract of one of: land" in problem.remedy


def sqlite_at(path: Path, table: str) -> str:
    with sqlite3.connect(path) as source:
        source.execute(f"CREATE TABLE {table}")
    source.close()
    return f"sqlite:///{path}"


@dataclass(frozen=True)
class ContextAt(PipelineContext):
    """A context whose clock stands."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def context(tmp_path: Path) -> ContextAt:
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "scratch")
    environ = {
        "AIRFLOW_CONN_LAND_01": sqlite_at(tmp_path / "01.sqlite", "thua_dat (ma INTEGER, dien_tich INTEGER)"),
        "AIRFLOW_CONN_LAND_38": sqlite_at(tmp_path / "38.sqlite", "PARCELS (CODE INTEGER, AREA INTEGER)"),
        "AIRFLOW_CONN_LAND_30": sqlite_at(tmp_path / "30.sqlite", "thua_dat (ma INTEGER, dien_tich INTEGER)"),
    }
    return ContextAt(lake, schemas(tmp_path), environ, datetime(2025, 6, 30, 16, tzinfo=UTC))


def looked_at(report: CheckReport) -> list[tuple[str, str]]:
    return [(one.table, one.verdict) for one in report.sources]


def test_every_server_is_looked_at_by_its_own_names_until_it_has_ended(context: ContextAt) -> None:
    report = check_sources(context)
    assert report.problems == ()
    assert looked_at(report) == [("parcel@land-01", "fits"), ("parcel@land-38", "fits"), ("parcel@land-30", "fits")]
    ended = replace(context, at=datetime(2025, 6, 30, 17, tzinfo=UTC))  # 2025-07-01 in Vietnam
    assert looked_at(check_sources(ended)) == [("parcel@land-01", "fits"), ("parcel@land-38", "fits")]


def test_a_server_whose_connection_is_not_set_is_a_warning_that_names_the_variable(context: ContextAt) -> None:
    environ = {name: uri for name, uri in context.environ.items() if not name.endswith("38")}
    report = check_sources(replace(context, environ=environ))
    problem = only(report)
    assert (problem.level, problem.path.name, problem.line) == ("warning", "land.odcs.yaml", 8)
    assert "AIRFLOW_CONN_LAND_38 is not set" in problem.message
    assert not report.has_errors
    assert looked_at(report) == [("parcel@land-01", "fits"), ("parcel@land-38", "warned"), ("parcel@land-30", "fits")]


@pytest.mark.parametrize("uri", ["no uri", "sqlite:////nowhere/at/all.sqlite"])
def test_a_connection_that_leads_nowhere_is_a_mistake(context: ContextAt, uri: str) -> None:
    report = check_sources(replace(context, environ={**context.environ, "AIRFLOW_CONN_LAND_38": uri}))
    problem = only(report)
    assert (problem.level, problem.line) == ("error", 8)
    assert dict(looked_at(report)) == {"parcel@land-01": "fits", "parcel@land-38": "refused", "parcel@land-30": "fits"}


def test_what_a_source_lacks_is_told_in_the_file_that_names_it(context: ContextAt, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "38.sqlite") as source:
        source.execute("ALTER TABLE PARCELS RENAME COLUMN AREA TO ACRES")
    source.close()
    for name in ("01", "30"):
        with sqlite3.connect(tmp_path / f"{name}.sqlite") as source:
            source.execute("ALTER TABLE thua_dat RENAME COLUMN dien_tich TO dt")
        source.close()
    first, second = sorted(check_sources(context).problems, key=lambda problem: problem.path.name)
    assert (first.path.name, first.line) == ("land.odcs.yaml", 18)
    assert "no column 'dien_tich'" in first.message
    assert (second.path.name, second.line) == ("land.vendor.variant.yaml", 8)
    assert "no column 'AREA'" in second.message
    assert (first.message[:20], second.message[:12]) == ("at land-01, land-30:", "at land-38: ")


def test_a_mistake_of_a_variant_is_mended_before_its_sources_are_looked_at(context: ContextAt) -> None:
    path = context.schemas / "registries/land.vendor.variant.yaml"
    path.write_text(VENDOR.replace("name: code,", "name: kode,"), encoding="utf-8")
    report = check_sources(context)
    assert (report.sources, report.not_looked_at) == ((), ("land",))
