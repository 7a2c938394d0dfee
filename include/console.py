"""Terminal output: the summary table of a run, progress while it works, errors with their remedy.

In the language of the locale, and no wider than the terminal: a table that has not the room leaves out what can be
read elsewhere and names its registry on a line of its own.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid
from rich.text import Text

from include.console_words import FIGURES, MODES, READ, STANDINGS, STEPS, VERDICTS, local, number, word
from include.contracts.words import BilingualText, finding_text, of_environment
from include.contracts.yaml_files import Problem
from include.terminal import Terminal

COLOURS = {"published": "green", "unchanged": "cyan", "held": "yellow", "failed": "red"}

_UNBOUND = 10_000
_MOST_REASONS = 5
_ALWAYS = ("extracted", "accepted", "rejected")

WIDE_ENOUGH = 120  # where nobody looks through a window, tables need not be squeezed into 80 columns

errors = Terminal(stderr=True, soft_wrap=True)
output = Terminal(width=None if sys.stdout.isatty() else WIDE_ENOUGH)


def runs_table(rows: Iterable[Mapping[str, Any]], title: str = "", *, width: int | None = None) -> Grid:
    """One line per table of a run: `registry`, `table`, the figures, `version`, `seconds`, `verdict`.

    Where `width` (of the terminal) has no room for all of that, the registry gets a line of its own, how the table was
    read and the seconds are left out, and so are figures that are 0 throughout.
    """
    rows, width = list(rows), width or output.width
    whole = _whole_table(rows, title)
    if _wanted(whole) <= width:
        return whole
    narrow = _narrow_table(rows, title)
    if _wanted(narrow) > width:
        narrow.padding = (0, 0)
    return narrow


def _wanted(grid: Grid) -> int:
    """The width at which nothing of a table is folded."""
    return output.measure(grid, options=output.options.update(width=_UNBOUND)).maximum


def _whole_table(rows: Sequence[Mapping[str, Any]], title: str) -> Grid:
    grid = Grid(title=title or None, header_style="bold", title_style="bold")
    grid.add_column(local("cơ sở dữ liệu", "registry"), no_wrap=True)
    grid.add_column(local("bảng", "table"), no_wrap=True)
    grid.add_column(local("đọc", "read"), no_wrap=True)
    for label in FIGURES.values():
        grid.add_column(label.text(of_environment()), justify="right", no_wrap=True)
    grid.add_column(local("phiên bản", "version"), justify="right", no_wrap=True)
    grid.add_column(local("giây", "seconds"), justify="right", no_wrap=True)
    grid.add_column(local("kết quả", "verdict"), no_wrap=True)
    for row, is_new in _by_registry(grid, rows):
        read, seconds = word(READ, row.get("mode") or ""), number(row.get("seconds") or 0, 1)
        figures = _figures(row, FIGURES)
        registry = row["registry"] if is_new else ""
        grid.add_row(registry, row["table"], read, *figures, _version(row), seconds, _verdict(row))
    return grid


def _narrow_table(rows: Sequence[Mapping[str, Any]], title: str) -> Grid:
    grid = Grid(title=title or None, header_style="bold", title_style="bold", box=box.SIMPLE_HEAD)
    shown = [name for name in FIGURES if name in _ALWAYS or any(row.get(name) for row in rows)]
    grid.add_column(local("bảng", "table"), overflow="fold")
    for head in (*(word(FIGURES, name) for name in shown), local("phiên bản", "version")):
        grid.add_column(head.replace(" ", "\n"), justify="right", no_wrap=True)
    grid.add_column(local("kết quả", "verdict"), no_wrap=True)
    for row, is_new in _by_registry(grid, rows):
        if is_new:
            grid.add_row(Text(row["registry"], style="bold"))
        grid.add_row(f"  {row['table']}", *_figures(row, shown), _version(row), _verdict(row))
    return grid


def _by_registry(grid: Grid, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Each row and whether it is the first of its registry; a line is drawn before all but the first registry."""
    previous = None
    for row in rows:
        is_new = row["registry"] != previous
        if is_new and previous is not None:
            grid.add_section()
        previous = row["registry"]
        yield row, is_new


def _figures(row: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [number(row.get(name) or 0) for name in names]


def _version(row: Mapping[str, Any]) -> str:
    return "-" if row.get("version") is None else str(row["version"])


def _verdict(row: Mapping[str, Any]) -> Text:
    return Text(word(VERDICTS, row["verdict"]), style=COLOURS.get(row["verdict"], ""))


def reasons_table(rows: Iterable[Mapping[str, Any]], rules: Mapping[str, BilingualText]) -> Grid | None:
    """The most frequent reasons over all tables, with what `rules` say by their ids; None if nothing was rejected."""
    counted: Counter[str] = Counter()
    for row in rows:
        counted.update(dict(row.get("reasons") or []))
    if not counted:
        return None
    title = local("Lý do thường gặp nhất", "Most frequent reasons")
    grid = Grid(title=title, header_style="bold", title_style="bold", box=box.SIMPLE)
    grid.add_column(local("bản ghi", "rows"), justify="right")
    grid.add_column(local("quy tắc", "rule"), overflow="fold")
    for rule_id, count in counted.most_common(_MOST_REASONS):
        grid.add_row(number(count), rule_cell(rule_id, rules))
    return grid


def broken_table(row: Mapping[str, Any], rules: Mapping[str, BilingualText]) -> Grid:
    """The rejected rows of a table that is held back, by rule: rows, and how many keys they have."""
    name = f"{row['registry']}.{row['table']}"
    title = local(f"{name}: bản ghi bị loại của lần chạy bị tạm giữ", f"{name}: rejected rows of the held run")
    grid = Grid(title=title, header_style="bold", title_style="bold", box=box.SIMPLE)
    grid.add_column(local("bản ghi", "rows"), justify="right")
    grid.add_column(local("khóa", "keys"), justify="right")
    grid.add_column(local("quy tắc", "rule"), overflow="fold")
    for rule_id, count, keys in row["broken"]:
        grid.add_row(number(count), "-" if keys is None else number(keys), rule_cell(rule_id, rules))
    return grid


def rule_cell(rule_id: str, rules: Mapping[str, BilingualText], otherwise: str = "") -> Text:
    """A rule's text with its id below; `otherwise` is the recorded text of a rule no longer in the contract."""
    label = rules[rule_id].text(of_environment()) if rule_id in rules else otherwise
    return Text.assemble(label, "\n" if label else "", (rule_id, "dim" if label else ""))


_OF_A_REPLAY = ("accepted", "inserted", "updated", "deleted")


def show_run(run: Mapping[str, Any], rules: Mapping[str, BilingualText] | None = None) -> None:
    """A whole run: its table, its most frequent reasons, what source and gate told, what failed, and the next step.

    `rules`: what the rules say, by id.
    """
    rows = [{**row, "registry": run["registry"]} for row in run["tables"]]
    title = f"{run['registry']}: {word(VERDICTS, run['verdict'])} ({local('lần chạy', 'run')} {run['run_id']})"
    if servers := run.get("servers"):
        quiet = [row for row in rows if row["verdict"] == "unchanged"]
        rows = [row for row in rows if row["verdict"] != "unchanged"]
        output.print(
            local(
                f"{servers['text_vi']}. Không thay đổi: {len(quiet)} phần dữ liệu.",
                f"{servers['text']}. Unchanged: {len(quiet)} slices.",
            ),
        )
    output.print(runs_table(rows, title))
    if (grid := reasons_table(rows, rules or {})) is not None:
        output.print(grid)
    for row in rows:
        name = f"{row['registry']}.{row['table']}"
        if row["verdict"] == "unchanged":
            same = row.get("same_as_run")
            output.print(
                local(
                    f"{name}: không có gì thay đổi từ lần chạy {same} nên không ghi gì.",
                    f"{name}: nothing changed since run {same}, so nothing was written.",
                )
            )
        if row.get("mode") == "replay" and row["verdict"] == "published" and not any(map(row.get, _OF_A_REPLAY)):
            output.print(
                local(
                    f"{name}: không có bản ghi nào được chấp nhận; số liệu đã công bố được giữ nguyên.",
                    f"{name}: no row was accepted; the published rows are as they were.",
                )
            )
        for note in row.get("drift") or []:
            output.print(f"{name}: {note}")
        for finding in row.get("findings") or []:
            output.print(f"{name}: {finding_text(finding, of_environment())}", style="yellow")
        if row["verdict"] == "held" and row.get("broken"):
            output.print(broken_table(row, rules or {}))
        if row.get("waits"):
            output.print(f"{name}: {local(row['waits_vi'], row['waits'])}", style="yellow")
        if row.get("error"):
            errors.print(Text.assemble((f"{name}: {row['error_type']}:", "red"), f" {row['error']}"))
    if run["verdict"] == "held":
        is_replay = any(row.get("mode") == "replay" for row in rows)
        again = f"rejected replay {run['registry']}" if is_replay else f"sync {run['registry']} --resume"
        show_lines(
            local(
                "Chưa công bố gì của các bảng bị tạm giữ. Cán bộ quản trị dữ liệu vẫn có thể công bố:",
                "Nothing of the held tables was published. A data steward may publish all the same:",
            ),
            f"  lienthong {again} --approve-as NAME --note REASON",
        )


def show_lines(*lines: str) -> None:
    """Lines for people; a command stands on one of its own, so that it can be copied whole."""
    for line in lines:
        output.print(line, soft_wrap=line.startswith("  "))


def show_problems(problems: Iterable[Problem]) -> None:
    """Mistakes in YAML files, one a line, each with its remedy."""
    for problem in problems:
        errors.print(str(problem), style="red" if problem.level == "error" else "yellow")


@contextmanager
def progress(total: int, quiet: bool) -> Iterator[Any]:
    """A progress bar over `total` tables; yields `watch(table, step)`. Says nothing when quiet."""
    if quiet:
        yield lambda table, step: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(local("bắt đầu", "starting"), total=total)

        def watch(table: str, step: str) -> None:
            done = step in COLOURS
            bar.update(task, description=f"{table}: {word(STEPS | VERDICTS, step)}", advance=1 if done else 0)

        yield watch


def show_sharing(done: Mapping[str, Any]) -> None:
    """Print the result of each agreement, by product."""
    title = local(f"Thỏa thuận chia sẻ (lần chạy {done['run_id']})", f"Agreements (run {done['run_id']})")
    grid = Grid(title=title, header_style="bold", title_style="bold", box=box.SIMPLE)
    grid.add_column(local("sản phẩm chia sẻ", "product"), overflow="fold")
    grid.add_column(local("bản ghi", "rows"), justify="right", no_wrap=True)
    grid.add_column(local("phiên bản", "version"), justify="right", no_wrap=True)
    grid.add_column(local("kết quả", "verdict"), overflow="fold")
    for agreement in done["agreements"]:
        recipients = dict.fromkeys(product["recipient"] for product in agreement["products"])
        heading = f"{agreement['agreement'] or '–'}: {', '.join(recipients)}, {word(STANDINGS, agreement['standing'])}"
        grid.add_row(Text(heading, style="bold"))
        for product in agreement["products"]:
            verdict = "\n".join(filter(None, (word(VERDICTS, product["verdict"]), product["reason"])))
            grid.add_row(f"  {product['product']}", number(product["rows"]), str(product["version"]), verdict)
        if agreement["error"]:
            errors.print(Text.assemble((f"{agreement['agreement']}:", "red"), f" {agreement['error']}"))
    output.print(grid)


def show_plan(registry: str, plans: Sequence[Mapping[str, Any]]) -> None:
    """Print the plan of a sync by table; breaking changes in red with their remedy."""
    title = local(f"{registry}: lần đồng bộ sau sẽ làm gì", f"{registry}: what a sync would do")
    grid = Grid(title=title, header_style="bold", box=box.SIMPLE)
    for vietnamese, english in (
        ("bảng", "table"), ("đã công bố", "published"), ("sẽ đọc", "reads"), ("lý do", "because"),
    ):  # fmt: skip
        grid.add_column(local(vietnamese, english), overflow="fold")
    notes = []
    for plan in plans:
        version = plan["published_version"]
        published = local(
            f"phiên bản {version}, hợp đồng dữ liệu {plan['published_contract']}",
            f"version {version}, contract {plan['published_contract']}",
        )
        never = local("chưa lần nào", "never")
        grid.add_row(plan["table"], never if version is None else published, word(MODES, plan["mode"]), plan["why"])
        if plan["cannot_find"]:
            notes.append(("yellow", f"{plan['table']}: {plan['cannot_find']}."))
        for change in plan["changes"]:
            style = "red" if change["weight"] == "breaking" else "green"
            touched = f" Agreements: {', '.join(change['agreements'])}." if change["agreements"] else ""
            remedy = f" Remedy: {change['remedy']}." if change["remedy"] else ""
            notes.append((style, f"{plan['table']}: {change['weight']}: {change['what']}.{touched}{remedy}"))
    output.print(grid)
    for style, note in notes:
        output.print(note, style=style)
    if not any(plan["changes"] for plan in plans):
        output.print(local("Hợp đồng dữ liệu phù hợp với dữ liệu đã công bố.", "The contract fits what is published."))
