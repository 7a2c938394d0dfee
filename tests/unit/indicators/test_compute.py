"""Figures of a small lake: what is counted, what is not available, and what a second look records."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from deltalake import CommitProperties, Transaction, write_deltalake

from include.audit import ledger
from include.audit.verification import Discrepancy, Verification
from include.contracts.reading import readable_contracts
from include.indicators.computation import computing
from include.indicators.computation.missing import MissingServer, missing_servers
from include.indicators.definitions import period_of
from include.indicators.values import ShownIndicator, latest_editions, stored_editions
from include.lake.storage import LakeConflict, lake_errors
from include.pipelines import Misuse, PipelineContext, verify_lake
from include.pipelines.decisions import Look
from include.pipelines.indicators import compute_step, finding_rows, values_shown
from tests.unit.indicators.conftest import dossier, publish, service

SERVICES = [
    service("1", "G03", "2018-01-01"),
    service("2", "G03", "2018-01-01"),
    service("3", "H56", "2018-03-31"),
    service("4", "H56", "2018-04-01"),  # offered from the next quarter on
    service("5", "H56", "2010-01-01", "2018-03-31"),  # ended within the quarter
]
DOSSIERS = [
    dossier("a", "1", "2018-01-01T00:00:00+07:00"),
    dossier("b", "1", "2018-02-01T00:00:00+07:00"),
    dossier("c", "2", "2018-03-31T17:00:00+00:00"),  # midnight in Viet Nam: the second quarter
    dossier("d", "3", "2018-03-31T16:59:59+00:00"),
    dossier("e", "5", "2018-02-01T00:00:00+07:00"),
]


@pytest.fixture
def published(context: PipelineContext) -> PipelineContext:
    publish(context, "catalogue", "service", SERVICES)
    publish(context, "counter", "dossier", DOSSIERS)
    return context


def figures(context: PipelineContext, period: str) -> dict[tuple[str, str], tuple[str, str, str, str]]:
    (one,) = latest_editions(context.lake, period).values()

    def text(number: Decimal | None) -> str:
        return "" if number is None else f"{number.normalize():f}"

    return {
        (f.dimension, f.member): (text(f.numerator), text(f.denominator), text(f.value), f.reason) for f in one.figures
    }


def test_the_total_is_the_sum_over_members_and_days_are_those_of_viet_nam(published):
    done = compute_step("2018Q1", "run-1", context=published)
    assert [(one.verdict, one.value, one.edition) for one in done.indicators] == [("recorded", "66.67", 1)]
    assert figures(published, "2018Q1") == {
        ("", ""): ("2", "3", "66.67", ""),
        ("agency", "G03"): ("1", "2", "50", ""),
        ("agency", "H56"): ("1", "1", "100", ""),
    }


def test_a_second_computation_records_nothing(published):
    compute_step("2018Q1", "run-1", context=published)
    again = compute_step("2018Q1", "run-2", context=published)
    assert [(one.verdict, one.edition) for one in again.indicators] == [("unchanged", 1)]
    assert {one.run_id for one in stored_editions(published.lake)} == {"run-1"}


def test_a_late_dossier_is_a_new_edition_and_what_was_reported_stays(published):
    compute_step("2018Q1", "run-1", context=published)
    publish(published, "counter", "dossier", [*DOSSIERS, dossier("f", "2", "2018-03-30T10:00:00+07:00")])
    done = compute_step("2018Q1", "run-2", context=published)
    assert [(one.verdict, one.value, one.edition) for one in done.indicators] == [("recorded", "100.00", 2)]
    editions = stored_editions(published.lake, period="2018Q1")
    assert [(one.edition, str(one.total.value.normalize())) for one in editions] == [(1, "66.67"), (2, "1E+2")]
    assert editions[0].tables["counter.dossier"].partition(":")[2] == "0"
    assert editions[1].tables["counter.dossier"].partition(":")[2] == "1"
    assert len(values_shown(published, "2018Q1", every_edition=True)) == 2


def test_nothing_to_take_a_share_of_is_not_zero(published):
    done = compute_step("2009Q1", "run-1", context=published)
    assert [(one.value, one.reason) for one in done.indicators] == [("", "denominator is 0")]


def test_a_table_that_was_never_published_leaves_no_value(context):
    publish(context, "catalogue", "service", SERVICES)
    done = compute_step("2018Q1", "run-1", context=context)
    assert [(one.value, one.reason) for one in done.indicators] == [("", "not published")]


def of_indicators(found: Verification) -> list[Discrepancy]:
    """Of the registers' tables, which the test has written by itself, the ledger knows nothing."""
    return [one for one in found.discrepancies if one.subject.startswith("indicators/")]


def test_editions_are_in_the_ledger_and_verify_finds_an_altered_row(published):
    compute_step("2018Q1", "run-1", context=published)
    assert not of_indicators(verify_lake(published, with_files=True))
    entries = [row for row in ledger.read(published.lake).to_pylist() if row["subject"] == "indicators/values"]
    assert [row["kind"] for row in entries] == ["run", "commit"]
    assert json.loads(entries[0]["payload"])["editions"] == {"active-services": 1}
    table = published.lake.table("indicators/values")
    table.update(updates={"value": "99"}, predicate="dimension = ''")
    assert any("active-services" in one.why for one in of_indicators(verify_lake(published)))


def test_an_unknown_indicator_or_period_is_refused(published):
    with pytest.raises(Misuse, match="did you mean `active-services`"):
        compute_step("2018Q1", "run-1", indicators=["active-service"], context=published)
    with pytest.raises(Misuse, match="2018Q1"):
        compute_step("2018-02-03", "run-1", context=published)


@pytest.mark.parametrize(("area", "lost"), [("central", "G03"), ("H57.22", "H57.22")])
def test_members_of_a_missing_server_are_codes_of_the_column_also_where_the_key_is_called_code(
    published, monkeypatch, area, lost
):
    """The rows of catalogue.service have a `code` of their own beside the agency's."""
    publish(published, "catalogue", "service", [*SERVICES, service("6", "H57.22", "2018-01-01")])
    missing = (MissingServer("counter-1", "counter.dossier", (area,)),)
    monkeypatch.setattr(computing, "missing_servers", lambda *_, **__: missing)
    compute_step("2018Q1", "run-1", context=published)
    found = {member: reason for (dimension, member), (*_, reason) in figures(published, "2018Q1").items() if dimension}
    assert found == {member: "not delivered" if member == lost else "" for member in ("G03", "H56", "H57.22")}


def test_the_history_of_a_table_is_of_the_same_servers(published):
    """Older tests asked of the tables of contracts alone; a history's figure was the nation's without a server."""
    contracts, _ = readable_contracts(Path(__file__).parents[3] / "schemas")

    def missing(*tables: str) -> tuple[MissingServer, ...]:
        now = datetime(2026, 10, 5, tzinfo=UTC)
        return missing_servers(published.lake, contracts, tables, period_of("2026Q3", "as-of"), now=now)

    assert len(missing("land.parcel")) == 34
    assert missing("land_history.parcel") == missing("land.parcel") == missing("land.parcel", "land_history.parcel")
    assert missing("population_history.citizen", "people.index", "reference.wards") == ()


@pytest.mark.parametrize(
    "relation", ["lands.parcel", "land.parcels", "land_history.parcels", "people.indices", "parcel"]
)
def test_a_relation_that_nobody_knows_has_no_servers_that_delivered(published, relation):
    """It was left out in silence: a figure over it was the nation's, whoever was missing."""
    contracts, _ = readable_contracts(Path(__file__).parents[3] / "schemas")
    with pytest.raises(KeyError):
        missing_servers(
            published.lake, contracts, ["land.parcel", relation], period_of("2026Q3", "as-of"),
            now=datetime(2026, 10, 5, tzinfo=UTC),
        )  # fmt: skip


def test_sql_that_fails_over_the_rows_fails_its_indicator_alone(published):
    path = published.schemas / "indicators" / "active-services.yaml"
    text = path.read_text(encoding="utf-8")
    broken = text.replace("s.online_from < period_end()", "CAST(s.code AS DATE) < period_end()")
    path.with_name("broken.yaml").write_text(broken, encoding="utf-8")
    done = compute_step("2018Q1", "run-1", context=published)
    assert [(one.indicator, one.verdict) for one in done.indicators] == [
        ("active-services", "recorded"),
        ("broken", "failed"),
    ]
    assert "TRY_CAST" in done.indicators[1].error
    assert done.verdict == "failed"


def test_a_finding_is_read_for_a_purpose_that_is_on_record_first(published, tmp_path):
    path = published.schemas / "indicators" / "active-services.yaml"
    text = path.read_text(encoding="utf-8")
    assert "minimumCell" not in text
    with pytest.raises(Misuse, match="no finding"):
        finding_rows(published, "active-services", "2018Q1", Look("lan", "check"))
    path.write_text(text + "minimumCell: 5\nfinding: {owner: catalogue, columns: [owner_id]}\n", encoding="utf-8")
    found = finding_rows(published, "active-services", "2018Q1", Look("lan", "check the owners"))
    assert (found.count, found.rows) == (2, (("00109900001",), ("00109900003",)))
    out = tmp_path / "found.csv"
    finding_rows(published, "active-services", "2018Q1", Look("lan", "check the owners"), out=out)
    assert out.read_text().split() == ["owner_id", "00109900001", "00109900003"]
    assert out.stat().st_mode & 0o777 == 0o600, "others on the machine do not read it"
    (looked, *_) = [row for row in ledger.read(published.lake).to_pylist() if row["kind"] == "export"]
    assert (looked["actor"], looked["subject"]) == ("lan", "indicators/active-services")
    assert json.loads(looked["payload"])["purpose"] == "check the owners"
    assert "0010990000" not in looked["payload"]
    (one,) = values_shown(published, "2018Q1") or compute_then_show(published)
    assert one.stored.total.value is None, "two of three is a small count"
    again = compute_step("2018Q1", "run-2", context=published)
    assert [(one.value, one.numerator, one.reason) for one in again.indicators] == [("", "", "small count")]


def compute_then_show(context: PipelineContext) -> tuple[ShownIndicator, ...]:
    compute_step("2018Q1", "run-1", context=context)
    return values_shown(context, "2018Q1")


def test_two_computations_at_once_do_not_take_the_same_edition(published):
    """A commit upon a version that another has overtaken with the same edition is refused by Delta itself."""
    compute_step("2018Q1", "run-1", context=published)
    stale = published.lake.table("indicators/values")
    publish(published, "counter", "dossier", [*DOSSIERS, dossier("f", "2", "2018-03-30T10:00:00+07:00")])
    compute_step("2018Q1", "run-2", context=published)
    rows = stale.to_pyarrow_table().slice(0, 1)
    taken = CommitProperties(app_transactions=[Transaction("active-services/2018Q1", 2)])
    with pytest.raises(LakeConflict), lake_errors("trying"):
        write_deltalake(stale, rows, mode="append", commit_properties=taken)


@pytest.mark.parametrize(
    ("numerator", "denominator", "told"),
    [
        ("online_until > period_end", "'true'", "2"),
        ("is_active", "online_until > period_end", "2"),
        ("CAST(length(CAST(online_until AS VARCHAR)) AS INTEGER)", "'true'", "2"),
        ("is_active", "'true'", ""),
        # A row that the denominator leaves out is counted nowhere.
        ("online_until > period_end", "online_until IS NOT NULL", ""),
        ("online_until > period_end", "CASE WHEN is_active THEN 2 END", "2"),
        ("online_until > period_end", "'true'\nminimumCell: 5", "< 5"),
    ],
)
def test_rows_whose_condition_is_empty_are_told(published, numerator, denominator, told):
    """They were counted as no in silence: a share was low, and nobody knew why."""
    ended = service("3", "G03", "2018-01-01", "2020-01-01")
    both = [service("1", "G03", "2018-01-01"), service("2", "G03", "2018-01-01")]
    publish(published, "catalogue", "service", [*both, ended])
    path = published.schemas / "indicators" / "active-services.yaml"
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("rows:"), text.index("breakdown:")
    columns = "s.code, s.agency, s.online_until, period_end() AS period_end, true AS is_active"
    query = f"SELECT {columns} FROM catalogue.service AS s"
    body = f"rows: {query}\nnumerator: {numerator}\ndenominator: {denominator}\n"
    path.write_text(text[:begin] + body + text[end:], encoding="utf-8")
    (done,) = compute_step("2018Q1", "run-1", context=published).indicators
    assert (done.error, done.unknown) == ("", told)
