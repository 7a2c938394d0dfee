"""What people see in a terminal: the table at the end of a run, progress while it works, errors with their remedy."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid
from rich.text import Text

from include.contracts.problems import Problem

COLOURS = {"published": "green", "unchanged": "cyan", "held": "yellow", "failed": "red"}

# How a run read a table, in a word; a run that changed or failed did not read for publishing.
READ = {"full": "all", "incremental": "new", "backfill": "again", "replay": "rejected", "unchanged": "", "failed": ""}

WIDE_ENOUGH = 120  # where nobody looks through a window, tables need not be squeezed into 80 columns

errors = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE_ENOUGH)


def runs_table(rows: Iterable[Mapping[str, Any]], title: str = "") -> Grid:
    """One line per table of a run: `registry`, `table`, the figures, `version`, `seconds`, `verdict`."""
    grid = Grid(title=title or None, header_style="bold", title_style="bold")
    grid.add_column("registry")
    grid.add_column("table")
    grid.add_column("read")
    for name in ("extracted", "accepted", "rejected", "superseded", "deleted", "version", "seconds"):
        grid.add_column(name, justify="right")
    grid.add_column("verdict")
    previous = None
    for row in rows:
        if previous not in (None, row["registry"]):
            grid.add_section()
        registry = row["registry"] if row["registry"] != previous else ""
        previous = row["registry"]
        figures = [f"{row.get(name) or 0:,}" for name in ("extracted", "accepted", "rejected", "superseded", "deleted")]
        version = "-" if row.get("version") is None else str(row["version"])
        grid.add_row(
            registry,
            row["table"],
            READ.get(row.get("mode") or "", row.get("mode") or ""),
            *figures,
            version,
            f"{row.get('seconds') or 0:.1f}",
            Text(row["verdict"], style=COLOURS[row["verdict"]]),
        )
    return grid


def reasons_table(rows: Iterable[Mapping[str, Any]], limit: int = 5) -> Grid | None:
    """The most frequent reasons over all tables; None if nothing was rejected."""
    counted: Counter[str] = Counter()
    for row in rows:
        counted.update(dict(row.get("reasons") or []))
    if not counted:
        return None
    grid = Grid(title="Most frequent reasons", header_style="bold", title_style="bold")
    grid.add_column("rule")
    grid.add_column("rows", justify="right")
    for rule_id, count in counted.most_common(limit):
        grid.add_row(rule_id, f"{count:,}")
    return grid


def show_run(run: Mapping[str, Any]) -> None:
    """A whole run: its table, its most frequent reasons, what source and gate told, what failed, and the next step."""
    rows = [{**row, "registry": run["registry"]} for row in run["tables"]]
    output.print(runs_table(rows, f"{run['registry']}: {run['verdict']} (run {run['run_id']})"))
    if (grid := reasons_table(rows)) is not None:
        output.print(grid)
    for row in rows:
        name = f"{row['registry']}.{row['table']}"
        if row["verdict"] == "unchanged":
            output.print(f"{name}: nothing changed since run {row.get('same_as_run')}, so nothing was written.")
        for note in row.get("drift") or []:
            output.print(f"{name}: {note}", markup=False)
        for finding in row.get("findings") or []:
            output.print(f"{name}: {finding['message']}", style="yellow", markup=False)
        if row.get("error"):
            # What errors quote of a contract may hold brackets, which are no markup.
            errors.print(Text.assemble((f"{name}: {row['error_type']}:", "red"), f" {row['error']}"))
    if run["verdict"] == "held":
        output.print(
            f"Nothing of the held tables was published. See why: lienthong rejected list {run['registry']}\n"
            f"Publish all the same: lienthong sync {run['registry']} --full --approve-as NAME --note REASON"
        )


def show_problems(problems: Iterable[Problem]) -> None:
    """Mistakes in YAML files, one a line, each with its remedy."""
    for problem in problems:
        errors.print(str(problem), style="red" if problem.level == "error" else "yellow", markup=False)


@contextmanager
def progress(total: int, quiet: bool) -> Iterator[Any]:
    """A progress bar over `total` tables; yields `watch(table, step)`. Says nothing when quiet."""
    if quiet:
        yield lambda table, step: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("starting", total=total)

        def watch(table: str, step: str) -> None:
            done = step in COLOURS
            bar.update(task, description=f"{table}: {step}", advance=1 if done else 0)

        yield watch


def show_sharing(done: Mapping[str, Any]) -> None:
    """What each agreement came to, product by product."""
    grid = Grid(title=f"Agreements (run {done['run_id']})", header_style="bold", title_style="bold")
    for name in ("agreement", "standing", "recipient", "product", "rows", "version", "verdict", "reason"):
        grid.add_column(name, justify="right" if name in ("rows", "version") else "left", overflow="fold")
    for agreement in done["agreements"]:
        for product in agreement["products"]:
            grid.add_row(
                agreement["agreement"],
                agreement["standing"],
                product["recipient"],
                product["product"],
                f"{product['rows']:,}",
                str(product["version"]),
                product["verdict"],
                product["reason"],
            )
        if agreement["error"]:
            errors.print(Text.assemble((f"{agreement['agreement']}:", "red"), f" {agreement['error']}"))
    output.print(grid)


def show_plan(registry: str, plans: Sequence[Mapping[str, Any]]) -> None:
    """What a sync would do, table by table; breaking changes in red with their remedy."""
    grid = Grid(title=f"{registry}: what a sync would do", header_style="bold", title_style="bold")
    for name in ("table", "published", "reads", "because"):
        grid.add_column(name, overflow="fold")
    notes = []
    for plan in plans:
        version = plan["published_version"]
        published = "never" if version is None else f"version {version}, contract {plan['published_contract']}"
        grid.add_row(plan["table"], published, plan["mode"], plan["why"])
        if plan["cannot_find"]:
            notes.append(("yellow", f"{plan['table']}: {plan['cannot_find']}."))
        for change in plan["changes"]:
            style = "red" if change["weight"] == "breaking" else "green"
            touched = f" Agreements: {', '.join(change['agreements'])}." if change["agreements"] else ""
            remedy = f" Remedy: {change['remedy']}." if change["remedy"] else ""
            notes.append((style, f"{plan['table']}: {change['weight']}: {change['what']}.{touched}{remedy}"))
    output.print(grid)
    for style, note in notes:
        output.print(note, style=style, markup=False)
    if not any(plan["changes"] for plan in plans):
        output.print("The contract fits what is published.")
