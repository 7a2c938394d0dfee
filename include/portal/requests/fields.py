"""Fields of the forms of requests, read as texts, lists and days."""

from __future__ import annotations

from datetime import date

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from include.contracts.model import OWNER, ROLE
from include.contracts.words import BilingualText
from include.pipelines.requests import RequestRefused, RequestUnknown, request_of
from include.portal.session import Person, require
from include.portal.state import portal_of
from include.sharing.requests import Request as Asked

NO_DAY = BilingualText(
    "give each day of the form, as 2026-12-31", "hãy ghi đủ các ngày trong biểu mẫu, theo dạng năm-tháng-ngày"
)


def text(form: FormData, name: str) -> str:
    """A text without surrounding blanks; browsers end lines with CR LF. Empty if the field is missing."""
    given = form.get(name)
    return given.replace("\r\n", "\n").strip() if isinstance(given, str) else ""


def texts(form: FormData, name: str) -> tuple[str, ...]:
    """All texts of a field that may come several times."""
    return tuple(given for given in form.getlist(name) if isinstance(given, str))


def lines(form: FormData, name: str) -> tuple[str, ...]:
    """The lines of a text that are not empty."""
    return tuple(line for given in text(form, name).splitlines() if (line := " ".join(given.split())))


def day(form: FormData, name: str) -> date | None:
    """A day; None if the form has no such field. Raises RequestRefused: what the field holds is no day."""
    if name not in form:
        return None
    try:
        return date.fromisoformat(text(form, name))
    except ValueError:
        raise RequestRefused(*NO_DAY) from None


def recipient(request: Request) -> Person:
    """The recipient that is signed in. Raises HTTPException 403: somebody else is."""
    person = require(request)
    if person.kind != "recipient":
        raise HTTPException(403)
    return person


def asked(request: Request) -> tuple[Person, Asked]:
    """Who is signed in, and the request of the path, which that person may see.

    Raises:
        HTTPException: 404 if there is none, and if it is somebody else's: nobody learns which.
    """
    person = require(request)
    try:
        found = request_of(portal_of(request).context, request.path_params["request_id"])
    except RequestUnknown:
        raise HTTPException(404) from None
    if not may_see(person, found):
        raise HTTPException(404)
    return person, found


def to_answer(request: Request) -> tuple[Person, Asked]:
    """The official that is signed in, who answers for the registry of the path's request.

    Raises:
        HTTPException: 404, see `asked`; 403 for who asked.
    """
    person, found = asked(request)
    if person.kind != "official":
        raise HTTPException(403)
    return person, found


def may_see(person: Person, found: Asked) -> bool:
    """Whether a person asked, or answers for the registry."""
    if person.kind == "recipient":
        return person.name == found.recipient
    return found.registry in person.registries(OWNER, ROLE)
