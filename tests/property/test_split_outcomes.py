"""Every extracted row gets exactly one outcome, with every reason, whatever the rows and however they are ordered.

The expected outcome is worked out again row by row in plain Python, from the words of the contract.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.contracts.model import Table
from include.lake.storage.lake import Lake
from include.quality.expectations.assessment import assess
from tests.ascii_tables import SCHEMAS, Outcome, contract_table, outcome_of, write_extract
from tests.repeats import repeats

CONTRACT = """
properties:
  - {name: id, physicalName: a, logicalType: string, primaryKey: true, logicalTypeOptions: {pattern: '^[0-9]$'}}
  - {name: name, physicalName: b, logicalType: string, required: true, enum: [{value: An}, {value: Chi}, {value: Ánh}]}
  - {name: born, physicalName: c, logicalType: date, logicalTypeOptions: {format: dd/MM/yyyy}}
  - {name: amount, physicalName: d, logicalType: integer, logicalTypeOptions: {minimum: 0}}
  - {name: card, physicalName: e, logicalType: string, unique: true}
  - {name: changed, physicalName: f, logicalType: date}
quality:
  - {id: pair, type: library, metric: duplicateValues, mustBe: 0, arguments: {properties: [born, amount]}}
  - {id: doubt, type: sql, severity: warning, mustBe: 0, query: "SELECT COUNT(*) FROM {object} WHERE amount > 1"}
  - {id: many, type: library, metric: rowCount, mustBeGreaterThan: 0}
customProperties:
  - {property: extract, value: {cursor: [changed]}}
"""
NAMES = "abcdef"
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.sampled_from(["1", "2", "3", "4", "x", "12", None]),
            "b": st.sampled_from(["An", "Chi", "A\u0301nh", "Bi", "A\x00n", None]),
            "c": st.sampled_from(["01/02/1990", "02/02/1990", "31/02/1990", "", None]),
            "d": st.sampled_from(["0", "1", "2", "-1", "1.5", " ", None]),
            "e": st.sampled_from(["k", "l", "m", None, "\x07"]),
            "f": st.sampled_from(["2024-01-01", "2024-02-01", "soon", None]),
        }
    ),
    max_size=14,
)
SLOW = settings(
    max_examples=repeats(10, 40), deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return contract_table(CONTRACT, tmp_path_factory.mktemp("contract"))


BESIDE = st.lists(
    st.fixed_dictionaries(
        {
            "born": st.sampled_from([date(1990, 2, 1), date(1990, 2, 2), None]),
            "amount": st.sampled_from([0, 1, 2, None]),
            "card": st.sampled_from(["k", "l", None]),
        }
    ),
    max_size=4,
)


def run(table: Table, rows: list[dict[str, Any]], folder: Path, beside: list[dict[str, Any]] | None = None) -> Outcome:
    """`beside`: published rows that the run does not touch."""
    extract = write_extract(rows, folder / "extract.parquet", list(NAMES))
    if beside is None:
        return outcome_of(table, extract, folder)
    types = pa.schema({"born": pa.date32(), "amount": pa.int64(), "card": pa.string()})
    pq.write_table(pa.Table.from_pylist(beside, types), folder / "beside.parquet")
    return outcome_of(table, extract, folder, beside=str(folder / "beside.parquet"))


def conformed(row: dict[str, str | None]) -> dict[str, Any]:
    """The published values, by the contract's words."""
    born = {"01/02/1990": date(1990, 2, 1), "02/02/1990": date(1990, 2, 2)}.get(row["c"] or "")
    amount = int(row["d"]) if row["d"] in {"0", "1", "2", "-1"} else None
    changed = datetime.strptime(row["f"], "%Y-%m-%d").date() if row["f"] not in (None, "soon") else None
    name = {"A\u0301nh": "Ánh", "A\x00n": "A\ufffdn"}.get(row["b"] or "", row["b"])
    return {"id": row["a"], "name": name, "born": born, "amount": amount, "card": row["e"], "changed": changed}


def row_reasons(row: dict[str, str | None]) -> set[str]:
    value = conformed(row)
    broken = {
        "id.required": row["a"] is None,
        "id.pattern": row["a"] in {"x", "12"},
        "name.required": row["b"] is None,
        "name.controlCharacters": row["b"] == "A\x00n",
        "name.enum": row["b"] in {"Bi", "A\x00n"},
        "born.unreadable": row["c"] == "31/02/1990",
        "amount.unreadable": row["d"] == "1.5",
        "amount.minimum": value["amount"] == -1,
        "card.controlCharacters": row["e"] == "\x07",
        "changed.unreadable": row["f"] == "soon",
    }
    return {rule for rule, is_broken in broken.items() if is_broken}


def expected(
    rows: list[dict[str, str | None]], beside: Sequence[dict[str, Any]] = ()
) -> list[tuple[str, frozenset[str]]]:
    """Outcome and reasons of each row. Of equal versions of a key any may be kept: the first is, here."""
    reasons = [row_reasons(row) for row in rows]
    values = [conformed(row) for row in rows]

    def age(i: int) -> tuple[Any, ...]:
        order = [values[i][name] for name in ("changed", "id", "name", "born", "amount", "card")]
        return (*((value is not None, value) for value in order), -i)

    passing = [i for i in range(len(rows)) if not reasons[i]]
    kept = {max((i for i in passing if rows[i]["a"] == key), key=age) for key in {rows[i]["a"] for i in passing}}
    clashes: dict[int, set[str]] = {i: set() for i in kept}
    for rule, columns in (("card.unique", ("card",)), ("pair", ("born", "amount"))):
        shared = Counter(tuple(values[i][c] for c in columns) for i in kept)
        for i in kept:
            value = tuple(values[i][c] for c in columns)
            published = {tuple(row[c] for c in columns) for row in beside}
            if None not in value and (shared[value] > 1 or value in published):
                clashes[i].add(rule)
    found = []
    for i in range(len(rows)):
        if reasons[i] or clashes.get(i):
            found.append(("rejected", frozenset(reasons[i] or clashes[i])))
        else:
            found.append(("accepted" if i in kept else "superseded", frozenset()))
    return found


def found(outcome: Outcome) -> list[tuple[str, frozenset[str]]]:
    return [
        ("rejected", frozenset(outcome.rejected[row]))
        if row in outcome.rejected
        else ("superseded" if row in outcome.superseded else "accepted", frozenset())
        for row in range(outcome.split.extracted)
    ]


@SLOW
@given(rows=ROWS, random=st.randoms(use_true_random=False))
def test_each_row_has_the_outcome_and_all_the_reasons_that_the_contract_says_in_any_order(
    table: Table, rows: list[dict[str, Any]], random: Any
) -> None:
    shuffled = random.sample(rows, len(rows))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        first, second = run(table, rows, Path(one)), run(table, shuffled, Path(other))
    assert found(first) == expected(rows)
    conserves(first, rows)

    def content(outcome: Outcome, given: list[dict[str, Any]]) -> Counter[Any]:
        return Counter((tuple(given[i].items()), *result) for i, result in enumerate(found(outcome)))

    assert content(first, rows) == content(second, shuffled)
    assert first.split.counts == second.split.counts


def conserves(outcome: Outcome, rows: list[dict[str, Any]]) -> None:
    """No row and no key is lost or doubled."""
    split = outcome.split
    assert split.extracted == len(rows) == split.accepted + split.rejected + split.superseded
    assert (split.accepted, split.rejected, split.superseded) == (
        len(outcome.accepted), len(outcome.rejected), len(outcome.superseded),
    )  # fmt: skip
    assert not set(outcome.rejected) & outcome.superseded
    keys = Counter(row["id"] for row in outcome.accepted)
    assert all(count == 1 for count in keys.values())
    good = {row["a"] for row in rows if not row_reasons(row)}
    clashing = {rows[i]["a"] for i in outcome.rejected if not row_reasons(rows[i])}
    assert set(keys) | clashing == good
    assert not set(keys) & clashing


@settings(SLOW, max_examples=repeats(8, 35))
@given(rows=ROWS, beside=st.none() | BESIDE)
def test_a_row_clashes_with_published_rows_and_both_evaluations_say_so(
    table: Table, rows: list[dict[str, Any]], beside: list[dict[str, Any]] | None
) -> None:
    """Great Expectations counts what the split counted, whether there are published rows or nothing is published."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(table, rows, Path(folder), beside)
        lake = Lake(f"{folder}/lake", scratch=Path(folder) / "tmp")
        assessment = assess(table, outcome.split, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assert found(outcome) == expected(rows, beside or ())
    assert assessment.counts == {count.rule_id: count.violations for count in outcome.split.counts}
    assert outcome.split.count("population.citizen.many").violations == outcome.split.accepted + len(beside or ())
