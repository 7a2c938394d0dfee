"""Write the auditors' report of the lake anew after any of its tables was published or persons were linked.

Tables published while a report is being written are told by the next one: a night of syncs makes a few reports,
not one for each table.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetAny, dag, task

from plugins.dag_settings import RETRIES, SCHEMAS
from plugins.lake_assets import people_asset, published_assets
from plugins.quality_pages import ADDRESS


@dag(
    doc_md=f"{__doc__}\n[Báo cáo mới nhất]({ADDRESS}/reports/latest/report.vi.html) · "
    f"[The newest report]({ADDRESS}/reports/latest/report.en.html) · [{ADDRESS}/reports]({ADDRESS}/reports)",
    schedule=AssetAny(*published_assets(SCHEMAS), people_asset("index")),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "lienthong", **RETRIES},
    tags=["lake", "report"],
)
def report_quality() -> None:
    @task(multiple_outputs=False)
    def report() -> dict[str, Any]:
        from include.pipelines.reporting import report_step

        return report_step().to_dict()

    report()


report_quality()
