"""Deadline alerts of syncs, by the SLA of their contracts."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from airflow.sdk import AsyncCallback, DeadlineAlert, DeadlineReference

from include.contracts.model import Contract
from plugins.notices import tell

log = logging.getLogger("lienthong.deadline")


async def deadline_missed(*, registry: str, owner: str, hours: float, context: dict[str, Any] | None = None) -> str:
    """Say in the triggerer's log, on the missed deadline itself, and to the operators, who must look at what."""
    run = ((context or {}).get("dag_run") or {}).get("dag_run_id", "")
    message = f"sync_{registry} {run} has not ended within {hours:.3g} h as its contract promises; owner: {owner}"
    log.error(message)
    await asyncio.to_thread(tell, f"[Liên Thông] Quá hạn / Deadline missed: sync_{registry}", message)
    return message


def promised_deadline(contract: Contract) -> DeadlineAlert:
    """The alert for the deadline of a contract's SLA, counted from the moment the run was queued."""
    hours = contract.sla.deadline.total_seconds() / 3600
    return DeadlineAlert(
        name=f"sync_{contract.registry} within {hours:.3g} h",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=contract.sla.deadline,
        callback=AsyncCallback(
            deadline_missed,
            kwargs={"registry": contract.registry, "owner": contract.owner or "lienthong", "hours": hours},
        ),
    )
