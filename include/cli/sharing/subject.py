"""The command for a person who asks what is held about her and who was given it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from include.cli.application import AsJson, account, app
from include.console import errors, output
from include.console_words import local, number

if TYPE_CHECKING:
    from datetime import datetime

    from include.audit.official_letter import Letter
    from include.pipelines.subject import Given, Subject


@app.command()
def subject(
    person: Annotated[str, typer.Argument(help="An id of the person, however old, or a record: `registry.table:KEY`.")],
    purpose: Annotated[str, typer.Option(help="What the answer is for; kept in the ledger.")],
    letter: Annotated[
        Path | None, typer.Option(help="Also write the answer as a letter to the person: a new .html or .pdf file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is held about a person, which recipients were given it, and who has looked at it.

    The question is in the ledger, with the purpose, before anything is shown. The letter is in Vietnamese, a draft to
    sign, readable by you alone. LIENTHONG_PSEUDONYM_KEY is not needed.

    Example: `lienthong subject PERSON_ID --purpose "request 12 of 2026" --letter answer.pdf`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.decisions import Look
    from include.pipelines.subject import answer_person, subject_letter

    if letter is not None:
        written = _format(letter)
        if letter.exists():
            raise typer.BadParameter(f"{letter} exists: name a new file")
    found = answer_person(PipelineContext.from_environment(), person, look=Look.of(account(), purpose))
    if letter is not None:
        with os.fdopen(os.open(letter, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(written(subject_letter(found)))
        errors.print(local(f"Đã ghi thư: {letter}", f"The letter: {letter}"))
    if as_json:
        output.print_json(json.dumps(found.to_dict(), ensure_ascii=False, default=str))
    else:
        _show(found)


def _format(letter: Path) -> Callable[[Letter], bytes]:
    from include.audit.official_letter import letter_html, letter_pdf

    match letter.suffix.lower():
        case ".pdf":
            return letter_pdf
        case ".html":
            return lambda content: letter_html(content).encode()
    raise typer.BadParameter(f"{letter.name} has no format that can be written: end it with .html or .pdf")


def _show(found: Subject) -> None:
    way = " -> ".join(found.way)
    if found.standing == "unlinked":
        output.print(local(f"Bản ghi chưa đối khớp: {way}", f"A record that is not linked: {way}"))
    else:
        output.print(local(f"Người: {way}", f"Person: {way}"))
    held = Table(
        local("cơ sở dữ liệu", "registry"), local("bảng", "table"), local("bản ghi", "record"),
        local("đối khớp từ", "linked since"), local("đến", "until"),
        title=local("Dữ liệu đang được lưu giữ", "What is held"),
    )  # fmt: skip
    for record in found.records:
        key = record.record_id.partition(":")[2]
        held.add_row(record.registry, record.table, key, _at(record.since), _at(record.until))
    for table in found.held:
        if table.relation == "about":
            rows = local(f"số dòng: {number(table.rows)}", f"rows: {number(table.rows)}")
            held.add_row(table.registry, table.table, rows)
        if table.mentions:
            count = number(table.mentions)
            named = local(f"số dòng của người khác có nêu: {count}", f"rows of others that name the person: {count}")
            held.add_row(table.registry, table.table, named)
        if table.unclear:
            count = number(table.unclear)
            may_be = local(f"số dòng có thể là của người này: {count}", f"rows that may be the person's: {count}")
            held.add_row(table.registry, table.table, may_be)
    output.print(held)
    given = Table(
        local("bên nhận", "recipient"), local("thỏa thuận", "agreement"), local("bảng chia sẻ", "product"),
        local("cột", "columns"), local("phiên bản", "versions"), local("lượt đọc", "reads"),
        title=local("Ai đã được cung cấp", "Who was given it"),
    )  # fmt: skip
    for one in found.given:
        columns = ", ".join(column.name for column in one.columns)
        given.add_row(one.recipient, one.agreement, one.product, columns, _versions(one), _reads(one))
    output.print(given)
    if found.statistics:
        named = ", ".join(found.statistics)
        output.print(local(f"Số liệu thống kê có thể đã đếm: {named}", f"Statistics that may count her: {named}"))
    looks = Table(
        local("mục nhật ký", "entry"), local("lúc", "at"), local("ai", "who"), local("dữ liệu", "of what"),
        local("mục đích", "purpose"), title=local("Ai đã xem", "Who has looked at it"),
    )  # fmt: skip
    for look in found.opened:
        doubt = "" if look.certainty == "certain" else local(" (có thể)", " (possibly)")
        looks.add_row(number(look.sequence), _at(look.at), look.by, f"{look.subject}{doubt}", look.purpose)
    output.print(looks)
    if found.lists_opened:
        count = number(found.lists_opened)
        text = local(
            f"Ngoài ra {count} lượt xem mà nhật ký không nêu đã xem dữ liệu của ai.",
            f"Besides, looks of which the ledger does not tell whose data they saw: {count}.",
        )
        output.print(text)


def _versions(one: Given) -> str:
    known = [f"{span.first}-{span.last}: {_at(span.since)} - {_at(span.until)}" for span in one.spans]
    doubt = local("không xác định được", "cannot be told")
    unknown = [f"{span.first}-{span.last}: {_at(span.since)} - {_at(span.until)} {doubt}" for span in one.unknown]
    return "\n".join([*known, *unknown])


def _reads(one: Given) -> str:
    if not one.reads:
        return "0"
    return f"{number(len(one.reads))}: {_at(one.reads[0].at)} - {_at(one.reads[-1].at)}"


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
