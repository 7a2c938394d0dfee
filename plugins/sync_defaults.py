"""What all syncs share: how a run is named in the lake, and what is worth trying again."""

from __future__ import annotations

from hashlib import sha256

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context

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


def library_run_id() -> str:
    """The run id the library uses inside a task: the same for every try of a DAG run, and it sorts by time."""
    run = get_current_context()["dag_run"]
    return f"{run.run_after:%Y%m%dT%H%M%SZ}-{sha256(f'{run.dag_id} {run.run_id}'.encode()).hexdigest()[:8]}"
