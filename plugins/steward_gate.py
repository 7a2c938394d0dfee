"""The gate before publication: passes by itself inside tolerance, else asks a steward.

Airflow parks the waiting task in its database (`awaiting_input`): it holds no process and no pool slot, and survives
restarts. The question shows figures and rule ids, never a value of the registry.

Airflow 3.3.2 takes an answer that comes within a moment of the question for a task killed from outside, and tries the
gate again: the question is then asked once more, and nothing is published meanwhile.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.providers.standard.exceptions import HITLRejectException, HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param

from plugins.gate_words import KEPT, REASON, both, table_question

if TYPE_CHECKING:
    from include.pipelines.decisions import Answer

# Where the quality pages are, below whatever path Airflow is served under.
PAGES = f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}/quality"
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

    template_fields = ("assessed",)

    def __init__(
        self, *, assessed: Any, response_timeout: timedelta = STEWARD_ANSWERS_WITHIN, params: Any = None, **kwargs: Any
    ) -> None:
        del params  # the DAG's own form, which Airflow hands to its operators: the gate has another
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
        self.subject, self.body = self.ask()
        return super().execute(context)

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
        from include.pipelines.gate import approve_step

        return approve_step(self.assessed, by, note)

    def refuse(self, answer: Answer) -> None:
        """Put a refusal, or that nobody answered, on record."""
        from include.pipelines.gate import refuse_step

        refuse_step(self.assessed, answer)

    @property
    def _table(self) -> str:
        return f"{self.assessed['registry']}.{self.assessed['table']}"


def question(assessed: dict[str, Any]) -> tuple[str, str]:
    """The question and what the steward reads, in both languages, with what the contract's rules say."""
    from include.pipelines.rule_texts import rule_texts
    from include.pipelines.workplace import Workplace

    return table_question(assessed, rule_texts(Workplace.from_environment(), assessed["registry"]), PAGES)
