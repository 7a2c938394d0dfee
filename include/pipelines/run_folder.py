"""What the steps of a run leave in its folder, so that the run, begun again, goes on at the first step not finished.

The folder is the run's own in `landing/`: it stays as long as the contract keeps extracts. A result is of use only
under the contract it was made by; after a correction the step is done again.
"""

from __future__ import annotations

import json
from typing import Literal

from include.contracts import Table
from include.pipelines.context import PipelineContext
from include.pipelines.errors import ContractChanged
from include.pipelines.step_results import Facts

Step = Literal["extracted", "assessed", "publishing", "published"]


def reusable_result(context: PipelineContext, table: Table, run_id: str, step: Step) -> Facts | None:
    """What the step came to, if it ended in this run under the contract as it is."""
    try:
        kept = json.loads(context.lake.read_text(_uri(context, table, run_id, step)))
    except FileNotFoundError:
        return None
    return dict(kept["facts"]) if kept["meaning"] == context.definition_digest(table) else None


def save_result(context: PipelineContext, table: Table, step: Step, facts: Facts) -> Facts:
    """Leave the step's facts in the folder of its run, and give them back."""
    kept = {"meaning": context.definition_digest(table), "facts": facts}
    context.lake.write_text(_uri(context, table, facts["run_id"], step), json.dumps(kept, ensure_ascii=False))
    return facts


def saved_result(context: PipelineContext, table: Table, run_id: str, step: Step) -> Facts | None:
    """What the step of a run left, whatever the contract means by now."""
    try:
        return dict(json.loads(context.lake.read_text(_uri(context, table, run_id, step)))["facts"])
    except FileNotFoundError:
        return None


def ensure_as_begun(context: PipelineContext, table: Table, run_id: str, step: Step) -> None:
    """See that the contract, the code lists and the macros mean what they meant when that step of the run ended.

    Raises:
        ContractChanged: they do not, so what the run read, or what was approved of it, is not what they ask for now.
    """
    if reusable_result(context, table, run_id, step) is None and context.lake.exists(
        _uri(context, table, run_id, step)
    ):
        raise ContractChanged(
            f"the contract of {table.qualified_name}, a code list or a macro was changed while this run was under way: "
            "it goes no further; begin a new run, which reads the table by the new one"
        )


def clear(context: PipelineContext, table: Table, run_id: str) -> None:
    """Forget what the run landed and worked on, to begin it anew."""
    for folder in (context.lake.landing_path, context.lake.staging_path):
        context.lake.delete_tree(folder(table.registry, table.name, run_id))


def _uri(context: PipelineContext, table: Table, run_id: str, step: Step) -> str:
    return f"{context.lake.landing_path(table.registry, table.name, run_id)}/_{step}.json"
