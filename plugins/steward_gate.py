"""The gate before publication: passes by itself inside tolerance, else asks a steward.

Airflow parks the waiting task in its database (`awaiting_input`): it holds no process and no pool slot, and survives
restarts. The question shows figures and rule ids, never a value of the registry.

Airflow 3.3.2 takes an answer that comes within a moment of the question for a task killed from outside, and tries the
gate again: the question is then asked once more, and nothing is published meanwhile.

Only stewards whom the contract names are asked: Airflow refuses anybody else's answer, and so does the library, by
which every answer goes. Where the contract asks for two, the second is asked by a task of its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.configuration import conf
from airflow.providers.standard.exceptions import HITLRejectException, HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param

from include.contracts import Table, needs_two
from plugins.gate_words import KEPT, REASON, both, eyes, table_question

if TYPE_CHECKING:
    from include.pipelines.decisions import Answer, Asked

# Whatever path Airflow is served under, and where the quality pages are below it.
BASE = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
PAGES = f"{BASE}/quality"
# A sync held at two in the morning can be answered in the working day, and is closed before the next night's.
STEWARD_ANSWERS_WITHIN = timedelta(hours=float(os.environ.get("LIENTHONG_APPROVAL_HOURS") or 20))


class HeldTableRejected(HITLRejectException):
    """A steward declined to publish a table that was held back."""


class HeldTableUnanswered(HITLTimeoutError):
    """Nobody answered for a table that was held back."""


class StewardGate(ApprovalOperator):
    """Passes at once when `assessed["held"]` is false, else waits for a steward's word.

    `assessed` is what `assess_step` returned: counts and findings. Approval returns what `publish_step` wants to
    know: `approved_by` and `approval_note`. A refusal, or no answer in time, fails the task without a retry:
    publication does not run, the lake stays as it was, and the run does not look like a success.
    """

    template_fields: tuple[str, ...] = ("assessed",)
    is_second = False

    def __init__(
        self, *, assessed: Any, response_timeout: timedelta = STEWARD_ANSWERS_WITHIN, params: Any = None, **kwargs: Any
    ) -> None:
        del params  # the DAG's own form, which Airflow hands to its operators: the gate has another
        # Airflow wants a valid default, also where nobody is asked; an approval without a reason is refused later.
        note = Param("", type="string", title=both(REASON), description=both(KEPT))
        super().__init__(
            subject="Công bố bảng vượt ngưỡng? / Publish a table that is outside its tolerance?",
            params={"note": note},
            fail_on_reject=True,
            response_timeout=response_timeout,
            **kwargs,
        )
        self.assessed = assessed

    def execute(self, context: Context) -> dict[str, str]:
        if not self.assessed["held"]:
            self.log.info("Inside tolerance: no approval needed.")
            return {}
        return self.ask_stewards(context)

    def ask_stewards(self, context: Context) -> dict[str, str]:
        """Ask those who may answer, and wait; where enough have approved before, nobody is asked again."""
        asked = self.whom()
        if asked.is_enough or (asked.given and not self.is_second):
            return {"approved_by": asked.given[-1], "approval_note": ""}
        self.assigned_users = [{"id": steward.username, "name": steward.name} for steward in asked.stewards] or None
        self.subject, self.body = self.ask()
        self.body = f"{eyes(asked.given, needs_two=asked.needs_two)}{self.body}"
        self.note_place(_place_of(context["ti"]))
        return super().execute(context)

    def whom(self) -> Asked:
        """Who may answer, and who has approved before."""
        from include.pipelines import Assessed
        from include.pipelines.decisions import ask_step

        return ask_step(Assessed.from_dict(self.assessed))

    def note_place(self, path: str) -> None:
        """Leave in the run's folder where it is asked, so that the run's page leads there."""
        from include.pipelines import Assessed
        from include.pipelines.decisions import note_gate

        note_gate(Assessed.from_dict(self.assessed), path)

    def ask(self) -> tuple[str, str]:
        """The question and what the steward reads, in Markdown."""
        return question(self.assessed)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        from include.pipelines.decisions import Answer

        by = (event.get("responded_by_user") or {}).get("name") or "unknown"
        note = (event.get("params_input") or {}).get("note") or ""
        at = str(event.get("responded_at") or f"try {context['ti'].try_number}")
        try:
            super().execute_complete(context, event)
        except HITLRejectException:
            self.refuse(Answer("declined", by, note, at))
            remedy = "Mend the source or the contract, then run the sync again."
            raise HeldTableRejected(f"{self._table}: {by} declined; the lake is as it was. {remedy}") from None
        except HITLTimeoutError:
            self.refuse(Answer("timed out", answered_at=at))
            remedy = "Clear this task to ask again."
            raise HeldTableUnanswered(f"{self._table}: no answer in time; the lake is as it was. {remedy}") from None
        return self.approve(by, note)

    def approve(self, by: str, note: str) -> dict[str, str]:
        """Put the approval on record; returns what the step that waits wants to know."""
        from include.pipelines import Assessed
        from include.pipelines.decisions import approve_step

        return approve_step(Assessed.from_dict(self.assessed), by, note)

    def refuse(self, answer: Answer) -> None:
        """Put a refusal, or that nobody answered, on record."""
        from include.pipelines import Assessed
        from include.pipelines.decisions import refuse_step

        refuse_step(Assessed.from_dict(self.assessed), answer)

    @property
    def _table(self) -> str:
        return f"{self.assessed['registry']}.{self.assessed['table']}"


class SecondGate(StewardGate):
    """Asks another steward after the first approved, where the contract of the table asks for two; else passes.

    `first` is what the gate before returned.
    """

    template_fields = ("assessed", "first")
    is_second = True

    def __init__(self, *, first: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first = first

    def execute(self, context: Context) -> dict[str, str]:
        if not self.assessed["held"] or not self.whom().needs_two:
            return dict(self.first or {})
        return self.ask_stewards(context)


def gates(tables: Sequence[Table], **how: Any) -> Any:
    """The gate of a registry's tables, and a second one if the contract asks for two stewards for any of them.

    Returns what `publish_step` wants to know.
    """
    first = StewardGate(task_id="gate", **how)
    if not any(map(needs_two, tables)):
        return first.output
    return SecondGate(task_id="second_gate", first=first.output, **how).output


def _place_of(ti: Any) -> str:
    """The page of Airflow on which this task's question is answered."""
    dag_id, run_id, task_id = (quote(str(part), safe="") for part in (ti.dag_id, ti.run_id, ti.task_id))
    mapped = f"/mapped/{ti.map_index}" if ti.map_index is not None and ti.map_index >= 0 else ""
    return f"{BASE}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}{mapped}/required_actions"


def question(assessed: dict[str, Any]) -> tuple[str, str]:
    """The question and what the steward reads, in both languages, with what the contract's rules say."""
    from include.pipelines import PipelineContext
    from include.pipelines.reporting import rule_texts

    return table_question(assessed, rule_texts(PipelineContext.from_environment(), assessed["registry"]), BASE)
