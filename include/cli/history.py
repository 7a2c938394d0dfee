"""Commands over the versions of a published table: history, read, restore."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid

from include.cli.app import AsJson, Note, Purpose, Registry, app, look
from include.console import output

TableName = Annotated[str, typer.Argument(help="Table of the registry.")]
_FIGURES = ("inserted", "updated", "deleted", "live_rows")
_CHANGES = (("inserted", "came back"), ("updated", "changed back"), ("deleted", "left"))


@app.command()
def history(
    registry: Registry,
    table: TableName,
    limit: Annotated[int, typer.Option(min=1, help="At most this many versions, the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the versions of a published table: when, by which run, what it changed; and the runs that were refused.

    Example: `lienthong history land parcel`
    """
    from include.pipelines.history import list_versions
    from include.pipelines.workplace import Workplace

    found = list_versions(Workplace.from_environment(), registry, table, limit=limit)
    if as_json:
        output.print_json(json.dumps(found, ensure_ascii=False))
        return
    grid = Grid(title=f"{registry}.{table}: versions", header_style="bold")
    for name in ("version", "at (UTC)", "mode", "run", *_FIGURES, "approved or refused by"):
        grid.add_column(name, justify="right" if name in ("version", *_FIGURES) else "left", overflow="fold")
    for entry in found:
        mode = entry["mode"] + (f" of {entry['restored_version']}" if entry["restored_version"] is not None else "")
        figures = ["" if entry[name] is None else f"{entry[name]:,}" for name in _FIGURES]
        version = "" if entry["version"] is None else str(entry["version"])
        by = entry["approved_by"] or entry["refused_by"]
        grid.add_row(version, entry["at"][:19], mode, entry["run_id"], *figures, by)
    output.print(grid)


@app.command()
def read(
    registry: Registry,
    table: TableName,
    version: Annotated[int | None, typer.Option(min=0, help="As of this version of `lienthong history`.")] = None,
    at: Annotated[str, typer.Option(help="As of this instant (UTC unless it says otherwise) or day.")] = "",
    where: Annotated[str, typer.Option(help="Only rows for which this SQL condition holds.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many rows [default: 20 on screen].")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the rows to this .parquet or .csv file instead.")] = None,
    values: Annotated[bool, typer.Option("--values", help="Also confidential columns: personal data.")] = False,
    purpose: Purpose = "",
    as_json: AsJson = False,
) -> None:
    """Read a published table as it is, or as it was at a version or a date.

    Whoever sees values is on record in the ledger, with the purpose, before the first is shown or written.

    Example: `lienthong read land parcel --at 2026-01-31 --where "area_m2 > 1000" --out parcels.parquet`
    """
    from include.pipelines.history import read_version
    from include.pipelines.workplace import Workplace

    found = read_version(
        Workplace.from_environment(),
        registry,
        table,
        version=version,
        at=at,
        where=where,
        limit=limit if limit is not None or out is not None else 20,
        out=out,
        look=look(values, purpose),
    )
    if as_json:
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        told = {"version": found.version, "hidden": found.hidden, "rows": rows, "written": found.written}
        output.print_json(json.dumps(told, ensure_ascii=False, default=str))
        return
    if out is not None:
        output.print(f"{out}: {found.written:,} rows of version {found.version}.", markup=False)
    else:
        grid = Grid(title=f"{registry}.{table}, version {found.version}", header_style="bold")
        for name in found.columns:
            grid.add_column(name, overflow="fold")
        for row in found.rows:
            grid.add_row(*("" if value is None else str(value) for value in row))
        output.print(grid)
    if found.hidden:
        output.print(
            f"Left out, because it may be personal (--values shows it): {', '.join(found.hidden)}.", markup=False
        )


@app.command()
def restore(
    registry: Registry,
    table: TableName,
    version: Annotated[int, typer.Option(min=0, help="The version to go back to; see `lienthong history`.")],
    approve_as: Annotated[str, typer.Option(help="The steward in whose name it is done.")],
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Go back to a former version of a table: one commit, on record. The next sync goes on from there.

    Example: `lienthong restore land parcel --version 41 --approve-as "Trần An" --note "faulty delivery"`
    """
    from include.pipelines.history import restore_step
    from include.pipelines.publication import Approval
    from include.pipelines.workplace import Workplace, new_run_id

    place = Workplace.from_environment()
    done = restore_step(
        registry,
        table,
        new_run_id(place.now()),
        version=version,
        approval=Approval(approve_as, note),
        workplace=place,
    )
    if as_json:
        output.print_json(json.dumps(done, ensure_ascii=False))
        return
    changed = ", ".join(f"{done[name]:,} {word}" for name, word in _CHANGES)
    output.print(
        f"{registry}.{table} is as it was in version {version}; this is version {done['version']} "
        f"({done['live_rows']:,} rows: {changed}). Runs undone: {len(done['undone'])}; rejected rows open again: "
        f"{done['reopened']:,}. `lienthong sync {registry} --table {table}` brings the table up to date.",
        markup=False,
    )
