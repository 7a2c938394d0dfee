"""The portal as an ASGI application: its routes, its guards, and what becomes of errors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.contracts.yaml_files import ContractError
from include.known_error import KnownError
from include.lake.storage import LakeError
from include.pipelines import Misuse, PipelineContext
from include.pipelines.catalogue import portal_url
from include.portal import catalogue_pages, product_pages, rendering, sign_in, subject_pages
from include.portal.catalogue_pages import ContractBroken
from include.portal.csrf import FormGuard
from include.portal.rendering import SecurityHeaders, message, page
from include.portal.requests import ROUTES as REQUESTS
from include.portal.session import SignInNeeded
from include.portal.state import Portal
from include.telemetry import is_json_asked

_log = logging.getLogger(__name__)


def serve(context: PipelineContext, *, host: str, port: int, started: Callable[[str], None]) -> None:
    """Serve until the process is told to end. `started` is told the address, once the catalogue has been read.

    Without LIENTHONG_PORTAL_URL people reach it where it listens.

    Raises:
        Misuse: LIENTHONG_PORTAL_URL is no http(s) URL.
    """
    url = portal_url(context, f"http://{host}:{port}")
    app = portal_app(context, url)
    app.state.portal.catalogue.now()
    started(url)
    how: dict[str, Any] = {"log_config": None} if is_json_asked() else {}
    uvicorn.run(
        app, host=host, port=port, access_log=False, log_level="warning", server_header=False,
        timeout_graceful_shutdown=10, **how,
    )  # fmt: skip


def portal_app(context: PipelineContext, url: str) -> Starlette:
    """The application of a context's lake and contracts; people reach it at `url`."""
    app = Starlette(
        routes=[
            Route("/health", _health),
            *rendering.ROUTES,
            *sign_in.ROUTES,
            *catalogue_pages.ROUTES,
            *product_pages.ROUTES,
            *REQUESTS,
            *subject_pages.ROUTES,
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(_Unforeseen), Middleware(FormGuard)],
        exception_handlers={
            HTTPException: _refused,
            SignInNeeded: _not_signed_in,
            ContractBroken: _broken,
            KnownError: _failed,
            ContractError: _broken,
        },
    )
    app.router.redirect_slashes = False  # it would name the Host header, and http behind a proxy that speaks https
    app.state.portal = Portal.of(context, url)
    return app


def _health(_: Request) -> Response:
    return PlainTextResponse("ok")


def _not_signed_in(request: Request, _: Exception) -> Response:
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(asked, safe='/')}", 303, headers={"Cache-Control": "no-store"})


def _refused(request: Request, error: Exception) -> Response:
    return message(request, error.status_code if isinstance(error, HTTPException) else 500)


def _broken(request: Request, _: Exception) -> Response:
    return page(request, "broken.html.j2", {}, status=503)


def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error, Misuse):
        return message(request, 400, detail=str(error))
    _log.warning("%s: %s", type(error).__name__, error)
    return message(request, 503 if isinstance(error, LakeError) else 500, detail=type(error).__name__)


class _Unforeseen:
    """Answers 500 to faults that nobody foresaw. None goes on to the server, which would log its text and traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does; once it has begun to, a fault ends the answer where it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_and_note(answer: Message) -> None:
            nonlocal begun
            begun = True
            await send(answer)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            _log.error("a page of the portal failed with %s", type(error).__name__)
            if not begun:
                answer = await run_in_threadpool(_told, Request(scope), error)
                await answer(scope, receive, send)


def _told(request: Request, error: Exception) -> Response:
    try:
        return message(request, 500, detail=type(error).__name__)
    except Exception as another:  # the fault may lie in what every page needs
        _log.error("the page that says so failed with %s", type(another).__name__)
        return PlainTextResponse(type(error).__name__, 500)
