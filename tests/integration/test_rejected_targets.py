"""A reference that leads nowhere because we rejected the row it leads to is told from one that leads nowhere at all.

Older tests only counted both together: whoever read the figure asked the wrong office.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from include.lake.run_log import log_tables
from include.lake.run_log.table_checks import CROSS_CHECKS
from include.pipelines.context import PipelineContext
from include.pipelines.rejected.replaying import replay
from include.pipelines.sync.registry_sync import sync_registry
from tests.repeats import held_by

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: %(id)s
version: 1.0.0
status: active
servers: [{server: source_db, type: custom}]
schema:
  - name: %(table)s
    properties:
%(columns)s
    customProperties:
      - {property: tolerance, value: {rejectedPercent: 100, rowCountChangePercent: 999}}
"""
OFFICE = """
      - {name: code, logicalType: string, primaryKey: true, transformLogic: trim(code)}
      - {name: "no", logicalType: integer, primaryKey: true}
      - {name: staff, logicalType: integer, logicalTypeOptions: {minimum: 0}}
"""
LETTER = """
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: office_code, logicalType: string}
      - {name: office_no, logicalType: integer}
"""
REFERENCE = """
    relationships:
      - {type: foreignKey, from: [letter.office_code, letter.office_no], to: [offices.office.code, offices.office.no]}
"""
OFFICES = [(" A ", 1, 5), ("B", 1, -1), ("B", 2, 3), ("C", 1, -7)]
LETTERS = [(1, "A", 1), (2, "B", 1), (3, "B", 1), (4, "C", 1), (5, "Z", 9), (6, "A", 2), (7, None, 1), (8, "B", 2)]


@pytest.fixture
def context(tmp_path: Path) -> PipelineContext:
    registries = tmp_path / "schemas" / "registries"
    registries.mkdir(parents=True)
    (registries / "offices.odcs.yaml").write_text(CONTRACT % {"id": "offices", "table": "office", "columns": OFFICE})
    letters = CONTRACT % {"id": "letters", "table": "letter", "columns": LETTER.rstrip() + REFERENCE.rstrip()}
    (registries / "letters.odcs.yaml").write_text(letters)
    with sqlite3.connect(tmp_path / "source.db") as source:
        source.execute("CREATE TABLE office (code TEXT, no INTEGER, staff INTEGER)")
        source.executemany("INSERT INTO office VALUES (?, ?, ?)", OFFICES)
        source.execute("CREATE TABLE letter (id INTEGER, office_code TEXT, office_no INTEGER)")
        source.executemany("INSERT INTO letter VALUES (?, ?, ?)", LETTERS)
    environ = {
        "LAKE_URI": str(tmp_path / "lake"), "SCHEMAS_DIR": str(tmp_path / "schemas"),
        "LIENTHONG_TMP": str(tmp_path / "tmp"), "AIRFLOW_CONN_SOURCE_DB": f"sqlite:///{tmp_path}/source.db",
    }  # fmt: skip
    return PipelineContext.from_environment(environ)


def counted(context: PipelineContext, run_id: str) -> dict[str, tuple[int, int]]:
    checks = log_tables.read(context.lake, "checks").to_pylist()
    return {
        row["metric"]: (row["violations"], row["rows"])
        for row in checks if row["run_id"] == run_id and row["metric"] in CROSS_CHECKS
    }  # fmt: skip


@held_by("integration/test_rejected_targets.py::test_a_reference_is_counted_again_when_what_it_leads_to_comes")
def test_each_kind_has_its_own_figure(context: PipelineContext) -> None:
    for registry, run_id in (("offices", "o1"), ("letters", "l1")):
        (facts,) = sync_registry(registry, run_id=run_id, context=context).tables
        assert facts.verdict == "published", facts
    assert counted(context, "l1") == {"relationship": (2, 7), "rejectedTarget": (3, 7)}


def test_what_is_mended_is_counted_no_more(context: PipelineContext, tmp_path: Path) -> None:
    sync_registry("offices", run_id="o1", context=context)
    contract = tmp_path / "schemas" / "registries" / "offices.odcs.yaml"
    contract.write_text(contract.read_text().replace("minimum: 0", "minimum: -1"))
    mended = PipelineContext.from_environment(context.environ)
    (facts,) = replay(mended, "offices", run_id="o2").tables
    assert (facts.verdict, facts.accepted) == ("published", 1)
    sync_registry("letters", run_id="l1", context=mended)
    assert counted(context, "l1") == {"relationship": (2, 7), "rejectedTarget": (1, 7)}


def test_a_broken_contract_of_the_other_register_leaves_one_figure(context: PipelineContext, tmp_path: Path) -> None:
    sync_registry("offices", run_id="o1", context=context)
    (tmp_path / "schemas" / "registries" / "offices.odcs.yaml").write_text("kind: nothing\n")
    sync_registry("letters", run_id="l1", context=PipelineContext.from_environment(context.environ))
    assert counted(context, "l1") == {"relationship": (5, 7)}


def test_a_reference_is_counted_again_when_what_it_leads_to_comes(context: PipelineContext, tmp_path: Path) -> None:
    """Whichever registry is synced first, and without a run of its own: a later replay changes no figure by itself."""
    sync_registry("letters", run_id="l1", context=context)
    assert counted(context, "l1") == {}, "there is nothing yet that it could lead to"
    sync_registry("offices", run_id="o1", context=context)
    assert counted(context, "o1") == {"relationship": (2, 7), "rejectedTarget": (3, 7)}
    with sqlite3.connect(tmp_path / "source.db") as source:
        source.execute("INSERT INTO office VALUES ('Z', 9, 1)")
    sync_registry("offices", run_id="o2", context=context)
    assert counted(context, "o2") == {"relationship": (1, 7), "rejectedTarget": (3, 7)}
