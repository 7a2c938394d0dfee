"""Two engines, one split: rows, reasons, warnings and counts of a cluster's two workers are DuckDB's, row for row."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.cluster import part_sizes
from include.cluster.spark_session import ClusterUnusable, Spark
from include.contracts.model import Table
from include.lake.publishing.published_context import Conformed, published_context_uri
from include.lake.storage.duckdb_engine import scan
from include.lake.storage.lake import Lake
from include.quality.errors import ConformError
from include.quality.expectations.assessment import assess
from include.quality.split import cluster_parts, row_outcomes
from include.quality.split.results import SplitResult
from include.quality.split.row_outcomes import conform_and_split
from tests.ascii_tables import SCHEMAS, contract_table

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.usefixtures("master", "one_session"),
    pytest.mark.filterwarnings("ignore"),
]

# Every kind of rule and conversion; keys that differ at the source and are published as one; rows that the source calls
# deleted; a code list of its own and macros.
CONTRACT = """
properties:
  - {name: number, physicalName: so, logicalType: string, primaryKey: true, primaryKeyPosition: 1,
     transformLogic: "trim(so)", logicalTypeOptions: {pattern: '^[0-9]+$'}}
  - {name: part, physicalName: phan, logicalType: integer, primaryKey: true, primaryKeyPosition: 2}
  - {name: name, physicalName: ten, logicalType: string, required: true, transformLogic: "vn_text(ten)"}
  - {name: sex, physicalName: gioi_tinh, logicalType: string, transformLogic: "vn_sex(gioi_tinh)"}
  - {name: serial, physicalName: ma, logicalType: string, unique: true}
  - {name: born, physicalName: sinh, logicalType: date}
  - {name: amount, physicalName: tien, logicalType: number, physicalType: "decimal(12,2)",
     logicalTypeOptions: {minimum: 0}}
  - {name: status, physicalName: tt, logicalType: string}
  - {name: changed, physicalName: sua, logicalType: date}
quality:
  - {id: short, type: sql, mustBe: 0, severity: warning, query: "SELECT COUNT(*) FROM {object} WHERE length(name) < 3"}
  - {id: twice, type: library, metric: duplicateValues, mustBe: 0, arguments: {properties: [name, born]}}
  - {id: twice-said, type: library, metric: duplicateValues, mustBe: 0, severity: warning,
     arguments: {properties: [amount]}}
  - {id: many, type: library, metric: rowCount, mustBeGreaterThan: 0}
  - {id: known, type: library, metric: duplicateValues, mustBeLessThan: 900, arguments: {properties: [born]}}
  - {id: no-sex, type: sql, mustBeLessThan: 900, query: "SELECT COUNT(*) FROM {object} WHERE sex IS NULL"}
customProperties:
  - {property: extract, value: {cursor: [changed], deletes: soft, deletedWhen: status = 'cancelled'}}
"""
ROWS = 3_000


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_sizes, "FEWEST_ROWS", 100)


def dirty_rows(seed: int) -> pa.Table:
    """Rows with dirt of every kind, and the marks of rows that drifted."""
    draw = random.Random(seed)

    def text(*texts: str | None, often: Any = None) -> str | None:
        return draw.choice(texts) if often is None or draw.random() < 0.05 else str(often())

    rows = {
        "so": lambda: text("x", None, "", " 7", "7 ", "7", "\0", often=lambda: draw.randrange(ROWS)),
        "phan": lambda: text("1", "2", "01", "1.0", "1.5", None, "99999999999999999999", "1", "1", "1"),
        "ten": lambda: text("An", "nguye\u0302n Bi\u0300nh", "  ", None, often=lambda: f"Lê {draw.randrange(ROWS)}"),
        "gioi_tinh": lambda: text("nam", "Nữ", "M", "?", None, "1"),
        "ma": lambda: text("", "S1", None, "S\u200b1", often=lambda: f"S{draw.randrange(20 * ROWS)}"),
        "sinh": lambda: text("1990-01-02", "31/31/1990", "1990-02-30", None, "2001-12-31", "1977-07-07"),
        "tien": lambda: text("-1", "1e3", "12.345", "a", "0.10", "007", None, often=lambda: draw.randrange(10 * ROWS)),
        "tt": lambda: text("cancelled", "active", None, "active"),
        "sua": lambda: text("2024-01-01", "2024-02-01", "2024-03-01", "soon", None),
    }
    columns = {name: pa.array([make() for _ in range(ROWS)], pa.string()) for name, make in rows.items()}
    marks = pa.array([draw.random() < 0.01 for _ in range(ROWS)], pa.bool_())
    return pa.table({**columns, "_lienthong_drift": marks})


def content(split: SplitResult) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the staged files by `_row`, with the names and types of their columns."""
    found = {}
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        for name in ("conformed", "faults", "warnings"):
            rows = scan(getattr(split.staged, name))
            found[name] = db.execute(f"DESCRIBE FROM {rows}").fetchall()
            found[name] += db.execute(f"FROM {rows} ORDER BY _row").fetchall()
    return found


def figures(split: SplitResult) -> tuple[Any, ...]:
    return split.extracted, split.accepted, split.rejected, split.superseded, split.counts


def beside(folder: Path) -> Any:
    """Published rows that the run does not touch, some of which have a value that must not repeat."""

    def found(conformed: Conformed) -> str:
        source = f"SELECT serial, name, born, sex, amount FROM {scan(conformed.uri)}"
        with duckdb.connect() as db:
            db.execute(f"COPY (SELECT * FROM ({source}) WHERE serial > 'S5' ORDER BY ALL LIMIT 60) "
                       f"TO '{published_context_uri(conformed.uri)}' (FORMAT parquet)")  # fmt: skip
        return published_context_uri(conformed.uri)

    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_both_engines_give_every_row_the_same_outcome(master: str, seed: int, tmp_path: Path) -> None:
    extract = tmp_path / "a folder with 'quotes'" / "e.parquet"
    extract.parent.mkdir()
    pq.write_table(dirty_rows(seed), extract, row_group_size=700)
    table, lake = contract_table(CONTRACT, tmp_path), Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    where: dict[str, Any] = {"lake": lake, "schemas_dir": SCHEMAS, "published_context": beside(tmp_path)}
    ours = conform_and_split(table, str(extract), run_id="ours", **where)
    theirs = conform_and_split(table, str(extract), run_id="theirs", **where, spark=Spark(master))
    assert figures(theirs) == figures(ours)
    assert content(theirs) == content(ours)
    broken = {count.rule_id.split(".", 2)[2] for count in ours.counts if count.violations}
    assert broken >= {
        "number.pattern", "number.required", "part.unreadable", "name.required", "sex.unreadable", "serial.unique",
        "born.unreadable", "amount.minimum", "amount.unreadable", "short", "twice", "twice-said", "key", "drift",
    }  # fmt: skip
    assert min(ours.accepted, ours.superseded, ours.rejected) > 50
    assessment = assess(table, theirs, lake=lake, run_id="theirs", schemas_dir=SCHEMAS)
    assert assessment.counts == {count.rule_id: count.violations for count in ours.counts}
    assert not list(Path(lake.uri).rglob("spark-*")), "no row stays behind"


def test_a_key_of_another_server_rejects_the_row(master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(dirty_rows(3), tmp_path / "e.parquet")
    table = contract_table(CONTRACT, tmp_path)
    server = replace(next(r for r in table.rules if r.scope == "set"), rule_id=table.server_rule_id)
    table = replace(table, rules=(*table.rules, replace(server, columns=table.primary_key)))

    def elsewhere(lake: Lake, table: Table, conformed_uri: str) -> str:
        uri = f"{conformed_uri.rpartition('/')[0]}/elsewhere.parquet"
        with duckdb.connect() as db:
            rows = f"SELECT number, part FROM {scan(conformed_uri)} WHERE number IS NOT NULL ORDER BY _row LIMIT 90"
            db.execute(f"COPY ({rows}) TO '{uri}' (FORMAT parquet)")
        return uri

    monkeypatch.setattr(row_outcomes, "keys_elsewhere", elsewhere)
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    ours, theirs = (
        conform_and_split(
            table,
            str(tmp_path / "e.parquet"),
            lake=lake,
            run_id="spark" if spark else "duckdb",
            schemas_dir=SCHEMAS,
            spark=spark,
        )
        for spark in (None, Spark(master, tmp_path / "shared"))
    )
    assert ours.count(table.server_rule_id).violations > 10
    assert figures(theirs) == figures(ours)
    assert content(theirs) == content(ours)
    assert list((tmp_path / "shared").iterdir()) == []


def test_an_expression_that_stops_on_a_row_is_named_as_ever(master: str, tmp_path: Path) -> None:
    pq.write_table(dirty_rows(4), tmp_path / "e.parquet")
    table = contract_table(CONTRACT, tmp_path)
    name = replace(table.column("name"), expression="strptime(ten, '%d')::VARCHAR")  # no contract could say it
    table = replace(table, columns=tuple(name if c.name == "name" else c for c in table.columns))
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    said = []
    for spark in (None, Spark(master)):
        with pytest.raises(ConformError, match="transformLogic of column name cannot be used: it stops") as told:
            conform_and_split(
                table, str(tmp_path / "e.parquet"), lake=lake, run_id="r", schemas_dir=SCHEMAS, spark=spark
            )
        said.append(str(told.value))
    assert said[0] == said[1]


def test_workers_that_do_not_see_the_folder_are_told_with_a_remedy(
    master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is gone before the tasks are there, as it is for a worker that does not have the mount."""
    pq.write_table(dirty_rows(5), tmp_path / "e.parquet")
    table, lake = contract_table(CONTRACT, tmp_path), Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    given = cluster_parts._definitions

    def then_gone(connection: Any, shared: Path, *rest: Any) -> Any:
        made = given(connection, shared, *rest)
        shutil.rmtree(shared)
        return made

    monkeypatch.setattr(cluster_parts, "_definitions", then_gone)
    with pytest.raises(ClusterUnusable, match="let SPARK_FOLDER name one that is mounted everywhere") as told:
        conform_and_split(
            table, str(tmp_path / "e.parquet"), lake=lake, run_id="r", schemas_dir=SCHEMAS, spark=Spark(master)
        )
    assert told.value.__cause__ is None
