"""Answering: a steward or owner grants, grants less or refuses data, and accepts or rejects that a row is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from include.contracts.model import Table
from include.contracts.sql import rewritten
from include.contracts.words import BilingualText, says_something
from include.contracts.yaml_files import Problem
from include.pipelines.context import PipelineContext
from include.pipelines.errors import no_values_escape
from include.pipelines.requests.access import agreements_of, all_requests, provider_named, request_of
from include.pipelines.requests.recording import act_on
from include.pipelines.requests.refusals import RequestOvertaken, RequestRefused
from include.sharing.agreements import SharedColumn
from include.sharing.requests import (
    Ask,
    Grant,
    Note,
    Refusal,
    Request,
    draft,
    draft_id,
    draft_problems,
    grounds,
    objection_to_rows,
    objection_to_text,
    proposed,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a steward grants: columns with protections, and the last day; None: as proposed, and as it was asked for.

    `rows` is a further condition: a row is given that meets it and the one that was asked for. `contact` is the
    provider's mailbox for the agreement; empty for that of its other agreements. `reason` says why less is granted
    than was asked for.
    """

    columns: tuple[SharedColumn, ...] | None = None
    rows: str = ""
    valid_until: date | None = None
    contact: str = ""
    reason: str = ""


def grant(context: PipelineContext, request_id: str, by: str, choice: Choice) -> Request:
    """Grant what was asked for, or less. The agreement is drafted; it takes force when its file is in place.

    Raises:
        NotASteward: that name may not answer for the registry.
        RequestOvertaken: the request was answered or withdrawn before.
        RequestRefused: the draft has mistakes, gives nothing, more than was asked for, or less without a reason.
    """
    username = provider_named(context, request_of(context, request_id), by)
    return act_on(context, request_id, "granted", username, lambda request: drafted(context, request, choice))


def drafted(context: PipelineContext, request: Request, choice: Choice) -> Grant:
    """The grant that a choice comes to, with the agreement's text, checked as `lienthong check` does.

    Raises:
        RequestOvertaken: the request asks for no data.
        RequestRefused: see `grant`.
    """
    if request.ask is None:
        raise RequestOvertaken(
            f"`{request.request_id}` reports a wrong row: accept or reject it",
            f"`{request.request_id}` phản ánh bản ghi sai: hãy chấp nhận hoặc bác bỏ",
        )
    ask = request.ask
    contract, table = context.table(request.registry, request.table)
    columns = _columns(ask, table, choice)
    _refuse_if(objection_to_text(choice.rows, choice.reason, choice.contact))
    _refuse_if(objection_to_rows(ask.rows, table) or objection_to_rows(choice.rows, table))
    rows = _rows(ask, choice)
    until = choice.valid_until or ask.valid_until
    if until > ask.valid_until:
        raise RequestRefused(
            f"{until} is after the last day that was asked for: grant until {ask.valid_until} at most",
            f"ngày {until:%d/%m/%Y} sau ngày cuối cùng được đề nghị: chỉ cung cấp chậm nhất đến hết ngày "
            f"{ask.valid_until:%d/%m/%Y}",
        )
    given = sum(column.protection != "drop" for column in columns)
    is_less = given < len(ask.columns) or rows != ask.rows or until < ask.valid_until
    if is_less and not says_something(choice.reason):
        raise RequestRefused(
            "this is less than was asked for: say why, it goes to the recipient with the answer",
            "nội dung cung cấp ít hơn đề nghị: hãy nêu lý do, lý do được gửi kèm trả lời cho bên nhận",
        )
    contact = choice.contact.strip() or mailbox_of(context, request.registry)
    if not contact:
        raise RequestRefused(
            "no agreement over this register has a mailbox of its provider: give one (--contact)",
            "chưa có thỏa thuận nào của cơ sở dữ liệu này để lấy hộp thư đầu mối: hãy ghi hộp thư của bên cung cấp",
        )
    own = [one for one in all_requests(context).values() if one.recipient == request.recipient]
    waiting = [one.grant for one in own if one.grant is not None and one.state == "granted"]
    agreement_id = draft_id(context.schemas, table.name, request.recipient, waiting)
    text = draft(
        ask, request.recipient, contract, table, columns=columns, rows=rows, valid_until=until,
        contact=contact, request_id=request.request_id, agreements=agreements_of(context).values(),
        waiting=waiting,
    )  # fmt: skip
    with no_values_escape("checking a drafted agreement"):
        found = draft_problems(text, agreement_id, context.schemas, {contract.registry: contract})
    if errors := [problem for problem in found if problem.level == "error"]:
        raise _mistaken(errors)
    return Grant(agreement_id, columns, rows, ask.valid_from, until, is_less, choice.reason.strip(), text)


def refuse(context: PipelineContext, request_id: str, by: str, refusal: Refusal) -> Request:
    """Refuse to give data, on a ground of the list and an article that restricts sharing.

    Raises:
        NotASteward, RequestOvertaken: see `grant`.
        RequestRefused: the ground is unknown, or the article or the explanation is missing.
    """
    username = provider_named(context, request_of(context, request_id), by)
    known = grounds(context.schemas)
    if refusal.ground not in known:
        raise RequestRefused(
            f"no ground `{refusal.ground[:80]}`: choose one of {', '.join(known)}",
            f"không có căn cứ `{refusal.ground[:80]}`: hãy chọn một trong các mã {', '.join(known)}",
        )
    if not says_something(refusal.article) or not says_something(refusal.reason):
        raise RequestRefused(
            "cite the article that restricts sharing, and explain: a refusal is written and names its legal ground "
            "(Decree 194/2025/NĐ-CP, Article 16(2))",
            "hãy ghi điều, khoản hạn chế chia sẻ và lý do: từ chối phải bằng văn bản, nêu rõ lý do và căn cứ pháp luật "
            "(khoản 2 Điều 16 Nghị định 194/2025/NĐ-CP)",
        )
    _refuse_if(objection_to_text(refusal.article, refusal.reason))
    return act_on(context, request_id, "refused", username, lambda _: refusal)


def accept(context: PipelineContext, request_id: str, by: str, reason: str = "") -> Request:
    """Accept that a row is wrong: it is mended at the source, and its next published version closes the dispute.

    Raises:
        NotASteward, RequestOvertaken: see `grant`.
    """
    username = provider_named(context, request_of(context, request_id), by)
    _refuse_if(objection_to_text(reason))
    return act_on(context, request_id, "accepted", username, lambda _: Note(reason.strip()))


def reject(context: PipelineContext, request_id: str, by: str, reason: str) -> Request:
    """Reject that a row is wrong.

    Raises:
        NotASteward, RequestOvertaken: see `grant`.
        RequestRefused: no reason is given.
    """
    username = provider_named(context, request_of(context, request_id), by)
    if not says_something(reason):
        raise RequestRefused(
            "say why the row is right as it is: the reason goes to the recipient",
            "hãy nêu vì sao bản ghi hiện tại là đúng: lý do được gửi cho bên nhận",
        )
    _refuse_if(objection_to_text(reason))
    return act_on(context, request_id, "rejected", username, lambda _: Note(reason.strip()))


def mailbox_of(context: PipelineContext, registry: str) -> str:
    """The provider's mailbox in its newest agreement over a registry; empty if there is none."""
    of = [a for a in agreements_of(context).values() if any(p.registry == registry for p in a.products)]
    return max(of, key=lambda agreement: agreement.valid_from).provider_contact if of else ""


def _columns(ask: Ask, table: Table, choice: Choice) -> tuple[SharedColumn, ...]:
    """The columns that were asked for and are there still, each as chosen or proposed; those left out are dropped."""
    known = {column.name: column for column in table.columns if column.name in ask.columns}
    chosen = {name: proposed(column) for name, column in known.items()}
    if choice.columns is not None:
        chosen = {column.name: column for column in choice.columns}
    if others := [name for name in chosen if name not in ask.columns]:
        raise RequestRefused(
            f"`{others[0]}` was not asked for: grant of {', '.join(ask.columns)}",
            f"cột `{others[0]}` không có trong đề nghị: chỉ cung cấp trong số {', '.join(ask.columns)}",
        )
    columns = tuple(chosen.get(name, SharedColumn(name, "drop")) for name in ask.columns if name in known)
    if all(column.protection == "drop" for column in columns):
        raise RequestRefused(
            "nothing would be given: refuse, with the legal ground",
            "không còn cột nào được cung cấp: hãy từ chối và nêu căn cứ pháp luật",
        )
    return columns


def _rows(ask: Ask, choice: Choice) -> str:
    """The condition that was asked for, narrowed by the one that was chosen: the two together cannot widen it."""
    asked, more = ask.rows.strip(), choice.rows.strip()
    if not more or (asked and rewritten(more) == rewritten(asked)):
        return ask.rows
    return f"({asked}) AND ({more})" if asked else more


def _refuse_if(wrong: BilingualText | None) -> None:
    if wrong is not None:
        raise RequestRefused(*wrong)


def _mistaken(errors: list[Problem]) -> RequestRefused:
    said = "; ".join(f"{problem.where}: {problem.message} -> {problem.remedy}" for problem in errors)
    return RequestRefused(
        f"the drafted agreement has mistakes: {said}", f"dự thảo thỏa thuận còn lỗi, hãy sửa lựa chọn: {said}"
    )
