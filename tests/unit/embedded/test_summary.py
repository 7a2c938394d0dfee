"""How the demo ends: its table comes from the lake's records, its exit status from what became of every table."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.embedded.demo.summary import show_end
from include.embedded.demo.watch import HELD, FailedTask, Snapshot
from include.embedded.servers.terminal import console
from include.embedded.site import Site
from include.lake.run_log import log_tables
from include.lake.run_log.run_row import RunRow
from include.lake.storage.lake import Lake
from tests.ascii_tables import SCHEMAS

SINCE = datetime(2026, 1, 31, 2, tzinfo=UTC)
FIGURES = {"extracted": 1200, "accepted": 1100, "rejected": 90, "superseded": 10, "seconds": 1.5, "version": 3}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.delenv("LAKE_URI", raising=False)
    return Site(tmp_path, tmp_path / "var")


def record(site: Site, table: str, verdict: str, *, at: datetime = SINCE, **facts: object) -> None:
    row = {"registry": "land", "table": table, "run_id": f"{at:%H%M%S}", "verdict": verdict, "started_at": at}
    log_tables.append_run(Lake(site.lake_uri), RunRow.from_dict({**FIGURES, **row, **facts}))


def end(site: Site, capsys: pytest.CaptureFixture[str], stages: dict[str, str], **more: object) -> tuple[int, str]:
    runs = more.pop("runs", [("sync_land", "success")])
    status = show_end(site, SINCE, Snapshot(stages, runs, **more))
    return status, " ".join(capsys.readouterr().out.split())


def test_published_tables_end_well(site, capsys):
    record(site, "parcel", "published", mode="full", reasons=[["land.parcel.area_m2.unreadable", 90]])
    record(site, "ownership", "published", reasons=[["land.ownership.share-sum", 7]])
    status, said = end(site, capsys, {"land.parcel": "published", "land.ownership": "published"})
    assert status == 0
    assert "parcel │ all │ 1,200 │ 1,100 │ 90 │ 10" in said
    assert said.index("land.parcel.area_m2.unreadable") < said.index("land.ownership.share-sum")
    assert "make up" in said
    assert 'DeltaTable("var/lake/registry/population/citizen")' in said
    assert "lienthong sync NAME" in said


def test_a_second_demo_says_that_nothing_changed_and_why(site, capsys):
    record(site, "parcel", "published", at=SINCE - timedelta(hours=1))
    record(site, "parcel", "unchanged")
    status, said = end(site, capsys, {"land.parcel": "unchanged"})
    assert status == 0
    assert "Nothing changed: the source holds what it held at the last sync and the contract is the same" in said


def test_a_table_that_did_not_change_among_others_is_explained(site, capsys):
    record(site, "parcel", "unchanged")
    record(site, "ownership", "published")
    _, said = end(site, capsys, {"land.parcel": "unchanged", "land.ownership": "published"})
    assert "1 of 2 tables did not change: the source holds what it held" in said


def test_a_failed_task_is_told_with_its_error_and_its_log(site, capsys):
    record(site, "parcel", "published")
    log = site.folder("log", "airflow", "dag_id=sync_land") / "attempt=1.log"
    error = {"exc_type": "SourceDenied", "exc_value": "land: wrong password; set AIRFLOW_CONN_LAND"}
    log.write_text("not JSON\n" + json.dumps({"event": "Task failed", "error_detail": [error]}) + "\n")
    failed = [FailedTask("land.ownership extract", "dag_id=sync_land/attempt=1.log")]
    stages = {"land.parcel": "published", "land.ownership": "failed: extract"}
    status, said = end(site, capsys, stages, failed=failed, runs=[("sync_land", "failed")])
    assert status == 1
    assert "land.ownership extract failed: SourceDenied: land: wrong password; set AIRFLOW_CONN_LAND" in said
    assert str(log) in said


def test_a_table_that_was_held_and_approved_is_shown_as_published(site, capsys):
    record(site, "parcel", "held")
    record(site, "parcel", "published")
    _, said = end(site, capsys, {"land.parcel": "published"})
    assert "│ published" in said
    assert "│ held" not in said


def test_a_held_table_asks_for_a_steward(site, capsys):
    record(site, "parcel", "held")
    status, said = end(site, capsys, {"land.parcel": HELD}, runs=[("sync_land", "running")])
    assert status == 1
    assert "waits for a steward" in said
    assert "/required_actions" in said


def test_what_did_not_end_in_time_is_told(site, capsys):
    status, said = end(site, capsys, {"land.parcel": "assessing"}, runs=[("sync_land", "running")])
    assert status == 1
    assert "had not finished in time" in said


@pytest.mark.parametrize(
    ("locale", "rule", "verdict"),
    [("C", "must be readable", "published"), ("vi_VN", "phải là ngày hợp lệ", "đã công bố")],
)
def test_the_end_fits_a_terminal_of_80_columns(site, capsys, monkeypatch, locale, rule, verdict):
    """No line is longer, no figure is cut or folded, in either language and with figures of a whole country."""
    monkeypatch.setenv("LC_ALL", locale)
    monkeypatch.setenv("SCHEMAS_DIR", str(SCHEMAS))
    monkeypatch.setattr(console, "_width", 80)
    monkeypatch.setattr(console, "_force_terminal", True)
    monkeypatch.setattr(console, "_color_system", None)
    monkeypatch.setattr("include.embedded.site.Site.lake_uri", str(site.root / "var" / "lake"))
    country = {
        "extracted": 105_310_728,
        "accepted": 103_204_513,
        "rejected": 2_106_214,
        "superseded": 1,
        "version": 1200,
    }
    for registry, table in (("land", "certificate"), ("population", "household_member")):
        row = {"registry": registry, "table": table, "run_id": "1", "verdict": "published", "started_at": SINCE}
        reasons = [["land.certificate.issued_on.unreadable", 2_106_214], ["land.certificate.ward_code.reference", 1]]
        log_tables.append_run(Lake(site.lake_uri), RunRow.from_dict({**FIGURES, **row, **country, "reasons": reasons}))
    stages = {"land.certificate": "published", "population.household_member": "published", "land.parcel": HELD}
    show_end(site, SINCE, Snapshot(stages, [("sync_land", "running")]))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80, max(lines, key=len)
    said = "\n".join(lines)
    figures = ["105,310,728", "103,204,513", "2,106,214"]
    for figure in figures if locale == "C" else [figure.replace(",", ".") for figure in figures]:
        assert said.count(figure) >= 2
    assert said.count(verdict) >= 2
    assert rule in said
