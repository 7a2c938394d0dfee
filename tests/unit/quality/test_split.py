"""The split's files, figures and limits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.contracts.model import Column, Rule, Table
from include.lake.publishing.published_context import Conformed, published_context_uri
from include.lake.storage.duckdb_engine import quote, scan
from include.lake.storage.lake import Lake
from include.quality.errors import ConservationBroken, RuleUnusable
from include.quality.expectations.assessment import assess
from include.quality.split import row_outcomes
from include.quality.split.results import SplitResult
from include.quality.split.row_outcomes import conform_and_split
from tests.ascii_tables import Outcome, check, contract_table, outcome_of, rows_of, write_extract

CONTRACT = """
properties:
  - {name: personal_id, physicalName: so_dinh_danh, logicalType: string, primaryKey: true}
  - {name: full_name, physicalName: ho_ten, logicalType: string, required: true}
"""
ROWS = """
    so_dinh_danh | ho_ten
    1            | An
    1            | Bình
    2            | -
"""


def test_reasons_carry_the_rule_the_column_and_the_contracts_words(tmp_path: Path) -> None:
    extract = write_extract(rows_of(ROWS), tmp_path / "e.parquet")
    outcome = outcome_of(contract_table(CONTRACT, tmp_path), extract, tmp_path)
    with duckdb.connect() as db:
        rows = db.execute(f"SELECT * FROM {scan(outcome.split.staged.faults)} ORDER BY _row").fetchall()
        types = db.execute(f"DESCRIBE SELECT * FROM {scan(outcome.split.staged.faults)}").fetchall()
        warnings = db.execute(f"DESCRIBE SELECT * FROM {scan(outcome.split.staged.warnings)}").fetchall()
    assert [(name, kind) for name, kind, *_ in types] == [
        ("_row", "BIGINT"),
        ("_outcome", "VARCHAR"),
        ("_reasons", 'STRUCT(rule_id VARCHAR, "column" VARCHAR, message VARCHAR)[]'),
    ]
    assert [(name, kind) for name, kind, *_ in warnings] == [("_row", "BIGINT"), ("_warnings", "VARCHAR[]")]
    superseded, rejected = rows
    assert superseded[:2] == (0, "superseded")
    assert superseded[2][0]["rule_id"] == "population.citizen.superseded"
    assert superseded[2][0]["column"] == "personal_id"
    assert rejected == (
        2,
        "rejected",
        [
            {
                "rule_id": "population.citizen.full_name.required",
                "column": "full_name",
                "message": "full_name must be given",
            }
        ],
    )


def test_the_result_survives_a_trip_through_json(tmp_path: Path) -> None:
    extract = write_extract(rows_of(ROWS), tmp_path / "e.parquet")
    split = outcome_of(contract_table(CONTRACT, tmp_path), extract, tmp_path).split
    assert SplitResult.from_dict(json.loads(json.dumps(split.to_dict()))) == split


def test_a_second_run_of_the_same_run_overwrites_its_files(tmp_path: Path) -> None:
    table = contract_table(CONTRACT, tmp_path)
    extract = write_extract(rows_of(ROWS), tmp_path / "e.parquet")
    first, second = (outcome_of(table, extract, tmp_path, "same") for _ in range(2))
    assert first.split.staged == second.split.staged
    assert (first.accepted, first.rejected, first.superseded) == (second.accepted, second.rejected, second.superseded)


def test_more_rules_than_bits_in_a_mask(tmp_path: Path) -> None:
    """Rule i is broken by rows of at least i, so the last row breaks all 150, and every second rule only warns."""
    rules = tuple(
        Rule(f"r.t.{i:03}", "t", ("n",), "sql", "row", "error" if i % 2 else "warning", "accuracy", "", f'"n" >= {i}')
        for i in range(1, 151)
    )
    table = Table("r", "t", "t", (Column("n", "n", "integer", "BIGINT"),), rules)
    extract = write_extract([{"n": str(i)} for i in range(151)], tmp_path / "e.parquet")
    outcome = outcome_of(table, extract, tmp_path)
    assert [c.violations for c in outcome.split.counts] == [151 - i for i in range(1, 151)]
    assert {row: len(reasons) for row, reasons in outcome.rejected.items()} == {i: (i + 1) // 2 for i in range(1, 151)}
    assert outcome.rejected[3] == ["001", "003"]
    assert outcome.warnings == {}


def test_a_table_without_rules_or_key_accepts_every_row(tmp_path: Path) -> None:
    table = Table("r", "t", "t", (Column("n", "n", "integer", "BIGINT"),), ())
    outcome = outcome_of(table, write_extract([{"n": "1"}, {"n": "1"}], tmp_path / "e.parquet"), tmp_path)
    assert outcome.accepted == [{"n": 1}, {"n": 1}]


def test_a_lost_row_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check counts the files as written; here a row gets two outcomes because the key step runs on all rows."""

    def two_outcomes(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
        connection.execute("CREATE TEMP TABLE superseded AS SELECT _row FROM conformed")
        connection.execute("CREATE TEMP VIEW candidates AS SELECT * FROM passing")

    monkeypatch.setattr(row_outcomes, "find_superseded", two_outcomes)
    extract = write_extract(rows_of(ROWS), tmp_path / "e.parquet")
    with pytest.raises(ConservationBroken, match=r"3 rows extracted, but 0 accepted \+ 1 rejected \+ 3 superseded"):
        outcome_of(contract_table(CONTRACT, tmp_path), extract, tmp_path)


def test_names_that_mean_something_to_the_engine_are_only_names(tmp_path: Path) -> None:
    """Each column is key, unique and required in turn; a value that is not given twice must never clash."""
    names = [
        "hashed", "rule", "item", "place", "members", "source", "conformed", "shared", "select", "order", "rowid",
        "c'd", "e:f", "g{h}", "i%j", "Tên cột", "violation", "condition", "lambda", "run", "x)*",
    ]  # fmt: skip
    columns = tuple(
        Column(name, name, "string", "VARCHAR", primary_key_position=1 if name == "hashed" else None) for name in names
    )
    prefix = "r.t"
    rules = tuple(
        rule
        for name in names
        for rule in (
            Rule(f"{prefix}.{name}.u", "t", (name,), "unique", "set", "error", "uniqueness", "no twin"),
            Rule(
                f"{prefix}.{name}.p", "t", (name,), "pattern", "row", "error", "conformity", "form",
                f"NOT regexp_matches({quote(name)}, '^[0-9]{{1}}$')", {"pattern": "^[0-9]{1}$"},
            ),
        )
    )  # fmt: skip
    table = Table("r", "t", "t", columns, rules)
    rows = [dict.fromkeys(names, str(i)) for i in range(3)] + [dict.fromkeys(names, "bad")]
    outcome = outcome_of(table, write_extract(rows, tmp_path / "e.parquet"), tmp_path)
    assert outcome.violations() == {f"{name}.p": 1 for name in names}
    twins = [{**row, "rule": "7"} for row in rows[:2]] + [{**rows[0], "order": "8", "hashed": "9"}]
    outcome = outcome_of(table, write_extract(twins, tmp_path / "e.parquet"), tmp_path)
    assert outcome.rejected[1] == ["rule.u"]
    assert outcome.rejected[0] == [f"{name}.u" for name in names if name not in ("hashed", "order")]
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    assessment = assess(table, outcome.split, lake=lake, run_id="r1", schemas_dir=tmp_path)
    assert assessment.counts == {count.rule_id: count.violations for count in outcome.split.counts}


def test_a_row_that_the_extract_marks_as_drifted_is_rejected_with_that_reason_too(tmp_path: Path) -> None:
    table = contract_table(CONTRACT, tmp_path)
    marks = pa.array([True, False, None, True], pa.bool_())
    texts = {"so_dinh_danh": ["1", "2", "3", "4"], "ho_ten": ["An", "Binh", "Chi", None]}
    pq.write_table(pa.table({**texts, "_lienthong_drift": marks}), tmp_path / "e.parquet")
    outcome = outcome_of(table, str(tmp_path / "e.parquet"), tmp_path)
    assert outcome.rejected == {0: ["drift"], 3: ["full_name.required", "drift"]}
    assert outcome.violations() == {"full_name.required": 1, "drift": 2}
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    assessment = assess(table, outcome.split, lake=lake, run_id="r1", schemas_dir=tmp_path)
    assert assessment.counts == {count.rule_id: count.violations for count in outcome.split.counts}


def test_what_lies_beside_may_be_found_when_the_conformed_rows_are_there(tmp_path: Path) -> None:
    """And is in the contract's types whatever the file has; columns that no rule reads need not be in it."""
    contract = CONTRACT + "  - {name: n, physicalName: n, logicalType: integer, unique: true}"
    extract = write_extract([{"so_dinh_danh": "1", "ho_ten": "An", "n": "7"}], tmp_path / "e.parquet")
    asked: list[Conformed] = []

    def beside(conformed: Conformed) -> str:
        asked.append(conformed)
        pq.write_table(pa.table({"n": pa.array([7, 8], pa.int32())}), published_context_uri(conformed.uri))
        return published_context_uri(conformed.uri)

    table, lake = contract_table(contract, tmp_path), Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    split = conform_and_split(table, extract, lake=lake, run_id="r1", schemas_dir=tmp_path, published_context=beside)
    assert [conformed.uri for conformed in asked] == [split.staged.conformed]
    assert (split.accepted, split.rejected, split.beside) == (0, 1, published_context_uri(split.staged.conformed))
    assessment = assess(table, split, lake=lake, run_id="r1", schemas_dir=tmp_path)
    assert assessment.counts == {count.rule_id: count.violations for count in split.counts}


SOFT = """
properties:
  - {name: id, physicalName: a, logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^[0-9]$'}}
  - {name: name, physicalName: b, logicalType: string, required: true}
  - {name: serial, physicalName: c, logicalType: string, unique: true}
  - {name: status, physicalName: d, logicalType: string}
  - {name: born, physicalName: e, logicalType: date}
  - {name: changed, physicalName: f, logicalType: date}
quality:
  - {id: short, type: sql, mustBe: 0, severity: warning, query: "SELECT COUNT(*) FROM {object} WHERE length(name) < 2"}
  - {id: key-and-name, type: sql, mustBe: 0, query: "SELECT COUNT(*) FROM {object} WHERE id = name"}
  - {id: many, type: library, metric: rowCount, mustBeGreaterThan: 0}
  - {id: known, type: library, metric: duplicateValues, mustBeLessThan: 9, arguments: {properties: [born]}}
  - {id: no-name, type: sql, mustBeLessThan: 9, query: "SELECT COUNT(*) FROM {object} WHERE name IS NULL"}
customProperties:
  - {property: extract, value: {cursor: [changed], deletes: soft, deletedWhen: status = 'cancelled'}}
"""


def assessed_alike(table: Table, outcome: Outcome, folder: Path) -> Outcome:
    """Great Expectations counts the same."""
    lake = Lake(str(folder / "lake"), scratch=folder / "tmp")
    assessment = assess(table, outcome.split, lake=lake, run_id="r1", schemas_dir=folder)
    assert assessment.counts == {count.rule_id: count.violations for count in outcome.split.counts}
    return outcome


def test_a_row_that_the_source_calls_deleted_must_have_a_good_key_and_nothing_else(tmp_path: Path) -> None:
    given = """
    a | b  | c  | d         | e          | f
    1 | -  | S1 | cancelled | 2020-01-01 | 2024-02-01
    2 | A  | S2 | cancelled | 31-31-31   | soon
    3 | 3  | S3 | cancelled | -          | -
    - | An | -  | cancelled | -          | -
    x | An | -  | cancelled | -          | -
    4 | -  | S4 | -         | -          | -
    """
    expected = """
    outcome  | reasons
    accepted | -
    accepted | -
    accepted | -
    rejected | id.required
    rejected | id.pattern
    rejected | name.required
    """
    table = contract_table(SOFT, tmp_path)
    outcome = assessed_alike(table, check(table, given, expected, tmp_path), tmp_path)
    assert outcome.violations() == {"id.required": 1, "id.pattern": 1, "name.required": 1}


def test_a_row_that_the_source_calls_deleted_clashes_with_nothing_and_is_not_measured(tmp_path: Path) -> None:
    """Its serial may be another's by now. It is the newest of its key, so an older version does not come back."""
    given = """
    a | b    | c  | d         | e          | f
    1 | An   | S1 | cancelled | 2020-01-01 | 2024-02-01
    2 | Chi  | S1 | active    | 2020-01-01 | 2024-02-01
    3 | Dung | S3 | active    | -          | 2024-01-01
    3 | -    | S9 | cancelled | 2020-01-01 | 2024-02-01
    4 | Em   | S4 | cancelled | -          | 2024-01-01
    4 | Em   | S4 | active    | -          | 2024-02-01
    5 | Giao | S9 | active    | 2020-01-01 | 2024-01-01
    6 | Hoa  | S5 | active    | -          | 2024-01-01
    7 | Yen  | S6 | cancelled | -          | 2024-01-01
    """
    expected = """
    outcome    | reasons
    accepted   | -
    accepted   | -
    superseded | -
    accepted   | -
    superseded | -
    accepted   | -
    accepted   | -
    rejected   | serial.unique
    accepted   | -
    """
    beside = """
    serial | born
    S5     | 2020-01-01
    S6     | -
    """
    table = contract_table(SOFT, tmp_path)
    outcome = assessed_alike(table, check(table, given, expected, tmp_path, beside=beside), tmp_path)
    assert outcome.violations() == {"serial.unique": 1, "many": 5, "known": 3, "no-name": 2}
    assert outcome.split.count("population.citizen.serial.unique").rows == 4


def test_nobody_is_called_deleted_because_a_value_could_not_be_read(tmp_path: Path) -> None:
    contract = SOFT.replace("status = 'cancelled'", "born IS NULL")
    given = """
    a | b | c | d | e          | f
    1 | - | - | - | -          | soon
    2 | - | - | - | 31/31/2020 | soon
    """
    expected = """
    outcome  | reasons
    accepted | -
    rejected | born.unreadable
    """
    table = contract_table(contract, tmp_path)
    assessed_alike(table, check(table, given, expected, tmp_path), tmp_path)


def test_a_deleted_row_that_drifted_is_rejected_as_ever(tmp_path: Path) -> None:
    table = contract_table(SOFT, tmp_path)
    row = {"a": "1", "b": None, "c": None, "d": "cancelled", "e": None, "f": None}
    columns = {name: pa.array([value], pa.string()) for name, value in row.items()}
    pq.write_table(pa.table({**columns, "_lienthong_drift": pa.array([True])}), tmp_path / "e.parquet")
    outcome = assessed_alike(table, outcome_of(table, str(tmp_path / "e.parquet"), tmp_path), tmp_path)
    assert outcome.rejected == {0: ["drift"]}


def test_rules_of_a_second_mask_do_not_hold_for_deleted_rows_either(tmp_path: Path) -> None:
    rules = "".join(
        f"  - {{id: r{i}, type: sql, mustBe: 0, query: 'SELECT COUNT(*) FROM {{object}} WHERE born IS NULL'}}\n"
        for i in range(70)
    )
    table = contract_table(SOFT.replace("customProperties:", f"{rules}customProperties:"), tmp_path)
    given = [
        {"a": str(i), "b": "An", "c": None, "d": d, "e": None, "f": None} for i, d in enumerate(("cancelled", "x"))
    ]
    outcome = outcome_of(table, write_extract(given, tmp_path / "e.parquet"), tmp_path)
    assert [(row, len(reasons)) for row, reasons in outcome.rejected.items()] == [(1, 70)]


def test_a_condition_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Not the rule that happens to stand behind it."""
    extract = write_extract(rows_of("a | b | c | d | e | f\n1 | An | S1 | secret | - | -"), tmp_path / "e.parquet")
    for condition, why in (("CAST(status AS INTEGER) > 1", "TRY_CAST"), ("nonsense(status)", "no function or list")):
        table = contract_table(SOFT, tmp_path)
        table = replace(table, extract=replace(table.extract, deleted_when=condition))  # no contract could say it
        with pytest.raises(
            RuleUnusable, match=rf"population\.citizen: its `deletedWhen` cannot be used: .*{why}"
        ) as raised:
            outcome_of(table, extract, tmp_path)
        assert "secret" not in str(raised.value)
