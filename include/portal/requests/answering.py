"""Forms of a provider: grant, grant less, refuse; accept or reject that a row is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from include.contracts.words import BilingualText
from include.pipelines.decisions import NotASteward
from include.pipelines.requests import Choice, RequestRefused, accept, grant, refuse, reject
from include.portal.csrf import form_of
from include.portal.rendering import redirect
from include.portal.requests.fields import asked, day, text, to_answer
from include.portal.requests.showing import one_request
from include.portal.session import Person
from include.portal.state import portal_of
from include.sharing.agreements import Protection, SharedColumn
from include.sharing.requests import Refusal, shared_column
from include.sharing.requests import Request as Asked

_NOT_IN_OFFICE = "bạn không còn là người trả lời thay cho cơ sở dữ liệu này"
_PROTECTION = "protection:"


def give(request: Request) -> Response:
    """Grant what was asked for, or less."""

    def act(person: Person, found: Asked, form: FormData) -> None:
        columns = tuple(_columns(found, form))
        choice = Choice(columns, text(form, "rows"), day(form, "until"), text(form, "contact"), text(form, "reason"))
        grant(portal_of(request).context, found.request_id, person.name, choice)

    return _answered(request, act)


def say_no(request: Request) -> Response:
    """Refuse, on a legal ground."""

    def act(person: Person, found: Asked, form: FormData) -> None:
        refusal = Refusal(text(form, "ground"), text(form, "article"), text(form, "why"))
        refuse(portal_of(request).context, found.request_id, person.name, refusal)

    return _answered(request, act)


def agree(request: Request) -> Response:
    """Accept that a row is wrong."""

    def act(person: Person, found: Asked, form: FormData) -> None:
        accept(portal_of(request).context, found.request_id, person.name, text(form, "reason"))

    return _answered(request, act)


def turn_down(request: Request) -> Response:
    """Reject that a row is wrong."""

    def act(person: Person, found: Asked, form: FormData) -> None:
        reject(portal_of(request).context, found.request_id, person.name, text(form, "reason"))

    return _answered(request, act)


def _answered(request: Request, act: Callable[[Person, Asked, FormData], None]) -> Response:
    person, found = to_answer(request)
    form = form_of(request)
    try:
        act(person, found, form)
    except RequestRefused as refused:
        wrong = refused.text
    except NotASteward as nobody:
        wrong = BilingualText(str(nobody), _NOT_IN_OFFICE)
    else:
        return redirect(f"/requests/{found.request_id}")
    given = {name: value for name, value in form.items() if isinstance(value, str)}
    return one_request(request, *asked(request), wrong=wrong, given=given)


def _columns(found: Asked, form: FormData) -> list[SharedColumn]:
    """The columns that were asked for, as the form protects them; dropped where it names no protection."""
    names = found.ask.columns if found.ask else ()
    chosen = {name: text(form, f"{_PROTECTION}{name}") for name in names}
    known: dict[str, Protection] = {protection: protection for protection in get_args(Protection)}
    return [shared_column(name, known.get(protection, "drop")) for name, protection in chosen.items()]
