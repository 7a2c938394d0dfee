"""Ask people about pairs of records that the model is not sure of.

Start it by hand and say how many pairs you have time for. Each waits under *Required Actions* with what agrees, what
does not and how much that weighs. An answer is kept with your name; the next run of `link_people` follows it. To merge
two persons who both have had their id for more than 30 days a second person must say the same in a later run.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task, task_group

from plugins.dag_settings import RETRIES
from plugins.person_review import PersonReview

PAIRS = Param(
    10,
    type="integer",
    minimum=1,
    maximum=100,
    title="Số cặp / Pairs",
    description="Hỏi về bao nhiêu cặp. / How many to ask about.",
)


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params={"pairs": PAIRS},
    default_args={"owner": "lienthong", **RETRIES},
    tags=["people", "link"],
)
def review_persons() -> None:
    @task(multiple_outputs=False)
    def find() -> list[dict[str, Any]]:
        from include.pipelines.people import queue_step

        wanted = int(get_current_context()["params"]["pairs"])
        return [pair.to_dict() for pair in queue_step(limit=wanted, with_steps=True).pairs]

    @task(multiple_outputs=False)
    def keep(answer: dict[str, str]) -> dict[str, Any]:
        from include.pipelines.people import decide_step

        return asdict(decide_step(answer["pair"], answer["decision"], by=answer["by"], note=answer["note"]))

    @task_group
    def review(pair: dict[str, Any]) -> None:
        ask = PersonReview(task_id="ask", pair=pair, map_index_template="{{ task.pair['pair_id'] }}")
        keep(ask.output)

    review.expand(pair=find())


review_persons()
