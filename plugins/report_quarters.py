"""The quarters of the report to the Government: when each is due, and which one a run is for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from airflow.sdk import CronPartitionTimetable

from include.indicators.definitions import last_quarter, quarter_of
from plugins.dag_settings import TIMEZONE

if TYPE_CHECKING:
    from airflow.sdk import Context

_DAY = "%Y-%m-%d"


def each_quarter() -> CronPartitionTimetable:
    """A run on the 5th day after each quarter at 06:00, whose partition is a day of the quarter that is over."""
    return CronPartitionTimetable(
        "0 6 5 1,4,7,10 *", timezone=TIMEZONE, run_offset=-1, key_format=_DAY, run_immediately=timedelta()
    )


def quarter_of_run(context: Context) -> str:
    """The quarter that a run's form names, else that of its partition, else the last one that was over as it began."""
    if period := str(context["params"].get("period") or "").strip():
        return period
    run = context["dag_run"]
    if key := getattr(run, "partition_key", None):
        return quarter_of(date.fromisoformat(key))
    return last_quarter(run.run_after.astimezone(ZoneInfo(TIMEZONE)).date())
