"""Draft the quarterly report to the Government: compute the indicators of the quarter, write HTML, PDF and Excel.

Runs on the 5th day after each quarter, for the quarter that is over; started by hand, for the quarter that the form
names. The draft is for a person to sign; agencies that owe a report, or have one to send soon, are named in the log of
`remind`, which fails if an indicator could not be computed: the draft is written all the same, and names it.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowException

from plugins.dag_settings import RETRIES, library_run_id
from plugins.report_quarters import each_quarter, quarter_of_run

LOG = logging.getLogger(__name__)


@dag(
    doc_md=__doc__,
    schedule=each_quarter(),
    catchup=False,
    max_active_runs=1,
    params={"period": Param("", type="string", title="Kỳ báo cáo / Quarter", description="2018Q1; empty: the last")},
    default_args={"owner": "lienthong", **RETRIES},
    tags=["lake", "report"],
)
def report_government() -> None:
    @task(multiple_outputs=False)
    def report() -> dict[str, Any]:
        from include.pipelines.reporting import government_report_step

        return government_report_step(quarter_of_run(get_current_context()), library_run_id()).to_dict()

    @task
    def remind(made: dict[str, Any]) -> None:
        for agency in made["owed"]:
            LOG.warning("Báo cáo đến hạn chưa gửi (report due and missing): %s", agency)
        for agency in made["upcoming"]:
            LOG.warning("Báo cáo sắp đến hạn (report soon due): %s", agency)
        for gap in made["missing"]:
            LOG.warning("Số liệu còn thiếu (missing): %s", gap)
        if made["failed"]:
            failed = ", ".join(made["failed"])
            raise AirflowException(f"the draft was written without what could not be computed: {failed}")

    remind(report())


report_government()
