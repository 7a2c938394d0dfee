"""Recording of an event of a request: an entry of the ledger first, then a row of `audit/requests`.

The ledger takes one event of each number of a request, so of two people who act at once one is first, and the other is
told. A process that was killed between entry and row leaves the number taken: the same act of the same person, said
again, adds the row; after GIVEN_UP it counts as never said, and the next event takes the next number.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from include.audit import ledger
from include.audit.ledger import Record
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.errors import no_values_escape
from include.pipelines.requests.access import request_of
from include.pipelines.requests.refusals import RequestOvertaken
from include.sharing.requests import (
    REQUESTS_TABLE,
    STATES,
    Act,
    Details,
    Event,
    Refusal,
    Request,
    append_event,
    details_of,
    is_allowed,
    read_events,
)

GIVEN_UP = timedelta(minutes=10)
_TRIES, _PAUSE_SECONDS = 20, 0.25


def act_on(
    context: PipelineContext,
    request_id: str,
    act: Act,
    actor: str,
    details: Callable[[Request], Details],
) -> Request:
    """Record an act on a request; `details` makes what is said of it from the request as it stands then.

    Raises:
        RequestUnknown: there is no such request.
        RequestOvertaken: the request is no longer in a state for it, or somebody else acts on it at this moment.
        Misuse: raised by `details`.
    """
    for _ in range(_TRIES):
        request = request_of(context, request_id)
        if not is_allowed(request, act):
            raise _overtaken(request)
        event = Event(
            request_id, request.number + 1, request.number, act, context.now(), actor, request.kind, request.registry,
            request.table, request.recipient, details(request).to_json(),
        )  # fmt: skip
        if write(context, event):
            return request_of(context, request_id)
        time.sleep(_PAUSE_SECONDS)
    raise RequestOvertaken(
        f"somebody else acts on `{request_id}` at this moment: look at it again, then repeat what still holds",
        f"có người khác đang xử lý `{request_id}`: hãy xem lại rồi thực hiện lại nếu vẫn phù hợp",
    )


def write(context: PipelineContext, event: Event) -> bool:
    """Write an event to the ledger, then to the table; False if another event has its number."""
    with no_values_escape("recording a request"):
        record = Record(
            "request", f"requests/{event.request_id}", _payload(event),
            once=(f"request/{event.request_id}", event.number),
        )  # fmt: skip
        if not ledger.append(context.lake, [record], at=event.at, actor=event.actor):
            before = _before(context, event)
            if before is None:
                return False
            if before.number != event.number:
                return write(context, before)
            event = before
        append_event(context.lake, event)
        record_commits(context, [REQUESTS_TABLE])
        # Not so if others gave the event up before its row was there.
        counted = read_events(context.lake)[event.request_id]
        return (event.number, event.digest) in {(one.number, one.digest) for one in counted}


def _before(context: PipelineContext, event: Event) -> Event | None:
    """The event as it is to be written although its number is taken; None if it was another's, a moment ago.

    The same words said after another event are another's: what was said between must not be passed over.
    """
    number, after, digest, at = max(_entries(context, event.request_id))
    if (digest, after) == (event.digest, event.after):
        return replace(event, number=number, at=at)
    return replace(event, number=number + 1) if event.at - at > GIVEN_UP else None


def _entries(context: PipelineContext, request_id: str) -> list[tuple[int, int, str, datetime]]:
    """Of each ledger entry of a request: the number of its event and of the one before, its digest, and when."""
    _, entries = ledger.read_kind(context.lake, "request")
    said = [row for row in entries.to_pylist() if row["subject"] == f"requests/{request_id}"]
    payloads = [(json.loads(row["payload"]), row["at"]) for row in said]
    # Entries of former versions do not say what they follow.
    return [(p["number"], p.get("after", p["number"] - 1), p["digest"], at) for p, at in payloads]


def _payload(event: Event) -> dict[str, str | int]:
    """What the ledger keeps: ids, kinds and digests, no word and no value of the request."""
    said: dict[str, str | int] = {
        "act": event.act,
        "number": event.number,
        "after": event.after,
        "kind": event.kind,
        "table": f"{event.registry}.{event.table}",
        "recipient": event.recipient,
        "digest": event.digest,
    }
    details = details_of(event)
    return said | ({"ground": details.ground} if isinstance(details, Refusal) else {})


def _overtaken(request: Request) -> RequestOvertaken:
    since = f", by {request.answered_by}" if request.answered_by else ""
    by = f", người trả lời: {request.answered_by}" if request.answered_by else ""
    state = STATES[request.state].vietnamese
    return RequestOvertaken(
        f"`{request.request_id}` is {request.state}{since}: nothing was changed; look at it again first",
        f"`{request.request_id}` {state}{by}: không có gì thay đổi; hãy xem lại trước",
    )
