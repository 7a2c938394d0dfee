"""Clerical review of a pair of records in Airflow's Required Actions: same, different, cannot tell.

The question names the pair, says in words what agrees and what does not, and how much that weighs. Airflow keeps
questions in its own database, so no value of a record is in them: those are on the page of the pair, by role.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Context, Param
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.contracts.words import MAX_NOTE, figure
from plugins.pages.pair_words import DECISIONS, found

ANSWERS = {f"{vietnamese} / {english}": code for code, (vietnamese, english) in DECISIONS.items()}
REVIEWERS_ANSWER_WITHIN = timedelta(days=7)


class PersonReview(HITLOperator):
    """Waits for the review of one pair; returns the arguments of `decide_step`. Unanswered in time, it is skipped."""

    template_fields = ("pair",)

    def __init__(
        self, *, pair: Any, response_timeout: timedelta = REVIEWERS_ANSWER_WITHIN, params: Any = None, **kwargs: Any
    ) -> None:
        del params  # the DAG's own form, which Airflow hands to its operators: a question has another
        # Without a default: the form cannot be sent before somebody has written a reason.
        note = Param(
            type="string",
            minLength=1,
            maxLength=MAX_NOTE,
            title="Lý do / Reason",
            description=f"Bắt buộc, tối đa {MAX_NOTE} ký tự; lưu cùng tên bạn và quyết định. "
            f"Needed, at most {MAX_NOTE} characters; kept with your name and the decision.",
        )
        super().__init__(
            subject="Hai bản ghi này có phải một người? / Are these two records one person?",
            options=list(ANSWERS),
            params={"note": note},
            response_timeout=response_timeout,
            **kwargs,
        )
        self.pair = pair

    def execute(self, context: Context) -> None:
        from include.pipelines.people import reviewers_step

        records = f"{self.pair['left']}, {self.pair['right']} ({self.pair['pair_id']})"
        self.subject = f"Một người? / One person? {records}"
        self.body = question(self.pair)
        stewards = reviewers_step(self.pair["left"], self.pair["right"], self.pair["first_by"])
        self.assigned_users = [{"id": steward.username, "name": steward.name} for steward in stewards] or None
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        try:
            answer = super().execute_complete(context, event)
        except HITLTimeoutError:
            raise AirflowSkipException("nobody answered: the pair stays in the queue") from None
        user, note = answer["responded_by_user"] or {}, answer["params_input"].get("note", "")
        if len(note) > MAX_NOTE:  # of a question that was asked before its form had this limit
            raise AirflowFailException(
                f"the reason has more than {MAX_NOTE} characters, so nothing was kept: clear this task, it asks again"
            )
        return {
            "pair": self.pair["pair_id"],
            "decision": ANSWERS[answer["chosen_options"][0]],
            "by": user.get("name") or "",
            "note": note,
        }


def question(pair: dict[str, Any]) -> str:
    """Body of the question to the reviewer, in Markdown."""
    eyes = ""
    if pair["first_by"]:
        eyes = (
            f"\n**{pair['first_by']}: một người / same person.** Cần người thứ hai đồng ý mới được gộp. / "
            "A second person must agree before the two are merged.\n"
        )
    elif pair["needs_second"]:
        eyes = (
            "\nCả hai đã có mã người hơn 30 ngày: cần người thứ hai đồng ý mới được gộp. / "
            "Both persons have had their id for more than 30 days: to merge them a second person must agree.\n"
        )
    # The prior comes first and is no comparison.
    prior, compared = pair["steps"][:1], pair["steps"][1:]
    against = [f"- {_words(step)}" for step in compared if step["bits"] < 0]
    for_one = [f"- {_words(step)}" for step in compared if step["bits"] > 0]
    lines = "\n".join(
        f"| {_words(step)} | {_signed(step['bits'])} | {_signed(step['sum'])} |" for step in (*prior, *compared)
    )
    return f"""**Trái nhau / What contradicts**

{_listed(against)}

**Trùng khớp / What agrees**

{_listed(for_one)}
{eyes}
Tìm thấy bởi / found by `{pair["found_by"]}`, xác suất / probability {figure("vi", pair["probability"], 3)}.
Hai bản ghi đặt cạnh nhau, và số định danh của họ cho biết gì: trang chất lượng, mục Đối khớp danh tính. / The two
records side by side, and what their personal ids say: page *Persons* of the quality pages, pair `{pair["pair_id"]}`.

- *Một người / Same person*: lần đối khớp sau gộp hai người, một trong hai mã không còn dùng. / The next run of linking
  makes them one, and one of the two ids ends.
- *Hai người khác nhau / Different persons*: luôn được tách riêng. / They are kept apart for good.
- *Không thể biết / Cannot tell*: không thay đổi gì, không hỏi lại ai. / Nothing changes, and nobody is asked again.
- Trước lần đối khớp đó có thể rút lại quyết định trên trang này. / Until that run the decision can be taken back there.

| So sánh / Compared | Trọng số / Weight (bits) | Tổng / Sum |
| --- | ---: | ---: |
{lines}
"""


def _words(step: dict[str, Any]) -> str:
    (comparison_vi, comparison), (found_vi, level) = found(step["comparison"], step["found"])
    return f"{comparison_vi}: {found_vi} / {comparison}: {level}"


def _signed(bits: float) -> str:
    return ("+" if bits >= 0 else "-") + figure("vi", abs(bits), 1)


def _listed(lines: list[str]) -> str:
    return "\n".join(lines) or "- không có gì / nothing"
