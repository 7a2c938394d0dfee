"""Commands over the rows that were not accepted: list, show, replay."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table as Grid

from include.cli.app import ApproveAs, AsJson, Note, Purpose, Registry, Tables, app, end, look
from include.console import output

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
    from include.pipelines.rejected import list_rejected
    from include.pipelines.workplace import Workplace

    found = list_rejected(Workplace.from_environment(), registry, table or (), with_closed=every)
    if as_json:
        output.print_json(json.dumps(found, ensure_ascii=False))
        return
    grid = Grid(title=f"{registry}: rejected rows by reason", header_style="bold")
    for name in ("table", "rule", *(["life"] if every else []), "rows", "since", "what is wrong"):
        grid.add_column(name, justify="right" if name == "rows" else "left", overflow="fold")
    for entry in found:
        life = [entry["life"]] if every else []
        figures = [f"{entry['rows']:,}", entry["since"][:10], entry["message"] or ""]
        grid.add_row(entry["table"], entry["rule_id"], *life, *figures)
    output.print(grid if found else f"{registry}: no rejected row is open.")


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
    from include.pipelines.rejected import show_rejected
    from include.pipelines.workplace import Workplace

    rows = show_rejected(
        Workplace.from_environment(), registry, table, rule_id=rule, limit=limit, look=look(values, purpose)
    )
    if as_json:
        output.print_json(json.dumps(rows, ensure_ascii=False, default=str))
        return
    for row in rows:
        output.print(f"row {row['_row']} of run {row['_run_id']}, since {row['_since']:%Y-%m-%d}", style="bold")
        for reason in row["_reasons"] or []:
            output.print(f"  {reason['rule_id']}: {reason['message']}", markup=False)
        if values:
            received = {k: v for k, v in row.items() if not k.startswith("_")}
            output.print("  as received:", json.dumps(received, ensure_ascii=False, default=str), markup=False)
    if not rows:
        output.print("no such row is open.")


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
    from include.pipelines.publication import Approval
    from include.pipelines.rejected import replay
    from include.pipelines.workplace import Workplace, new_run_id

    place = Workplace.from_environment()
    done = replay(
        place,
        registry,
        tables=table or (),
        rule_id=rule,
        run_id=new_run_id(place.now()),
        approval=Approval(approve_as, note) if approve_as else None,
    )
    end(done, as_json)
