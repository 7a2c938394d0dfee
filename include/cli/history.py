"""Commands over published tables: history, read, restore, end-server."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table as Grid
from rich.text import Text

from include.cli.application import AsJson, Purpose, Registry, app, approval_of, look
from include.console import output, show_lines
from include.console_words import MODES, day, local, number, word
from include.contracts.words import BilingualText, of_environment

TableName = Annotated[str, typer.Argument(help="Table of the registry.")]
_FIGURES = {
    "inserted": BilingualText("inserted", "thêm"),
    "updated": BilingualText("updated", "sửa"),
    "deleted": BilingualText("deleted", "xóa"),
    "live_rows": BilingualText("rows", "bản ghi"),
}
_CHANGES = {
    "inserted": BilingualText("came back", "trở lại"),
    "updated": BilingualText("changed back", "đổi lại"),
    "deleted": BilingualText("left", "bị xóa"),
}


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
    from include.pipelines import PipelineContext, history_kept
    from include.pipelines.upkeep import list_versions

    found = list_versions(PipelineContext.from_environment(), registry, table, limit=limit)
    if as_json:
        output.print_json(json.dumps([asdict(line) for line in found], ensure_ascii=False))
        return
    title = local(f"{registry}.{table}: các phiên bản", f"{registry}.{table}: versions")
    grid = Grid(title=title, header_style="bold", box=box.SIMPLE)
    grid.add_column(local("phiên bản", "version"), justify="right")
    grid.add_column(local("lúc (UTC), lần chạy", "at (UTC), run"), overflow="fold")
    grid.add_column(local("phương thức", "mode"), overflow="fold")
    for name, label in _FIGURES.items():
        if name == "live_rows" or any(getattr(line, name) for line in found):
            grid.add_column(label.text(of_environment()), justify="right")
    if has_names := any(line.approved_by or line.refused_by for line in found):
        grid.add_column(local("người duyệt hoặc từ chối", "approved or refused by"), overflow="fold")
    for line in found:
        mode = word(MODES, line.mode)
        if line.restored_version is not None:
            mode = f"{mode} {local('về', 'of')} {line.restored_version}"
        figures = [
            "" if getattr(line, name) is None else number(getattr(line, name))
            for name in _FIGURES
            if name == "live_rows" or any(getattr(other, name) for other in found)
        ]
        version = "" if line.version is None else str(line.version)
        at = Text.assemble(f"{day(date.fromisoformat(line.at[:10]))} {line.at[11:19]}", (f"\n{line.run_id}", "dim"))
        decided = ": ".join(filter(None, (line.approved_by or line.refused_by, line.note)))
        by = [decided] if has_names else []
        grid.add_row(version, at, mode, *figures, *by)
    output.print(grid)
    if kept := history_kept(PipelineContext.from_environment(), registry, table):
        since, changes, megabytes = day(kept.since), number(kept.changes), number(kept.bytes / 1e6, 1)
        told = local(
            f"Lịch sử bản ghi từ {since}: {changes} thay đổi, {megabytes} MB",
            f"Row history since {since}: {changes} changes, {megabytes} MB",
        )
        output.print(f"{told} (`lienthong read --at`).")


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
    from include.pipelines import PipelineContext
    from include.pipelines.upkeep import read_version

    found = read_version(
        PipelineContext.from_environment(),
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
        version_facts = {"version": found.version, "hidden": found.hidden, "rows": rows, "written": found.written}
        output.print_json(json.dumps(version_facts, ensure_ascii=False, default=str))
        return
    if out is not None:
        written = local(
            f"{number(found.written)} bản ghi của phiên bản {found.version}",
            f"{number(found.written)} rows of version {found.version}",
        )
        output.print(f"{out}: {written}.")
    else:
        title = local(f"{registry}.{table}, phiên bản {found.version}", f"{registry}.{table}, version {found.version}")
        grid = Grid(title=title, header_style="bold")
        for name in found.columns:
            grid.add_column(name, overflow="fold")
        for row in found.rows:
            grid.add_row(*("" if value is None else str(value) for value in row))
        output.print(grid)
    if found.hidden:
        why = local(
            "Không hiển thị vì có thể là dữ liệu cá nhân (--values sẽ hiển thị)",
            "Left out, because it may be personal (--values shows it)",
        )
        output.print(f"{why}: {', '.join(found.hidden)}.")


@app.command()
def restore(
    registry: Registry,
    table: TableName,
    version: Annotated[int, typer.Option(min=0, help="The version to go back to; see `lienthong history`.")],
    approve_as: Annotated[str, typer.Option(help="The steward in whose name it is done.")],
    note: Annotated[str, typer.Option(help="Why the table is set back; kept in the ledger.")] = "",
    as_json: AsJson = False,
) -> None:
    """Go back to a former version of a table: one commit, on record. The next sync goes on from there.

    Example: `lienthong restore land parcel --version 41 --approve-as cuc-quan-ly-dat-dai --note "faulty delivery"`
    """
    from include.pipelines import PipelineContext, new_run_id
    from include.pipelines.upkeep import restore_step

    approval = approval_of(approve_as, note)
    context = PipelineContext.from_environment()
    done = restore_step(
        registry,
        table,
        new_run_id(context.now()),
        version=version,
        approval=approval,
        context=context,
    )
    if as_json:
        output.print_json(json.dumps(done.to_dict(), ensure_ascii=False))
        return
    language = of_environment()
    changed = ", ".join(f"{number(getattr(done, name))} {label.text(language)}" for name, label in _CHANGES.items())
    show_lines(
        local(
            f"{registry}.{table} trở lại như ở phiên bản {version}; đây là phiên bản {done.version} "
            f"({number(done.live_rows)} bản ghi: {changed}). Số lần chạy bị hủy: {len(done.undone)}; bản ghi bị "
            f"loại được mở lại: {number(done.reopened)}. Để cập nhật bảng:",
            f"{registry}.{table} is as it was in version {version}; this is version {done.version} "
            f"({number(done.live_rows)} rows: {changed}). Runs undone: {len(done.undone)}; rejected rows open "
            f"again: {number(done.reopened)}. To bring the table up to date:",
        ),
        f"  lienthong sync {registry} --table {table}",
    )


@app.command("end-server")
def end_server_rows(
    registry: Registry,
    server: Annotated[str, typer.Argument(help="Server that is read no more, e.g. `land-38`.")],
    approve_as: Annotated[str, typer.Option(help="The steward in whose name it is done.")],
    note: Annotated[str, typer.Option(help="Why its rows leave; kept in the ledger.")] = "",
    as_json: AsJson = False,
) -> None:
    """End the rows of a server that is read no more: they leave every table of the registry, one commit of each.

    Versions and the change feed keep them for 30 days. Without this they stay published.

    Example: `lienthong end-server land land-38 --approve-as cuc-quan-ly-dat-dai --note "merged into land-37"`
    """
    from include.pipelines import PipelineContext, new_run_id
    from include.pipelines.upkeep import end_server

    approval = approval_of(approve_as, note)
    context = PipelineContext.from_environment()
    ended = end_server(context, registry, server, new_run_id(context.now()), approval=approval)
    if as_json:
        output.print_json(json.dumps([done.to_dict() for done in ended], ensure_ascii=False))
        return
    for done in ended:
        rows, version = number(done.deleted), done.version
        told = local(f"{rows} bản ghi rời bảng (phiên bản {version}).", f"{rows} rows left (version {version}).")
        output.print(f"{done.registry}.{done.table}: {told}")
