"""Exports of registries on several servers: a row for each server and table, and one for each rule of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from include.audit.report_data import Overview, ServerReport, TableReport

Rows = tuple[Sequence[Mapping[str, object]], tuple[str, ...]]
"""Rows, and the columns of an empty file."""


def servers_rows(overview: Overview) -> dict[str, Rows]:
    """Rows by kind: `servers` and `server_rules`; their sums are those of `tables` and `rules`."""
    found = [(server, one) for registry in overview.registries for server in registry.servers for one in server.slices]
    servers = [_server(server, one, overview.at) for server, one in found]
    rules = [
        {**_name(server, one), "rule_id": rule.rule_id, "severity": rule.severity, "dimension": rule.dimension,
         "rows": rule.rows, "violations": rule.violations, "percent": rule.percent, "in_run": rule.in_run,
         "gx_violations": rule.gx_violations}
        for server, one in found for rule in one.rules
    ]  # fmt: skip
    return {
        "servers": (servers, ("registry", "server", "area", "table", "state", "rows", "open_rejections", "index")),
        "server_rules": (rules, ("registry", "server", "table", "rule_id", "rows", "violations")),
    }


def _server(server: ServerReport, one: TableReport, at: datetime) -> dict[str, object]:
    facts, last = server.facts, one.freshness.last_good_at
    return {
        **_name(server, one),
        "area": ", ".join(facts.areas),
        "variant": facts.variant,
        "state": _state(server, one),
        "last_delivery": last.isoformat() if last else None,
        "age_hours": round((at - last).total_seconds() / 3600, 1) if last else None,
        "missed": one.freshness.missed if facts.is_read else None,
        "rows": one.live_rows,
        "open_rejections": one.open_count,
        "open_percent": one.standing.open_percent if one.standing else None,
        "index": one.index.overall,
        "verdict": one.latest.verdict if one.latest else None,
        "run_id": one.latest.run_id if one.latest else None,
        "published_run_id": one.last.run_id if one.last else None,
        "drift": "; ".join(one.latest.drift) if one.latest else "",
    }


def _state(server: ServerReport, one: TableReport) -> str:
    if not server.facts.is_listed:
        return "let go"
    if not server.facts.is_read:
        return "ended"
    if one.freshness.last_good_at is None:
        return "never delivered"
    return "in time" if one.freshness.is_fresh else "late"


def _name(server: ServerReport, one: TableReport) -> dict[str, str]:
    return {"registry": one.table.registry, "server": server.facts.name, "table": one.table.base_name}
