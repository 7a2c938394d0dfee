"""Commands over indicators: list, compute, show, findings."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table as Grid

from include.cli.application import NOT_PUBLISHED, AsJson, Purpose, app, look
from include.console import errors, output
from include.console_words import local, number
from include.contracts.words import of_environment

if TYPE_CHECKING:
    from include.indicators.values import ShownIndicator

indicators_app = typer.Typer(no_args_is_help=True, help="Figures for the Government, defined in schemas/indicators.")
app.add_typer(indicators_app, name="indicators")

Names = Annotated[list[str] | None, typer.Argument(help="Indicators: the names of their files [default: all].")]
Period = Annotated[str, typer.Option("--period", "-p", help="A quarter such as 2018Q1, or a day (state as of it).")]
_MOST_MEMBERS = 40


@indicators_app.command("list")
def indicators_list(as_json: AsJson = False) -> None:
    """List the indicators, what each means, and for which periods there are values.

    Example: `lienthong indicators list`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.indicators import list_indicators

    listed, unreadable = list_indicators(PipelineContext.from_environment())
    if as_json:
        rows = [
            {
                "indicator": one.indicator.indicator_id,
                "name": one.indicator.name._asdict(),
                "definition": one.indicator.definition._asdict(),
                "unit": one.indicator.unit,
                "scheme": one.indicator.scheme,
                "breakdown": [dimension.name for dimension in one.indicator.breakdown],
                "periods": one.periods,
            }
            for one in listed
        ]
        output.print_json(json.dumps(rows, ensure_ascii=False))
    else:
        grid = Grid(header_style="bold", box=box.SIMPLE)
        grid.add_column(local("mã", "id"), overflow="fold")
        grid.add_column(local("chỉ tiêu", "indicator"), overflow="fold")
        grid.add_column(local("các kỳ có số liệu", "periods with values"), overflow="fold")
        for one in listed:
            grid.add_row(one.indicator.indicator_id, one.indicator.name.text(of_environment()), ", ".join(one.periods))
        output.print(grid)
    for file in unreadable:
        told = local(f"{file} có lỗi: chạy lienthong check", f"{file} has mistakes: run lienthong check")
        errors.print(told, style="red")
    raise typer.Exit(NOT_PUBLISHED if unreadable else 0)


@indicators_app.command("compute")
def indicators_compute(names: Names = None, *, period: Period, as_json: AsJson = False) -> None:
    """Compute indicators for a period and record them; what gives another value than before is a new edition.

    Example: `lienthong indicators compute --period 2018Q1`
    """
    from include.pipelines import PipelineContext, new_run_id
    from include.pipelines.indicators import compute_step

    context = PipelineContext.from_environment()
    done = compute_step(period, new_run_id(context.now()), indicators=names or (), context=context)
    if as_json:
        output.print_json(json.dumps(done.to_dict(), ensure_ascii=False))
        raise typer.Exit(NOT_PUBLISHED if done.verdict == "failed" else 0)
    grid = Grid(title=period, header_style="bold", box=box.SIMPLE)
    grid.add_column(local("chỉ tiêu", "indicator"), overflow="fold")
    for title in (local("giá trị", "value"), local("tử số", "numerator"), local("mẫu số", "denominator")):
        grid.add_column(title, justify="right")
    grid.add_column(local("lần tính", "edition"), justify="right")
    grid.add_column(local("ghi chú", "note"), overflow="fold")
    for one in done.indicators:
        notes = [_reason(one.reason), *(f"- {server}" for server in one.missing)]
        if one.unknown:
            rows = local("dòng không rõ điều kiện, tính là không", "rows whose condition is empty: counted as no")
            notes.append(f"{one.unknown} {rows}")
        if one.verdict == "unchanged":
            notes.insert(0, local("không đổi", "unchanged"))
        note = one.error or "\n".join(filter(None, notes))
        numbers = [_number(Decimal(text)) if text else "" for text in (one.value, one.numerator, one.denominator)]
        grid.add_row(one.indicator, *numbers, str(one.edition or ""), note)
    output.print(grid)
    raise typer.Exit(NOT_PUBLISHED if done.verdict == "failed" else 0)


@indicators_app.command("show")
def indicators_show(
    names: Names = None,
    *,
    period: Period,
    every: Annotated[bool, typer.Option("--all", help="Every edition, not only the newest of each.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show recorded values with their members; counts below an indicator's minimum cell are hidden.

    Example: `lienthong indicators show services-with-online-dossiers --period 2018Q1 --all`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.indicators import values_shown

    found = values_shown(PipelineContext.from_environment(), period, names or (), every_edition=every)
    if as_json:
        output.print_json(json.dumps([_plain(one) for one in found], ensure_ascii=False, default=str))
        return
    for one in found:
        stored = one.stored
        title = f"{stored.indicator}, {stored.period}, {local('lần tính', 'edition')} {stored.edition}"
        grid = Grid(title=title, header_style="bold", box=box.SIMPLE)
        grid.add_column("", overflow="fold")
        for heading in (local("giá trị", "value"), local("tử số", "numerator"), local("mẫu số", "denominator")):
            grid.add_column(heading, justify="right")
        grid.add_column("")
        for figure in stored.figures[:_MOST_MEMBERS]:
            hidden = local("ẩn vì số nhỏ", "hidden: small count") if one.is_hidden(figure) else ""
            counts = [None if one is None else one.normalize() for one in (figure.numerator, figure.denominator)]
            numbers = [_number(figure.value, stored.digits), *map(_number, counts)]
            label = f"{figure.dimension} {figure.member}".strip() or local("tổng", "total")
            grid.add_row(label, *numbers, hidden or _reason(figure.reason))
        output.print(grid)
        if len(stored.figures) > _MOST_MEMBERS:
            more = number(len(stored.figures) - _MOST_MEMBERS)
            output.print(local(f"... và {more} dòng khác: `--json`", f"... and {more} more: `--json`"))
    if not found:
        output.print(local(f"Chưa có số liệu kỳ {period}.", f"There are no values for {period}."))


@indicators_app.command("findings")
def indicators_findings(
    name: Annotated[str, typer.Argument(help="Indicator that is a finding: its definition names an owner.")],
    *,
    period: Period,
    values: Annotated[bool, typer.Option("--values", help="Show the rows: personal data.")] = False,
    purpose: Purpose = "",
    out: Annotated[Path | None, typer.Option(help="Write all rows to this .csv file instead.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many rows on screen.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Read the rows behind a finding, for the owner of the register; who reads, and what for, is on record first.

    Example: `lienthong indicators findings dead-land-owners --period 2026Q3 --values --purpose "correct the owners"`
    """
    from include.pipelines import Misuse, PipelineContext
    from include.pipelines.indicators import finding_rows

    reader = look(values, purpose)
    if reader is None:
        raise Misuse("a finding lists persons: add --values and --purpose TEXT, which the ledger keeps")
    found = finding_rows(PipelineContext.from_environment(), name, period, reader, limit=limit, out=out)
    if as_json:
        output.print_json(json.dumps(asdict(found), ensure_ascii=False, default=str))
        return
    grid = Grid(title=f"{name} ({found.owner}): {number(found.count)}", header_style="bold", box=box.SIMPLE)
    for column in found.columns:
        grid.add_column(column, overflow="fold")
    for row in found.rows:
        grid.add_row(*("" if value is None else str(value) for value in row))
    output.print(grid)
    if out is not None:
        output.print(f"{out}: {number(found.count)}")


def _plain(one: ShownIndicator) -> dict[str, object]:
    return {
        **asdict(one.stored),
        "figures": [{**asdict(figure), "is_hidden": one.is_hidden(figure)} for figure in one.stored.figures],
    }


def _reason(reason: str) -> str:
    from include.indicators.computation import REASONS

    return REASONS[reason].text(of_environment()) if reason in REASONS else reason


def _number(value: Decimal | None, digits: int | None = None) -> str:
    """The number by the locale, with so many digits, or as many as it has."""
    if value is None:
        return ""
    return number(value, max(0, -int(value.as_tuple().exponent)) if digits is None else digits)
