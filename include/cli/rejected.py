"""Commands over the rows that were not accepted: list, show, replay."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table as Grid

from include.cli.app import ApproveAs, AsJson, Note, Registry, Tables, app, end
from include.console import output

rejected_app = typer.Typer(no_args_is_help=True, help="The rows that were not accepted, with their reasons.")
app.add_typer(rejected_app, name="rejected")


@rejected_app.command("list")
def rejected_list(registry: Registry, table: Tables = None, as_json: AsJson = False) -> None:
    """Count the rejected rows of the published state by rule.

    Example: `lienthong rejected list population`
    """
    from include.pipelines.rejected import list_rejected
    from include.pipelines.workplace import Workplace

    found = list_rejected(Workplace.from_environment(), registry, table or ())
    if as_json:
        output.print_json(json.dumps(found, ensure_ascii=False))
        return
    grid = Grid(title=f"{registry}: rejected rows by reason", header_style="bold")
    for name in ("table", "rule", "rows", "since", "what is wrong"):
        grid.add_column(name, justify="right" if name == "rows" else "left", overflow="fold")
    for entry in found:
        grid.add_row(
            entry["table"], entry["rule_id"], f"{entry['rows']:,}", entry["since"][:10], entry["message"] or ""
        )
    output.print(grid if found else f"{registry}: no rejected rows in the published state.")


@rejected_app.command("show")
def rejected_show(
    registry: Registry,
    table: Annotated[str, typer.Argument(help="Table of the registry.")],
    rule: Annotated[str | None, typer.Option(help="Only rows rejected by this rule id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many rows.")] = 20,
    values: Annotated[bool, typer.Option("--values", help="Also the row as received: personal data.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show rejected rows: where each stands in the extract and every reason.

    Example: `lienthong rejected show population citizen --limit 5`
    """
    from include.pipelines.rejected import show_rejected
    from include.pipelines.workplace import Workplace

    rows = show_rejected(Workplace.from_environment(), registry, table, rule_id=rule, limit=limit, with_values=values)
    if as_json:
        output.print_json(json.dumps(rows, ensure_ascii=False, default=str))
        return
    for row in rows:
        output.print(f"row {row['_row']} ({row['_status']})", style="bold")
        for reason in row["_reasons"] or []:
            output.print(f"  {reason['rule_id']}: {reason['message']}", markup=False)
        if values:
            received = {k: v for k, v in row.items() if not k.startswith("_")}
            output.print("  as received:", json.dumps(received, ensure_ascii=False, default=str), markup=False)
    if not rows:
        output.print("no such rows in the published state.")


@rejected_app.command("replay")
def rejected_replay(
    registry: Registry, table: Tables = None, approve_as: ApproveAs = None, note: Note = "", as_json: AsJson = False
) -> None:
    """Judge the last extract again under the contract as it is now, without reading the source.

    Example: after mending a rule in the contract, `lienthong rejected replay land --table parcel`
    """
    from include.pipelines.rejected import replay
    from include.pipelines.sync import Approval
    from include.pipelines.workplace import Workplace, new_run_id

    place = Workplace.from_environment()
    approval = Approval(approve_as, note) if approve_as else None
    end(replay(place, registry, tables=table or (), run_id=new_run_id(place.now()), approval=approval), as_json)
