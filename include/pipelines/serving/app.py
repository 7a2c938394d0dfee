"""The Delta Sharing server as an ASGI application: bytes in and out, every record on disk before its answer is sent."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from functools import partial

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from include.audit.reads import Journal, JournalFull
from include.lake.storage import LakeError
from include.pipelines.serving.exchange import Answer, Asked
from include.pipelines.serving.service import SharingService

PREFIX = "/delta-sharing"
LARGEST_BODY = 1024**2
READ_ID = "lienthong-read"
"""Header of every answer that is on record: the `read_id` in `audit/reads`."""
BRING_IN_SECONDS = 30.0
_log = logging.getLogger(__name__)


def sharing_app(
    service: SharingService,
    journal: Journal,
    bring_in: Callable[[], object],
    *,
    every_seconds: float = BRING_IN_SECONDS,
    beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> Starlette:
    """The application. `bring_in` puts ended journals into the lake; it is called now and then, and at the end.

    `beside` is entered for as long as the application runs.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        is_ending = asyncio.Event()
        now_and_then = asyncio.create_task(_repeat(journal, bring_in, every_seconds, is_ending))
        async with beside():
            yield
        is_ending.set()
        await now_and_then

    endpoint = partial(_serve, service, journal)
    return Starlette(
        routes=[Route("/health", _health, methods=["GET"]), Mount(PREFIX, app=endpoint)], lifespan=lifespan
    )


async def _health(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def _serve(service: SharingService, journal: Journal, scope: Scope, receive: Receive, send: Send) -> None:
    read_id = uuid.uuid4().hex
    try:
        asked = await _asked(scope, receive)
    except ClientDisconnect:  # in the middle of its body: there is nobody to answer
        return
    answer, record = await run_in_threadpool(service.answer, asked, read_id)
    if record is not None:
        try:
            await journal.keep(record)
        except JournalFull:
            _log.error("the log of reads cannot be written: nothing is answered until there is room")
            answer = _failed(503, "TEMPORARILY_UNAVAILABLE", "reads cannot be put on record now: ask again later")
    await _response(answer, asked, read_id)(scope, receive, send)


async def _asked(scope: Scope, receive: Receive) -> Asked:
    request = Request(scope, receive)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            body = b"too large"  # refused as no JSON
            break
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0].removeprefix(scope.get("root_path", ""))
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    address = _address(scope["client"][0] if scope.get("client") else "")
    return Asked(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body, address)


def _address(said: str) -> str:
    """The client's address; empty if what a proxy said of it is none."""
    try:
        return str(ipaddress.ip_address(said))
    except ValueError:
        return ""


def _response(answer: Answer, asked: Asked, read_id: str) -> Response:
    if answer.file:
        # Readers ask for ranges: the footer first, then the columns they want.
        return FileResponse(answer.file, media_type=answer.media_type, headers=_headers(answer))
    headers = {**_headers(answer), READ_ID: read_id}
    return Response(answer.body, answer.status, headers, media_type=answer.media_type)


def _headers(answer: Answer) -> dict[str, str]:
    return {"cache-control": "no-store", "x-content-type-options": "nosniff", **answer.headers}


def _failed(status: int, code: str, message: str) -> Answer:
    return Answer.of_json({"errorCode": code, "message": message}, status)


async def _repeat(
    journal: Journal, bring_in: Callable[[], object], every_seconds: float, is_ending: asyncio.Event
) -> None:
    """Bring records in now and then, and once more at the end.

    It is told to end and not cancelled: its thread would go on, hold the journals, and be cut off with the process.
    """
    while not is_ending.is_set():
        await _once(journal, bring_in)
        with suppress(TimeoutError):
            await asyncio.wait_for(is_ending.wait(), every_seconds)
    await _once(journal, bring_in)


async def _once(journal: Journal, bring_in: Callable[[], object]) -> None:
    """Bring the records so far into the lake; what fails is tried again the next time, and no record is lost."""
    journal.close_file()
    try:
        await run_in_threadpool(bring_in)
    except LakeError as error:
        _log.error("reads could not be brought into the lake, they stay in the journal: %s", error)
    except Exception as error:
        _log.error("reads could not be brought into the lake (%s), they stay in the journal", type(error).__name__)
