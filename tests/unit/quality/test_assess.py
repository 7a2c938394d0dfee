"""The second evaluation: same counts, no values, and an alarm when the two disagree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from include.contracts.model import Table
from include.lake.storage.lake import Lake
from include.quality.errors import EvaluationsDisagree, RuleUnusable
from include.quality.expectations import import_gx
from include.quality.expectations.assessment import Assessment, assess
from include.quality.split.row_outcomes import conform_and_split
from tests.ascii_tables import SCHEMAS, contract_table, outcome_of, rows_of, write_extract

PLANTED = "Nguyễn Thị Bí Mật"
EVERY_METRIC = r"""
properties:
  - {name: personal_id, physicalName: a, logicalType: string, primaryKey: true,
     logicalTypeOptions: {pattern: '^(?:0:)?[0-9]{2,12}$', minLength: 2, maxLength: 5}}
  - name: full_name
    physicalName: b
    logicalType: string
    required: true
    quality:
      - {id: named, type: library, metric: missingValues, arguments: {missingValues: ['', 'N/A', null]}, mustBe: 0}
      - {id: not-na, type: library, metric: missingValues, arguments: {missingValues: ['N/A']}, mustBe: 0}
      - {id: letters, type: library, metric: invalidValues, arguments: {pattern: '^\D+%?$', validValues: [An, Chi]},
         mustBe: 0, severity: warning}
      - {id: few-null, type: library, metric: nullValues, mustBeLessThan: 40, unit: percent}
  - {name: birth_date, physicalName: c, logicalType: date,
     logicalTypeOptions: {format: dd/MM/yyyy, minimum: '1900-01-01', exclusiveMaximum: '2020-01-01'}}
  - {name: sex, physicalName: d, logicalType: string, enum: [{value: '1'}, {value: '2'}]}
  - {name: share, physicalName: e, logicalType: number, physicalType: 'decimal(9,4)',
     logicalTypeOptions: {exclusiveMinimum: 0, maximum: 1}}
  - {name: amount, physicalName: f, logicalType: integer, logicalTypeOptions: {minimum: 0, multipleOf: 5},
     enum: [{value: 5}, {value: 10}, {value: 7}]}
  - {name: phone, physicalName: g, logicalType: string, unique: true}
  - name: sex_of_list
    physicalName: h
    logicalType: string
    relationships: [{to: reference.sex.code}]
    quality:
      - {id: known-sex, type: library, metric: invalidValues, arguments: {validValues: ['1', '2']}, mustBe: 0}
      - {id: at-most, type: library, metric: duplicateValues, mustBeLessThan: 100, unit: percent}
quality:
  - {id: pair, type: library, metric: duplicateValues, mustBe: 0, arguments: {properties: [birth_date, sex]}}
  - {id: odd, type: sql, mustBe: 0, severity: warning,
     query: "SELECT COUNT(*) FROM {object} WHERE full_name LIKE '%:x {%' OR strftime(birth_date, '%H:%M') <> '00:00'
       OR birth_date::DATE > DATE '2000-01-01'"}
  - {id: aliased, type: sql, mustBe: 0, severity: warning,
     query: "SELECT COUNT(*) AS n FROM {object} AS o WHERE o.full_name = 'An' OR o.amount > 5"}
  - {id: enough, type: library, metric: rowCount, mustBeGreaterThan: 1}
"""
ROWS = f"""
    a    | b         | c          | d | e      | f   | g   | h
    -----+-----------+------------+---+--------+-----+-----+---
    01   | An        | 01/02/1990 | 1 | 0.5    | 5   | 1   | 1
    02   | Chi       | 01/02/1991 | 2 | 1      | 10  | 2   | 2
    02   | Dung      | 01/02/1991 | 2 | 1      | 10  | 2   | 2
    03   | a:x {{%   | 01/02/2001 | 1 | 0.0001 | 5   | 3   | 3
    0:04 | Giang     | 01/02/1990 | 1 | 0.5    | 5   | 4   | 1
    05   | Hoa       | 01/02/1992 | 1 | 0.5    | 5   | 5   | 1
    06   | Khanh     | 01/02/1993 | 1 | 0.5    | 5   | 5   | 2
    07   | N/A       | 31/02/1890 | 9 | 0      | 7   | -   | 9
    008x | ''        | 01/02/1890 | - | 1.0001 | -5  | -   | -
    -    | -         | 01/02/2020 | 1 | x      | 2.5 | -   | 1
    9    | {PLANTED} | -          | - | -      | -   | -   | -
    10   | Lan       | -          | 1 | -      | -   | -   | 1
    11   | Mai       | -          | 1 | -      | -   | -   | 1
"""


def run_both(table: Table, rows: str, folder: Path) -> tuple[Assessment, dict[str, int], Lake]:
    lake = Lake(str(folder / "lake"), scratch=folder / "tmp")
    extract = write_extract(rows_of(rows), folder / "e.parquet") if rows else str(folder / "e.parquet")
    split = conform_and_split(table, extract, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assessment = assess(table, split, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    return assessment, {count.rule_id: count.violations for count in split.counts}, lake


def test_every_metric_is_counted_alike_by_both(tmp_path: Path) -> None:
    table = contract_table(EVERY_METRIC, tmp_path)
    assessment, counts, lake = run_both(table, ROWS, tmp_path)
    assert assessment.counts == counts
    zero = {rule_id.split(".", 2)[2] for rule_id, count in counts.items() if not count}
    assert zero == {f"{c}.controlCharacters" for c in ("personal_id", "full_name", "sex", "phone", "sex_of_list")} | {
        "few-null",
        "personal_id.maxLength",
        "key",
    }
    results = json.loads(lake.read_text(assessment.results))
    assert results["statistics"]["evaluated_expectations"] == len(table.rules) + 2
    assert {r["expectation_config"]["meta"]["rule_id"] for r in results["results"]} == set(counts) | {
        "population.citizen.conformed.rows",
        "population.citizen.accepted.rows",
    }


def test_both_count_alike_where_the_source_calls_rows_deleted(tmp_path: Path) -> None:
    """Each rule that is broken here loses a row that breaks it, but those on the key."""
    soft = 'customProperties:\n  - {property: extract, value: {deletes: soft, deletedWhen: "%s"}}\n'
    kept = run_both(contract_table(EVERY_METRIC, tmp_path), ROWS, tmp_path)[1]
    fewer = set()
    for gone in (
        "phone = '5' OR full_name = 'Chi' OR birth_date = DATE '2020-02-01'",
        "share IS NULL OR share > 1",
        "amount = 7 OR personal_id IN ('01', '03')",
    ):
        assessment, counts, _ = run_both(contract_table(EVERY_METRIC + soft % gone, tmp_path), ROWS, tmp_path)
        assert assessment.counts == counts
        fewer |= {rule_id.split(".", 2)[2] for rule_id in counts if counts[rule_id] < kept[rule_id]}
    of_key = {f"personal_id.{name}" for name in ("required", "pattern", "minLength")}
    broken = {rule_id.split(".", 2)[2] for rule_id, count in kept.items() if count}
    assert fewer == broken - of_key, broken - of_key - fewer


def test_columns_called_as_those_of_a_code_list_are_the_rows_own(tmp_path: Path) -> None:
    properties = """
properties:
  - {name: id, physicalName: a, logicalType: string, primaryKey: true}
  - name: code
    physicalName: b
    logicalType: string
    relationships:
      - {to: reference.service_levels.code, customProperties: [{property: validOn, value: %(day)s}]}
  - {name: %(day)s, physicalName: c, logicalType: date}
  - {name: candidates, physicalName: d, logicalType: string}
quality:
  - {id: old-ward, type: sql, mustBe: 0, severity: warning,
     query: "SELECT COUNT(*) FROM {object} WHERE vn_ward_current(candidates) IS DISTINCT FROM candidates"}
"""
    given = """
    a | b          | c          | d
    --+------------+------------+------
    1 | 4          | 2022-08-14 | 00004
    2 | 4          | 2022-08-15 | 00004
    3 | toan_trinh | 2022-08-15 | 99999
    4 | toan_trinh | 2022-08-14 | 00004
    5 | 9          | 2022-08-14 | 00004
    6 | 4          | -          | 00004
    """
    for day in ("valid_from", "valid_until", "name"):
        folder = tmp_path / day
        folder.mkdir()
        assessment, counts, _ = run_both(contract_table(properties.replace("%(day)s", day), folder), given, folder)
        assert assessment.counts == counts
        assert counts["population.citizen.code.reference"] == 3, day
        assert counts["population.citizen.old-ward"] == 1


def test_nothing_that_is_written_holds_a_value(tmp_path: Path) -> None:
    """The planted name breaks rules of every kind: a pattern, a set, a length, a SQL rule."""
    table = contract_table(EVERY_METRIC, tmp_path)
    rows = ROWS.replace("01   | An  ", f"01   | {PLANTED}").replace("| 9\n", f"| {PLANTED}\n").replace("008x", PLANTED)
    assessment, counts, lake = run_both(table, rows, tmp_path)
    assert counts["population.citizen.personal_id.maxLength"] == 1
    for uri in (assessment.results, assessment.data_docs, lake.path("audit", "data_docs", "index.html")):
        text = lake.read_text(uri)
        assert "citizen" in text
        for part in (PLANTED, PLANTED.encode("ascii", "backslashreplace").decode(), "Khanh", "0.0001"):
            assert part not in text


def test_the_page_shows_each_rule_and_loads_nothing(tmp_path: Path) -> None:
    table = contract_table(EVERY_METRIC, tmp_path)
    assessment, counts, lake = run_both(table, ROWS, tmp_path)
    page = lake.read_text(assessment.data_docs)
    for rule_id in counts:
        assert rule_id in page
    assert not re.search(r"<script|<link|<img|<iframe|src=|url\(|@import|https?://", page)
    assert 'href="population/citizen.html"' in lake.read_text(lake.path("audit", "data_docs", "index.html"))


def test_the_index_knows_the_page_that_another_run_writes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text = Lake.write_text

    def beside_another(lake: Lake, uri: str, text: str) -> None:
        if uri.endswith("index.html"):
            write_text(lake, lake.path("audit", "data_docs", "land", "parcel.html"), "")
        write_text(lake, uri, text)

    monkeypatch.setattr(Lake, "write_text", beside_another)
    _, _, lake = run_both(contract_table(EVERY_METRIC, tmp_path), ROWS, tmp_path)
    index = lake.read_text(lake.path("audit", "data_docs", "index.html"))
    assert re.findall(r'href="([^"]+)"', index) == ["land/parcel.html", "population/citizen.html"]


def test_a_disagreement_stops_the_run_and_names_the_rule_and_both_counts(tmp_path: Path) -> None:
    table = contract_table(EVERY_METRIC, tmp_path)
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    extract = write_extract(rows_of(ROWS), tmp_path / "e.parquet")
    split = conform_and_split(table, extract, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    sex = next(r for r in table.rules if r.rule_id.endswith("sex.enum"))
    other = replace(
        table, rules=tuple(replace(r, arguments={"validValues": ["1"]}) if r == sex else r for r in table.rules)
    )
    message = r"disagree on population\.citizen\.sex\.enum \(split 1, Great Expectations 3\)"
    with pytest.raises(EvaluationsDisagree, match=message):
        assess(other, split, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assert lake.exists(lake.path("audit", "gx", "population", "citizen", "run=r1.json"))


def test_a_key_that_stands_twice_among_accepted_rows_is_a_disagreement(tmp_path: Path) -> None:
    """GX checks the outcome of the key step: here the contract that it is given has a shorter key."""
    table = contract_table(EVERY_METRIC, tmp_path)
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    extract = write_extract(rows_of(ROWS), tmp_path / "e.parquet")
    split = conform_and_split(table, extract, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    rules = tuple(replace(r, columns=("sex",)) if r.rule_id == table.key_rule_id else r for r in table.rules)
    with pytest.raises(EvaluationsDisagree, match=r"population\.citizen\.key \(split 0, Great Expectations \d\)"):
        assess(replace(table, rules=rules), split, lake=lake, run_id="r1", schemas_dir=SCHEMAS)


def test_an_expectation_that_cannot_be_evaluated_is_named_without_the_engines_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    table = contract_table(EVERY_METRIC, tmp_path)
    rows = ROWS.replace("| Lan ", f"| {PLANTED} ")
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    extract = write_extract(rows_of(rows), tmp_path / "e.parquet")
    split = conform_and_split(table, extract, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    query = "SELECT COUNT(*) FROM {object} WHERE CAST(full_name AS INTEGER) > 1"
    rules = tuple(replace(r, query=query) if r.rule_id.endswith(".odd") else r for r in table.rules)
    with pytest.raises(RuleUnusable, match=r"could not evaluate population\.citizen\.odd") as raised:
        assess(replace(table, rules=rules), split, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assert PLANTED not in str(raised.value)
    assert PLANTED not in caplog.text
    assert PLANTED not in "".join(capfd.readouterr())


def test_an_empty_extract_and_one_without_a_good_row(tmp_path: Path) -> None:
    table = contract_table(EVERY_METRIC, tmp_path)
    write_extract([], tmp_path / "e.parquet", list("abcdefgh"))
    assessment, counts, _ = run_both(table, "", tmp_path)
    assert set(assessment.counts.values()) == {0}
    assert assessment.counts == counts
    bad = [*ROWS.splitlines()[0:3], ROWS.splitlines()[10]]
    assessment, counts, _ = run_both(table, "\n".join(bad), tmp_path)
    assert assessment.counts == counts
    assert outcome_of(table, str(tmp_path / "e.parquet"), tmp_path).split.accepted == 0


def test_the_condition_of_a_query_is_the_contracts_own_and_not_the_splits(tmp_path: Path) -> None:
    table = contract_table(
        """
properties:
  - {name: a, logicalType: timestamp, logicalTypeOptions: {timezone: true}}
quality:
  - {id: late, type: sql, query: "select count(*) n from {object} o where  o.a::DATE > '2020-01-01'  ;", mustBe: 0}
""",
        tmp_path,
    )
    (rule,) = [rule for rule in table.rules if rule.metric == "sql"]
    import_gx()  # without PySpark, where that is installed
    from include.quality.expectations.suite import where_of

    assert where_of(rule.query) == """CAST("a" AS DATE) > '2020-01-01'"""
    assert rule.violation == """CAST(make_timestamp(epoch_us("a")) AS DATE) > '2020-01-01'"""


def test_great_expectations_is_imported_beside_other_work_and_without_what_no_rule_uses() -> None:
    program = """
import sys
from include.quality.expectations.gx import import_gx, import_gx_meanwhile
import_gx_meanwhile()
import_gx()
assert "include.quality.expectations.suite" in sys.modules
assert not {"scipy.stats._stats_py", "altair.vegalite"} & set(sys.modules)
import altair, scipy.stats
from altair.utils import data
from scipy.stats import norm
assert scipy.stats.norm.cdf(0) == norm.cdf(0) == 0.5
assert altair.Chart.__module__.startswith("altair.vegalite")
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=SCHEMAS.parent)


def test_great_expectations_does_not_touch_pyspark_which_ends_processes_without_a_main_module(tmp_path: Path) -> None:
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").write_text("import sys; sys.exit(0)\n", encoding="utf-8")
    program = """
import sys
from include.quality.expectations.gx import import_gx
import_gx()
from great_expectations.compatibility import pyspark
from great_expectations.compatibility.pyspark import DataFrame, functions
assert not pyspark.DataFrame and not DataFrame and not functions
print("still here")
"""
    command = [sys.executable, "-c", program]
    environ = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, check=True, cwd=SCHEMAS.parent, env=environ, capture_output=True, text=True)
    assert done.stdout == "still here\n"
