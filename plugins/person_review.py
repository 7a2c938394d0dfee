"""Ask a person whether two records are one person, in Airflow's Required Actions: same, different, cannot tell.

The question names the pair, says in words what agrees and what does not, and how much that weighs. Airflow keeps
questions in its own database, so no value of a record is in them: those are on the page of the pair, by role.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context, Param
from airflow.sdk.exceptions import AirflowSkipException

ANSWERS = {"Same person": "same", "Different persons": "different", "Cannot tell": "cannot_tell"}
REVIEWERS_ANSWER_WITHIN = timedelta(days=7)


class PersonReview(HITLOperator):
    """Waits for an answer on one pair; returns what `decide_step` wants to know. Unanswered in time, it is skipped."""

    template_fields = ("pair",)

    def __init__(
        self, *, pair: Any, response_timeout: timedelta = REVIEWERS_ANSWER_WITHIN, params: Any = None, **kwargs: Any
    ) -> None:
        del params  # the DAG's own form, which Airflow hands to its operators: a question has another
        note = Param("", type="string", title="Reason", description="Kept with your name and the decision.")
        super().__init__(
            subject="Are these two records one person?",
            options=list(ANSWERS),
            params={"note": note},
            response_timeout=response_timeout,
            **kwargs,
        )
        self.pair = pair

    def execute(self, context: Context) -> None:
        self.subject = f"One person? {self.pair['left']} and {self.pair['right']} (pair {self.pair['pair_id']})"
        self.body = question(self.pair)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        try:
            answer = super().execute_complete(context, event)
        except HITLTimeoutError:
            raise AirflowSkipException("nobody answered: the pair stays in the queue") from None
        user = answer["responded_by_user"] or {}
        return {
            "pair": self.pair["pair_id"],
            "decision": ANSWERS[answer["chosen_options"][0]],
            "by": user.get("name") or "",
            "note": answer["params_input"].get("note", ""),
        }


def question(pair: dict[str, Any]) -> str:
    """What the reviewer reads, in Markdown."""
    eyes = ""
    if pair["first_by"]:
        eyes = f"\n**{pair['first_by']} says same.** A second person must agree before the two are merged.\n"
    elif pair["needs_second"]:
        eyes = "\nBoth persons have had their id for more than 30 days: to merge them a second person must agree.\n"
    steps = [f"| {s['comparison']} | {s['found']} | {s['bits']:+.1f} | {s['sum']:+.1f} |" for s in pair["steps"]]
    lines = "\n".join(steps)
    return f"""Found by `{pair["found_by"]}`, probability {pair["probability"]:.3f}.
{eyes}
| Compared | Found | Weight (bits) | Sum |
| --- | --- | ---: | ---: |
{lines}

The two records side by side: page *Persons* of the quality pages, pair `{pair["pair_id"]}`.
"""
