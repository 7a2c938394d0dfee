"""Figures of runs, tables and reads as metrics; each call is made once, where the figure is put on record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, Protocol

from include.telemetry.steps import exported_at_the_end, of_table
from include.telemetry.switch import is_on

Given = ParamSpec("Given")
_ROWS = ("extracted", "accepted", "rejected", "superseded")
_log = logging.getLogger(__name__)


class RunFigures(Protocol):
    """What a row of the run log tells of a run of one table."""

    @property
    def registry(self) -> str | None: ...
    @property
    def table(self) -> str | None: ...
    @property
    def mode(self) -> str | None: ...
    @property
    def verdict(self) -> str | None: ...
    @property
    def is_over(self) -> bool: ...
    @property
    def is_delivery(self) -> bool: ...
    @property
    def reasons(self) -> list[Any] | None: ...
    @property
    def started_at(self) -> datetime | str | None: ...


def _if_on(function: Callable[Given, None]) -> Callable[Given, None]:
    """Called only where telemetry is on; what goes wrong is logged by its kind, and fails nothing."""

    @wraps(function)
    def careful(*args: Given.args, **kwargs: Given.kwargs) -> None:
        if not is_on():
            return
        try:
            function(*args, **kwargs)
        except Exception as error:
            _log.warning("telemetry is lost: %s in %s", type(error).__name__, function.__name__)

    return careful


@_if_on
def record_run_figures(row: RunFigures) -> None:
    """Figures of a run of one table, as its row of the run log has them; once for each row."""
    registry, table = str(row.registry), of_table(str(row.table))
    run = {"registry": registry, **table, "mode": row.mode or "", "verdict": row.verdict or ""}
    with exported_at_the_end() as telemetry:
        if telemetry is None:
            return
        telemetry.record("lienthong.runs", 1, run)
        telemetry.record("lienthong.gates.waiting", int(row.verdict == "held"), run)
        if row.is_over:
            for name in _ROWS:
                if (rows := getattr(row, name)) is not None:
                    telemetry.record(f"lienthong.rows.{name}", rows, run)
            for rule_id, rows in row.reasons or ():
                telemetry.record("lienthong.rows.rejected_by_rule", rows, {**run, "rule": rule_id})
        if row.is_delivery and row.started_at:
            telemetry.record("lienthong.table.delivered", _unix_time(row.started_at), run)


@_if_on
def record_table_rows(registry: str, table: str, *, published: int, opened: int) -> None:
    """Rows of a table after a run: published, and rejections that are open."""
    with exported_at_the_end() as telemetry:
        if telemetry is not None:
            of = {"registry": registry, **of_table(table)}
            telemetry.record("lienthong.table.rows", published, of)
            telemetry.record("lienthong.rejections.open", opened, of)


@_if_on
def record_table(
    registry: str, table: str, server: str, *, rows: int, delivered_at: datetime | None, at: datetime, is_late: bool,
    verdict: str,
) -> None:  # fmt: skip
    """The state of a table, or of a server's slice, as `lienthong status` tells it."""
    of = {"registry": registry, "table": table, "server": server}
    with exported_at_the_end() as telemetry:
        if telemetry is None:
            return
        telemetry.record("lienthong.table.rows", rows, of)
        telemetry.record("lienthong.table.late", int(is_late), of)
        telemetry.record("lienthong.gates.waiting", int(verdict == "held"), of)
        if delivered_at is not None:
            telemetry.record("lienthong.table.delivered", delivered_at.timestamp(), of)
            telemetry.record("lienthong.table.age", max(0.0, (at - delivered_at).total_seconds()), of)


@_if_on
def record_linking(*, registry: str, table: str, verdict: str, mode: str) -> None:
    """That a run of linking persons was recorded."""
    of = {"registry": registry, "table": table, "verdict": verdict}
    with exported_at_the_end() as telemetry:
        if telemetry is not None:
            telemetry.record("lienthong.runs", 1, of | {"mode": mode})
            telemetry.record("lienthong.gates.waiting", int(verdict == "held"), of)


@_if_on
def record_read(*, registry: str | None, table: str | None, action: str, verdict: str) -> None:
    """That a request of a recipient was put on record."""
    of = {"registry": registry or "", "table": table or "", "action": action, "verdict": verdict}
    with exported_at_the_end() as telemetry:
        if telemetry is not None:
            telemetry.record("lienthong.reads", 1, of)


def _unix_time(at: datetime | str) -> float:
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
