"""Find the same person across registries and give every record of a person one stable id.

Runs when a table that speaks of persons was published; tables published meanwhile are linked by the next run. The first
run waits until all of them are there. A run that would merge, split or retire more persons than it should waits at the
gate for a steward: until then nothing in `people/` changes. Tried again, a run goes on with the ids it minted.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetAny, Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from plugins.airflow_connections import task_context
from plugins.dag_settings import RETRIES, SCHEMAS, library_run_id
from plugins.lake_assets import linked_assets, people_asset, sound_contracts
from plugins.link_gate import link_gates

FULL = Param(
    False,
    type="boolean",
    title="So sánh lại mọi cặp / Compare every pair again",
    description="Kể cả bản ghi không thay đổi. / Even of records that did not change.",
)


@dag(
    doc_md=__doc__,
    schedule=AssetAny(*linked_assets(SCHEMAS)),
    catchup=False,
    max_active_runs=1,
    params={"full": FULL},
    default_args={"owner": "lienthong", **RETRIES},
    tags=["people", "link"],
)
def link_people() -> None:
    @task(multiple_outputs=False)
    def link() -> dict[str, Any]:
        from include.pipelines.people import awaited_tables, link_step

        if awaited := awaited_tables(context=task_context()):
            raise AirflowSkipException(f"the first linking waits until these are published: {', '.join(awaited)}")
        linked = link_step(library_run_id(), is_full=bool(get_current_context()["params"]["full"]))
        if linked.verdict == "unchanged":
            raise AirflowSkipException("nothing that linking depends on changed since the last run")
        return linked.to_dict()

    @task(multiple_outputs=False, outlets=[people_asset(name) for name in ("index", "golden", "events", "findings")])
    def commit(linked: dict[str, Any], approval: dict[str, str]) -> dict[str, Any]:
        from include.pipelines.people import commit_link_step, link_result

        given = approval.get("approved_by"), approval.get("approval_note")
        return commit_link_step(link_result(linked), *given).to_dict()

    linked = link()
    commit(linked, link_gates(sound_contracts(SCHEMAS), linked))


link_people()
