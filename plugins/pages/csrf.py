"""Protection of forms against cross-site request forgery.

Each form is checked twice: by the origin headers of the browser, and by a token in both the form and a cookie, which
another site can neither read nor guess.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from fastapi import HTTPException, Request, status

FIELD = "lienthong_form"
"""The name of the cookie with a visitor's token, and of the field of a form that repeats it."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class StaleForm(HTTPException):
    """A form without the token of this browser (403): most often its page was open while the browser was restarted."""

    def __init__(self) -> None:
        super().__init__(status.HTTP_403_FORBIDDEN)


def from_our_own_pages(request: Request) -> None:
    """Refuse (403) cross-site requests.

    Every browser of today sends `Sec-Fetch-Site`, which no page can set; older ones send `Origin` with every form. A
    client that sends neither is no browser and carries no visitor's cookie by itself.
    """
    if request.method in _READING:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_ours = site in ("same-origin", "none") if site else origin is None or _is_host(origin, request)
    if not is_ours:
        raise HTTPException(status.HTTP_403_FORBIDDEN)


async def with_our_own_token(request: Request) -> None:
    """Refuse a form of a signed-in visitor's browser without the token that our pages give it (StaleForm).

    Who shows Airflow's token in a header, and no cookie, is no browser that another site could make send something.
    """
    if request.method in _READING or COOKIE_NAME_JWT_TOKEN not in request.cookies:
        return
    given, expected = (await request.form()).get(FIELD), request.cookies.get(FIELD)
    if not expected or not isinstance(given, str) or not secrets.compare_digest(given.encode(), expected.encode()):
        raise StaleForm


def form_token(request: Request) -> str:
    """The token of this visitor's browser: the one it has, or a new one, to be set as the cookie FIELD."""
    return request.cookies.get(FIELD) or secrets.token_urlsafe(24)


def _is_host(origin: str, request: Request) -> bool:
    return bool(urlsplit(origin).netloc) and urlsplit(origin).netloc == request.headers.get("host")
