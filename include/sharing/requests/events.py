"""Events of requests: rows of `audit/requests`, which is only appended to; a request is what its events leave."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Literal, get_args

import pyarrow as pa

from include.lake.run_log import append
from include.lake.storage import Lake, lake_errors
from include.sharing.requests.deadlines import DAYS_TO_ANSWER
from include.sharing.requests.request import Ask, Details, Dispute, Grant, Kind, Note, Refusal, Request, State
from include.vietnam import WorkingDays

REQUESTS_TABLE = "audit/requests"
DUE_ON = "due_on"
"""What the details of the first event of a request hold besides: the last day for the answer."""
Act = Literal[
    "asked", "granted", "refused", "withdrawn", "in force", "accepted", "rejected", "mended",
    "reminded", "escalated", "notified",
]  # fmt: skip
ALLOWED: dict[Act, tuple[Kind, tuple[State, ...]]] = {
    "granted": ("ask", ("open",)),
    "refused": ("ask", ("open",)),
    "in force": ("ask", ("granted",)),
    "accepted": ("dispute", ("open",)),
    "rejected": ("dispute", ("open",)),
    "mended": ("dispute", ("accepted",)),
}
"""Of which kind, and in which states, a request may be for an act."""
ANSWERS: tuple[Act, ...] = ("granted", "refused", "accepted", "rejected")
_OF_EITHER: dict[Act, tuple[State, ...]] = {
    "withdrawn": ("open", "granted", "accepted"),
    "reminded": ("open",),
    "escalated": ("open",),
    "notified": get_args(State),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a request. `number` counts from 1; `after` is the number of the event that it follows (0: none).

    `actor` is a recipient's id, an official's username, or the service. `details` are JSON.
    """

    request_id: str
    number: int
    after: int
    act: Act
    at: datetime
    actor: str
    kind: Kind
    registry: str
    table: str
    recipient: str
    details: str

    @property
    def digest(self) -> str:
        """SHA-256 of what the event says, whenever it is said."""
        said = json.dumps([self.request_id, self.act, self.actor, self.details])
        return hashlib.sha256(said.encode()).hexdigest()


_ARROW = {"int": pa.int64(), "datetime": pa.timestamp("us", tz="UTC")}
EVENTS = pa.schema(
    [
        ("run_id", pa.string()),
        *((field.name, _ARROW.get(str(field.type), pa.string())) for field in fields(Event)),
    ]
)
"""Columns of `audit/requests`: those of an event, and `run_id`, which names the event as in all log tables."""


def append_event(lake: Lake, event: Event) -> bool:
    """Append one event; False if it is there."""
    name = f"{event.request_id}/{event.number}"
    row = {"run_id": name} | {field.name: getattr(event, field.name) for field in fields(event)}
    return append(lake, "requests", pa.Table.from_pylist([row], EVENTS), once=f"requests/{name}")


def read_events(lake: Lake) -> dict[str, list[Event]]:
    """The events that count of each request, the oldest first, by its id; none if there is no table yet."""
    uri = lake.path(REQUESTS_TABLE)
    if not lake.is_table(uri):
        return {}
    with lake_errors("reading the requests"):
        rows = lake.table(uri).to_pyarrow_table(columns=[field.name for field in fields(Event)]).to_pylist()
    by_id: dict[str, list[Event]] = defaultdict(list)
    for row in rows:
        by_id[row["request_id"]].append(Event(**row))
    return {request_id: _chain(events) for request_id, events in by_id.items()}


def requests_of(lake: Lake, days: WorkingDays) -> dict[str, Request]:
    """Every request by its id, the oldest first."""
    found = [request for events in read_events(lake).values() if (request := _left_by(events, days))]
    return {request.request_id: request for request in sorted(found, key=lambda one: (one.asked_at, one.request_id))}


def _left_by(events: Iterable[Event], days: WorkingDays) -> Request | None:
    request = None
    for event in events:
        request = _after(request, event, days)
    return request


def _chain(events: Iterable[Event]) -> list[Event]:
    """The events from the last one back to the first: one that none of them follows was given up before it was seen."""
    by_number = {event.number: event for event in events}
    chain = []
    number = max(by_number, default=0)
    while number in by_number:
        chain.append(by_number[number])
        number = by_number[number].after
    return chain[::-1]


def is_allowed(request: Request, act: Act) -> bool:
    """Whether the act may follow in the state that the request is in."""
    if act in ALLOWED:
        kind, states = ALLOWED[act]
        return request.kind == kind and request.state in states
    return request.state in _OF_EITHER.get(act, ())


def _after(request: Request | None, event: Event, days: WorkingDays) -> Request | None:
    if event.act == "asked":
        details = details_of(event)
        return Request(
            event.request_id, event.kind, event.registry, event.table, event.recipient, event.at,
            _due_on(event, days), "open", event.number,
            ask=details if isinstance(details, Ask) else None,
            dispute=details if isinstance(details, Dispute) else None,
        )  # fmt: skip
    if request is None:
        return None
    request = replace(request, number=event.number)
    match event.act:
        case "reminded":
            return replace(request, reminded=True)
        case "escalated":
            return replace(request, escalated=True)
        case "notified":
            return request
    if event.act in ANSWERS:
        request = replace(request, answered_at=event.at, answered_by=event.actor)
    details = details_of(event)
    if isinstance(details, Grant):
        request = replace(request, grant=details, reason=details.reason)
    elif isinstance(details, Refusal):
        request = replace(request, refusal=details, reason=details.reason)
    elif isinstance(details, Note) and details.reason:
        request = replace(request, reason=details.reason)
    return replace(request, state=event.act)


def _due_on(event: Event, days: WorkingDays) -> date:
    """The last day as it was when the request came in: what the list of days off says later changes no verdict."""
    kept = json.loads(event.details).get(DUE_ON)
    return date.fromisoformat(kept) if kept else days.due_on(event.at, DAYS_TO_ANSWER)


def details_of(event: Event) -> Details:
    """The details of an event."""
    data = json.loads(event.details)
    data.pop(DUE_ON, None)
    match event.act, event.kind:
        case "asked", "ask":
            return Ask.from_dict(data)
        case "asked", _:
            return Dispute.from_dict(data)
        case "granted", _:
            return Grant.from_dict(data)
        case "refused", _:
            return Refusal.from_dict(data)
    return Note.from_dict(data)
