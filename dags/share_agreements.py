"""Carry out one agreement: what is in force is published to its recipient, what is not is emptied.

Runs when a table that the agreement shares was published, and a little after midnight, because agreements begin and
end with the day.
"""

from __future__ import annotations

from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, get_parsing_context, task
from airflow.sdk.exceptions import AirflowException

from include.contracts.yaml_files import ContractError
from include.sharing.agreements import Agreement, agreement_paths, load_agreement
from plugins.dag_settings import RETRIES, SCHEMAS, by_the_clock, library_run_id
from plugins.lake_assets import product_asset, table_asset


def share(agreement: Agreement) -> None:
    """The DAG of one agreement."""
    sources = {(product.registry, product.table) for product in agreement.products}
    products = [product_asset(agreement.recipient, product.name) for product in agreement.products]

    @task(outlets=products, multiple_outputs=False)
    def carry_out() -> dict[str, Any]:
        from include.pipelines.sharing import share_step

        shared = share_step(agreement.agreement_id, library_run_id())
        if shared.verdict == "failed":
            raise AirflowException("; ".join(result.error for result in shared.agreements if result.error))
        return shared.to_dict()

    with DAG(
        f"share_{agreement.agreement_id}",
        description=agreement.title,
        doc_md=f"{__doc__}\n{agreement.description}",
        schedule=AssetOrTimeSchedule(
            timetable=by_the_clock("5 0 * * *"),
            assets=reduce(or_, [table_asset(registry, table) for registry, table in sorted(sources)]),
        ),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": agreement.provider, **RETRIES},
        tags=["agreement", "share"],
    ):
        carry_out()


for name, path in agreement_paths(SCHEMAS).items():
    # An agreement with mistakes has no DAG until it is mended; `lienthong check` and check_contracts.py say why,
    # and `close_shared` fails.
    if get_parsing_context().dag_id in (None, f"share_{name}"):
        with suppress(ContractError):
            share(load_agreement(path))
