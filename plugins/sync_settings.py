"""What a sync takes from its contract, and what all syncs share: schedule, deadline, retries, the name of a run."""

from __future__ import annotations

import os
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from airflow.sdk import CronTriggerTimetable, ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context

from include.contracts.model import Contract
from plugins.deadlines import promised_deadline

SCHEMAS = Path(os.environ.get("SCHEMAS_DIR") or Path(__file__).parents[1] / "schemas")

# The clock that contracts write their schedules by.
TIMEZONE = "Asia/Ho_Chi_Minh"

# Lost connections, and a lake that somebody else was writing to. Anything else fails at once: a wrong password, a
# missing column or a broken contract is not mended by waiting.
COMES_BACK = (
    "include.sources.errors.SourceUnavailable",
    "include.sources.errors.SourceLost",
    "include.lake.errors.LakeUnreachable",
    "include.lake.errors.LakeConflict",
)
RETRIES = {
    "retries": 4,
    "retry_delay": 15,
    "retry_exponential_backoff": True,
    "max_retry_delay": 600,
    "retry_policy": ExceptionRetryPolicy([RetryRule([*COMES_BACK])], default=RetryAction.FAIL),
}


def by_the_clock(cron: str) -> CronTriggerTimetable:
    """The schedule of a cron expression in Vietnamese time, beginning with its next instant.

    Left alone, Airflow 3.3 starts a new DAG at once when the last instant is less than a tenth of the period ago.
    """
    return CronTriggerTimetable(cron, timezone=TIMEZONE, run_immediately=timedelta())


def sync_settings(contract: Contract, *, doc: str) -> dict[str, Any]:
    """The arguments of a registry's DAG; `doc` opens its page, the contract's own words follow."""
    tables = "\n".join(f"- `{table.name}`: {table.description}" for table in contract.tables)
    return {
        "description": contract.business_name or contract.name,
        "doc_md": f"{doc}\n{contract.description}\n\n{tables}",
        "schedule": by_the_clock(contract.sla.schedule),
        "catchup": False,
        "max_active_runs": 1,
        "deadline": promised_deadline(contract),
        "default_args": {"owner": contract.owner or "lienthong", **RETRIES},
    }


def library_run_id() -> str:
    """The run id the library uses inside a task: the same for every try of a DAG run, and it sorts by time."""
    run = get_current_context()["dag_run"]
    return f"{run.run_after:%Y%m%dT%H%M%SZ}-{sha256(f'{run.dag_id} {run.run_id}'.encode()).hexdigest()[:8]}"
