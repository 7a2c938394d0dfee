"""`lienthong serve`: the Delta Sharing server of one lake as a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from include.audit.reads import READS_TABLE, Journal, bring_in
from include.lake.storage import Lake
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.serving.app import BRING_IN_SECONDS, sharing_app
from include.pipelines.serving.service import SharingService
from include.pipelines.serving.terms import LiveCatalog
from include.pipelines.serving.tokens import LiveTokens, endpoint_of
from include.sharing.delta_sharing import FileLinks


def serve(context: PipelineContext, *, host: str, port: int, started: Callable[[str], None]) -> None:
    """Serve until the process is told to end; then the records of the last requests go into the lake.

    Without LIENTHONG_SHARING_URL recipients reach it where it listens. `started` is told the endpoint.

    Raises:
        Misuse: LIENTHONG_SHARING_URL is no http(s) URL.
    """
    if not context.environ.get("LIENTHONG_SHARING_URL", "").strip():
        context = replace(context, environ={**context.environ, "LIENTHONG_SHARING_URL": f"http://{host}:{port}"})
    started(endpoint_of(context))
    uvicorn.run(
        make_app(context), host=host, port=port, access_log=False, log_level="warning", server_header=False,
        timeout_graceful_shutdown=10,
    )  # fmt: skip


def make_app(context: PipelineContext, *, every_seconds: float = BRING_IN_SECONDS) -> Starlette:
    """The application of a context's lake and agreements."""
    lake = context.lake
    service = SharingService(
        lake,
        LiveCatalog(context.schemas),
        LiveTokens(lake, "recipients"),
        FileLinks(endpoint_of(context)),
        store_url=context.environ.get("LIENTHONG_STORE_URL", "").strip().rstrip("/"),
        clock=context.now,
    )
    return sharing_app(service, Journal(journals(lake)), lambda: bring_in_reads(context), every_seconds=every_seconds)


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
