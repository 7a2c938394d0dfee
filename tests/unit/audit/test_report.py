"""What the report gathers: from evidence to figures, in the order an auditor asks."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.audit.report_data.overview import gather
from include.audit.report_data.report_inputs import LedgerFacts, QualityReportInputs
from include.audit.report_data.run_history import runs_of
from include.audit.report_data.table_report import TableCounts
from include.audit.report_export.export import frames
from include.audit.report_pages import render
from include.audit.report_pages.attention import attention, costliest, worst_first
from include.audit.report_words.words import LOCALES
from include.contracts.words.language import BilingualText
from include.lake.delta.sql_views import view
from include.lake.run_log import log_tables
from include.lake.storage.lake import Lake
from tests.unit.audit.runs_evidence import NIGHT, contracts, record_checks, record_relationship, record_run
from tests.unit.lake.rejecting import sync
from tests.unit.lake.staging import PERSON, START

POPULATION = contracts("population")
CITIZEN = POPULATION["population"].table("citizen")
MORNING = NIGHT + timedelta(hours=6)
QUALITY_INDEX = Path(__file__).parents[3] / "docs" / "explanation" / "quality-index.md"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), (), tmp_path / "tmp")


def test_an_empty_lake_has_a_report_without_figures(lake: Lake) -> None:
    overview = gather(lake, POPULATION, at=MORNING)
    assert overview.is_empty
    assert overview.index.overall is None
    assert [table.last for table in overview.tables] == [None, None]
    assert overview.total("extracted") == 0
    assert attention(overview, QualityReportInputs(), LOCALES["en"]) == []


def test_the_last_published_run_gives_the_figures_and_a_later_failure_shows_beside_them(lake: Lake) -> None:
    run_id = record_run(lake, CITIZEN)
    record_checks(lake, CITIZEN, run_id, personal_id_12_digits=15)
    record_run(lake, CITIZEN, 1, verdict="failed", extracted=0, error_type="SourceUnavailable", error="no answer")
    overview = gather(lake, POPULATION, at=MORNING + timedelta(days=1))
    citizen = overview.tables[0]
    assert citizen.last
    assert (citizen.last.run_id, citizen.last.extracted, citizen.last.rejected) == (run_id, 1000, 15)
    [line] = runs_of(lake, "population", "citizen", limit=1, offset=1).runs
    # 5 of the 1,000 were superseded: a share is of the 995 that were judged, at the gate, on the page and in the files.
    assert citizen.last.rejected_percent == line.rejected_percent == pytest.approx(100 * 15 / 995)
    assert citizen.latest
    assert (citizen.latest.verdict, citizen.latest.error_type, citizen.runs) == ("failed", "SourceUnavailable", 2)
    assert [(rule.rule_id, rule.violations) for rule in citizen.reasons] == [
        ("population.citizen.personal-id-12-digits", 15)
    ]
    assert "Decree 137/2015/NĐ-CP" in citizen.reasons[0].legal_source
    assert citizen.index.words["cleanliness"] == pytest.approx(98.5)


def test_registries_that_published_nothing_stand_at_the_end(lake: Lake) -> None:
    """Whoever opens the page looks for figures, and dozens of registries are not connected yet."""
    several = contracts("business", "finance", "population", "transport")
    run_id = record_run(lake, CITIZEN)
    record_checks(lake, CITIZEN, run_id, personal_id_12_digits=15)
    overview = gather(lake, several, at=MORNING)
    assert [one.name for one in overview.registries] == ["population", "business", "finance", "transport"]


def test_freshness_counts_the_nights_that_were_missed_and_an_unchanged_run_is_as_good(lake: Lake) -> None:
    record_run(lake, CITIZEN)
    record_run(lake, CITIZEN, 3, verdict="unchanged", same_as_run="night-0000")

    def missed(days: float) -> int:
        return gather(lake, POPULATION, at=NIGHT + timedelta(days=days)).tables[0].freshness.missed

    assert [missed(days) for days in (3.1, 4.1, 4.2, 5.2, 6.2)] == [0, 0, 1, 2, 3]
    late = gather(lake, POPULATION, at=NIGHT + timedelta(days=6.2))
    assert late.tables[0].index.words["timeliness"] == pytest.approx(25)
    assert "3 scheduled runs missed" in attention(late, QualityReportInputs(), LOCALES["en"])[0]


def test_what_the_gate_found_and_who_approved(lake: Lake) -> None:
    finding = {"what": "rejectedPercent", "measured": 12.5, "allowed": "<= 10 %", "message": "125 of 1,000 rows"}
    record_run(lake, CITIZEN, 0, verdict="held", findings=[finding])
    record_run(lake, CITIZEN, 0, findings=[finding], approved_by="c06", approval_note="known since January")
    record_run(lake, CITIZEN, 1, verdict="held", findings=[finding])
    held, approved = gather(lake, POPULATION, at=MORNING).gate
    assert (held.run_id, held.is_published, held.approved_by) == ("night-0001", False, "")
    assert (approved.run_id, approved.is_published, approved.approved_by) == ("night-0000", True, "c06")
    assert approved.findings == (finding,)


def test_the_file_of_the_gate_tells_what_was_decided_by_whom_and_why(lake: Lake) -> None:
    finding = {"what": "rejectedPercent", "measured": 12.5, "allowed": "<= 10 %", "message": "125 of 1,000 rows"}
    answers = [
        ("published", "c06", "known"), ("declined", "lan", "ask first"), ("timed out", "", ""), ("waiting", "", ""),
    ]  # fmt: skip
    for number, (decision, by, note) in enumerate(answers):
        record_run(lake, CITIZEN, number, verdict="held", findings=[finding])
        if decision == "published":
            record_run(lake, CITIZEN, number, findings=[finding], approved_by=by, approval_note=note)
        elif decision != "waiting":
            record_run(lake, CITIZEN, number, verdict=decision, findings=[finding], refused_by=by, refusal_note=note)
    told = frames(gather(lake, POPULATION, at=MORNING), QualityReportInputs())["gate"].sort_values("run_id")
    assert list(told[["decision", "decided_by", "note"]].itertuples(index=False, name=None)) == answers


# Older tests had fewer held runs than the list is long, and no approval that answers no gate.
def test_every_held_run_counts_and_the_list_that_is_cut_says_of_how_many(lake: Lake) -> None:
    finding = {"what": "rejectedPercent", "measured": 12.5, "allowed": "<= 10 %", "message": "125 of 1,000 rows"}
    record_run(lake, CITIZEN, verdict="held", findings=[finding])
    record_run(lake, CITIZEN, 1, run_id="went-back", mode="restore", approved_by="c06", approval_note="wrong rows")
    first = log_tables.read(lake, "runs").filter(pc.field("verdict") == "held").to_pylist()[0]
    first.pop("recorded", None)
    many = []
    for number in range(1, 1_240):
        run = {**first, "run_id": f"night-{number:04}", "started_at": NIGHT + timedelta(days=number)}
        done = {"verdict": "declined", "refused_by": "lan", "refusal_note": "no"}
        many += [run, run | ({"verdict": "published", "approved_by": "lan"} if number <= 60 else done)]
    log_tables.append(lake, "runs", pa.Table.from_pylist(many, log_tables.RUNS))
    overview = gather(lake, POPULATION, at=MORNING)
    assert frames(overview, QualityReportInputs())["gate"]["run_id"].nunique() == 1_240
    english, vietnamese = (
        render(overview, QualityReportInputs(), language)[f"report.{language}.html"] for language in ("en", "vi")
    )
    said = "1,240 runs were held back, 60 of them approved and published, 1,179 declined or not answered"
    assert said in english
    assert "1.240 lần chạy từng bị tạm giữ, 60 được chấp thuận công bố, 1.179 bị từ chối hoặc quá hạn" in vietnamese
    listed = english.partition('id="t-gate"')[2].partition("</table>")[0]
    assert listed.partition(">")[2].partition("</caption>")[0].endswith(": 100 of 1,240; all of them: gate.csv")
    assert listed.partition("<tbody>")[2].count("<tr>") == 100
    assert "100 trong 1.240; tất cả ở gate.csv" in vietnamese


def test_a_relationship_counts_with_its_newest_measure_and_names_where_it_leads(lake: Lake) -> None:
    run_id = record_run(lake, CITIZEN)
    record_checks(lake, CITIZEN, run_id)
    name = "population.citizen.father_id.relationship"
    record_relationship(lake, CITIZEN, "earlier", name, 90, 100, day=0)
    record_relationship(lake, CITIZEN, "later", name, 4, 100, day=1)
    citizen = gather(lake, POPULATION, at=MORNING).tables[0]
    assert citizen.index.words["consistency"] == pytest.approx(96)
    rule = next(rule for rule in citizen.rules if rule.rule_id == name)
    assert (rule.violations, rule.columns) == (4, ("father_id",))
    assert "population.citizen" in rule.description
    assert costliest(gather(lake, POPULATION, at=MORNING))[0][1].source == name


def test_two_evaluations_that_disagree_and_a_broken_ledger_are_called_out(lake: Lake) -> None:
    run_id = record_run(lake, CITIZEN)
    record_checks(lake, CITIZEN, run_id, gx_more=2, personal_id_12_digits=3)
    overview = gather(lake, POPULATION, at=MORNING)
    broken = QualityReportInputs(
        ledger=LedgerFacts(9, 3, MORNING, "ab" * 32, 0, False, BilingualText("entry 4 was altered", "mục 4 đã bị sửa"))
    )
    found = attention(overview, broken, LOCALES["en"])
    assert "population.citizen.personal-id-12-digits: the two independent evaluations disagree" in found
    assert found[0].endswith("entry 4 was altered")
    assert sum(rule.disagrees for table in overview.tables for rule in table.rules) == 1


def test_the_sql_of_the_documentation_finds_the_same_figures(lake: Lake) -> None:
    """The page that auditors repeat the index by, against the code; every word but what the page itself leaves out."""
    record_checks(lake, CITIZEN, record_run(lake, CITIZEN), personal_id_12_digits=300)
    last = record_run(lake, CITIZEN, 1, superseded=20, accepted=965)
    record_checks(lake, CITIZEN, last, 1, personal_id_12_digits=15, full_name_two_words=7, parents_older=3)
    record_relationship(lake, CITIZEN, last, "population.citizen.father_id.relationship", 4, 350, day=1)
    citizen = gather(lake, POPULATION, at=MORNING + timedelta(days=1)).tables[0]
    found = re.search(r"```sql\n(.*?)```", QUALITY_INDEX.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    connection: duckdb.DuckDBPyConnection = lake.connect()
    for name in ("checks", "table_checks"):
        view(lake, connection, name, lake.audit_table(name))
    by_hand = {word: figure for _, _, word, figure in connection.execute(found[1]).fetchall()}
    connection.close()
    assert by_hand == pytest.approx({word: value for word, value in citizen.index.words.items() if value is not None})
    assert by_hand["cleanliness"] == pytest.approx(100 - 1.5)


def test_the_index_is_of_the_table_and_what_a_run_brought_stands_beside_it(lake: Lake) -> None:
    """A run that brings two rows, one of them bad, says little of a table of a thousand; older tests had full runs."""
    record_checks(lake, CITIZEN, record_run(lake, CITIZEN), personal_id_12_digits=15)
    second = record_run(lake, CITIZEN, 1, mode="incremental", extracted=2, accepted=1, rejected=1)
    record_checks(lake, CITIZEN, second, 1, personal_id_12_digits=16)
    run = log_tables.read(lake, "checks").to_pylist()
    in_run = [row | {"rows": 2, "violations": 1, "gx_violations": 1, "at": NIGHT + timedelta(days=2)} for row in run
              if row["rule_id"].endswith("personal-id-12-digits") and row["run_id"] == second]  # fmt: skip
    log_tables.append(lake, "checks", pa.Table.from_pylist(in_run, log_tables.CHECKS))
    citizen = gather(lake, POPULATION, at=MORNING + timedelta(days=1)).tables[0]
    assert [point.index for point in citizen.trend] == [pytest.approx(99.6, abs=0.1), pytest.approx(99.6, abs=0.1)]
    assert citizen.index.words["cleanliness"] == pytest.approx(98.4)
    rule = citizen.reasons[0]
    assert (rule.violations, rule.rows, rule.in_run, rule.in_run_rows) == (16, 1000, 1, 2)
    assert citizen.standing == TableCounts(second, 985, 15)


def test_a_table_whose_last_run_counted_nothing_of_it_has_no_figures(lake: Lake) -> None:
    """Lakes of before: the next run counts, whatever it finds."""
    record_run(lake, CITIZEN)
    citizen = gather(lake, POPULATION, at=MORNING).tables[0]
    assert (citizen.standing, citizen.index.words["cleanliness"], citizen.trend[0].index) == (None, None, None)


def test_open_rejections_want_attention_and_the_worst_table_is_named_first(lake: Lake) -> None:
    sync(lake, PERSON, 1, [("a", "An", 1), ("b", "Bình", 2)], rejected=[0])
    overview = gather(lake, POPULATION, at=START + timedelta(days=2))
    (sentence,) = [text for text in attention(overview, QualityReportInputs(), LOCALES["en"]) if "open" in text]
    assert "1 rejected rows are open" in sentence
    broken = QualityReportInputs(ledger=LedgerFacts(2, 1, MORNING, "", 0, False, BilingualText("entry 2", "mục 2")))
    first, *_, last = attention(overview, broken, LOCALES["vi"])
    assert first == "Nhật ký kiểm tra, giám sát không còn nguyên vẹn: mục 2"
    assert "Công dân (population.citizen): 1 bản ghi bị loại" in last
    for number, table in enumerate(POPULATION["population"].tables):
        record_checks(lake, table, record_run(lake, table, run_id=f"r{number}"), personal_id_12_digits=9 - number)
    worst, *_ = worst_first(gather(lake, POPULATION, at=MORNING).tables)
    assert worst.table.name == "citizen"


def test_thousands_of_runs_are_gathered_in_seconds(lake: Lake) -> None:
    record_checks(lake, CITIZEN, record_run(lake, CITIZEN))
    names = ("runs", "checks", "table_checks")
    one = {name: lake.table(lake.audit_table(name)).to_pyarrow_table() for name in names}
    ids = [f"more-{number:05}" for number in range(3000)]
    for name, rows in one.items():
        column = pa.array([run_id for run_id in ids for _ in range(rows.num_rows)])
        many = pa.concat_tables([rows] * len(ids)).set_column(rows.column_names.index("run_id"), "run_id", column)
        log_tables.append(lake, name, many)
    started = time.perf_counter()
    citizen = gather(lake, POPULATION, at=MORNING).tables[0]
    assert time.perf_counter() - started < 10
    assert (citizen.runs, len(citizen.trend)) == (3001, 60)


def test_the_report_tells_what_is_open_by_rule_and_age_and_how_it_went(lake: Lake) -> None:
    sync(lake, PERSON, 1, [("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3)], rejected=[0, 1])
    sync(lake, PERSON, 4, [("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3)], rejected=[0])
    overview = gather(lake, POPULATION, at=START + timedelta(days=6))
    (citizen,) = [table for table in overview.tables if table.table.name == "citizen"]
    assert citizen.open is not None
    (rule,) = citizen.open.rules
    assert citizen.opened(rule.rule_id) == rule
    assert (rule.rows, rule.ages, rule.trend[-6:]) == (1, (0, 1, 0, 0, 0), (2, 2, 2, 1, 1, 1))
    tables = frames(overview, QualityReportInputs())
    assert tables["open_rejections"][["rule_id", "rows", "under_7_days"]].to_dict("records") == [
        {"rule_id": "", "rows": 1, "under_7_days": 1},
        {"rule_id": rule.rule_id, "rows": 1, "under_7_days": 1},
    ]
