"""Read plan of a run, made without asking the source: full, a backfill window, or rows past the last cursor."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from include.contracts.model import Table
from include.lake.delta import RunCommit
from include.lake.upsert import Mode
from include.pipelines.errors import OnlyReadWhole
from include.sources.change_log import ChangePosition
from include.sources.databases import is_ahead
from include.sources.open_object import ReadRequest


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the cursor that is read again, from `since` to before `until` (a backfill)."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run reads a table, and why."""

    mode: Mode
    why: str
    wanted: ReadRequest = field(default_factory=ReadRequest)


def plan_extract(
    table: Table,
    state: RunCommit | None,
    *,
    definition_digest: str,
    is_full: bool,
    at: datetime,
    window: Window | None = None,
) -> Plan:
    """What to read, as far as it can be told without the source: the whole table, or what is past the last cursor.

    Raises:
        OnlyReadWhole: a window of such a table; reading all of it deletes, and moves the cursor.
    """
    is_logged = table.extract.reads_change_log
    position = state.metadata.get("change_position", "") if state else ""
    cursor: list[str] = json.loads(state.metadata.get("cursor") or "[]") if state else []
    reasons = {
        "it was asked for": is_full,
        "the table was never published": state is None,
        "the contract states no cursor": not table.extract.cursor and not is_logged,
        "the contract states no primary key": not table.primary_key,
        "the contract, a code list or a macro changed what rows become": state is not None
        and state.metadata.get("table_digest") != definition_digest,
        "the last commit holds no cursor": not cursor and not is_logged,
        "the last cursor lies in the future: it was taken by a clock that was ahead": bool(cursor)
        and not is_logged
        and is_ahead(cursor[0], at),
        "the last commit holds no position in the source's log": is_logged and window is None and not position,
    }
    why = next((reason for reason, holds in reasons.items() if holds), None)
    if window is not None and state is not None and not table.can_be_read_in_part:
        raise no_part(table, why or "")
    if why:
        return Plan("full", why)
    if window is not None:
        span = ReadRequest(since=(window.since.isoformat(),), until=(window.until.isoformat(),))
        return Plan("backfill", f"the rows written from {window.since:%F %R} to {window.until:%F %R} again", span)
    if is_logged:
        read_at = ChangePosition.from_json(position).at
        return Plan("incremental", f"the rows that the source's log names since {read_at[:16]}")
    return Plan("incremental", "rows past the last cursor", ReadRequest(since=tuple(cursor), lag=table.extract.lag))


def no_part(table: Table, why: str) -> OnlyReadWhole:
    """The refusal of a stretch of a table that is only read whole."""
    return OnlyReadWhole(
        f"{table.qualified_name} cannot be read for a stretch of time: {why}. Every sync reads all of it: leave it out"
    )
