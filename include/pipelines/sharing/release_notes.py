"""Release notes: what each recipient will read otherwise from a day on, written before that day.

A note is a page in Vietnamese and English for one agreement, kept in `audit/release_notes/<recipient>/` of the lake and
bound by the ledger. The contracts and agreements that it is made of may be those under review, of another folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from include.audit import ledger
from include.audit.report_words import LOCALES
from include.contracts.words import HANOI, Language, day_of
from include.contracts.yaml_files import ContractError
from include.lake.storage import Lake
from include.pipelines.audit_log import record_expired, record_files
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse, no_values_escape
from include.sharing.agreements import Agreement, load_agreements
from include.sharing.products import Change, ProductChanges, coming_changes, problems_of

FOLDER = "audit/release_notes"
_ASPECTS: dict[str, tuple[str, str, str, str]] = {
    # what changes, and what its reader does: Vietnamese, English, Vietnamese, English
    "added": ("thêm cột", "a column is new", "chọn cột theo tên để không bị ảnh hưởng", "read columns by name"),
    "removed": ("bỏ cột", "a column goes", "bỏ cột này khỏi chương trình", "take it out of your programs"),
    "type": ("đổi kiểu dữ liệu", "its type changes", "sửa chương trình theo kiểu mới", "adapt your programs to it"),
    "protection": (
        "đổi cách bảo vệ", "its protection changes",
        "giá trị cũ và mới không so sánh được", "former and new values cannot be compared",
    ),
    "name": ("đổi tên tiếng Việt", "its Vietnamese name changes", "sửa tiêu đề báo cáo", "adapt headings"),
    "meaning": ("đổi ý nghĩa", "its meaning changes", "xem lại cách dùng cột", "look again at how you use it"),
    "codes": ("đổi mã", "its codes change", "đọc lại danh mục mã", "read the code lists again"),
    "rows": ("đổi điều kiện chọn bản ghi", "other rows are chosen", "số bản ghi sẽ khác", "expect other rows"),
    "counts": ("đổi cách đếm", "counted otherwise", "không so sánh với số cũ", "do not compare with former figures"),
    "table": ("đổi bảng nguồn", "it comes from another table", "xem lại ý nghĩa các cột", "look again at every column"),
}  # fmt: skip

_ANEW = {
    "vi": "Bảng được tạo lại: mã định danh mới, phiên bản từ 0, không còn phiên bản cũ. Hãy đọc lại toàn bộ bảng.",
    "en": "The table is made anew: another id, versions from 0, no former versions. Read the whole table once.",
}
_WAITING = {
    "vi": "Dữ liệu nguồn chưa được công bố: bảng trống, không có phiên bản cũ, cho đến khi có dữ liệu.",
    "en": "Its source is not published yet: until it is, the table is empty, without former versions.",
}


@dataclass(frozen=True, slots=True)
class ReleaseNote:
    """A note that was written: to whom, of which agreement, from when, and its path in the lake."""

    recipient: str
    agreement: str
    first_day: date
    path: str
    products: tuple[str, ...]


def write_release_notes(
    context: PipelineContext, first_day: date, *, out: Path | None = None
) -> tuple[ReleaseNote, ...]:
    """Write a note for each agreement by which something changes for its recipient from `first_day` on.

    Notes that had not taken force and are not written again are taken back: of an agreement by which nothing changes
    any more, or for another day. `out`: a folder for copies, to be sent.

    Raises:
        ContractError: a contract or an agreement has mistakes, or they do not fit.
        Misuse: the day is past.
    """
    if first_day < day_of(context.now()):
        raise Misuse(f"{first_day} is past: a release note is written before what it tells of takes force")
    at = datetime.combine(first_day, time(12), HANOI)
    contracts = context.contracts
    notes: list[ReleaseNote] = []
    waiting = _in_force(context.lake)
    every = load_agreements(context.schemas).values()
    for agreement in every:
        problems = [problem for problem in problems_of(agreement, contracts, every, at) if problem.level == "error"]
        if problems:
            raise ContractError(problems)
        with no_values_escape("comparing an agreement with what is shared"):
            changes = coming_changes(agreement, contracts, context.lake, at=at, beside=every)
        agreed = waiting.get(agreement.agreement_id, frozenset())
        changes = tuple(one for one in changes if one.standing != "new" or one.product not in agreed)
        if not changes:
            continue
        name = f"{agreement.agreement_id}-{first_day}.md"
        note = ReleaseNote(
            agreement.recipient, agreement.agreement_id, first_day,
            f"{FOLDER}/{agreement.recipient}/{name}", tuple(change.product for change in changes),
        )  # fmt: skip
        text = page(agreement, changes, first_day)
        context.lake.write_text(context.lake.path(note.path), text)
        if out is not None:
            folder = out / agreement.recipient
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        notes.append(note)
    _take_back(context, {note.path for note in notes})
    if notes:
        record_files(context, "export", FOLDER, [note.path for note in notes])
    return tuple(notes)


def _in_force(lake: Lake) -> dict[str, frozenset[str]]:
    """Products of the agreements that were in force when last carried out: what is not there of them waits, as before.

    By the agreement's id, as the ledger has it.
    """
    _, found = ledger.read_kind(lake, "agreement")
    last: dict[str, frozenset[str]] = {}
    for subject, text in zip(found["subject"].to_pylist(), found["payload"].to_pylist(), strict=True):
        payload = json.loads(text)
        products = payload["products"] if payload.get("standing") == "in_force" else ()
        last[subject.removeprefix("agreements/")] = frozenset(products)
    return last


def _take_back(context: PipelineContext, written: set[str]) -> None:
    """Take notes away that tell of a day to come and were not written now; it is in the ledger first."""
    lake, today = context.lake, day_of(context.now())
    files = (uri for recipient in lake.list(lake.path(FOLDER)) for uri in lake.list(recipient))
    paths = [uri.removeprefix(f"{lake.uri}/") for uri in files if uri.endswith(".md")]
    over = [path for path in paths if path not in written and date.fromisoformat(path[-13:-3]) > today]
    record_expired(context, FOLDER, over)
    for path in over:
        lake.delete_tree(lake.path(path))


def notes_for(lake: Lake, recipient: str) -> dict[Language, list[list[str]]]:
    """The notes to a recipient by language, each as its lines, the newest day first."""
    names = (uri.rpartition("/")[2] for uri in lake.list(lake.path(FOLDER, recipient)))
    ordered = sorted((name for name in names if name.endswith(".md")), key=lambda name: name[-13:], reverse=True)
    texts = [lake.read_text(lake.path(FOLDER, recipient, name)) for name in ordered]
    halves = [text.removeprefix("# ").partition("\n\n# ") for text in texts]
    return {
        "vi": [_plain_lines(vietnamese) for vietnamese, _, _ in halves],
        "en": [_plain_lines(english) for _, _, english in halves],
    }


def _plain_lines(text: str) -> list[str]:
    return [line.lstrip("#- ").replace("`", "") for line in text.splitlines() if line]


def page(agreement: Agreement, changes: Iterable[ProductChanges], first_day: date) -> str:
    """The note as Markdown, Vietnamese before English."""
    listed = list(changes)
    vietnamese = [
        f"# Thông báo thay đổi dữ liệu được chia sẻ từ ngày {first_day:%d/%m/%Y}: {agreement.title}",
        f"Kính gửi: {agreement.recipient_name}. Thỏa thuận: {agreement.title} (`{agreement.agreement_id}`).",
        f"Phiên bản {agreement.version}. Đầu mối của bên cung cấp: {agreement.provider_contact}.",
        *(line for change in listed for line in _of_product(change, "vi")),
    ]
    english = [
        f"# Changes of what is shared with you, from {first_day} on: {agreement.agreement_id}",
        f"Agreement `{agreement.agreement_id}`, version {agreement.version}.",
        f"Contact of the provider: {agreement.provider_contact}.",
        *(line for change in listed for line in _of_product(change, "en")),
    ]
    return "\n\n".join([*vietnamese, *english]) + "\n"


def _of_product(change: ProductChanges, language: Language) -> list[str]:
    is_vietnamese = language == "vi"
    title = f"## {change.title or change.product} (`{change.product}`)" if is_vietnamese else f"## `{change.product}`"
    if change.standing == "new":
        new = "Bảng mới." if is_vietnamese else "A new table."
        return [title, f"{new} {_WAITING[language]}" if change.is_waiting else new]
    if change.standing == "ended":
        ended = "Không còn được cung cấp; bảng sẽ trống.", "No longer given; the table will be empty."
        return [title, ended[0 if is_vietnamese else 1]]
    lines = [title]
    if change.contract_before != change.contract_after:
        before, after = change.contract_before or "?", change.contract_after
        label = "Hợp đồng dữ liệu: phiên bản" if is_vietnamese else "Contract of the registry: version"
        lines.append(f"{label} {before} → {after}.")
    if change.is_anew:
        lines.append(_ANEW[language])
    if change.is_waiting:
        lines.append(_WAITING[language])
    lines.append("\n".join(_line(one, language) for one in change.changes))
    return [line for line in lines if line]


def _line(change: Change, language: Language) -> str:
    vietnamese, english, then_vietnamese, then_english = _ASPECTS[change.aspect]
    what, then = (vietnamese, then_vietnamese) if language == "vi" else (english, then_english)
    named = f"`{change.column}`: " if change.column else ""
    before, after = (_shown(change, text, language) for text in (change.before, change.after))
    values = f" (“{before}” → “{after}”)" if before and after else f" (“{before or after}”)" if before or after else ""
    return f"- {named}{what}{values}; {then}."


def _shown(change: Change, text: str, language: Language) -> str:
    """A value before or after, on one line; of a protection, its words."""
    if change.aspect != "protection" or not text:
        return " ".join(text.split())
    protection, *keep = text.split()
    words = LOCALES[language]
    return f"{words.code(protection)} ({' '.join(keep)})" if keep else words.code(protection)
