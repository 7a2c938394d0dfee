"""The gate before publication: passes by itself inside tolerance, else asks a steward.

Airflow parks the waiting task in the database (`awaiting_input`): it holds no process and no pool slot, and
survives restarts. The question shows figures and rule ids, never a value of the registry.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.exceptions import HITLRejectException, HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param

# A nightly sync held at two in the morning can be answered in the working day, and is closed before the next night.
STEWARD_ANSWERS_WITHIN = timedelta(hours=20)

QUESTION = """
**{{ task.assessed.registry }}.{{ task.assessed.table }}** did not stay inside the tolerance of its contract, so nothing
has been published. Approve to publish the accepted rows of this run; reject to keep the lake as it is.

| What | Measured | Allowed |
| --- | ---: | ---: |
{% for finding in task.assessed.findings -%}
| {{ finding.message or finding.what }} | {{ finding.measured }} | {{ finding.allowed }} |
{% endfor %}
| Rows | |
| --- | ---: |
| extracted | {{ task.assessed.extracted }} |
| accepted | {{ task.assessed.accepted }} |
| rejected | {{ task.assessed.rejected }} |
| superseded | {{ task.assessed.superseded }} |
{% if task.assessed.reasons %}
| Most frequent reasons | Rows |
| --- | ---: |
{% for rule_id, rows in task.assessed.reasons[:5] -%}
| `{{ rule_id }}` | {{ rows }} |
{% endfor %}{% endif %}
The rejected rows, as received: `lienthong rejected list {{ task.assessed.registry }}`
(run `{{ task.assessed.run_id }}`).
"""


class HeldTableRejected(HITLRejectException):
    """A steward declined to publish a table that was held back."""


class HeldTableUnanswered(HITLTimeoutError):
    """Nobody answered for a table that was held back."""


class StewardGate(ApprovalOperator):
    """Passes at once when `assessed["held"]` is false, else waits for a steward's word.

    `assessed` is what `assess_step` returned: counts and findings. Approval returns
    `{"approved_by": ..., "approval_note": ...}`; a refusal or no answer in time fails the task without a retry, so that
    publication does not run, the lake stays as it was, and the run is not shown as a success.
    """

    template_fields = (*ApprovalOperator.template_fields, "assessed")

    def __init__(
        self, *, assessed: Any, response_timeout: timedelta = STEWARD_ANSWERS_WITHIN, **kwargs: Any
    ) -> None:
        super().__init__(
            subject="Publish {{ task.assessed.registry }}.{{ task.assessed.table }} although it is outside tolerance?",
            body=QUESTION,
            params={"note": Param("", type="string", title="Reason", description="Kept in the audit trail.")},
            fail_on_reject=True,
            response_timeout=response_timeout,
            **kwargs,
        )
        self.assessed = assessed

    def execute(self, context: Context) -> dict[str, str] | None:
        if not self.assessed["held"]:
            self.log.info("Inside tolerance: no approval needed.")
            return None
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        table = f"{self.assessed['registry']}.{self.assessed['table']}"
        try:
            answer = super().execute_complete(context, event)
        except HITLRejectException:
            raise HeldTableRejected(
                f"{table}: a steward declined. The lake is as it was. Mend the source or the contract, then run the sync again."
            ) from None
        except HITLTimeoutError:
            raise HeldTableUnanswered(
                f"{table}: nobody answered in time. The lake is as it was. Clear this task to ask again."
            ) from None
        user = answer["responded_by_user"] or {}
        return {"approved_by": user.get("name") or "unknown", "approval_note": answer["params_input"].get("note", "")}
