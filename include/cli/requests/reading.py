"""Commands that list, show and count requests, and carry on what the clock brings."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as Grid

from include.cli.application import AsJson, Purpose, look
from include.cli.requests.arguments import RequestId, plain, requests_app
from include.console import errors, output
from include.console_words import day, local, number, word
from include.contracts.words import BilingualText

if TYPE_CHECKING:
    from include.sharing.requests import Request, SourceRow

_LABELS = {
    "recipient_name": BilingualText("recipient", "bên nhận"),
    "contact": BilingualText("contact", "hộp thư đầu mối"),
    "columns": BilingualText("columns", "các cột"),
    "rows": BilingualText("rows", "điều kiện chọn bản ghi"),
    "purpose": BilingualText("purpose", "mục đích sử dụng"),
    "legal_basis": BilingualText("legal basis", "căn cứ pháp lý"),
    "valid_from": BilingualText("from", "từ ngày"),
    "valid_until": BilingualText("until", "đến hết ngày"),
    "agreement": BilingualText("agreement", "thỏa thuận"),
    "agreement_id": BilingualText("drafted agreement", "dự thảo thỏa thuận"),
    "product": BilingualText("product", "dữ liệu được chia sẻ"),
    "key": BilingualText("key of the row", "khóa của bản ghi"),
    "column": BilingualText("wrong column", "cột sai"),
    "shown": BilingualText("what stood there", "giá trị khi phản ánh"),
    "right": BilingualText("what is right", "giá trị đúng"),
    "evidence": BilingualText("how that is known", "căn cứ chứng minh"),
    "terms": BilingualText("digest of terms", "mã băm điều khoản"),
    "is_less": BilingualText("less than asked for", "ít hơn đề nghị"),
    "ground": BilingualText("ground", "căn cứ từ chối"),
    "article": BilingualText("article", "điều, khoản"),
    "reason": BilingualText("reason", "lý do"),
}


@requests_app.command("list")
def list_requests(
    registry: Annotated[str | None, typer.Option(help="Only requests to this registry's provider.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only requests of this recipient.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the requests that somebody still has to do something about, the oldest first.

    Example: `lienthong requests list --registry population`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import all_requests
    from include.sharing.requests import KINDS, STATES, WAITING, is_late

    context = PipelineContext.from_environment()
    meant = [
        one
        for one in all_requests(context).values()
        if registry in (None, one.registry) and recipient in (None, one.recipient)
    ]
    found = [one for one in meant if every or one.state in WAITING]
    if as_json:
        output.print_json(json.dumps([plain(one) for one in found], ensure_ascii=False, default=str))
        return
    if not found:
        if not meant:
            output.print(local("Không có yêu cầu nào.", "There is no request."))
            return
        closed = number(len(meant))
        output.print(
            local(
                f"Không có yêu cầu nào đang chờ xử lý; đã đóng: {closed} (xem bằng `--all`).",
                f"Nothing waits; closed: {closed} (`--all` lists them).",
            ),
        )
        return
    grid = Grid(header_style="bold")
    for heading in (
        local("yêu cầu", "request"), local("nội dung", "what"), local("bảng", "table"), local("tình trạng", "state"),
        local("hạn trả lời", "due"),
    ):  # fmt: skip
        grid.add_column(heading, overflow="fold")
    for one in found:
        late = one.state == "open" and is_late(one.due_on, context.now())
        due = f"{day(one.due_on)}{local(' (quá hạn)', ' (overdue)') if late else ''}"
        grid.add_row(one.request_id, word(KINDS, one.kind), one.table_name, word(STATES, one.state), due)
    output.print(grid)


@requests_app.command()
def show(
    request_id: RequestId,
    row: Annotated[
        bool, typer.Option("--row", help="Of a wrong row, also key, values and the published row: personal data.")
    ] = False,
    purpose: Purpose = "",
    as_json: AsJson = False,
) -> None:
    """Show a request and its answer. With --row, who sees the row is on record in the ledger before it is shown.

    A key that is a pseudonym is only found by a process that has LIENTHONG_PSEUDONYM_KEY.

    Example: `lienthong requests show nso-population-citizen-1`, or
    `lienthong requests show nso-population-citizen-2 --row --purpose "check against the source"`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import look_at_dispute, request_of, rows_behind

    context = PipelineContext.from_environment()
    seen = look(row, purpose)
    request = request_of(context, request_id)
    said = plain(request)
    if seen is None:
        _print(request, said, as_json=as_json)
        return
    dispute = look_at_dispute(context, request, seen)
    said["dispute"] = asdict(dispute)
    if as_json:
        said["rows"] = [asdict(one) for one in rows_behind(context, request, seen)]
    _print(request, said, as_json=as_json)
    if not as_json:
        _print_rows(rows_behind(context, request, seen), dispute.column)


@requests_app.command()
def draft(
    request_id: RequestId,
    out: Annotated[
        Path | None, typer.Option(help="Write the agreement here, a new file [default: standard output].")
    ] = None,
) -> None:
    """Write the agreement that a grant drafted. In schemas/agreements it takes force on its first day.

    Example: `lienthong requests draft nso-population-citizen-1 --out citizen_for_nso.yaml`
    """
    from include.pipelines import Misuse, PipelineContext
    from include.pipelines.requests import request_of

    request = request_of(PipelineContext.from_environment(), request_id)
    if request.grant is None:
        raise Misuse(
            f"`{request_id}` is {request.state}: only what was granted has a draft (`lienthong requests grant`)"
        )
    if out is None:
        typer.echo(request.grant.text, nl=False)
        return
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
            file.write(request.grant.text)
    except FileExistsError:
        raise typer.BadParameter(f"{out} exists") from None
    errors.print(
        local(
            f"Đã ghi {out}. Hãy đặt tệp vào schemas/agreements rồi chạy `lienthong check`.",
            f"Written: {out}. Put it into schemas/agreements, then run `lienthong check`.",
        ),
    )


@requests_app.command()
def summary(as_json: AsJson = False) -> None:
    """Count by provider: asked, answered in time and late, waiting, overdue, granted and refused by ground.

    Example: `lienthong requests summary`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import all_requests
    from include.sharing.requests import KINDS, summaries

    context = PipelineContext.from_environment()
    found = summaries(all_requests(context).values(), at=context.now())
    if as_json:
        output.print_json(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    if not found:
        output.print(local("Chưa có yêu cầu nào.", "Nobody asked for anything yet."))
        return
    figures = {
        local("số yêu cầu", "asked"): [one.asked for one in found],
        local("đúng hạn", "in time"): [one.in_time for one in found],
        local("trễ hạn", "late"): [one.late for one in found],
        local("đang chờ", "open"): [one.open for one in found],
        local("quá hạn", "overdue"): [one.overdue for one in found],
        local("chấp thuận", "granted"): [one.granted for one in found],
        local("một phần", "in part"): [one.granted_less for one in found],
        local("chờ sửa", "to be mended"): [one.accepted for one in found],
        local("đã sửa", "mended"): [one.mended for one in found],
        local("bác bỏ", "rejected"): [one.rejected for one in found],
    }
    shown = {heading: counts for heading, counts in figures.items() if any(counts)}
    grid = Grid(header_style="bold")
    grid.add_column(local("cơ sở dữ liệu", "registry"), no_wrap=True)
    grid.add_column(local("nội dung", "what"), overflow="fold")
    for heading in shown:
        grid.add_column(heading, justify="right")
    grid.add_column(local("từ chối", "refused, by ground"), overflow="fold")
    for place, one in enumerate(found):
        refused = ", ".join(f"{ground} {number(count)}" for ground, count in one.refused)
        counted = (number(counts[place]) for counts in shown.values())
        grid.add_row(one.registry, word(KINDS, one.kind), *counted, refused)
    output.print(grid)


@requests_app.command()
def follow(as_json: AsJson = False) -> None:
    """Record what took force, what was mended and what is due, as the DAG `follow_requests` does; sends no message.

    Example: `lienthong requests follow`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.requests import all_requests, follow_requests

    context = PipelineContext.from_environment()
    found = follow_requests(context)
    if as_json:
        output.print_json(json.dumps(found))
        return
    if not found:
        output.print(local("Không có gì mới.", "Nothing new."))
        return
    requests = all_requests(context)
    for request_id in found:
        _print_followed(requests[request_id])


def _print(request: Request, said: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        output.print_json(json.dumps(said, ensure_ascii=False, default=str))
        return
    from include.sharing.requests import KINDS, STATES

    output.print(f"{request.request_id}: {word(KINDS, request.kind)}, {request.table_name}")
    output.print(f"  {local('tình trạng', 'state')}: {word(STATES, request.state)}")
    output.print(f"  {local('hạn trả lời', 'due')}: {day(request.due_on)}")
    parts = (said["ask"], said["dispute"], said["refusal"], said["grant"])
    for part in (part for part in parts if isinstance(part, dict)):
        for name, value in part.items():
            if name != "text" and value not in ("", None, False):
                output.print(f"  {word(_LABELS, name)}: {_text(value)}")
    if request.answered_by:
        output.print(f"  {local('người trả lời', 'answered by')}: {request.answered_by}")


def _print_followed(request: Request) -> None:
    from include.sharing.requests import ACTS, STATES

    said = word(STATES, request.state)
    if request.state == "open":
        said = word(ACTS, "escalated" if request.escalated else "reminded")
    output.print(f"{request.request_id}: {said}")


def _text(value: object) -> str:
    if value is True:
        return local("có", "yes")
    if isinstance(value, list | tuple):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, dict):
        return " ".join(str(one) for one in value.values() if one)
    return str(value)


def _print_rows(rows: tuple[SourceRow, ...], column: str) -> None:
    if not rows:
        said = "Không còn bản ghi nào ứng với khóa này trong bảng đã công bố."
        output.print(local(said, "No published row has this key any more."))
    for row in rows:
        key = ", ".join(f"{name}={value}" for name, value in row.key)
        output.print(f"  {local('bản ghi', 'row')}: {key}; {column}={row.value}")
