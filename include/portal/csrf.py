"""Protection of every form against cross-site request forgery, as a middleware: no POST comes to a page without it.

Each is checked twice: by the origin headers of the browser, and by a token in both the form and a cookie, which another
site can neither read nor guess.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.portal.rendering import FIELD, message

READING = frozenset({"GET", "HEAD"})
LARGEST_FORM = 1024**2


class FormGuard:
    """Reads the form of each request that is no GET, and lets it pass if our own page was its origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to a form of another origin, 413 to one that is too large, 400 to what is no form."""
        if scope["type"] != "http" or scope["method"] in READING:
            await self._app(scope, receive, send)
            return
        try:
            body = await _body(Request(scope, receive))
        except ClientDisconnect:
            return
        if body is None:
            await _refuse(413, scope, receive, send)
            return
        try:
            form = await Request(scope, _again(body)).form(max_files=1, max_fields=1000)
        except (HTTPException, ValueError):
            await _refuse(400, scope, receive, send)
            return
        request = Request(scope, _again(body))
        if not (_is_our_origin(request) and _is_our_token(request, form)):
            await _refuse(403, scope, receive, send)
            return
        request.state.form = form
        await self._app(scope, _again(body), send)


def form_of(request: Request) -> FormData:
    """The fields of the form that was sent."""
    found: FormData = request.state.form
    return found


async def _body(request: Request) -> bytes | None:
    """The whole body; None if it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_FORM:
            return None
        parts.append(part)
    return b"".join(parts)


def _again(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _is_our_origin(request: Request) -> bool:
    """By `Sec-Fetch-Site`, which every browser of today sends and no page can set; by `Origin` of older ones."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site:
        return site == "same-origin"
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:
        return False


def _is_our_token(request: Request, form: FormData) -> bool:
    given, expected = form.get(FIELD), request.cookies.get(FIELD)
    return bool(expected) and isinstance(given, str) and secrets.compare_digest(given.encode(), str(expected).encode())


async def _refuse(status: int, scope: Scope, receive: Receive, send: Send) -> None:
    answer = message(Request(scope), status)
    await answer(scope, receive, send)
