"""The report of the night is of the day that has begun in Hà Nội, and leaves that of the day before as it was.

Older tests made each report at an hour that is of one day in Hà Nội and in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import tests.provincial as provinces
from include.lake.rejected import RejectionBacklog
from include.pipelines.reporting import QualityPages, editions, pages, report_step
from tests.provincial import make_provinces

OFFICE_HOURS = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # 16:00
AT_NIGHT = datetime(2026, 3, 2, 19, 10, tzinfo=UTC)  # 02:10 of 3 March


def test_the_report_of_the_night_leaves_that_of_the_day_before(tmp_path: Path) -> None:
    provinces.write_contract(tmp_path, "land-01")
    for at, day in ((OFFICE_HOURS, "2026-03-02"), (AT_NIGHT, "2026-03-03")):
        context = provinces.at(tmp_path, at)
        made = report_step(context=context, folder=tmp_path / "out")
        assert [Path(folder).name for folder in made.lake] == ["latest", day]
    assert editions(context.lake) == ("latest", "2026-03-03", "2026-03-02")
    said = context.lake.read_text(context.lake.path("audit/reports", "2026-03-02", "report.vi.html"))
    assert "02/03/2026 16:00" in said


def test_the_ages_of_rejected_rows_are_counted_anew_when_a_day_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_provinces(tmp_path)
    (table,) = [one for one in context.contract("land").of_server("land-01").tables if one.base_name == "parcel"]
    counted: list[datetime] = []

    def count(*_: object, at: datetime) -> RejectionBacklog | None:
        counted.append(at)
        return None

    monkeypatch.setattr(pages, "rejection_backlog", count)
    shown = QualityPages(context)
    hours = [datetime(2026, 3, 4, hour, 30, tzinfo=UTC) for hour in (15, 16, 17, 23)]
    for at in [*hours, datetime(2026, 3, 5, 0, 30, tzinfo=UTC)]:
        object.__setattr__(context, "at", at)
        shown.rejected(table)
    assert counted == [hours[0], hours[2]], "17:00 in UTC is midnight"
