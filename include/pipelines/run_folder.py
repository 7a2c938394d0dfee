"""Step results saved in the run's folder, so that a run that is started again continues at the first unfinished step.

The folder is the run's own in `landing/`: it stays as long as the contract keeps extracts. A result is of use only
under the contract it was made by; after a correction the step is done again.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from include.contracts.model import Table
from include.pipelines.context import PipelineContext
from include.pipelines.errors import ContractChanged
from include.pipelines.step_results import Result

Step = Literal["extracted", "assessed", "publishing", "published"]


def reusable_result(
    context: PipelineContext, table: Table, run_id: str, step: Step, kind: type[Result]
) -> Result | None:
    """The step's result, if it ended in this run under the contract as it is."""
    saved = _read(context, table, run_id, step)
    if saved is None or saved["meaning"] != context.definition_digest(table):
        return None
    return kind.from_dict(saved["facts"])


def save_result(context: PipelineContext, table: Table, step: Step, result: Result) -> Result:
    """Write the step's result into the folder of its run, and give it back."""
    saved = {"meaning": context.definition_digest(table), "facts": result.to_dict()}
    context.lake.write_text(_uri(context, table, result.run_id, step), json.dumps(saved, ensure_ascii=False))
    return result


def saved_result(context: PipelineContext, table: Table, run_id: str, step: Step, kind: type[Result]) -> Result | None:
    """The result that a step of a run saved, whatever the contract means by now."""
    saved = _read(context, table, run_id, step)
    return None if saved is None else kind.from_dict(saved["facts"])


def ensure_as_begun(context: PipelineContext, table: Table, run_id: str, step: Step) -> None:
    """See that the contract, the code lists and the macros mean what they meant when that step of the run ended.

    Raises:
        ContractChanged: they do not, so what the run read, or what was approved of it, is not what they ask for now.
    """
    saved = _read(context, table, run_id, step)
    if saved is not None and saved["meaning"] != context.definition_digest(table):
        raise ContractChanged(
            f"the contract of {table.qualified_name}, a code list or a macro was changed while this run was under way: "
            "it goes no further; begin a new run, which reads the table by the new one"
        )


def clear(context: PipelineContext, table: Table, run_id: str) -> None:
    """Delete what the run landed and staged, to start it anew."""
    for folder in (context.lake.landing_path, context.lake.staging_path):
        context.lake.delete_tree(folder(table.registry, table.name, run_id))


def _read(context: PipelineContext, table: Table, run_id: str, step: Step) -> dict[str, Any] | None:
    try:
        return dict(json.loads(context.lake.read_text(_uri(context, table, run_id, step))))
    except FileNotFoundError:
        return None


def _uri(context: PipelineContext, table: Table, run_id: str, step: Step) -> str:
    return f"{context.lake.landing_path(table.registry, table.name, run_id)}/_{step}.json"
