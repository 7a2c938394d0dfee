"""The list of requests, one request with what happened to it, and the counts by provider."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from include.contracts.model import Column
from include.contracts.words import MAX_NOTE, BilingualText
from include.pipelines import Misuse
from include.pipelines.decisions import Look
from include.pipelines.requests import agreements_of, all_requests, course_of, look_at_dispute, mailbox_of
from include.portal.csrf import form_of
from include.portal.rendering import page
from include.portal.requests.fields import asked, may_see, text, to_answer
from include.portal.session import Person, require
from include.portal.state import Portal, portal_of
from include.sharing.agreements import SharedColumn
from include.sharing.requests import (
    ACTS,
    KINDS,
    STATES,
    WAITING,
    fitting,
    grounds,
    is_late,
    proposed,
    summaries,
)
from include.sharing.requests import Request as Asked
from include.vietnam import WorkingDays

MOST_CLOSED = 200
WORDS = {"states": STATES, "kinds": KINDS, "acts": ACTS}


def listed(request: Request) -> Response:
    """The requests of a recipient, or those to the registries for which an official answers."""
    person, context = require(request), portal_of(request).context
    found = [one for one in all_requests(context).values() if may_see(person, one)]
    waiting = sorted((one for one in found if one.state in WAITING), key=lambda one: (one.due_on, one.request_id))
    closed = [one for one in found if one.state not in WAITING][::-1]
    late = {one.request_id for one in waiting if one.state == "open" and is_late(one.due_on, context.now())}
    values = {"found": [*waiting, *closed[:MOST_CLOSED]], "late": late, "cut": max(0, len(closed) - MOST_CLOSED)}
    return page(request, "requests_list.html.j2", {**values, **WORDS})


def counted(request: Request) -> Response:
    """How providers answer, for everybody: counts alone."""
    context = portal_of(request).context
    found = summaries(all_requests(context).values(), at=context.now())
    names = {code: ground.name for code, ground in grounds(context.schemas).items()}
    return page(request, "requests_summary.html.j2", {"found": found, "grounds": names, **WORDS})


def shown(request: Request) -> Response:
    """One request."""
    person, found = asked(request)
    return one_request(request, person, found)


def looked_at(request: Request) -> Response:
    """The key and the values of a dispute, for an official who says what for: in the ledger before they are shown."""
    person, found = to_answer(request)
    if found.dispute is None:
        raise HTTPException(404)
    try:
        look = Look.of(person.name, text(form_of(request), "purpose"))
    except Misuse as misuse:
        said = (
            f"hãy nêu mục đích xem (tối đa {MAX_NOTE} ký tự), không ghi số định danh của người: "
            "mục đích được lưu vào nhật ký kiểm tra, giám sát"
        )
        return one_request(request, person, found, wrong=BilingualText(str(misuse), said))
    look_at_dispute(portal_of(request).context, found, look)
    return one_request(request, person, found, with_values=True)


def draft(request: Request) -> Response:
    """The drafted agreement as a file."""
    _, found = asked(request)
    if found.grant is None:
        raise HTTPException(404)
    name = f"{found.grant.agreement_id}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(found.grant.text, media_type="application/yaml", headers=headers)


def one_request(
    request: Request,
    person: Person,
    found: Asked,
    *,
    wrong: BilingualText | None = None,
    given: Mapping[str, object] | None = None,
    with_values: bool = False,
) -> Response:
    """The page of a request. `wrong` says why a form was not carried out, `given` what it held."""
    portal = portal_of(request)
    context = portal.context
    is_provider = person.kind == "official"
    known = grounds(context.schemas)
    columns = _columns(portal, found)
    values = {
        "found": found,
        "course": [event for event in course_of(context, found) if event.act != "notified"],
        "is_provider": is_provider,
        "is_late": found.state == "open" and is_late(found.due_on, context.now()),
        "is_announced": WorkingDays.load(context.schemas).is_announced(found.due_on.year),
        "recipient_name": found.ask.recipient_name if found.ask else _office(portal, found.recipient),
        "columns": columns,
        "has_key": any(column and column.primary_key_position for _, column, _, _ in columns),
        "grounds": known,
        "ground": known[found.refusal.ground].name if found.refusal and found.refusal.ground in known else None,
        "contact": mailbox_of(context, found.registry) if is_provider else "",
        "with_values": with_values or not is_provider,
        "wrong": wrong,
        "given": given or {},
        **WORDS,
    }
    return page(request, "requests_show.html.j2", values, status=400 if wrong else 200)


def _office(portal: Portal, recipient: str) -> str:
    """The name of a recipient in its agreements; its id if it has none any more."""
    names = (one.recipient_name for one in agreements_of(portal.context).values() if one.recipient == recipient)
    return next(names, recipient)


def _columns(portal: Portal, found: Asked) -> list[tuple[str, Column | None, str, tuple[SharedColumn, ...]]]:
    """Of each column that is asked for: its name, the column of today, the proposed protection, those that fit."""
    contract = portal.quality.contracts().get(found.registry)
    tables = contract.tables if contract else ()  # the page shows what was asked for all the same
    known = {column.name: column for table in tables if table.name == found.table for column in table.columns}
    names = found.ask.columns if found.ask else ()
    return [
        (name, known[name], proposed(known[name]).protection, fitting(known[name]))
        if name in known
        else (name, None, "", ())
        for name in names
    ]
