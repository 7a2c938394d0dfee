"""One sync in a process of its own, that can be killed at any instant."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from include.lake.publishing import publication
from include.lake.upsert import file_rewrite
from include.pipelines.step_results import Failed
from include.pipelines.sync.registry_sync import sync_registry
from tests.forking import Forked
from tests.integration.everyday.ledger_source import context_of


def sync(order: dict[str, Any], kill_after: float | None = None) -> dict[str, Any]:
    """Begin a sync and let it end, or kill it: `{killed, seconds, verdict}`.

    The order says `run_id, is_full, is_patched, folder, uri, environ`. `is_patched` has a small table published as
    great ones are.
    """
    began = time.perf_counter()
    process = Forked(f"{__name__}:carry_out", order)
    if kill_after is not None:
        process.has_ended(kill_after)
        process.kill()
    verdict = process.communicate()
    return {"killed": not verdict, "seconds": time.perf_counter() - began, "verdict": verdict}


def carry_out(order: dict[str, Any]) -> None:
    """What the process does."""
    if order["is_patched"]:
        publication.MERGE_TABLE_BYTES, file_rewrite._MOST_PATCHED = -1, 1.0
    context = context_of(Path(order["folder"]), order["uri"], **order["environ"])
    run = sync_registry("payments", run_id=order["run_id"], is_full=order["is_full"], context=context)
    errors = [table.error for table in run.tables if isinstance(table, Failed)]
    print("; ".join([str(run.verdict), *errors]), end="", flush=True)
