"""Asking: a recipient asks for data, reports a wrong row, or takes either back."""

from __future__ import annotations

import time
from collections.abc import Callable

from include.contracts.model import AT
from include.pipelines.context import PipelineContext
from include.pipelines.errors import no_values_escape
from include.pipelines.requests.access import agreements_of, all_requests, product_of, request_of
from include.pipelines.requests.recording import act_on, write
from include.pipelines.requests.refusals import RequestOvertaken, RequestRefused, RequestUnknown
from include.sharing.requests import (
    DAYS_TO_ANSWER,
    DUE_ON,
    Ask,
    Details,
    Dispute,
    Event,
    Kind,
    Note,
    Request,
    objection_to_ask,
    objection_to_dispute,
    objection_to_text,
    shared_row,
)
from include.vietnam import WorkingDays

_TRIES, _PAUSE_SECONDS = 20, 0.25


def ask_for(context: PipelineContext, recipient: str, table: str, ask: Ask) -> Request:
    """A request for columns and rows of `registry.table`.

    Raises:
        RequestRefused: something is missing or unknown, or an agreement or an open request has it already.
        Misuse: there is no such registry or table.
    """
    registry, _, name = table.partition(".")
    _, spec = context.table(registry, name.partition(AT)[0])

    def checked(requests: dict[str, Request]) -> Details:
        agreements = agreements_of(context).values()
        wrong = objection_to_ask(
            ask, recipient, spec, agreements=agreements, requests=requests.values(), at=context.now()
        )
        if wrong is not None:
            raise RequestRefused(*wrong)
        return ask

    return _open(context, recipient, "ask", (registry, spec.base_name), checked)


def dispute(
    context: PipelineContext,
    recipient: str,
    agreement_id: str,
    product_name: str,
    *,
    key: tuple[tuple[str, str], ...],
    column: str,
    right: str,
    evidence: str,
) -> Request:
    """A report that a row of a product which the recipient reads is wrong.

    Raises:
        RequestRefused: it has no such product or row, something is missing, or it was reported before.
    """
    product = product_of(context, recipient, agreement_id, product_name)
    if product is None:
        raise RequestRefused(
            f"no agreement in force gives you `{agreement_id[:80]}.{product_name[:80]}`: report what you read",
            f"không có thỏa thuận đang có hiệu lực nào cung cấp `{agreement_id[:80]}.{product_name[:80]}`",
        )

    def checked(requests: dict[str, Request]) -> Details:
        said = Dispute(agreement_id, product_name, key, column, None, right, evidence, "")
        own = [one for one in requests.values() if one.recipient == recipient]
        if (wrong := objection_to_dispute(said, product, own)) is not None:
            raise RequestRefused(*wrong)
        with no_values_escape("looking for a disputed row"):
            found = shared_row(context.lake, recipient, product_name, key, column)
        if found.rows != 1:
            raise RequestRefused(
                f"{found.rows} rows of `{product_name}` have this key: give values that name one row, as the table has "
                "them; decimals with a point, days as 2026-12-31",
                f"có {found.rows} bản ghi có các giá trị này: hãy ghi thêm giá trị của cột khác để xác định đúng một "
                "bản ghi"
                if found.rows
                else "không tìm thấy bản ghi nào có các giá trị này: hãy ghi đúng như trong bảng được chia sẻ, số thập "
                "phân dùng dấu chấm, ngày ghi dạng năm-tháng-ngày",
            )
        return Dispute(agreement_id, product_name, key, column, found.value, right, evidence, found.terms)

    return _open(context, recipient, "dispute", (product.registry, product.table), checked)


def withdraw(context: PipelineContext, recipient: str, request_id: str, reason: str = "") -> Request:
    """The recipient takes its request back.

    Raises:
        RequestUnknown: it has no such request.
        RequestOvertaken: the request is closed.
    """
    if request_of(context, request_id).recipient != recipient:
        raise RequestUnknown(request_id)
    if (wrong := objection_to_text(reason)) is not None:
        raise RequestRefused(*wrong)
    return act_on(context, request_id, "withdrawn", recipient, lambda _: Note(reason))


def _open(
    context: PipelineContext,
    recipient: str,
    kind: Kind,
    of: tuple[str, str],
    checked: Callable[[dict[str, Request]], Details],
) -> Request:
    """Record the first event of a request. Its id counts the recipient's requests about the table."""
    for _ in range(_TRIES):
        requests = all_requests(context)
        at = context.now()
        due_on = WorkingDays.load(context.schemas).due_on(at, DAYS_TO_ANSWER)
        details = checked(requests).to_json(**{DUE_ON: due_on.isoformat()})
        before = sum((one.recipient, one.registry, one.table) == (recipient, *of) for one in requests.values())
        request_id = f"{recipient}-{of[0]}-{of[1]}-{before + 1}"
        event = Event(request_id, 1, 0, "asked", at, recipient, kind, *of, recipient, details)
        if write(context, event):
            return request_of(context, request_id)
        time.sleep(_PAUSE_SECONDS)
    raise RequestOvertaken(
        "another request about this table is being recorded at this moment: try again",
        "một yêu cầu khác về bảng này đang được ghi nhận: hãy thử lại",
    )
