"""How providers answer: counts of requests by registry, for the pages, the report and the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from include.sharing.requests.deadlines import is_late
from include.sharing.requests.request import Kind, Request


@dataclass(frozen=True, slots=True)
class ProviderSummary:
    """The requests of one kind to the provider of a registry; `unanswered` were withdrawn before an answer.

    `refused` counts asks by ground; `open` are waiting for an answer, `overdue` those of them whose last day is over;
    `accepted` are disputes that the source has yet to mend.
    """

    registry: str
    kind: Kind
    asked: int
    in_time: int
    late: int
    open: int
    overdue: int
    unanswered: int
    granted: int
    granted_less: int
    refused: tuple[tuple[str, int], ...]
    accepted: int
    mended: int
    rejected: int


def summaries(requests: Iterable[Request], *, at: datetime) -> tuple[ProviderSummary, ...]:
    """The counts of each registry that was ever asked, asks before disputes."""
    by_provider: dict[tuple[str, Kind], list[Request]] = {}
    for request in requests:
        by_provider.setdefault((request.registry, request.kind), []).append(request)
    return tuple(_counted(*key, found, at) for key, found in sorted(by_provider.items()))


def _counted(registry: str, kind: Kind, requests: list[Request], at: datetime) -> ProviderSummary:
    answered = [is_late(one.due_on, one.answered_at) for one in requests if one.answered_at]
    waiting = [is_late(one.due_on, at) for one in requests if one.state == "open"]
    states = Counter(one.state for one in requests)
    grants = [one.grant.is_less for one in requests if one.grant]
    grounds = Counter(one.refusal.ground for one in requests if one.refusal)
    return ProviderSummary(
        registry, kind, len(requests), answered.count(False), answered.count(True), len(waiting), sum(waiting),
        sum(one.state == "withdrawn" and one.answered_at is None for one in requests),
        grants.count(False), grants.count(True), tuple(sorted(grounds.items())),
        states["accepted"], states["mended"], states["rejected"],
    )  # fmt: skip
