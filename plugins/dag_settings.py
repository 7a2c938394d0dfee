"""Settings of the DAGs: schedule, deadline, run id, and retries: which errors are tried again, how often and when."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import CronTriggerTimetable, ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException
from croniter import croniter  # type: ignore[import-untyped]

from include.contracts.model import Contract, Server
from include.contracts.reading import load_contract
from include.contracts.yaml_files import ContractError
from plugins.airflow_connections import task_context
from plugins.deadlines import promised_deadline

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import DagRunProtocol

    from include.pipelines import Extracted, Skipped
    from include.pipelines.sync import Window

_RUN_ID = "run_id"  # key of XComs
SCHEMAS = Path(os.environ.get("SCHEMAS_DIR") or Path(__file__).parents[1] / "schemas")

# Time zone of the schedules in contracts.
TIMEZONE = "Asia/Ho_Chi_Minh"

# Lost connections, a Spark cluster without a free worker, and a lake that somebody else was writing to. Anything else
# fails at once: a wrong password, a missing column or a broken contract is not mended by waiting.
RETRYABLE_ERRORS = (
    "include.sources.access.errors.SourceUnavailable",
    "include.sources.access.errors.SourceLost",
    "include.lake.storage.errors.LakeUnreachable",
    "include.lake.storage.errors.LakeConflict",
    "include.cluster.spark_session.ClusterUnreachable",
)
RETRIES = {
    "retries": 4,
    "retry_delay": 15,
    "retry_exponential_backoff": True,
    "max_retry_delay": 600,
    "retry_policy": ExceptionRetryPolicy([RetryRule([*RETRYABLE_ERRORS])], default=RetryAction.FAIL),
}


@cache
def sound_contract(path: Path) -> Contract | None:
    """The contract in a file, cached for all DAG files of a process; None if it has mistakes.

    `dags/check_contracts.py` reports the mistakes.
    """
    try:
        return load_contract(path)
    except ContractError:
        return None


def by_the_clock(cron: str) -> CronTriggerTimetable:
    """The schedule of a cron expression in Vietnamese time, beginning with its next instant.

    Left alone, Airflow 3.3 starts a new DAG at once when the last instant is less than a tenth of the period ago.
    """
    return CronTriggerTimetable(cron, timezone=TIMEZONE, run_immediately=timedelta())


def servers_read(contract: Contract) -> list[Server]:
    """The servers of a registry that have not ended."""
    now = datetime.now(UTC)
    return [server for server in contract.servers if server.is_read(now)]


def sync_settings(contract: Contract, *, doc: str) -> dict[str, Any]:
    """The arguments of a registry's DAG; its page has `doc` and the contract's description."""
    tables = "\n".join(f"- `{table.name}`: {table.description}" for table in contract.tables)
    return {
        "description": contract.business_name or contract.name,
        "doc_md": f"{doc}\n{contract.description}\n\n{tables}",
        "schedule": by_the_clock(contract.sla.schedule),
        "catchup": False,
        "max_active_runs": 1,
        "deadline": promised_deadline(contract),
        "default_args": {
            "owner": contract.owner or "lienthong",
            "on_failure_callback": partial(record_failure, contract.registry),
            **RETRIES,
        },
    }


def extract_when_open(contract: Contract, table: str) -> Extracted | Skipped:
    """Extract one table; outside the source's hours the task waits until it opens, without a slot or a process.

    A backfill run reads again the rows written in its own schedule interval, and skips a table that cannot be read in
    parts.
    """
    from include.pipelines import OnlyReadWhole
    from include.pipelines.sync import extract_step
    from include.sources.access import SourceClosed

    try:
        return extract_step(
            contract.registry, table, begun_run_id(), window=_backfill_window(contract), context=task_context()
        )
    except SourceClosed as closed:
        raise AirflowRescheduleException(closed.opens_at) from None
    except OnlyReadWhole as whole:
        raise AirflowSkipException(str(whole)) from None


def _backfill_window(contract: Contract) -> Window | None:
    """The schedule interval that ends at the run's date; None if the run is not of a backfill."""
    from include.pipelines.sync import Window

    run = get_current_context()["dag_run"]
    if run.run_type != "backfill" or run.logical_date is None:
        return None
    end = run.logical_date.astimezone(ZoneInfo(TIMEZONE))
    return Window(croniter(contract.sla.schedule, end).get_prev(datetime), end)


def record_failure(registry: str, context: Context) -> None:
    """Append a row to `audit/runs` for a table whose step finally failed, as the command line does.

    A declined gate and a killed task get none: Airflow shows them.
    """
    from include.known_error import KnownError
    from include.pipelines import Failed, PipelineContext

    error, given = context.get("exception"), getattr(context["task"], "op_kwargs", {})
    if not isinstance(error, KnownError) or "table" not in given:
        return
    before = given.get("assessed") or given.get("extracted") or {}
    pipeline_context = PipelineContext.from_environment()
    _, table = pipeline_context.table(registry, given["table"])
    Failed.of(pipeline_context, table, before.get("run_id") or run_id_of(context["dag_run"]), error)


def library_run_id() -> str:
    """The library's run id inside a task: the same for every try of a DAG run, and sortable by time.

    A DAG run that is cleared after its end, wholly or in part, gets another id. So only tasks that begin something
    ask for it; those after them take it from what they follow.
    """
    return run_id_of(get_current_context()["dag_run"])


def begun_run_id() -> str:
    """The run id with which a task begins a table, told to tasks that follow (`begun_run_ids`) even if it fails."""
    run_id = library_run_id()
    get_current_context()["ti"].xcom_push(key=_RUN_ID, value=run_id)
    return run_id


def begun_run_ids(task_ids: Sequence[str]) -> list[str]:
    """The run ids with which these tasks of this DAG run began their tables, oldest first: one if none was cleared."""
    found = get_current_context()["ti"].xcom_pull(task_ids=task_ids, key=_RUN_ID)
    return sorted({run_id for run_id in found if run_id})


def run_id_of(run: DagRunProtocol) -> str:
    """The library's run id of a DAG run."""
    began = (run.start_date or run.run_after).astimezone(UTC)
    return f"{began:%Y%m%dT%H%M%SZ}-{sha256(f'{run.dag_id} {run.run_id}'.encode()).hexdigest()[:8]}"
