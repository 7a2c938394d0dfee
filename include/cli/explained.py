"""Output of `lienthong link explain`: comparisons, their levels and weights."""

from __future__ import annotations

import re

from rich import box
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from include.audit.report_words import COMPARISONS, level_in_vietnamese
from include.console import output, show_lines
from include.console_words import ACCURACY, DECISIONS, LINKED, VERDICTS, day, local, number, word
from include.contracts.words import BilingualText, finding_text, of_environment
from include.lake.run_log import NO_RECALL
from include.pipelines.people import Explained, ExplainedLink, LinkResult, PersonsLinked

WIDEST_BAR = 12
_STATES = {
    "holds": BilingualText("holds", "được giữ"),
    "set aside": BilingualText("set aside", "không được dùng"),
    "no link": BilingualText("no link", "không liên kết"),
}
_EVENTS = {
    "minted": BilingualText("new id", "mã mới"),
    "merged": BilingualText("merged", "được gộp"),
    "split": BilingualText("split", "được tách"),
    "retired": BilingualText("retired", "không còn dùng"),
}
_CAUSES = {
    "new record": "bản ghi mới",
    "split from another person": "tách từ người khác",
    "linked through other records": "liên kết qua bản ghi khác",
    "review": "quyết định của người xem xét",
    "a record changed": "một bản ghi thay đổi",
    "no record is left": "không còn bản ghi nào",
    "no longer linked": "không còn liên kết",
    "no longer linked: the model changed": "không còn liên kết: mô hình đã thay đổi",
}


def show_explained(found: Explained) -> None:
    """Print persons and records, each link with its comparisons, and merged or split ids."""
    count = len(found.persons)
    together = local("một người", "one person") if count == 1 else f"{count} {local('người', 'persons')}"
    output.print(f"{together}: {', '.join(found.persons)}", style="bold")
    for record_id, person_id in found.records:
        output.print(f"  {person_id[:8]}  {record_id}")
    for link in found.links:
        _show_link(link)
    if not found.links:
        output.print(local("Không có liên kết nào được giữ giữa các bản ghi.", "No link was kept between them."))
    for event in found.events:
        other = f" -> {event.other_id[:8]}" if event.other_id else ""
        cause = local(_cause(event.cause), event.cause)
        at, kind = day(event.at), word(_EVENTS, event.kind)
        output.print(f"{at} {kind} {event.person_id[:8]}{other}: {cause}")


def _show_link(link: ExplainedLink) -> None:
    state = "holds" if link.holds else "set aside" if link.decision == "link" else link.decision or "no link"
    state_text = word(_STATES, state) if state in _STATES else word(DECISIONS, state)
    likely = local("xác suất", "probability")
    found_by = f", {link.found_by}, {likely} {number(link.probability or 0.0, 4)}" if link.found_by else ""
    output.print(f"{link.left_id} {local('và', 'and')} {link.right_id}: {state_text}{found_by}")
    if not link.steps:
        return
    grid = Grid(box=None, header_style="dim")
    grid.add_column(local("so sánh", "compared"))
    grid.add_column(local("trọng số", "weight"), justify="right", no_wrap=True)
    grid.add_column(local("tổng", "sum"), justify="right", no_wrap=True)
    grid.add_column("", no_wrap=True)
    grid.add_column(local("kết quả", "found"), overflow="fold")
    for step in link.steps:
        bar = ("+" if step.bits > 0 else "-") * min(WIDEST_BAR, round(abs(step.bits)))
        grid.add_row(
            local(_compared(step.comparison), step.comparison),
            _signed(step.bits),
            _signed(step.sum),
            bar,
            Text(local(level_in_vietnamese(step.found), step.found)),
        )
    output.print(Padding(grid, (0, 0, 0, 2)))


def _compared(comparison: str) -> str:
    """Vietnamese name of a comparison; those of another model keep their names."""
    if comparison == "before comparing":
        return "trước khi so sánh"
    name = COMPARISONS.get(comparison.replace(" ", "_"), (comparison, ""))[0]
    return name[:1].lower() + name[1:]


def _cause(cause: str) -> str:
    if linked := re.fullmatch(r"linked by (.+)", cause):
        return f"liên kết theo {linked[1]}"
    return _CAUSES.get(cause, cause)


def _signed(bits: float) -> str:
    return f"{'-' if bits < 0 else '+'}{number(abs(bits), 1)}"


def show_linking(done: LinkResult) -> None:
    """A linking run: its counts, the estimated accuracy, what its gate found, and what to do next."""
    row, verdict = done.row, word(VERDICTS, done.verdict)
    title = local(f"Đối khớp danh tính: {verdict} (lần chạy {done.run_id})", f"Persons: {verdict} (run {done.run_id})")
    grid = Grid(title=title, title_style="bold", show_header=False, box=box.SIMPLE)
    grid.add_column()
    grid.add_column(justify="right")
    language = of_environment()
    for name, state_text in LINKED.items():
        grid.add_row(state_text.text(language), number(getattr(row, name) or 0))
    for name, state_text in ACCURACY.items():
        share, lower, upper = (getattr(row, f"{name}{end}") for end in ("", "_lower", "_upper"))
        if share is None:
            grid.add_row(state_text.text(language), word(NO_RECALL, row.recall_reason or ""))
            continue
        interval = f"{number(lower, 4)} {local('đến', 'to')} {number(upper, 4)}"
        grid.add_row(state_text.text(language), f"{number(share, 4)} ({interval})")
    output.print(grid)
    for finding in row.findings or ():
        output.print(finding_text(finding, language), style="yellow")
    if isinstance(done, PersonsLinked) and done.waits:
        output.print(local(done.waits_vi or "", done.waits), style="yellow")
    if done.verdict == "held":
        show_lines(
            local("Chưa ghi gì. Vẫn ghi:", "Nothing was committed. All the same:"),
            "  lienthong link --approve-as NAME --note REASON",
        )
    elif row.waiting:
        waiting = number(row.waiting)
        show_lines(
            local(f"{waiting} cặp chờ người xem xét:", f"{waiting} pairs wait for a person:"), "  lienthong link queue"
        )
