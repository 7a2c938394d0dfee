"""Backlog of open rejected rows: counts by rule and age, and their trend over the last days. No values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from include.contracts.model import Table
from include.lake.rejected.open_rejections import open_rejections_of
from include.lake.rejected.relations import OPENED
from include.lake.storage import Lake, lake_errors

AGES = (1, 7, 30, 90)
"""Bounds of the age classes, in days since the current streak of rejections of a row's key began."""

TREND_DAYS = 30

_COUNTED = f"""
    WITH rows AS (
        SELECT _reasons, _since, _rejected_at, _closed_at FROM {OPENED}
        WHERE _closed_at IS NULL OR _closed_at > $start::TIMESTAMPTZ
    ),
    reasons AS (SELECT DISTINCT unnest(_reasons).rule_id AS rule_id, _since, _rejected_at, _closed_at, id
                FROM (SELECT *, row_number() OVER () AS id FROM rows))
    SELECT rule_id, _since, _rejected_at, _closed_at, count(*) FROM reasons GROUP BY ALL
    UNION ALL
    SELECT '', _since, _rejected_at, _closed_at, count(*) FROM rows GROUP BY ALL
"""

_WORDS = f"""
    SELECT reason.rule_id, any_value(reason.column), any_value(reason.message)
    FROM (SELECT unnest(_reasons) AS reason FROM {OPENED} WHERE _closed_at IS NULL) GROUP BY 1
"""


_OPEN_BY_RULE = f"""
    WITH broken AS (
        SELECT unnest(list_distinct(list_transform(_reasons, lambda r: r['rule_id']))) AS rule_id FROM {OPENED}
    )
    SELECT rule_id, count(*) FROM broken GROUP BY rule_id UNION ALL SELECT '', count(*) FROM {OPENED}
"""


@dataclass(frozen=True, slots=True)
class OpenRule:
    """Counts of the open rows that break one rule, or of all open rows (`rule_id` empty).

    `ages`: rows up to each of AGES days, and a last count for older ones. `trend`: open rows at the same time of each
    of the last TREND_DAYS days, the oldest first and now last.
    """

    rule_id: str
    column: str
    message: str
    rows: int
    since: datetime | None
    ages: tuple[int, ...]
    trend: tuple[int, ...]

    @property
    def a_week_ago(self) -> int:
        """Rows that were open seven days ago."""
        return self.trend[-8]

    @property
    def a_month_ago(self) -> int:
        """Rows that were open thirty days ago."""
        return self.trend[0]


@dataclass(frozen=True, slots=True)
class RejectionBacklog:
    """Open rejections of a table. A row may break several rules, so the rules add up to more than `total`."""

    total: OpenRule
    rules: tuple[OpenRule, ...]


def rejection_backlog(lake: Lake, table: Table, *, at: datetime) -> RejectionBacklog | None:
    """The rejection backlog of a table; None if no row of it was ever rejected.

    A rule whose last open row was closed within the trend is included, with no rows.
    """
    start = at - timedelta(days=TREND_DAYS)
    with open_rejections_of(lake, table, with_closed=True, changed_since=start) as opened:
        if opened is None:
            return None
        with lake_errors(f"counting the rejected rows of {table.qualified_name}"):
            counted = opened.connection.execute(_COUNTED, {"start": start}).fetchall()
            words = {row[0]: row[1:] for row in opened.connection.execute(_WORDS).fetchall()}
    by_rule: dict[str, list[_Count]] = {"": []}
    for rule_id, since, rejected_at, closed_at, rows in counted:
        by_rule.setdefault(rule_id, []).append(_Count(since, rejected_at, closed_at, rows))
    total, *rules = [_rule(rule_id, words.get(rule_id, ("", "")), counts, at) for rule_id, counts in by_rule.items()]
    return RejectionBacklog(total, tuple(sorted(rules, key=lambda rule: (-rule.rows, rule.rule_id))))


def open_counts(lake: Lake, table: Table) -> tuple[int, dict[str, int]]:
    """Number of open rejected rows of a table, in all and by rule."""
    with open_rejections_of(lake, table) as opened:
        if opened is None or not opened.files:
            return 0, {}
        with lake_errors(f"counting the rejected rows of {table.qualified_name}"):
            by_rule = dict(opened.connection.execute(_OPEN_BY_RULE).fetchall())
    return by_rule.pop("", 0), by_rule


@dataclass(frozen=True, slots=True)
class _Count:
    since: datetime
    rejected_at: datetime
    closed_at: datetime | None
    rows: int

    def is_open(self, at: datetime) -> bool:
        return self.rejected_at <= at and (self.closed_at is None or self.closed_at > at)


def _rule(rule_id: str, words: tuple[str | None, ...], counts: Iterable[_Count], at: datetime) -> OpenRule:
    counts = list(counts)
    now = [count for count in counts if count.closed_at is None]
    bounds = [timedelta(days=days) for days in AGES]
    ages = [0] * (len(AGES) + 1)
    for count in now:
        ages[sum(at - count.since >= bound for bound in bounds)] += count.rows
    instants = [at - timedelta(days=days) for days in range(TREND_DAYS, 0, -1)]
    before = [sum(count.rows for count in counts if count.is_open(instant)) for instant in instants]
    rows = sum(count.rows for count in now)
    since = min((count.since for count in now), default=None)
    column, message = words
    return OpenRule(
        rule_id, column or "", message or "", rows, since.astimezone(UTC) if since else None, tuple(ages),
        (*before, rows),
    )  # fmt: skip
