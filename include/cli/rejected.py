"""Commands over the rows that were not accepted: list, show, replay."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich import box
from rich.padding import Padding
from rich.table import Table as Grid

from include.cli.application import ApproveAs, AsJson, Note, Purpose, Registry, Tables, app, approval_of, end, look
from include.console import output, rule_cell
from include.console_words import LIVES, day, local, number, word

rejected_app = typer.Typer(no_args_is_help=True, help="The rows that were not accepted, with their reasons.")
app.add_typer(rejected_app, name="rejected")

Rule = Annotated[str | None, typer.Option(help="Only rows rejected by this rule id.")]


@rejected_app.command("list")
def rejected_list(
    registry: Registry,
    table: Tables = None,
    every: Annotated[bool, typer.Option("--all", help="Also rows replayed, superseded or withdrawn.")] = False,
    as_json: AsJson = False,
) -> None:
    """Count the rejected rows that are open, over all runs, by rule.

    Example: `lienthong rejected list population`
    """
    from include.pipelines import PipelineContext, rule_texts
    from include.pipelines.rejected import list_rejected

    context = PipelineContext.from_environment()
    found = list_rejected(context, registry, table or (), with_closed=every)
    if as_json:
        output.print_json(json.dumps([asdict(reason) for reason in found], ensure_ascii=False))
        return
    if not found:
        output.print(
            local(f"{registry}: không có bản ghi bị loại nào còn mở.", f"{registry}: no rejected row is open.")
        )
        return
    rules = rule_texts(context, registry)
    title = local(f"{registry}: bản ghi bị loại theo lý do", f"{registry}: rejected rows by reason")
    grid = Grid(title=title, header_style="bold", box=box.SIMPLE)
    grid.add_column(local("bản ghi", "rows"), justify="right")
    grid.add_column(local("từ ngày", "since"), no_wrap=True)
    if every:
        grid.add_column(local("tình trạng", "life"))
    grid.add_column(local("quy tắc", "rule"), overflow="fold")
    for entry in found:
        life = [word(LIVES, entry.life)] if every else []
        rule_text = rule_cell(entry.rule_id, rules, entry.message or "")
        grid.add_row(number(entry.rows), day(datetime.fromisoformat(entry.since)), *life, rule_text)
    output.print(grid)


@rejected_app.command("show")
def rejected_show(
    registry: Registry,
    table: Annotated[str, typer.Argument(help="Table of the registry.")],
    rule: Rule = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many rows.")] = 20,
    values: Annotated[bool, typer.Option("--values", help="Also the row as received: personal data.")] = False,
    purpose: Purpose = "",
    as_json: AsJson = False,
) -> None:
    """Show open rejected rows, the oldest first: where each stands in its extract and every reason.

    Whoever sees values is on record in the ledger, with the purpose, before the first is shown.

    Example: `lienthong rejected show population citizen --limit 5` or, with the rows as received,
    `lienthong rejected show population citizen --values --purpose "list for the owner"`
    """
    from include.pipelines import PipelineContext, rule_texts
    from include.pipelines.rejected import show_rejected

    context = PipelineContext.from_environment()
    rows = show_rejected(context, registry, table, rule_id=rule, limit=limit, look=look(values, purpose))
    if as_json:
        output.print_json(json.dumps(rows, ensure_ascii=False, default=str))
        return
    rules = rule_texts(context, registry)
    for row in rows:
        since = day(row["_since"])
        heading = local(
            f"bản ghi {row['_row']} của lần chạy {row['_run_id']}, từ {since}",
            f"row {row['_row']} of run {row['_run_id']}, since {since}",
        )
        output.print(heading, style="bold")
        for reason in row["_reasons"] or []:
            output.print(Padding(rule_cell(reason["rule_id"], rules, reason["message"]), (0, 0, 0, 2)))
        if values:
            received = {k: v for k, v in row.items() if not k.startswith("_")}
            as_received = json.dumps(received, ensure_ascii=False, default=str)
            output.print(local("  như đã nhận:", "  as received:"), as_received)
    if not rows:
        output.print(local("không có bản ghi nào như vậy còn mở.", "no such row is open."))


@rejected_app.command("replay")
def rejected_replay(
    registry: Registry,
    table: Tables = None,
    rule: Rule = None,
    approve_as: ApproveAs = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Judge the open rows again, as received, under the contract and code lists as they are now.

    Example: after mending a rule in the contract, `lienthong rejected replay land --table parcel`
    """
    from include.pipelines import PipelineContext, new_run_id
    from include.pipelines.rejected import replay

    approval = None if approve_as is None else approval_of(approve_as, note)
    context = PipelineContext.from_environment()
    done = replay(
        context,
        registry,
        tables=table or (),
        rule_id=rule,
        run_id=new_run_id(context.now()),
        approval=approval,
    )
    end(done, as_json)
