"""Held runs for the pages: rejected rows by rule, who may decide, and on which page of Airflow."""

from __future__ import annotations

from dataclasses import dataclass

from include.contracts.model import Steward, Table
from include.lake.rejected import BrokenRule
from include.pipelines import run_folder
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import NotASteward, gate_page, matter_of, whom_to_ask
from include.pipelines.errors import no_values_escape
from include.pipelines.step_results import Assessed


@dataclass(frozen=True, slots=True)
class HeldRun:
    """What the run's folders still hold of the question; `gate` is its page in Airflow, empty if it is not asked there.

    While nobody has decided, `stewards` may (none: whoever may run the pipeline), and `given` are those of two who have
    approved already.
    """

    broken: tuple[BrokenRule, ...] = ()
    stewards: tuple[Steward, ...] = ()
    given: tuple[str, ...] = ()
    needs_two: bool = False
    gate: str = ""


def held_run(context: PipelineContext, table: Table, run_id: str, *, is_waiting: bool) -> HeldRun:
    """What is left of a held run; empty for any other, and once its extract is over."""
    with no_values_escape("reading a held run"):
        assessed = run_folder.saved_result(context, table, run_id, "assessed", Assessed)
        if assessed is None or not assessed.held:
            return HeldRun()
        broken = tuple(BrokenRule(*rule) for rule in assessed.broken or ())
        if not is_waiting:
            return HeldRun(broken)
        try:
            asked = whom_to_ask(context, matter_of(context, assessed))
        except NotASteward:
            return HeldRun(broken, gate=gate_page(context, table, run_id))
        return HeldRun(broken, asked.stewards, asked.given, asked.needs_two, gate_page(context, table, run_id))
