"""Gate task before publication: asks a steward where a table is outside its tolerance; skipped, or passes, if not.

Airflow parks the waiting task in its database (`awaiting_input`): it holds no process and no pool slot, and survives
restarts. The question shows figures and rule ids, never a value of the registry.

Airflow 3.3.2 takes an answer that comes within a moment of the question for a task killed from outside, and tries the
gate again: the question is then asked once more, and nothing is published meanwhile.

Only stewards named by the contract may answer: Airflow and the library both refuse others. Where the contract requires
two, a task of its own asks the second.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from airflow.configuration import conf
from airflow.providers.standard.exceptions import HITLRejectException, HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param

from include.contracts.model import Table, needs_two
from plugins.gate_questions import KEPT, REASON, both, eyes, table_question
from plugins.notices import Notice

if TYPE_CHECKING:
    from include.pipelines.decisions import Answer, Asked

# The path under which Airflow is served, and that of the quality pages.
SITE = conf.get("api", "base_url", fallback="")
BASE = urlsplit(SITE).path.rstrip("/")
PAGES = f"{BASE}/quality"
# A sync held at two in the morning can be answered in the working day, and is closed before the next night's.
STEWARD_ANSWERS_WITHIN = timedelta(hours=float(os.environ.get("LIENTHONG_APPROVAL_HOURS") or 20))

GATE, SECOND_GATE = "gate", "second_gate"
WAITS = "[Liên Thông] Chờ cán bộ quản trị dữ liệu / A gate waits for a steward: {}"


class HeldTableRejected(HITLRejectException):
    """A steward declined to publish a held table."""


class HeldTableUnanswered(HITLTimeoutError):
    """No steward answered for a held table in time."""


class StewardGate(ApprovalOperator):
    """Passes at once when `assessed["held"]` is false, else waits for a steward's word.

    `assessed` is the result of `assess_step`: counts and findings. Approval returns arguments of `publish_step`:
    `approved_by` and `approval_note`. A refusal, or no answer in time, fails the task without a retry:
    publication does not run, the lake stays as it was, and the run does not look like a success.
    """

    template_fields: tuple[str, ...] = ("assessed",)
    is_second = False

    def __init__(
        self, *, assessed: Any, response_timeout: timedelta = STEWARD_ANSWERS_WITHIN, params: Any = None, **kwargs: Any
    ) -> None:
        del params  # the DAG's own form, which Airflow hands to its operators: the gate has another
        # Airflow requires a valid default, even where nobody is asked; an approval without a reason is refused later.
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
        """Ask the stewards and wait; passes if enough have approved before."""
        asked = self.whom()
        if asked.is_enough or (asked.given and not self.is_second):
            return {"approved_by": asked.given[-1], "approval_note": ""}
        self.assigned_users = [{"id": steward.username, "name": steward.name} for steward in asked.stewards] or None
        self.subject, self.body = self.ask()
        self.body = f"{eyes(asked.given, needs_two=asked.needs_two)}{self.body}"
        place = _place_of(context["ti"])
        self.note_place(place)
        self.notifiers = [Notice(subject=WAITS.format(context["ti"].dag_id), text=urljoin(SITE, place))]
        return super().execute(context)

    def whom(self) -> Asked:
        """Stewards who may answer, and those who have approved before."""
        from include.pipelines import Assessed
        from include.pipelines.decisions import ask_step

        return ask_step(Assessed.from_dict(self.assessed))

    def note_place(self, path: str) -> None:
        """Store the question's URL path in the run's folder, for a link on the run's page."""
        from include.pipelines import Assessed
        from include.pipelines.decisions import note_gate

        note_gate(Assessed.from_dict(self.assessed), path)

    def ask(self) -> tuple[str, str]:
        """Subject and body of the question, in Markdown."""
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
        """Record the approval; returns the arguments of the waiting step."""
        from include.pipelines import Assessed
        from include.pipelines.decisions import approve_step

        return approve_step(Assessed.from_dict(self.assessed), by, note)

    def refuse(self, answer: Answer) -> None:
        """Record a refusal or a timeout."""
        from include.pipelines import Assessed
        from include.pipelines.decisions import refuse_step

        refuse_step(Assessed.from_dict(self.assessed), answer)

    @property
    def _table(self) -> str:
        return f"{self.assessed['registry']}.{self.assessed['table']}"


class SecondGate(StewardGate):
    """Asks another steward after the first approved, where the table's contract requires two; else passes.

    `first` is the result of the first gate.
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
    """The gate of a registry's tables, and a second one if the contract requires two stewards for any of them.

    Returns the arguments of `publish_step`.
    """
    first = StewardGate(task_id=GATE, **how)
    if not any(map(needs_two, tables)):
        return first.output
    return SecondGate(task_id=SECOND_GATE, first=first.output, **how).output


def _place_of(ti: Any) -> str:
    """URL path of the Airflow page on which this task's question is answered."""
    dag_id, run_id, task_id = (quote(str(part), safe="") for part in (ti.dag_id, ti.run_id, ti.task_id))
    mapped = f"/mapped/{ti.map_index}" if ti.map_index is not None and ti.map_index >= 0 else ""
    return f"{BASE}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}{mapped}/required_actions"


def question(assessed: dict[str, Any]) -> tuple[str, str]:
    """Subject and body of the question in both languages, with the texts of the contract's rules."""
    from include.pipelines import PipelineContext, rule_texts

    return table_question(assessed, rule_texts(PipelineContext.from_environment(), assessed["registry"]), BASE)
