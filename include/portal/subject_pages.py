"""Pages for the data protection officer: what is held about a person, who was given it, who has looked at it.

Each showing is a question of its own, on record before it is answered; so is each download of the letter.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.audit.official_letter import letter_html, letter_pdf
from include.contracts.model import PROTECTION_OFFICER
from include.contracts.words import MAX_NOTE
from include.pipelines import Misuse
from include.pipelines.decisions import Look
from include.pipelines.subject import PersonUnknown, Subject, answer_person, subject_letter
from include.portal.csrf import form_of
from include.portal.rendering import page
from include.portal.session import Person, require
from include.portal.state import portal_of

PATH = "/subject"


def ask(request: Request) -> Response:
    """The form."""
    _officer(request)
    return _form(request, person="", purpose="")


def answer(request: Request) -> Response:
    """The answer as a page, or as the letter in a file if the form says so (`letter`: `pdf` or `html`)."""
    officer, form = _officer(request), form_of(request)
    person, purpose, kind = (str(form.get(name, "")) for name in ("person", "purpose", "letter"))
    try:
        found = _answered(request, officer, person, purpose)
    except PersonUnknown:
        return _form(request, person=person, purpose=purpose, wrong="person", status=400)
    except Misuse:
        return _form(request, person=person, purpose=purpose, wrong="purpose", status=400)
    letter = subject_letter(found)
    if kind == "pdf":
        return _file(letter_pdf(letter), "application/pdf", found)
    if kind == "html":
        return _file(letter_html(letter).encode(), "text/html", found)
    return page(request, "subject_answer.html.j2", {"letter": letter, "asked": person, "purpose": found.purpose})


def _officer(request: Request) -> Person:
    """Who is signed in, if a data protection officer of one of the registries."""
    person = require(request)
    if not person.holds(PROTECTION_OFFICER):
        raise HTTPException(403)
    return person


def _answered(request: Request, officer: Person, person: str, purpose: str) -> Subject:
    context = replace(portal_of(request).context)  # with the contracts of today
    return answer_person(context, person.strip(), look=Look.of(officer.name, purpose))


def _form(request: Request, *, person: str, purpose: str, wrong: str = "", status: int = 200) -> Response:
    given = {"asked": person, "purpose": purpose, "wrong": wrong, "longest": MAX_NOTE}
    return page(request, "subject_ask.html.j2", given, status=status)


def _file(content: bytes, kind: str, found: Subject) -> Response:
    name = f"tra-loi-muc-{found.entry}.{'pdf' if kind.endswith('pdf') else 'html'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)


ROUTES = [Route(PATH, ask), Route(PATH, answer, methods=["POST"])]
