"""The gate: holds back a run outside the contract's tolerance until a steward decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from include.contracts.model import Rule, Table
from include.contracts.words import Finding
from include.quality import gate_words
from include.quality.split import RuleCount, SplitResult

_NAMED_REASONS = 3
_MANY_ROWS = 1_000


class Preview(Protocol):
    """Protocol of the row counts that publishing would change (`include.lake.upsert.change_set.Changes`)."""

    @property
    def live_before(self) -> int:
        """Published rows before."""

    @property
    def live_after(self) -> int:
        """Published rows after."""

    @property
    def deleted(self) -> int:
        """Rows that would leave the table."""


def judge(
    table: Table, split: SplitResult, changes: Preview, *, mode: str = "full", repeats: int = 0
) -> tuple[Finding, ...]:
    """Findings of a run outside the table's tolerance, which a steward must approve; empty if there are none.

    Only a full extract must not be empty. The rejected rows of any other run are compared with the table's future row
    count, and with the run's own rows if these are at least 1,000. Repeats of open rejections (`repeats`) were within
    the tolerance or approved before, and do not count again.

    Args:
        table: the contract's table, with its tolerance, delete limit and bounds.
        split: the outcomes of the extracted rows.
        changes: what publishing would change in the table.
        mode: `full`, `incremental`, `backfill` or `replay`.
        repeats: number of the run's rejected rows that repeat open rejections.
    """
    if mode == "full" and split.extracted == 0:
        return (_empty(table, changes),)
    own = split.accepted + split.rejected  # superseded rows are not judged by all rules
    judged = [own] if mode == "full" else [changes.live_after + split.rejected]
    if mode != "full" and own - repeats >= _MANY_ROWS:
        judged.append(own - repeats)
    rejected = (_rejected(table, split, rows, repeats) for rows in judged)
    rejected_share = next(filter(None, rejected), None)
    findings = (rejected_share, _superseded(table, split), _row_count(table, changes), _deletes(table, changes))
    return (*(finding for finding in findings if finding), *_bounds(table, split))


def _empty(table: Table, changes: Preview) -> Finding:
    return Finding.of("emptyExtract", 0, "at least 1 row", gate_words.empty(table, changes.live_before))


def _rejected(table: Table, split: SplitResult, rows: int, repeats: int) -> Finding | None:
    """Findings on rejected rows; `rows` is the denominator of the share of new rejections."""
    new = split.rejected - repeats
    share = 100 * new / rows if rows else 0.0
    allowed = table.tolerance.rejected_percent
    if share <= allowed:
        return None
    text = gate_words.rejected(table, new, rows, repeats, share, _most_frequent(split))
    return Finding.of("rejectedPercent", round(share, 4), f"<= {allowed:g} %", text)


def _superseded(table: Table, split: SplitResult) -> Finding | None:
    """Rows of which the same extract has another version by the published key, where the contract limits their share.

    Many betray a key that no longer tells apart what it told apart: wards that were given an old commune's code, say.
    """
    allowed = table.tolerance.superseded_percent
    share = 100 * split.superseded / split.extracted if split.extracted else 0.0
    if allowed is None or share <= allowed:
        return None
    text = gate_words.superseded(table, split.superseded, split.extracted, share, allowed)
    return Finding.of("supersededPercent", round(share, 4), f"<= {allowed:g} %", text)


def _row_count(table: Table, changes: Preview) -> Finding | None:
    if not changes.live_before:
        return None
    change = 100 * (changes.live_after - changes.live_before) / changes.live_before
    allowed = table.tolerance.row_count_change_percent
    if abs(change) <= allowed:
        return None
    text = gate_words.row_count(table, changes.live_before, changes.live_after, change)
    return Finding.of("rowCountChangePercent", round(change, 4), f"+-{allowed:g} %", text)


def _deletes(table: Table, changes: Preview) -> Finding | None:
    if not changes.live_before:
        return None
    share = 100 * changes.deleted / changes.live_before
    allowed = table.extract.delete_limit_percent
    if share <= allowed:
        return None
    text = gate_words.deletes(table, changes.deleted, changes.live_before, share)
    return Finding.of("deleteLimitPercent", round(share, 4), f"<= {allowed:g} %", text)


def _bounds(table: Table, split: SplitResult) -> Iterator[Finding]:
    """Findings on table rules whose bound does not hold; those of severity `warning` are reported only."""
    for rule in table.rules:
        if rule.scope != "table" or rule.severity != "error" or rule.bound is None:
            continue
        count = split.count(rule.rule_id)
        measured = measure(rule, count)
        if not rule.bound.holds(measured):
            yield _bound(table, rule, count, measured)


def measure(rule: Rule, count: RuleCount) -> float:
    """A table rule's measure for its bound: rows, or percent of the table's rows (0 if there are none)."""
    if rule.bound is not None and rule.bound.unit == "percent":
        return 100 * count.violations / count.rows if count.rows else 0.0
    return float(count.violations)


def _bound(table: Table, rule: Rule, count: RuleCount, measured: float) -> Finding:
    text = gate_words.bound(table, rule, count.violations, count.rows, measured)
    return Finding.of(rule.rule_id, round(measured, 4), str(rule.bound), text)


def _most_frequent(split: SplitResult) -> list[tuple[str, int]]:
    broken = [c for c in split.counts if c.scope != "table" and c.severity == "error" and c.violations]
    broken.sort(key=lambda count: (-count.violations, count.rule_id))
    return [(count.rule_id, count.violations) for count in broken[:_NAMED_REASONS]]
