"""Why an ask, or a dispute, is sent back at once: something is missing, unknown, or it is there already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from include.contracts.model import Table
from include.contracts.sql import SqlRefused, rewritten
from include.contracts.words import BilingualText, day_of, hidden_character, holds_a_long_number, says_something
from include.sharing.agreements import Agreement, Product, SharedColumn
from include.sharing.products import FilterRefused, compared_columns, compile_filter
from include.sharing.requests.drafting import names_a_person
from include.sharing.requests.request import WAITING, Ask, Dispute, Request

LONGEST_TEXT = 4_000
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_RECIPIENT = re.compile(r"[a-z][a-z0-9_]{0,62}")


def objection_to_ask(
    ask: Ask,
    recipient: str,
    table: Table,
    *,
    agreements: Iterable[Agreement],
    requests: Iterable[Request],
    at: datetime,
) -> BilingualText | None:
    """Why this ask is not taken in; None if it is."""
    return (
        _missing(ask, recipient, at) or _misfit(ask, table) or _there(ask, recipient, table, agreements, requests, at)
    )


def objection_to_dispute(dispute: Dispute, product: Product, requests: Iterable[Request]) -> BilingualText | None:
    """Why this dispute about a product of the recipient is not taken in; None if it is."""
    given = {column.name for column in product.given}
    if product.statistics is not None:
        return BilingualText(
            f"`{product.name}` holds counts: report the row where you read rows, or write to the provider",
            f"`{product.name}` là số liệu tổng hợp: hãy phản ánh ở bảng có từng bản ghi",
        )
    if not says_something(dispute.right) or not says_something(dispute.evidence):
        return BilingualText(
            "say what is right, and how that is known: the owner has nothing else to go by",
            "hãy nêu giá trị đúng và căn cứ chứng minh: cơ quan chủ quản chỉ dựa vào đó để xem xét",
        )
    if unknown := [name for name in (dispute.column, *(name for name, _ in dispute.key)) if name not in given]:
        return BilingualText(
            f"`{product.name}` has no column `{unknown[0]}`: it has {', '.join(sorted(given))}",
            f"bảng `{product.name}` không có cột `{unknown[0]}`; các cột hiện có: {', '.join(sorted(given))}",
        )
    if not dispute.key or any(not value.strip() for _, value in dispute.key):
        return BilingualText(
            "say which row: the value of at least one column that names it, as the table has it",
            "hãy cho biết bản ghi nào: giá trị của ít nhất một cột xác định bản ghi, đúng như trong bảng",
        )
    if odd := objection_to_text(dispute.right, dispute.evidence, dispute.column, *(value for _, value in dispute.key)):
        return odd
    for other in requests:
        if other.state in ("open", "accepted") and other.dispute is not None:
            same = (other.dispute.product, other.dispute.key, other.dispute.column)
            if same == (dispute.product, dispute.key, dispute.column):
                return BilingualText(
                    f"it was reported before, in `{other.request_id}`, which is not closed yet",
                    f"nội dung này đã được phản ánh trong `{other.request_id}` và chưa được giải quyết xong",
                )
    return None


def objection_to_text(*texts: str) -> BilingualText | None:
    """Why texts that people wrote are not taken in: too long, or with characters that are not seen."""
    if any(len(text) > LONGEST_TEXT for text in texts):
        return BilingualText(
            f"a field has more than {LONGEST_TEXT} characters: shorten it, and send papers by the usual way",
            f"có ô dài quá {LONGEST_TEXT} ký tự: hãy rút gọn, tài liệu kèm theo gửi theo cách thông thường",
        )
    if hidden := next((found for text in texts if (found := hidden_character(text))), ""):
        return BilingualText(
            f"a field holds {hidden}, a character that is not seen: write plain text",
            f"có ô chứa ký tự không nhìn thấy được ({hidden}): hãy gõ lại dạng văn bản thuần, không định dạng",
        )
    return None


def example_of_rows(table: Table) -> str:
    """A condition on rows that this table's columns allow."""
    columns = [column for column in table.columns if not names_a_person(column)] or list(table.columns)
    return f"{columns[0].name} IS NOT NULL"


def objection_to_rows(rows: str, table: Table) -> BilingualText | None:
    """Why a condition on rows is not taken in: it is none, or it picks single persons. It stands in the agreement."""
    try:
        compile_filter(rows, table)
    except FilterRefused as refused:
        return BilingualText(
            f"the row filter {refused}; write one condition, as {example_of_rows(table)}",
            f"điều kiện chọn bản ghi không hợp lệ ({refused.vietnamese}); hãy viết một điều kiện, ví dụ "
            f"{example_of_rows(table)}",
        )
    naming = [
        column.name
        for column in table.columns
        if names_a_person(column) and column.name.lower() in compared_columns(rows)
    ]
    if naming or holds_a_long_number(rows):
        return BilingualText(
            "the condition on rows becomes an agreement that many read: name no number and no name of a person"
            + (f", so do not compare `{naming[0]}`" if naming else ""),
            "điều kiện chọn bản ghi được đưa vào thỏa thuận: không ghi số định danh, họ tên của người"
            + (f", không so sánh cột `{naming[0]}`" if naming else ""),
        )
    return None


def gives(agreement: Agreement, request: Request) -> bool:
    """Whether an agreement is what a request was granted: for its purpose or by the drafted name, and no less of it.

    An older agreement for another purpose is not, whatever it gives; nor is one that protects more, or ends before.
    """
    grant, ask = request.grant, request.ask
    if grant is None or ask is None or agreement.recipient != request.recipient:
        return False
    is_this = agreement.agreement_id == grant.agreement_id or _plain(ask.purpose) in _plain(agreement.purpose)
    return (
        is_this
        and agreement.last_day >= grant.valid_until
        and any(
            _is_of(product, request.registry, request.table, grant.rows)
            and all(_is_no_less(product, column) for column in grant.columns if column.protection != "drop")
            for product in agreement.products
        )
    )


def _is_no_less(product: Product, granted: SharedColumn) -> bool:
    """Whether a product gives a column as it was granted, or with more of it."""
    given = next((column for column in product.given if column.name == granted.name), None)
    if given is None or given.protection == "none":
        return given is not None
    return given.protection == granted.protection and given.keep >= granted.keep


def _is_of(product: Product, registry: str, table: str, rows: str) -> bool:
    """Whether a product holds all rows of a table, or the rows of the same filter."""
    is_there = (product.registry, product.table) == (registry, table) and product.statistics is None
    return is_there and _meant(product.rows) in ("", _meant(rows))


def _covers(agreement: Agreement, table: Table, ask: Ask) -> bool:
    """Whether an agreement gives all that is asked for, bare: who has the year of a date may still ask for the date."""
    return any(
        _is_of(product, table.registry, table.name, ask.rows)
        and {*ask.columns} <= {column.name for column in product.given if column.protection == "none"}
        for product in agreement.products
    )


def _missing(ask: Ask, recipient: str, at: datetime) -> BilingualText | None:
    if not _RECIPIENT.fullmatch(recipient):
        return BilingualText(
            f"`{recipient[:80]}` cannot be a recipient's id: use lower-case letters, digits and `_`",
            f"`{recipient[:80]}` không thể là mã bên nhận: chỉ dùng chữ thường, chữ số và dấu `_`",
        )
    if not says_something(ask.recipient_name) or not _MAILBOX.fullmatch(ask.contact):
        return BilingualText(
            "give the name of the asking office and its mailbox, not a person's",
            "hãy ghi tên cơ quan đề nghị và hộp thư của cơ quan, không ghi hộp thư cá nhân",
        )
    if not says_something(ask.purpose):
        return BilingualText(
            "say what the data is needed for: without a purpose nobody can weigh the request",
            "hãy nêu mục đích sử dụng: không có mục đích thì không thể xem xét đề nghị",
        )
    if not ask.legal_basis or not all(says_something(one) for one in ask.legal_basis):
        return BilingualText(
            "name the law or decree that the request rests on, one on each line",
            "hãy nêu căn cứ pháp lý của đề nghị, mỗi văn bản một dòng",
        )
    written = (ask.recipient_name, ask.contact, ask.purpose, *ask.legal_basis)
    if odd := objection_to_text(*written, ask.rows):
        return odd
    if any(holds_a_long_number(text) for text in written):
        return BilingualText(
            "purpose and legal basis become an agreement that many read: name no number of a person",
            "mục đích và căn cứ pháp lý được đưa vào thỏa thuận: không ghi số định danh của người",
        )
    today = day_of(at)
    if ask.valid_until < ask.valid_from or ask.valid_until < today:
        return BilingualText(
            f"the period ends on {ask.valid_until}, before it begins or before today: correct its days",
            f"thời hạn kết thúc ngày {_day(ask.valid_until)}, trước ngày bắt đầu hoặc trước hôm nay: hãy sửa lại",
        )
    return None


def _misfit(ask: Ask, table: Table) -> BilingualText | None:
    if not ask.columns:
        return BilingualText("choose at least one column", "hãy chọn ít nhất một cột")
    if twice := [name for name in ask.columns if ask.columns.count(name) > 1]:
        return BilingualText(f"`{twice[0]}` stands twice: name each column once", f"cột `{twice[0]}` được ghi hai lần")
    known = [column.name for column in table.columns]
    if unknown := [name for name in ask.columns if name not in known]:
        return BilingualText(
            f"{table.qualified_name} has no column `{unknown[0]}`: it has {', '.join(known)}",
            f"bảng {table.qualified_name} không có cột `{unknown[0]}`; các cột hiện có: {', '.join(known)}",
        )
    return objection_to_rows(ask.rows, table)


def _there(
    ask: Ask,
    recipient: str,
    table: Table,
    agreements: Iterable[Agreement],
    requests: Iterable[Request],
    at: datetime,
) -> BilingualText | None:
    first_day = max(ask.valid_from, day_of(at))
    for agreement in agreements:
        holds = agreement.valid_from <= first_day and agreement.last_day >= ask.valid_until
        if agreement.recipient == recipient and holds and _covers(agreement, table, ask):
            return BilingualText(
                f"the agreement `{agreement.agreement_id}` gives this already, until {agreement.last_day}",
                f"thỏa thuận `{agreement.agreement_id}` đã cung cấp nội dung này, đến hết ngày "
                f"{_day(agreement.last_day)}",
            )
    for other in requests:
        of = (other.recipient, other.registry, other.table)
        if (
            of == (recipient, table.registry, table.name)
            and other.state in WAITING
            and _is_within(ask, other, first_day)
        ):
            return BilingualText(
                f"it was asked for before, in `{other.request_id}`, which is not closed yet",
                f"nội dung này đã được đề nghị trong `{other.request_id}` và chưa được giải quyết xong",
            )
    return None


def _is_within(ask: Ask, other: Request, first_day: date) -> bool:
    """Whether all of an ask, bare and for all its days, is in what another asks for, or in what was granted of it."""
    if other.ask is None:
        return False
    of = other.grant or other.ask
    columns = {*other.ask.columns}
    if other.grant is not None:
        columns = {column.name for column in other.grant.columns if column.protection == "none"}
    holds = of.valid_from <= first_day and of.valid_until >= ask.valid_until
    return holds and {*ask.columns} <= columns and _meant(of.rows) in ("", _meant(ask.rows))


def _meant(rows: str) -> str:
    """A row filter in one notation; as it is written if it is none."""
    try:
        return rewritten(rows) if rows.strip() else ""
    except SqlRefused:
        return rows


def _plain(text: str) -> str:
    return " ".join(text.split())


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"
