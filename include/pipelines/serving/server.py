"""`lienthong serve`: the Delta Sharing server of one lake as a process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from include.audit.reads import READS_TABLE, Journal, JournalDamaged, bring_in, kept_at_store
from include.lake.storage import Lake
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.serving.app import BRING_IN_SECONDS, sharing_app
from include.pipelines.serving.live_agreements import LiveCatalog
from include.pipelines.serving.service import SharingService
from include.pipelines.serving.store_log import StoreLog, listening
from include.pipelines.serving.store_reads import StoreReads
from include.pipelines.serving.tokens import LiveTokens, endpoint_of
from include.sharing.delta_sharing import FileLinks
from include.telemetry import exported_at_the_end, is_json_asked

STORE_LOG_REPEATS = timedelta(days=1)
"""How old an entry of the store's access log can be that the store sends again."""


def serve(
    context: PipelineContext, *, host: str, port: int, store_log_port: int | None, started: Callable[[str], None]
) -> None:
    """Serve until the process is told to end; then the records of the last requests go into the lake.

    With `store_log_port` it takes the access log of the S3 store there. Without LIENTHONG_SHARING_URL recipients reach
    it where it listens. `started` is told the endpoint.

    Raises:
        Misuse: LIENTHONG_SHARING_URL is no http(s) URL.
    """
    if not context.environ.get("LIENTHONG_SHARING_URL", "").strip():
        context = replace(context, environ={**context.environ, "LIENTHONG_SHARING_URL": f"http://{host}:{port}"})
    started(endpoint_of(context))
    app = make_app(context, store_log_at=None if store_log_port is None else (host, store_log_port))
    how: dict[str, Any] = {"log_config": None} if is_json_asked() else {}
    with exported_at_the_end():
        uvicorn.run(
            app, host=host, port=port, access_log=False, log_level="warning", server_header=False,
            timeout_graceful_shutdown=10, **how,
        )  # fmt: skip


def make_app(
    context: PipelineContext,
    *,
    every_seconds: float = BRING_IN_SECONDS,
    store_log_at: tuple[str, int] | None = None,
) -> Starlette:
    """The application of a context's lake and agreements, and at `store_log_at` the receiver of the store's log."""
    lake, catalog, journal = context.lake, LiveCatalog(context.schemas), Journal(journals(context.lake))
    service = SharingService(
        lake,
        catalog,
        LiveTokens(lake, "recipients"),
        FileLinks(endpoint_of(context)),
        store_url=context.environ.get("LIENTHONG_STORE_URL", "").strip().rstrip("/"),
        clock=context.now,
    )
    beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    if store_log_at is not None:
        log = StoreLog(StoreReads(lake).record, journal)
        beside = partial(listening, log, *store_log_at, partial(_kept_at_store, context))
    return sharing_app(
        service, journal, lambda: bring_in_reads(context), every_seconds=every_seconds, beside=beside
    )  # fmt: skip


def _kept_at_store(context: PipelineContext) -> list[str]:
    """Ids of what was recorded of the store's log in the last day, also by a receiver that was killed."""
    with suppress(JournalDamaged):  # told now and then
        bring_in_reads(context)
    return kept_at_store(context.lake, since=context.now() - STORE_LOG_REPEATS)


def journals(lake: Lake) -> Path:
    """The folder of this machine in which servers keep records that are not in the lake yet."""
    return lake.scratch / "reads"


def bring_in_reads(context: PipelineContext) -> int:
    """Bring the records of ended journals of this machine into `audit/reads`, and their commits into the ledger."""
    try:
        return bring_in(context.lake, journals(context.lake))
    finally:  # also what was brought in before a journal that is damaged
        if context.lake.is_table(context.lake.path(READS_TABLE)):
            record_commits(context, [READS_TABLE])
