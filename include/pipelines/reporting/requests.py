"""Requests to providers for the report and the pages: counts by registry, and what is open about a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from include.audit.report_data import RequestCounts
from include.contracts.words import BilingualText
from include.pipelines.context import PipelineContext
from include.pipelines.requests import all_requests
from include.sharing.requests import ProviderSummary, grounds, summaries


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """What waits about one table: asks without an answer, disputed rows without an answer, or not mended yet."""

    asks: int
    disputes: int
    to_be_mended: int


def request_counts(context: PipelineContext, *, at: datetime) -> tuple[RequestCounts, ...]:
    """How each registry's provider answers."""
    names = {code: ground.name for code, ground in grounds(context.schemas).items()}
    return tuple(_counts(one, names) for one in summaries(all_requests(context).values(), at=at))


def open_requests(context: PipelineContext, registry: str, table: str) -> OpenRequests:
    """What waits about one table."""
    of = [one for one in all_requests(context).values() if (one.registry, one.table) == (registry, table)]
    waiting = [one.kind for one in of if one.state == "open"]
    return OpenRequests(waiting.count("ask"), waiting.count("dispute"), sum(one.state == "accepted" for one in of))


def _counts(one: ProviderSummary, names: dict[str, BilingualText]) -> RequestCounts:
    refused = tuple((names.get(code, BilingualText(code, code)), count) for code, count in one.refused)
    return RequestCounts(
        one.registry, one.kind, one.asked, one.in_time, one.late, one.open, one.overdue, one.granted, one.granted_less,
        refused, one.accepted, one.mended, one.rejected,
    )  # fmt: skip
