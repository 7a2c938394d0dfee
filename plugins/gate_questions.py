"""Texts of a gate's question in Markdown, Vietnamese then English: counts and rules, no value.

Airflow keeps one text for everybody who opens the question, whatever language each has chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from include.console_words import FIGURES, LINKED
from include.contracts.words import BilingualText, Language, RecordedFinding, allowed_text, figure, finding_text, pick
from include.lake.run_log import NO_RECALL

LANGUAGES: tuple[Language, Language] = ("vi", "en")
REASON = BilingualText("Reason", "Lý do")
KEPT = BilingualText("Kept in the ledger with your name.", "Được lưu vào nhật ký kiểm tra, giám sát cùng tên của bạn.")
_ROWS = {name: FIGURES[name] for name in ("extracted", "accepted", "rejected", "superseded")}
_PERSONS = {
    **{name: LINKED[name] for name in ("records", "persons")},
    "candidates": BilingualText("pairs compared", "cặp đã so sánh"),
    **{name: LINKED[name] for name in ("links", "grey", "minted", "merged", "split", "retired")},
    "moved": BilingualText("records of another person now", "bản ghi đổi người"),
}
_ACCURACY = {
    "precision": BilingualText("precision", "độ chuẩn xác"),
    "recall": BilingualText("recall", "độ đầy đủ"),
}


def both(line: BilingualText) -> str:
    """A text in both languages on one line."""
    return f"{line.vietnamese} / {line.english}"


def eyes(given: Sequence[str], *, needs_two: bool) -> str:
    """Note that two stewards must approve, and who has; empty where one is enough."""
    if not needs_two:
        return ""
    line = BilingualText(
        "The contract asks for **two stewards**: the first approval publishes nothing, the second must be another's.",
        "Hợp đồng dữ liệu yêu cầu **hai cán bộ quản trị dữ liệu**: lần duyệt thứ nhất chưa công bố gì, "
        "lần thứ hai phải của người khác.",
    )
    if given:
        names = ", ".join(f"**{name}**" for name in given)
        line = BilingualText(
            f"{names} has approved. A second steward must agree before anything is published.",
            f"{names} đã duyệt. Cần người thứ hai đồng ý mới được công bố.",
        )
    return f"{line.vietnamese}\n\n{line.english}\n\n---\n\n"


def table_question(assessed: Mapping[str, Any], rules: Mapping[str, BilingualText], base: str) -> tuple[str, str]:
    """Subject and body of the question about a held table: findings, counts and links.

    Args:
        assessed: the result of `assess_step`.
        rules: texts of the contract's rules, by id.
        base: the path under which Airflow is served.
    """
    registry, table, run_id = assessed["registry"], assessed["table"], assessed["run_id"]
    subject = BilingualText(
        f"Publish {registry}.{table} although it is outside tolerance?",
        f"Công bố {registry}.{table} dù vượt ngưỡng cho phép?",
    )
    page, rejected = f"{base}/quality/tables/{registry}/{table}/runs/{run_id}", f"{base}/quality/rejected"

    broken = assessed.get("broken") or [[rule_id, rows, None] for rule_id, rows in assessed["reasons"]]

    def body(language: Language) -> str:
        rows = [f"| {name.text(language)} | {_number(language, assessed[key])} |" for key, name in _ROWS.items()]
        reasons = [
            f"| `{rule_id}` | {_cell(rules[rule_id].text(language)) if rule_id in rules else ''} | "
            f"{_number(language, rows)} | {_number(language, keys) if keys is not None else '–'} |"
            for rule_id, rows, keys in broken
        ]
        opening = BilingualText(
            f"Nothing of **{registry}.{table}** has been published by run `{run_id}`.\n"
            "**Approve** publishes its accepted rows; **Reject** leaves the lake as it is.",
            f"Lần chạy `{run_id}` chưa công bố gì của **{registry}.{table}**.\n"
            "**Approve** (duyệt): công bố các bản ghi được chấp nhận; **Reject** (từ chối): giữ nguyên hồ dữ liệu.",
        )
        links = BilingualText(
            f"[This run, every rule with both counts]({page}) · [its rejected rows by rule]({page}#rejected) · "
            f"[open rejected rows of the table]({rejected}/{registry}/{table}) · [replay]({base}/dags/replay_rejected)",
            f"[Lần chạy này, mọi quy tắc với cả hai số đếm]({page}) · "
            f"[bản ghi bị loại theo quy tắc]({page}#rejected) · "
            f"[các bản ghi bị loại còn mở của bảng]({rejected}/{registry}/{table}) · "
            f"[xét lại]({base}/dags/replay_rejected)",
        )
        return "\n\n".join(
            (
                opening.text(language),
                _findings(language, assessed["findings"]),
                _table([pick(language, "Bản ghi của lần chạy này", "Rows of this run"), ""], rows),
                _table([*_REASONS[language]], reasons),
                links.text(language),
            )
        )

    return both(subject), _in_both(body)


_REASONS: Mapping[Language, tuple[str, str, str, str]] = {
    "vi": ("Quy tắc bị vi phạm", "Nội dung", "Số bản ghi", "Số khóa"),
    "en": ("Rejected rows break this rule", "What must hold", "Rows", "Keys"),
}


def _share(language: Language, linked: Mapping[str, Any], key: str) -> str:
    """An estimate with its interval, or the reason why there is none."""
    if linked[key] is None:
        return NO_RECALL[linked["recall_reason"]].text(language)
    value, lower, upper = (_number(language, linked[f"{key}{end}"], 4) for end in ("", "_lower", "_upper"))
    return f"{value} ({lower} {pick(language, 'đến', 'to')} {upper})"


def link_question(linked: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and body of the question about a held run of linking."""
    subject = BilingualText(
        "Commit a linking of persons that changes more than it should?",
        "Ghi kết quả đối khớp danh tính dù thay đổi vượt ngưỡng cho phép?",
    )

    def body(language: Language) -> str:
        counts = [f"| {name.text(language)} | {_number(language, linked[key])} |" for key, name in _PERSONS.items()]
        accuracy = [f"| {name.text(language)} | {_share(language, linked, key)} |" for key, name in _ACCURACY.items()]
        opening = BilingualText(
            f"Nothing of run `{linked['run_id']}` has been committed to `people/`.\n"
            "**Approve** commits it; **Reject** leaves every person's id as it is.",
            f"Lần chạy `{linked['run_id']}` chưa ghi gì vào `people/`.\n"
            "**Approve** (duyệt): ghi kết quả; **Reject** (từ chối): giữ nguyên mã của mọi người.",
        )
        return "\n\n".join(
            (
                opening.text(language),
                _findings(language, linked["findings"]),
                _table([pick(language, "Lần chạy này", "This run"), ""], counts),
                _table([pick(language, "Ước tính", "Estimated"), ""], accuracy),
            )
        )

    return both(subject), _in_both(body)


def _in_both(body: Callable[[Language], str]) -> str:
    return "\n\n---\n\n".join(body(language) for language in LANGUAGES) + "\n"


def _findings(language: Language, findings: Sequence[RecordedFinding]) -> str:
    head = [
        pick(language, "Vượt ngưỡng", "Outside tolerance"),
        pick(language, "Thực tế", "Measured"),
        pick(language, "Cho phép", "Allowed"),
    ]
    rows = [
        f"| {_cell(finding_text(f, language))} | {_number(language, round(f['measured'], 2))} "
        f"| {allowed_text(f, language)} |"
        for f in findings
    ]
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[str]) -> str:
    """A Markdown table with right-aligned numbers."""
    texts = {head[0], *(names[1] for names in _REASONS.values())}
    marks = ["---" if name in texts else "---:" for name in head]
    return "\n".join((f"| {' | '.join(head)} |", f"| {' | '.join(marks)} |", *rows))


def _number(language: Language, value: float, digits: int = 0) -> str:
    """A number with the given or its own number of digits."""
    if digits or isinstance(value, int) or value == int(value):
        return figure(language, value, digits)
    return figure(language, value, len(repr(float(value)).partition(".")[2]))


def _cell(text: str) -> str:
    """A text escaped for a cell of a Markdown table."""
    return text.replace("|", "\\|")
