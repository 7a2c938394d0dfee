"""Close the shared tables that no agreement names any more: its file was removed, or the product left it.

Every day, a little after agreements were carried out. It begins with the tables, as an agreement without a file has no
DAG of its own. It fails while the file of an agreement has a mistake: such a file is for a person to mend, and its
tables stay, though no longer than until the last day of the agreement by which they were made, or the day of a
withdrawal that the file says in spite of the mistake.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException

from plugins.dag_settings import RETRIES, by_the_clock, library_run_id


@dag(
    doc_md=__doc__,
    schedule=by_the_clock("15 0 * * *"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "lienthong", **RETRIES},
    tags=["agreement", "share"],
)
def close_shared() -> None:
    @task(multiple_outputs=False)
    def close() -> dict[str, Any]:
        from include.pipelines.sharing import close_step

        closed = close_step(library_run_id())
        if closed.verdict == "failed":
            raise AirflowException("; ".join(result.error for result in closed.agreements if result.error))
        return closed.to_dict()

    close()


close_shared()
