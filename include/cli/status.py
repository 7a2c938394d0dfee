"""Command status: of each registry, which servers and tables are up to date, on one screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table as Grid
from rich.text import Text

from include.cli.application import NOT_PUBLISHED, AsJson, app
from include.console import COLOURS, output, show_problems
from include.console_words import VERDICTS, day, local, moment, number, word

if TYPE_CHECKING:
    from include.pipelines.status import RegistryStatus, ServerStatus, TableStatus

_UNBOUND = 10_000
_DAYS_FROM = 48  # hours
_WORST_FIRST = ("failed", "held", "declined", "timed out", "published", "unchanged")


@app.command()
def status(
    registry: Annotated[str | None, typer.Argument(help="Registry, e.g. `land` [default: all].")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell on one screen how old each table is, what its newest run came to, and which servers are missing.

    Of a registry with several servers there is a line for each: when all of its tables were last delivered, the worst
    verdict of their newest runs, and every table's published rows and their age. A server is missing when a scheduled
    run of one of its tables and its deadline have passed without a delivery, or when it never delivered one; one that
    no sync ever came to is not connected, and has no line, and a registry without any connection or run is only named.
    Exits 1 when more servers are missing than the contract's `deliveredServers` lets be, or when a contract has
    mistakes, which are told as `lienthong check` tells them. Reads no source and writes nothing.

    Example: `lienthong status`, `lienthong status land`; the servers to call:
    `lienthong status land --json | jq '.registries[].servers[] | select(.is_late) | .server'`
    """
    from include.pipelines import PipelineContext
    from include.pipelines.status import record_status, status_of

    context = PipelineContext.from_environment()
    if registry is None:
        contracts, mistakes = context.readable
        found = status_of(context, list(contracts.values()))
    else:
        mistakes = []
        found = status_of(context, [context.contract(registry)])
    record_status(found)
    if as_json:
        told = {"registries": [one.to_dict() for one in found], "problems": [one.to_dict() for one in mistakes]}
        output.print_json(json.dumps(told, ensure_ascii=False))
    else:
        for one in found:
            if one.is_in_use or registry:
                show_status(one)
        if idle := ", ".join(one.registry for one in found if not one.is_in_use):
            output.print(local(f"Chưa kết nối: {idle}.", f"Not connected: {idle}."), style="dim")
        show_problems(mistakes)
    is_well = all(one.is_enough for one in found) and not any(one.level == "error" for one in mistakes)
    raise typer.Exit(0 if is_well else NOT_PUBLISHED)


def show_status(status: RegistryStatus) -> None:
    """Print the state of one registry, in the most telling form that the terminal has room for."""
    if not status.servers:
        output.print(_of_tables(status))
        return
    forms = (_of_servers(status), _of_servers(status, is_brief=True), _of_slices(status))
    form = next((grid for grid in forms if _wanted(grid) <= output.width), forms[-1])
    output.print(form)
    for server in _shown(status) if form is forms[-1] else ():
        if remarks := _remarks(server):
            output.print(Text.assemble(_name(server), ": ", remarks))
    if status.delivered:
        said = local(status.delivered.text.vietnamese, status.delivered.text.english)
        bound = f"{number(status.delivered.bound_percent)} %"
        wants = local(f"; hợp đồng dữ liệu yêu cầu {bound}", f"; the contract wants {bound}")
        style = "green" if not status.delivered.missing else "yellow" if status.is_enough else "red"
        output.print(Text(f"{status.registry}: {said}{wants if status.delivered.missing else ''}", style=style))
    for server in status.servers:
        for one in server.slices:
            for note in one.drift:
                output.print(Text(f"{status.registry}.{one.table}@{one.server}: {note}", style="yellow"))


def _shown(status: RegistryStatus) -> list[ServerStatus]:
    """The servers with a line: all that a sync ever came to, or all before the first. The total names the others."""
    return [server for server in status.servers if server.has_run or server.facts.ended] or list(status.servers)


def _wanted(grid: Grid) -> int:
    """The width at which nothing of a table is folded."""
    return output.measure(grid, options=output.options.update(width=_UNBOUND)).maximum


def _of_servers(status: RegistryStatus, *, is_brief: bool = False) -> Grid:
    """A line for each server, with rows and age of each table; the brief form leaves the instant out."""
    names = list(dict.fromkeys(one.table for one in status.slices))
    grid = _grid(status)
    grid.add_column(local("máy chủ nguồn", "server"), no_wrap=True)
    if not is_brief:
        grid.add_column(_delivery_heading(), no_wrap=True)
    grid.add_column(local("kết quả", "verdict"), no_wrap=True)
    for name in names:
        grid.add_column(name, justify="right", no_wrap=True)
        grid.add_column(local("tuổi", "age"), no_wrap=True)
    grid.add_column("", overflow="fold")
    for server in _shown(status):
        slices = {one.table: one for one in server.slices}
        instant = [] if is_brief else [_instant(server.delivered_at)]
        cells = [cell for name in names for cell in _cells(slices.get(name), status.at, is_read=server.facts.is_read)]
        grid.add_row(_name(server), *instant, _verdict(_worst(server)), *cells, _remarks(server))
    rows = {name: sum(one.rows for one in status.slices if one.table == name) for name in names}
    sums = [cell for name in names for cell in (number(rows[name]), "")]
    grid.add_section()
    grid.add_row(local("tổng", "total"), *([] if is_brief else [""]), "", *sums, "", style="bold")
    return grid


def _of_slices(status: RegistryStatus) -> Grid:
    """A line for each table of each server, where the terminal has no room for more columns."""
    grid = _grid(status)
    grid.add_column(local("máy chủ nguồn", "server"), no_wrap=True)
    _add_columns(grid)
    for server in _shown(status):
        grid.add_row(_name(server))
        for one in server.slices:
            cells = _cells(one, status.at, is_read=server.facts.is_read)
            grid.add_row(f"  {one.table}", _instant(one.delivered_at), *cells, _verdict(one.verdict))
    return grid


def _of_tables(status: RegistryStatus) -> Grid:
    grid = _grid(status)
    grid.add_column(local("bảng", "table"), overflow="fold")
    _add_columns(grid)
    for one in status.tables:
        cells = _cells(one, status.at, is_read=True)
        grid.add_row(one.table, _instant(one.delivered_at), *cells, _verdict(one.verdict))
    return grid


def _grid(status: RegistryStatus) -> Grid:
    title = local(f"{status.registry}: hiện trạng (! là quá hạn)", f"{status.registry}: as it stands (! is late)")
    return Grid(title=title, header_style="bold", title_style="bold", box=box.SIMPLE)


def _add_columns(grid: Grid) -> None:
    grid.add_column(_delivery_heading(), no_wrap=True)
    grid.add_column(local("bản ghi", "rows"), justify="right", no_wrap=True)
    grid.add_column(local("tuổi", "age"), no_wrap=True)
    grid.add_column(local("kết quả", "verdict"), no_wrap=True)


def _delivery_heading() -> str:
    return local("dữ liệu lần cuối\n(UTC)", "last delivery\n(UTC)")


def _cells(one: TableStatus | None, at: datetime, *, is_read: bool) -> Iterator[Text]:
    """Rows and age of a table; one that is late is red and has a mark."""
    if one is None:
        yield from (Text("-", style="dim"), Text(""))
        return
    yield Text(number(one.rows))
    hours, is_late = one.age_hours(at), one.is_late and is_read
    said = local("chưa có", "never") if hours is None else _age(hours)
    yield Text(f"{said} !" if is_late else said, style="red" if is_late else "" if is_read else "dim")


def _age(hours: float) -> str:
    if hours < _DAYS_FROM:
        return f"{number(int(hours))} {local('giờ', 'h')}"
    return f"{number(int(hours / 24))} {local('ngày', 'd')}"


def _verdict(verdict: str) -> Text:
    return Text(word(VERDICTS, verdict) or "-", style=COLOURS.get(verdict, ""))


def _worst(server: ServerStatus) -> str:
    """The worst verdict of the newest runs of its tables."""
    verdicts = {one.verdict for one in server.slices}
    return next((verdict for verdict in _WORST_FIRST if verdict in verdicts), "")


def _name(server: ServerStatus) -> Text:
    return Text(server.facts.name, style="red" if server.is_late else "" if server.facts.is_read else "dim")


def _remarks(server: ServerStatus) -> Text:
    """What sets a server apart: its areas and variant, that it has ended, that the contract no longer has it."""
    facts, said = server.facts, []
    if (worst := _worst(server)) in _WORST_FIRST[:4] and len(server.slices) > 1:
        bad = [one.table for one in server.slices if one.verdict == worst]
        said += [", ".join(bad)] if len(bad) < len(server.slices) else []
    if facts.areas:
        said.append(f"{local('địa bàn', 'area')} {', '.join(facts.areas)}")
    if facts.variant:
        said.append(f"{local('biến thể nguồn', 'variant')} {facts.variant}")
    if facts.ended:
        ended = day(facts.ended)
        said.append(local(f"đã dừng từ {ended}, dữ liệu được giữ lại", f"ended {ended}: its rows stay"))
    if not facts.is_listed:
        gone = ("không còn trong hợp đồng dữ liệu, dữ liệu được giữ lại", "no longer in the contract: its rows stay")
        said.append(local(*gone))
    return Text("; ".join(said), style="" if facts.is_read else "dim")


def _instant(at: datetime | None) -> str:
    return "-" if at is None else moment(at)
