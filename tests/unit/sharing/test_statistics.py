"""A product of counts and sums: what is in it, what is suppressed, and what is refused."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from include.contracts.model import Column, Contract, Table
from include.contracts.yaml_files.problems import ContractError, Problem
from include.known_error import KnownError
from include.lake.storage.lake import Lake
from include.sharing.agreements.agreement import Agreement
from include.sharing.products import counts
from include.sharing.products.check import check_agreements, problems_of
from include.sharing.products.counts import HeldFiguresMissing
from include.sharing.products.share import Sharing, share_agreement
from include.sharing.recipients import code_lists
from include.sharing.statistics import ReservedValue, TooManyCells

from .conftest import AGREEMENT, AT, contract, write_published

Agree = Callable[..., Agreement]
HEAD = AGREEMENT[: AGREEMENT.index("products:")]
PERSON = Table(
    registry="population",
    name="person",
    source_name="nguoi",
    columns=(
        Column("personal_id", "a", "string", "VARCHAR", primary_key_position=1, classification="restricted"),
        Column("ward", "b", "string", "VARCHAR", expression='vn_ward_current("b")', business_name="Xã"),
        Column("sex", "c", "string", "VARCHAR"),
        Column("born", "d", "date", "DATE", classification="confidential"),
        Column("balance_vnd", "e", "integer", "BIGINT", classification="restricted", business_name="Số dư"),
        Column("rate", "f", "number", "DOUBLE"),
        Column("updated_at", "g", "timestamp", "TIMESTAMPTZ"),
    ),
    rules=(),
)
MONTHLY = Table(
    registry="population",
    name="monthly",
    source_name="thang",
    columns=(
        Column("personal_id", "a", "string", "VARCHAR", primary_key_position=1, classification="restricted"),
        Column("month", "b", "date", "DATE", primary_key_position=2),
        Column("wage_vnd", "c", "number", "DECIMAL(12,2)", classification="restricted"),
    ),
    rules=(),
)
CONTRACTS: dict[str, Contract] = {"population": replace(contract(PERSON), tables=(PERSON, MONTHLY))}
BY_SEX = """\
products:
  - name: people
    table: population.person
    groupBy: [{name: ward, protection: province}, {name: sex, protection: none}, {name: born, protection: decade}]
    totals: true
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")
    wards = [("00001", "01", None), ("00004", "01", None), ("26734", "79", None), ("00001", "02", date(2025, 6, 30))]
    columns = {"code": pa.string(), "province_code": pa.string(), "valid_until": pa.date32()}
    arrays = [pa.array(values, kind) for values, kind in zip(zip(*wards, strict=True), columns.values(), strict=True)]
    write_deltalake(lake.reference_table("wards"), pa.table(dict(zip(columns, arrays, strict=True))))
    return lake


def people(
    number: int, ward: str | None, sex: str | None, year: int | None, *, first: int = 0, balance: int = 10
) -> list[tuple[Any, ...]]:
    born = date(year, 5, 17) if year else None
    return [(f"{ward}{sex}{year}{first + n:06d}", ward, sex, born, balance, 0.5) for n in range(number)]


def share(lake: Lake, agreement: Agreement, run_id: str = "r1") -> Sharing:
    return share_agreement(agreement, CONTRACTS, lake=lake, at=AT, run_id=run_id, key=None)


def table(lake: Lake, product: str = "people", version: int | None = None) -> dict[tuple[str, ...], Any]:
    """Count of each cell as a recipient reads it; None where it is suppressed. With sums: count and sums."""
    delta = DeltaTable(f"{lake.uri}/shared/nso/{product}", version=version)
    found = {}
    for row in pa.table(delta.to_pyarrow_table()).to_pylist():
        *key, count = [value for name, value in row.items() if not name.endswith("_sum") and name != "suppressed"]
        sums = [value for name, value in row.items() if name.endswith("_sum")]
        assert row["suppressed"] == (count is None)
        found[tuple(key)] = (count, *sums) if sums else count
    return found


@pytest.fixture
def by_sex(agree: Agree) -> Agreement:
    return agree(text=HEAD + BY_SEX)


# What is in it


def test_counts_by_province_sex_and_decade_with_totals(lake: Lake, by_sex: Agreement) -> None:
    rows = [
        *people(40, "00001", "male", 1985),
        *people(30, "26734", "male", 1981),
        *people(20, "26734", "female", 1990),
    ]
    write_published(lake, PERSON, rows)
    (result,) = share(lake, by_sex).results
    found = table(lake)
    assert found["01", "male", "1980-1989"] == 40
    assert found["79", "_T", "_T"] == 50
    assert found["_T", "male", "1980-1989"] == 70
    assert found["_T", "_T", "_T"] == 90
    assert result.rows == len(found)
    assert (result.verdict, result.held.rpartition(".")[0]) == ("published", "statistics/population/person")
    assert code_lists(by_sex, CONTRACTS) == {"provinces"}
    schema = DeltaTable(f"{lake.uri}/shared/nso/people").schema()
    comments = {field.name: field.metadata.get("comment", "") for field in schema.fields}
    assert comments["ward"] == "Xã [province]"
    assert "[suppressed]" in comments["suppressed"]


def test_a_small_cell_and_another_of_its_row_and_column_are_suppressed(lake: Lake, agree: Agree) -> None:
    text = HEAD + BY_SEX.replace(", {name: born, protection: decade}", "")
    rows = [
        row
        for ward, sex, number in [("00001", "m", 3), ("00001", "f", 40), ("26734", "m", 50), ("26734", "f", 60)]
        for row in people(number, ward, sex, 1985)
    ]
    write_published(lake, PERSON, rows)
    share(lake, agree(text=text))
    assert table(lake) == {
        ("01", "f"): None, ("01", "m"): None, ("79", "f"): None, ("79", "m"): None,
        ("01", "_T"): 43, ("79", "_T"): 110, ("_T", "f"): 100, ("_T", "m"): 53, ("_T", "_T"): 153,
    }  # fmt: skip


def test_without_totals_the_number_of_all_rows_gives_no_cell_back(lake: Lake, agree: Agree) -> None:
    """How many rows a table has can be known from elsewhere: one cell more is suppressed, for all small ones."""
    rows = [*people(50, "00001", "a", 1985), *people(40, "00001", "b", 1985), *people(2, "00001", "c", 1985)]
    write_published(lake, PERSON, [*rows, *people(1, "26734", "c", 1985)])
    share(lake, agree(("    totals: true\n", ""), text=HEAD + BY_SEX))
    assert table(lake) == {
        ("01", "a", "1980-1989"): 50,
        ("01", "b", "1980-1989"): None,
        ("01", "c", "1980-1989"): None,
        ("79", "c", "1980-1989"): None,
    }


def test_the_grand_total_is_suppressed_only_where_no_cell_could_give(lake: Lake, by_sex: Agreement) -> None:
    """The small cell shares no row or column with another."""
    write_published(lake, PERSON, [*people(3, "00001", "a", 1985), *people(40, "26734", "b", 1971)])
    share(lake, by_sex)
    found = table(lake)
    assert (found["_T", "_T", "_T"], found["79", "b", "1970-1979"]) == (43, None)


def test_no_value_is_a_group_of_its_own(lake: Lake, by_sex: Agreement) -> None:
    write_published(lake, PERSON, [*people(9, None, None, None), *people(8, "99999", "m", 1985)])
    share(lake, by_sex)
    found = table(lake)
    assert found["_U", "_U", "_U"] == 9
    assert found["_U", "m", "1980-1989"] == 8, "a ward that no list has is of no province"
    assert found["_U", "_T", "_T"] == 17


def test_a_table_without_rows(lake: Lake, by_sex: Agreement) -> None:
    write_published(lake, PERSON, [])
    (result,) = share(lake, by_sex).results
    assert (result.verdict, result.rows, table(lake)) == ("published", 0, {})
    write_published(lake, PERSON, people(7, "00001", "m", 1985))
    share(lake, by_sex, "r2")
    assert table(lake)["_T", "_T", "_T"] == 5, "whole steps of five"


def test_figures_are_rounded(lake: Lake, agree: Agree) -> None:
    write_published(lake, PERSON, [*people(42, "00001", "m", 1985), *people(25, "26734", "f", 1991, balance=-3)])
    share(
        lake,
        agree(
            ("    totals: true\n", "    totals: true\n    roundTo: 10\n    sums: [balance_vnd]\n"), text=HEAD + BY_SEX
        ),
    )
    found = table(lake)
    assert found["01", "m", "1980-1989"] == (40, 420)
    assert found["79", "f", "1990-1999"] == (30, -80), "half goes away from zero"


def test_a_source_value_that_is_the_code_of_the_total_is_refused(lake: Lake, by_sex: Agreement) -> None:
    write_published(lake, PERSON, [*people(9, "00001", "_T", 1985)])
    with pytest.raises(
        ReservedValue, match="`_T` or `_U`, which stand for the total and for no value: reject such rows"
    ):
        share(lake, by_sex)
    assert not Path(lake.uri, "shared/nso/people/_delta_log").exists()
    assert issubclass(ReservedValue, KnownError), "the message reaches whoever runs it"


def test_more_cells_than_can_be_judged_are_refused(
    lake: Lake, by_sex: Agreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.sharing.statistics.cells.MOST_CELLS", 1)
    write_published(lake, PERSON, [*people(9, "00001", "m", 1985), *people(9, "00001", "f", 1985)])
    with pytest.raises(TooManyCells, match="shared/nso/people has more than 1 cells: count by fewer columns"):
        share(lake, by_sex)


def test_provinces_wait_for_the_list_of_wards(lake: Lake, by_sex: Agreement) -> None:
    shutil.rmtree(lake.reference_table("wards"))
    write_published(lake, PERSON, people(9, "00001", "m", 1985))
    (result,) = share(lake, by_sex).results
    assert (result.verdict, result.reason) == ("waiting", "reference/wards is not published")


# Sums


SUMS = (
    HEAD
    + """\
products:
  - name: people
    table: population.person
    groupBy: [{name: sex, protection: none}]
    sums: [balance_vnd]
"""
)


@pytest.mark.parametrize(
    ("balances", "is_shown"),
    [
        ([10] * 20, True),
        ([1000, 10, 10, 10, 10, 10, 10, 10], False),  # who has 10 knows the largest to within 6 %
        ([1000, 900, 10, 10, 10, 10, 10], False),  # so does the second largest
        ([1000, 900, 40, 40, 10, 10, 10], True),  # 110 is more than a tenth of the largest
        ([-1000, -900, -10, 5, 5, 5, 5], False),  # by absolute values
        ([-30, -20, -10, 5, 5, 5, 25], True),
        ([0] * 6, True),
        ([None] * 6, True),
        ([10] * 4, False),
    ],
)
def test_a_sum_that_one_dominates_is_suppressed(
    lake: Lake, agree: Agree, balances: list[int | None], *, is_shown: bool
) -> None:
    rows = [(f"{n}", "00001", "m", None, balance, 0.5) for n, balance in enumerate(balances)]
    write_published(lake, PERSON, [*rows, *people(50, "00001", "f", 1985)])
    share(lake, agree(text=SUMS))
    expected = (len(balances), Decimal(sum(balance or 0 for balance in balances)))
    other = (50, 500) if len(balances) >= 5 else (None, None)  # else their number could follow from the table's rows
    assert table(lake) == {("f",): other, ("m",): expected if is_shown else (None, None)}


def test_sums_of_decimals_are_exact_and_by_period(lake: Lake, agree: Agree) -> None:
    text = (
        HEAD
        + """\
products:
  - name: wages
    table: population.monthly
    groupBy: [{name: month, protection: none}]
    sums: [wage_vnd]
    unit: personal_id
"""
    )
    wages = [(f"{n}", date(2026, month, 1), Decimal("1000000.10") + n) for n in range(10) for month in (1, 2)]
    arrays = dict(zip(("personal_id", "month", "wage_vnd"), map(list, zip(*wages, strict=True)), strict=True))
    schema = pa.schema([("personal_id", pa.string()), ("month", pa.date32()), ("wage_vnd", pa.decimal128(12, 2))])
    write_deltalake(lake.registry_table("population", "monthly"), pa.table(arrays, schema=schema))
    share(lake, agree(text=text))
    assert table(lake, "wages") == {(f"2026-0{m}-01",): (10, Decimal("10000046.00")) for m in (1, 2)}


def test_a_sum_stays_until_enough_have_come_or_gone(lake: Lake, agree: Agree) -> None:
    agreement = agree(text=SUMS)
    write_published(lake, PERSON, people(20, "00001", "m", 1985))
    share(lake, agreement)
    write_published(
        lake, PERSON, [*people(19, "00001", "m", 1985), *people(1, "00001", "m", 1985, first=99, balance=500)]
    )
    share(lake, agreement, "r2")
    assert table(lake)["m",] == (20, 200), "else the difference of the sums tells what the new one has"
    write_published(lake, PERSON, people(26, "00001", "m", 1985, balance=11))
    share(lake, agreement, "r3")
    assert table(lake)["m",] == (25, 286), "the count in whole steps"


def test_the_same_count_has_the_same_sum_again(lake: Lake, agree: Agree) -> None:
    """Five come and go, and one who stayed earns more: versions 0 and 2 would differ by that alone."""
    agreement = agree(text=SUMS)
    read = []
    for run, (number, raised) in enumerate([(10, 10), (15, 10), (10, 17), (0, 0), (15, 12), (10, 30), (20, 5)]):
        rows = [*people(number - 1, "00001", "m", 1985), *people(1, "00001", "m", 1985, first=99, balance=raised)]
        write_published(lake, PERSON, rows if number else [])
        share(lake, agreement, f"r{run}")
        read.append(table(lake).get(("m",)))
    assert read == [(10, 100), (15, 150), (10, 100), None, (15, 150), (10, 100), (20, 195)]


def test_a_sum_is_of_many_more_rows_than_the_one_before(lake: Lake, agree: Agree) -> None:
    """The 30th has 500: a count of 25 and one of 30 must not differ by that alone. Older tests moved by whole steps."""
    agreement = agree(text=SUMS)
    rows = [*people(29, "00001", "m", 1985), *people(5, "00001", "m", 1985, first=99, balance=500)]
    read = []
    for run, number in enumerate([20, 29, 30, 33, 34, 20]):
        write_published(lake, PERSON, rows[:number])
        (result,) = share(lake, agreement, f"r{run}").results
        read.append(table(lake)["m",])
    assert read == [(20, 200), (25, 290), (25, 290), (25, 290), (30, 2790), (20, 200)]
    assert "_rows" not in lake.table(result.subject).schema().to_json(), "of how many rows a sum is, no recipient reads"


def test_sums_that_an_older_release_held_change_once_they_surely_differ_by_enough_rows(
    lake: Lake, agree: Agree
) -> None:
    """Of how many rows they are was not noted: 20 shown may be of 24. There was no older release before."""
    agreement = agree(text=SUMS)
    write_published(lake, PERSON, people(20, "00001", "m", 1985))
    (result,) = share(lake, agreement).results
    held = pa.table(lake.table(result.held).to_pyarrow_table()).drop_columns(["_rows"])
    write_deltalake(lake.path(result.held), held, mode="overwrite", schema_mode="overwrite")
    read = []
    for run, number in enumerate([28, 29, 33, 34], start=2):
        write_published(lake, PERSON, people(number, "00001", "m", 1985))
        share(lake, agreement, f"r{run}")
        read.append(table(lake)["m",])
    assert read == [(20, 200), (25, 290), (25, 290), (30, 340)]


# From version to version


def test_one_more_person_changes_nothing_and_five_more_do(lake: Lake, by_sex: Agreement) -> None:
    write_published(lake, PERSON, [*people(40, "00001", "m", 1985), *people(40, "26734", "f", 1985)])
    share(lake, by_sex)
    write_published(lake, PERSON, [*people(41, "00001", "m", 1985), *people(40, "26734", "f", 1985)])
    (result,) = share(lake, by_sex, "r2").results
    assert (result.verdict, result.version) == ("unchanged", 1)
    assert table(lake, version=0) == table(lake, version=1)
    write_published(lake, PERSON, [*people(46, "00001", "m", 1985), *people(40, "26734", "f", 1985)])
    (result,) = share(lake, by_sex, "r3").results
    assert (result.updated, result.inserted, result.deleted) == (8, 0, 0), "the cell, and every total it is in"
    assert table(lake)["01", "_T", "_T"] == 45


@pytest.mark.parametrize("seed", range(3))
def test_any_two_published_versions_differ_by_whole_steps(lake: Lake, by_sex: Agreement, seed: int) -> None:
    draw = random.Random(seed)
    versions = []
    for run in range(6):
        rows = [
            row
            for ward in ("00001", "26734", None)
            for sex in ("m", "f")
            for year in (1985, 1991)
            for row in people(draw.choice([0, 2, 4, 6, 9, 14, 30, 31]), ward, sex, year)
        ]
        write_published(lake, PERSON, rows)
        share(lake, by_sex, f"r{run}")
        versions.append(table(lake))
    assert DeltaTable(f"{lake.uri}/shared/nso/people").version() == 5
    for one, other in combinations(versions, 2):
        for key in {*one, *other}:
            before, after = one.get(key, 0), other.get(key, 0)
            assert before is None or before == 0 or before >= 5
            if before is not None and after is not None:
                assert (after - before) % 5 == 0


def test_what_is_suppressed_stays_so(lake: Lake, by_sex: Agreement) -> None:
    write_published(lake, PERSON, [*people(3, "00001", "m", 1985), *people(40, "26734", "m", 1985)])
    share(lake, by_sex)
    write_published(lake, PERSON, [*people(300, "00001", "m", 1985), *people(40, "26734", "m", 1985)])
    share(lake, by_sex, "r2")
    assert table(lake)["01", "m", "1980-1989"] is None
    assert table(lake)["_T", "m", "1980-1989"] == 338, "but it counts in the total, in whole steps"


def test_a_new_version_of_the_agreement_goes_on_with_the_figures(lake: Lake, agree: Agree) -> None:
    """A recipient keeps the table of the former version: the new one differs from it by whole steps, too."""
    write_published(lake, PERSON, [*people(3, "00001", "m", 1985), *people(40, "26734", "m", 1985)])
    share(lake, agree(text=HEAD + BY_SEX))
    before = table(lake)
    write_published(lake, PERSON, [*people(4, "00001", "m", 1985), *people(41, "26734", "m", 1985)])
    (result,) = share(lake, agree(("version: 1.0.0", "version: 2.0.0"), text=HEAD + BY_SEX), "r2").results
    assert (result.version, result.reason) == (0, "the terms changed")
    assert table(lake) == before
    changed = BY_SEX.replace("name: people", "name: persons").replace("totals: true", "totals: true\n    roundTo: 2")
    share(lake, agree(("version: 1.0.0", "version: 3.0.0"), text=HEAD + changed), "r3")
    assert table(lake, "persons")["_T", "_T", "_T"] == 44, "so has one of another name, and one that is rounded"


def test_two_recipients_of_the_same_counts_get_the_same_figures(lake: Lake, agree: Agree) -> None:
    """Whoever has both tables could else subtract: the second one was begun a day later, with one person more."""
    write_published(lake, PERSON, [*people(50, "00001", "m", 1985), *people(40, "26734", "m", 1985)])
    share(lake, agree(text=HEAD + BY_SEX))
    write_published(lake, PERSON, [*people(51, "00001", "m", 1985), *people(40, "26734", "m", 1985)])
    other = agree(("id: nso", "id: moh"), text=HEAD + BY_SEX.replace("people", "citizens"), name="health")
    (result,) = share(lake, other, "r2").results
    assert table(lake)["01", "m", "1980-1989"] == 50
    delta = DeltaTable(f"{lake.uri}/{result.subject}")
    assert {row["count"] for row in pa.table(delta.to_pyarrow_table()).to_pylist()} == {50, 40, 90}


@pytest.mark.parametrize("is_begun", [True, False])
def test_two_products_that_count_at_once_hold_the_same_figures(
    lake: Lake, agree: Agree, monkeypatch: pytest.MonkeyPatch, *, is_begun: bool
) -> None:
    """The second shares while the first has read the held figures and not yet written its own."""
    one = agree(text=HEAD + BY_SEX)
    other = agree(("id: nso", "id: moh"), text=HEAD + BY_SEX, name="health")
    write_published(lake, PERSON, people(50, "00001", "m", 1985))
    if is_begun:
        share(lake, one)
        write_published(lake, PERSON, people(58, "00001", "m", 1985))
    advance, waiting = counts.advance, [True]

    def meanwhile(*given: Any) -> Any:
        if waiting.pop() if waiting else False:
            write_published(lake, PERSON, people(59, "00001", "m", 1985))
            share(lake, other, "r2")
        return advance(*given)

    monkeypatch.setattr(counts, "advance", meanwhile)
    share(lake, one, "r3")
    delta = DeltaTable(f"{lake.uri}/shared/moh/people")
    theirs = {row["count"] for row in pa.table(delta.to_pyarrow_table()).to_pylist()}
    assert {*table(lake).values()} == theirs == {55 if is_begun else 59}


def test_what_a_killed_run_held_and_did_not_publish_does_no_harm(
    lake: Lake, by_sex: Agreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_published(lake, PERSON, people(42, "00001", "m", 1985))
    share(lake, by_sex)
    write_published(lake, PERSON, people(50, "00001", "m", 1985))
    with monkeypatch.context() as killed:
        killed.setattr("include.sharing.products.publish_product.upsert", None)  # after the figures were held
        with pytest.raises(TypeError):
            share(lake, by_sex, "r2")
    assert table(lake)["_T", "_T", "_T"] == 42
    write_published(lake, PERSON, people(44, "00001", "m", 1985))
    share(lake, by_sex, "r3")
    assert table(lake)["_T", "_T", "_T"] == 47, "a whole step from 42, which was published"


def test_held_figures_that_are_gone_stop_the_product(lake: Lake, by_sex: Agreement) -> None:
    write_published(lake, PERSON, people(40, "00001", "m", 1985))
    (first,) = share(lake, by_sex).results
    shutil.rmtree(f"{lake.uri}/{first.held}")
    write_published(lake, PERSON, people(46, "00001", "m", 1985))
    with pytest.raises(HeldFiguresMissing, match="restore it from the lake's copy"):
        share(lake, by_sex, "r2")
    assert table(lake)["_T", "_T", "_T"] == 40


def test_no_person_is_in_the_files(lake: Lake, by_sex: Agreement) -> None:
    write_published(lake, PERSON, people(40, "00001", "m", 1985))
    share(lake, by_sex)
    for folder in ("shared", "statistics"):
        for file in Path(lake.uri, folder).rglob("*.parquet"):
            assert "00001m1985" not in repr(pa.parquet.read_table(file).to_pylist())


# What is refused


def problems(tmp_path: Path, text: str) -> list[Problem]:
    path = tmp_path / "schemas" / "agreements" / "census.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return check_agreements(tmp_path / "schemas", CONTRACTS)


@pytest.mark.parametrize(
    ("old", "new", "message", "remedy"),
    [
        ("totals: true", "totals: yes please", "neither true nor false", "totals: true"),
        ("totals: true", "minimum: 4", "less than 5 protects nobody", "give 5 or more, or leave it out"),
        ("totals: true", "minimum: 0", "less than 5 protects nobody", "give 5 or more"),
        ("totals: true", "minimum: many", "less than 5 protects nobody", "give 5 or more"),
        ("totals: true", "sums: [balance_vnd]\n    dominancePercent: 1", "less than 10", "give 10 or more"),
        ("totals: true", "roundTo: 1", "less than 2", "give 2 or more"),
        ("totals: true", "sums: [balanc_vnd]", "has no column `balanc_vnd`", "did you mean `balance_vnd`?"),
        ("totals: true", "sums: [rate]", "of type DOUBLE, whose sums are not exact", "whole numbers or decimals"),
        ("totals: true", "sums: [sex]", "of type VARCHAR", "whole numbers or decimals"),
        ("totals: true", "sums: {a: b}", "is no list of columns", "sums: [column]"),
        ("totals: true", "columns: []", "unknown field `columns`", ""),
        ("ward, protection: province", "ward, protection: pseudonym", "protected by pseudonym", "one of: none, year"),
        ("born, protection: decade", "born, protection: province", "not a ward of today", "count by another column"),
        ("ward, protection: province", "personal_id, protection: none", "given bare", "count by another column"),
        ("ward, protection: province", "ward, protection: decade", "only a date has a year", "count by another"),
        ("totals: true", "rows: PERSONAL_ID <> '1'", "chosen by `personal_id` could be of all but one", "in common"),
        ("totals: true", "rows: sex = 'm' AND balance_vnd > 5", "chosen by `balance_vnd`", "leave `rows` out"),
        ("population.person", "population.monthly", "what is one of those counted?", "unit: [...]"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(tmp_path: Path, old: str, new: str, message: str, remedy: str) -> None:
    assert problems(tmp_path, HEAD + BY_SEX) == []
    assert old in BY_SEX
    found = problems(tmp_path, HEAD + BY_SEX.replace(old, new))
    assert [p for p in found if message in p.message and remedy in p.remedy], [str(p) for p in found]


@pytest.mark.parametrize(
    ("product", "message"),
    [
        ("groupBy: [{name: month, protection: none}]\n    unit: personal_id", ""),
        ("groupBy: [{name: month, protection: year}]\n    unit: personal_id", "may have several rows in a cell"),
        (
            "groupBy: [{name: month, protection: none}]\n    unit: personal_id\n    totals: true",
            "a total over these may be",
        ),
        ("groupBy: [{name: month, protection: none}]\n    unit: person", "has no column `person`"),
    ],
)
def test_several_rows_of_one_person_are_no_count_of_persons(tmp_path: Path, product: str, message: str) -> None:
    found = problems(tmp_path, f"{HEAD}products:\n  - name: wages\n    table: population.monthly\n    {product}\n")
    assert any(message in problem.message for problem in found) == bool(message)
    assert bool(found) == bool(message)


ROWS = """\
  - name: rows
    table: population.person
    columns: [{name: personal_id, protection: pseudonym}, {name: sex, protection: none}]
"""


def test_the_same_recipient_gets_no_rows_beside_the_counts(tmp_path: Path, agree: Agree) -> None:
    (told,) = problems(tmp_path, HEAD + BY_SEX + ROWS)
    assert "the same recipient gets `rows` of the agreement `census`" in told.message
    assert "make one product of both" in told.remedy
    with pytest.raises(ContractError):
        raise ContractError(problems_of(agree(text=HEAD + BY_SEX + ROWS), CONTRACTS))
    other = (
        BY_SEX.replace("people", "others")
        .replace("sex", "born")
        .replace("born, protection: decade", "sex, protection: none")
    )
    assert len(problems(tmp_path, HEAD + BY_SEX + other.partition("\n")[2])) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (", {name: born, protection: decade}", ""),
        ("    totals: true\n", "    totals: true\n    rows: born < DATE '1999-01-01'\n"),
        ("    totals: true\n", "    totals: true\n    minimum: 10\n"),
        ("    totals: true\n", ""),
    ],
)
def test_others_who_get_other_counts_of_the_same_table_are_named(
    tmp_path: Path, agree: Agree, old: str, new: str
) -> None:
    assert old in BY_SEX
    agree(("id: nso", "id: moh"), text=HEAD + BY_SEX.replace(old, new), name="health")
    (told,) = problems(tmp_path, HEAD + BY_SEX)
    assert told.level == "warning"
    assert "`people` of the agreement `health` counts other cells of population.person, for `moh`" in told.message
    agree(("id: nso", "id: moh"), text=HEAD + BY_SEX, name="health")
    assert problems(tmp_path, HEAD + BY_SEX) == [], "the same cells have the same figures"
