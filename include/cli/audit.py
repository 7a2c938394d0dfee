"""Commands for auditors: report, verify, checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from include.cli.application import NOT_PUBLISHED, AsJson, app
from include.console import errors, output
from include.console_words import local, number

if TYPE_CHECKING:
    from include.audit.ledger import Head

_TOLD = 50


@app.command()
def report(
    what: Annotated[str, typer.Argument(help="`quality`, for auditors, or `government`, of a quarter.")] = "quality",
    period: Annotated[str, typer.Option("--period", "-p", help="With `government`: the quarter, e.g. 2018Q1.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for the files [default: var/reports].")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a report: for auditors (pages in two languages, CSV, Excel), or to the Government (HTML, PDF, Excel).

    The report to the Government is a draft for a person to sign; its figures are computed and recorded first. The exit
    status is 1 if an indicator could not be computed: the draft prints no number of it, and says that it is missing.

    Example: `lienthong report --out /srv/reports`, `lienthong report government --period 2018Q1`
    """
    from include.pipelines.reporting import report_step

    if what not in ("quality", "government") or (what == "government") != bool(period):
        raise typer.BadParameter("write `lienthong report`, or `lienthong report government --period 2018Q1`")
    if what == "government":
        _report_to_the_government(period, out, as_json=as_json)
        return
    made = report_step(folder=out)
    if as_json:
        output.print_json(json.dumps(made.to_dict(), ensure_ascii=False))
        return
    not_yet = local("chưa đo được: hãy đồng bộ một cơ sở dữ liệu trước", "not measured yet: sync a registry first")
    index = not_yet if made.index is None else f"{number(made.index, 2)} {local('trên', 'of')} 100"
    published, tables = made.published_tables, made.tables
    output.print(
        local(
            f"{published} trên {tables} bảng đã công bố; chỉ số chất lượng {index}.",
            f"{published} of {tables} tables published; quality index {index}.",
        )
    )
    for path in made.paths:
        output.print(path)


@app.command()
def verify(
    copy: Annotated[Path | None, typer.Option(help="Check this copy of audit/ instead of the lake.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="PEM file; checkpoints must be signed by it.")] = None,
    checkpoints: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="A checkpoint kept elsewhere (may be repeated).")
    ] = None,
    receipts: Annotated[
        list[str] | None,
        typer.Option("--receipt", help="NUMBER:HASH, as `lienthong.ledger_head` of a table said when it was read."),
    ] = None,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="Check only this file of a report: is it as it was made?")
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="Also compare every data file with its digest: slow.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hold the ledger against itself and against all that readers read, and name what was altered, dropped or inserted.

    Read are the logs of all tables with their checkpoints, the rows of the evidence, reports and pages; with `--files`
    all data files, extracts and the change feed too. Verify when nothing runs.

    Example: `lienthong verify`, `lienthong verify --report report.vi.html` or, with nothing but a copy, `lienthong
    verify --copy audit --public-key key.pem`
    """
    from include.pipelines import PipelineContext, verify_folder, verify_lake

    if report_file:
        raise typer.Exit(0 if _check_report(report_file, as_json=as_json) else NOT_PUBLISHED)
    context = PipelineContext.from_environment()
    noted = [_receipt(text) for text in receipts or ()]
    if copy and files:
        raise typer.BadParameter("a copy of audit/ has no data files of the tables: leave --files out")
    if copy:
        found = verify_folder(copy, key_file=public_key, kept=checkpoints or (), receipts=noted)
    else:
        found = verify_lake(context, key_file=public_key, kept=checkpoints or (), receipts=noted, with_files=files)
    if found.ok and not found.records:
        where = copy or context.lake.uri
        none = local(f"Không có nhật ký nào tại {where}: kiểm tra", f"There is no ledger at {where}: check")
        errors.print(f"{none} LAKE_URI.", style="red")
        raise typer.Exit(NOT_PUBLISHED)
    if as_json:
        output.print_json(json.dumps(found.to_dict(), ensure_ascii=False, default=str))
    elif found.ok:
        until = found.vouched_until or found.signed_until
        signed = local(f"đã ký đến mục {until}", f"entries up to {until} are signed for")
        if not found.vouched_until:
            signed = local(
                f"có điểm chốt ký đến mục {until}, chưa kiểm chữ ký: thêm --public-key",
                f"a checkpoint is signed up to entry {until}; give --public-key to check its signature",
            )
        unsigned = local("chưa có gì được ký", "nothing is signed for")
        records, commits = number(found.records), number(found.commits)
        whole = local(
            f"Nhật ký kiểm tra, giám sát toàn vẹn: {records} mục, {commits} lần ghi bảng",
            f"The ledger is whole: {records} records, {commits} commits of tables",
        )
        output.print(f"{whole}; {signed if until else unsigned}.")
    else:
        for discrepancy in found.discrepancies[:_TOLD]:
            at = discrepancy.sequence
            entry = "" if at is None else local(f"mục {at}, ", f"entry {at}, ")
            reason = local(discrepancy.vietnamese, discrepancy.why)
            errors.print(f"{entry}{discrepancy.subject}: {reason}", style="red")
        count = len(found.discrepancies)
        if count > _TOLD:
            more = count - _TOLD
            errors.print(
                local(f"... và {more} điểm khác: `--json` nêu đủ", f"... and {more} more: `--json` names all"),
                style="red",
            )
        summary = "1 thing is" if count == 1 else f"{count} things are"
        summary = local(f"{count} điểm không đúng như đã ghi; đầu tiên", f"{summary} not as recorded; the first")
        errors.print(f"{summary}: {local(found.vietnamese, found.why)}", style="bold red")
    raise typer.Exit(0 if found.ok else NOT_PUBLISHED)


def _report_to_the_government(period: str, out: Path | None, *, as_json: bool) -> None:
    from include.pipelines import PipelineContext, new_run_id
    from include.pipelines.reporting import government_report_step

    context = PipelineContext.from_environment()
    made = government_report_step(period, new_run_id(context.now()), context=context, folder=out)
    if as_json:
        output.print_json(json.dumps(made.to_dict(), ensure_ascii=False))
        raise typer.Exit(NOT_PUBLISHED if made.failed else 0)
    for path in made.paths:
        output.print(path, soft_wrap=True)
    figures, missing, owed = number(made.figures), number(len(made.missing)), number(len(made.owed))
    told = local(
        f"Dự thảo để ký: {figures} số liệu; còn thiếu: {missing}; cơ quan nợ báo cáo: {owed}",
        f"A draft to sign: {figures} figures; missing: {missing}; agencies that owe a report: {owed}",
    )
    output.print(f"{told}. SHA-256: {made.figures_sha256}", soft_wrap=True)
    for name in made.failed:
        errors.print(
            local(
                f"{name}: không tính được, dự thảo ghi là còn thiếu; xem lỗi: lienthong indicators compute {name} "
                f"--period {period}",
                f"{name}: could not be computed, and the draft says that it is missing; see why: lienthong indicators "
                f"compute {name} --period {period}",
            ),
            style="red",
        )
    if made.failed:
        raise typer.Exit(NOT_PUBLISHED)


def _receipt(text: str) -> Head:
    """`NUMBER:HASH` as a head of the ledger."""
    from include.audit.ledger import Head

    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != len(Head().hash):
        raise typer.BadParameter(
            f"{text!r} is no receipt: give NUMBER:HASH, as a commit's `lienthong.ledger_head` has it"
        )
    return Head(int(number), digest)


def _check_report(file: Path, *, as_json: bool) -> bool:
    from include.pipelines import PipelineContext, verify_report

    if not file.is_file():
        raise typer.BadParameter(f"{file} is no file")
    found = verify_report(PipelineContext.from_environment(), file)
    if as_json:
        output.print_json(json.dumps(found.to_dict(), ensure_ascii=False, default=str))
        return found.ok
    (output if found.ok else errors).print(
        f"{file.name}: {local(found.why.vietnamese, found.why.english)}.",
        style=None if found.ok else "bold red",
    )
    for says, was in found.differences:
        it_says, made_as = local("ghi là", "it says"), local("đã lập", "made as")
        nothing = local("(không có gì)", "(nothing)")
        errors.print(f"  {it_says}: {says or nothing}\n  {made_as}: {was or nothing}")
    return found.ok


@app.command()
def checkpoint(as_json: AsJson = False) -> None:
    """Write down where the ledger stands, signed with the Ed25519 key in LIENTHONG_SIGNING_KEY.

    Keep copies where nobody who can write the lake can change them: they are what a cut-off ledger is found by.

    Example: `LIENTHONG_SIGNING_KEY=signing.pem lienthong checkpoint`
    """
    from dataclasses import asdict

    from include.pipelines import PipelineContext, sign_checkpoint

    made = sign_checkpoint(PipelineContext.from_environment())
    if as_json:
        output.print_json(json.dumps(asdict(made) if made else None, default=str))
    else:
        empty = local("Nhật ký còn trống: không có gì để ký.", "The ledger is empty: nothing to sign.")
        output.print(f"{local('Điểm chốt tại mục', 'Checkpoint at entry')} {made.sequence}." if made else empty)
        if made and not made.signature:
            unsigned = local(
                "CHƯA KÝ, vì chưa đặt LIENTHONG_SIGNING_KEY", "NOT SIGNED, as LIENTHONG_SIGNING_KEY is not set"
            )
            output.print(f"{unsigned}.", style="yellow")
