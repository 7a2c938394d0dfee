"""What a steward is asked, and in which words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest

from include.contracts.model import Bound, ExtractPolicy, Rule, Table, Tolerance
from include.lake.delta import StagedFiles
from include.quality.gate import judge
from include.quality.split.results import RuleCount, SplitResult

TABLE = Table(
    "population",
    "citizen",
    "cong_dan",
    (),
    (),
    tolerance=Tolerance(5, 20),
    extract=ExtractPolicy(delete_limit_percent=5),
)


@dataclass(frozen=True)
class Preview:
    live_before: int = 0
    live_after: int = 0
    deleted: int = 0


def split_of(extracted: int, rejected: int = 0, counts: tuple[RuleCount, ...] = ()) -> SplitResult:
    accepted = extracted - rejected
    return SplitResult(StagedFiles("c", "f", "w"), extracted, accepted, rejected, 0, counts, 0.0)


def bounded(bound: Bound, severity: str = "error", metric: str = "nullValues") -> Table:
    rule = Rule(
        "population.citizen.floor", "citizen", ("personal_id",), metric, "table", severity, "completeness",  # type: ignore[arg-type]
        "Nearly every person has an id", bound=bound,
    )  # fmt: skip
    return replace(TABLE, rules=(rule,))


def test_inside_the_tolerance_nobody_is_asked() -> None:
    assert judge(TABLE, split_of(100, rejected=5), Preview(100, 120, 5)) == ()
    assert judge(TABLE, split_of(100, rejected=5), Preview(0, 95)) == ()


def test_too_many_rows_under_the_key_of_another_are_asked_about_where_the_contract_limits_them() -> None:
    split = replace(split_of(100), accepted=90, superseded=10)
    limited = replace(TABLE, tolerance=Tolerance(5, 20, superseded_percent=9.9))
    (finding,) = judge(limited, split, Preview())
    assert (finding.what, finding.measured, finding.allowed) == ("supersededPercent", 10.0, "<= 9.9 %")
    assert judge(replace(TABLE, tolerance=Tolerance(5, 20, superseded_percent=10)), split, Preview()) == ()
    assert judge(TABLE, split, Preview()) == ()


def test_too_many_rejected_rows() -> None:
    counts = tuple(
        RuleCount(f"population.citizen.{name}", "sql", scope, severity, "accuracy", n, 1000, ())  # type: ignore[arg-type]
        for name, scope, severity, n in [
            ("a", "row", "error", 20), ("b", "set", "error", 50), ("c", "row", "warning", 900),
            ("d", "table", "error", 999), ("e", "row", "error", 20), ("f", "row", "error", 1),
        ]
    )  # fmt: skip
    (finding,) = judge(TABLE, split_of(1000, 51, counts), Preview())
    assert (finding.what, finding.measured, finding.allowed) == ("rejectedPercent", 5.1, "<= 5 %")
    assert "51 of 1,000 rows of population.citizen (5.1 %)" in finding.message
    assert "population.citizen.b (50), population.citizen.a (20), population.citizen.e (20)." in finding.message
    assert "audit/data_docs/population/citizen.html" in finding.message


def test_a_figure_just_outside_does_not_look_like_the_bound() -> None:
    (finding,) = judge(TABLE, split_of(1_000_000, 50_010), Preview())
    assert "(5.001 %)" in finding.message


@pytest.mark.parametrize(("after", "measured", "word"), [(121, 21, "grow"), (79, -21, "shrink")])
def test_a_table_that_changes_its_size(after: int, measured: float, word: str) -> None:
    (finding,) = judge(TABLE, split_of(100), Preview(100, after))
    assert (finding.what, finding.measured) == ("rowCountChangePercent", measured)
    assert f"would {word} from 100 to {after} rows (21.0 %)" in finding.message


def test_rows_gone_from_the_source() -> None:
    (finding,) = judge(TABLE, split_of(100), Preview(100, 100, 6))
    assert (finding.what, finding.measured, finding.allowed) == ("deleteLimitPercent", 6, "<= 5 %")


def test_an_empty_extract_is_one_finding() -> None:
    (finding,) = judge(bounded(Bound(">", 0), metric="rowCount"), split_of(0), Preview(100, 0, 100))
    assert finding.what == "emptyExtract"
    assert "100 rows are published now" in finding.message


def test_a_bound_in_percent_of_the_accepted_rows() -> None:
    table = bounded(Bound("<", 5, "percent"))
    count = RuleCount(
        "population.citizen.floor", "nullValues", "table", "error", "completeness", 5, 100, ("personal_id",)
    )
    (finding,) = judge(table, split_of(100, counts=(count,)), Preview())
    assert (finding.what, finding.measured, finding.allowed) == ("population.citizen.floor", 5, "< 5 %")
    assert finding.message.startswith("Nearly every person has an id: nullValues of personal_id must be < 5 %")
    assert judge(table, split_of(100, counts=(replace(count, violations=4),)), Preview()) == ()
    assert (
        judge(table, split_of(1, 1, counts=(replace(count, violations=0, rows=0),)), Preview())[0].what
        == "rejectedPercent"
    )


def test_a_bound_in_rows_and_a_bound_that_only_warns() -> None:
    count = RuleCount("population.citizen.floor", "rowCount", "table", "error", "coverage", 7, 7, ())
    split = split_of(7, counts=(count,))
    assert judge(bounded(Bound(">=", 7), metric="rowCount"), split, Preview()) == ()
    (finding,) = judge(bounded(Bound("between", (8, 9)), metric="rowCount"), split, Preview())
    assert "and is 7 rows" in finding.message
    warned = bounded(Bound(">", 7), "warning", "rowCount")
    assert judge(warned, split, Preview()) == ()


def test_only_a_full_extract_may_not_be_empty() -> None:
    assert judge(TABLE, split_of(0), Preview(100, 100), mode="incremental") == ()
    assert judge(TABLE, split_of(0), Preview(0, 0), mode="replay") == ()


def test_the_rejected_rows_of_an_increment_are_a_share_of_the_table() -> None:
    assert judge(TABLE, split_of(10, rejected=5), Preview(95, 95), mode="incremental") == ()
    (finding,) = judge(TABLE, split_of(10, rejected=6), Preview(94, 94), mode="backfill")
    assert (finding.what, finding.measured) == ("rejectedPercent", 6)
    assert "6 of 100 rows of population.citizen (6.0 %)" in finding.message


def test_an_increment_of_many_rows_is_judged_by_itself_too() -> None:
    assert judge(TABLE, split_of(999, rejected=500), Preview(100_000, 100_000), mode="incremental") == ()
    (finding,) = judge(TABLE, split_of(1000, rejected=51), Preview(100_000, 100_000), mode="incremental")
    assert "51 of 1,000 rows" in finding.message


@pytest.mark.parametrize("mode", ["incremental", "backfill", "replay"])
def test_an_increment_that_empties_or_swells_the_table_is_held(mode: str) -> None:
    found = judge(TABLE, split_of(5), Preview(100, 70, 35), mode=mode)
    assert [finding.what for finding in found] == ["rowCountChangePercent", "deleteLimitPercent"]
    assert "would leave the table" in found[1].message


def test_the_share_is_of_the_rows_that_were_judged_not_of_those_that_came_twice() -> None:
    """Older tests had no superseded rows."""
    repeated = SplitResult(StagedFiles("c", "f", "w"), 1_830, 1_365, 236, 229, (), 0.0)
    for mode, changes in (("full", Preview(0, 1_365)), ("incremental", Preview(90_000, 90_000))):
        (finding,) = judge(TABLE, repeated, changes, mode=mode)
        assert "236 of 1,601 rows" in finding.message, mode
        assert finding.measured == pytest.approx(14.7408)


def test_every_finding_says_the_same_in_vietnamese() -> None:
    """The same figures, written the Vietnamese way, and no English left."""
    table = replace(
        bounded(Bound("<", 2.5, "percent")),
        tolerance=Tolerance(2.5, 20),
        rules=(replace(bounded(Bound("<", 2.5, "percent")).rules[0], vietnamese="Hầu hết mọi người có số định danh."),),
    )
    count = RuleCount("population.citizen.floor", "nullValues", "table", "error", "completeness", 61, 1000, ("x",))
    broken = RuleCount("population.citizen.rows", "sql", "row", "error", "accuracy", 1234, 2000, ())
    found = [
        *judge(table, split_of(2000, 1234, (count, broken)), Preview(1000, 766, 60)),
        *judge(table, split_of(0), Preview(1000, 0, 1000)),
    ]
    said = {finding.what: finding.vietnamese for finding in found}
    assert len(said) == 5
    assert said["rejectedPercent"].startswith(
        "1.234 trên 2.000 bản ghi của population.citizen (61,7 %) vi phạm quy tắc"
    )
    assert "mức cho phép là 2,5 %. Nhiều nhất: population.citizen.rows (1.234)." in said["rejectedPercent"]
    assert "sẽ giảm từ 1.000 xuống 766 bản ghi (23,4 %)" in said["rowCountChangePercent"]
    assert "60 trên 1.000 bản ghi đang công bố" in said["deleteLimitPercent"]
    assert "không trả về bản ghi nào (hiện công bố 1.000 bản ghi)" in said["emptyExtract"]
    floor = said["population.citizen.floor"]
    assert floor.startswith(
        "Hầu hết mọi người có số định danh: nullValues của personal_id phải < 2,5 % trên các bản ghi"
    )
    assert "thực tế là 6,1 % (61 trên 1.000 bản ghi)" in floor
    for text in said.values():
        assert "từ chối" in text or "duyệt" in text
        assert not re.search(r"\b(rows?|of|the|and|is|are)\b", text.replace("population.citizen.rows", ""))
