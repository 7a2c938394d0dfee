"""The answer as a letter to the person, in Vietnamese: her data and no other person's, and what is not known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from include.audit.official_letter import Letter, LetterSection, LetterTable
from include.audit.report_words import LOCALES
from include.contracts.words import HANOI, day_of, figure, holds_a_long_number
from include.pipelines.subject.model import Given, GivenColumn, HeldRecord, Opened, Span, SpanUnknown, Subject
from include.sharing.products import HISTORY_DAYS

_NOTHING = "Không có."
_DOUBTS = {
    "source not kept": "phiên bản nguồn không còn được lưu",
    "contract changed": "có dòng nêu mã của Ông/Bà trong cột mà hợp đồng dữ liệu hiện nay không dùng để xác định dòng "
    "là của ai",
    "terms not known": "nội dung thỏa thuận khi đó không được ghi lại hoặc không còn áp dụng được",
    "no contract": "bảng nguồn không còn trong hợp đồng dữ liệu nào",
    "no relation": "hợp đồng dữ liệu của bảng nguồn không cho biết dòng nào là của ai",
}
_ACTIONS = {"query": "đọc bảng", "changes": "đọc thay đổi", "store": "đọc tệp ở kho"}


def subject_letter(subject: Subject) -> Letter:
    """The letter, a draft for a person to sign; the name of the addressee is filled in by hand."""
    return Letter(
        subject="trả lời yêu cầu của chủ thể dữ liệu cá nhân về việc xử lý, cung cấp dữ liệu",
        addressee="Kính gửi: Ông/Bà ……………………………………",
        opening=tuple(_opening(subject)),
        sections=(
            LetterSection("Dữ liệu về Ông/Bà đang được lưu giữ", _held(subject), tuple(_held_notes(subject))),
            LetterSection(
                "Cơ quan, tổ chức đã được cung cấp dữ liệu về Ông/Bà", _given(subject), tuple(_given_notes(subject))
            ),
            LetterSection("Cán bộ đã xem dữ liệu về Ông/Bà", _opened(subject), tuple(_opened_notes(subject))),
            LetterSection("Phạm vi trả lời", None, tuple(_scope(subject))),
        ),
        recipients=("Như trên", "Bộ phận bảo vệ dữ liệu cá nhân", "Lưu: VT"),
        at=subject.asked_at,
    )


def _opening(subject: Subject) -> Iterator[str]:
    yield (
        "Căn cứ Luật Bảo vệ dữ liệu cá nhân số 91/2025/QH15 và Nghị định số 356/2025/NĐ-CP; theo yêu cầu của Ông/Bà, "
        f"được ghi tại mục {_number(subject.entry)} của nhật ký ngày {_day(subject.asked_at)} (mục đích: "
        f"{subject.purpose}), cơ quan trả lời như sau. Số liệu tính đến {_instant(subject.asked_at)}."
    )
    if subject.standing == "unlinked":
        table, _, key = subject.way[0].partition(":")
        yield (
            f"Bản ghi được hỏi: bảng {subject.name(table)}, {', '.join(json.loads(key))}. Bản ghi này chưa được đối "
            "khớp với người nào, nên nội dung trả lời chỉ gồm dữ liệu có mã của bản ghi này."
        )
        return
    yield f"Mã người trong hồ dữ liệu: {subject.person_id}."
    if len(subject.way) > 1:
        yield (
            f"Mã được hỏi là {subject.way[0]}; mã này đã được nhập vào mã nêu trên, vì các bản ghi được xác định "
            "là của cùng một người."
        )
    if subject.standing == "retired":
        yield "Hiện không cơ sở dữ liệu nào còn bản ghi của Ông/Bà."


def _held(subject: Subject) -> LetterTable | None:
    titles = {(one.registry, one.table): one.title for one in subject.held}
    rows = tuple(
        _record(subject.name(one.registry), titles.get((one.registry, one.table)) or _table(subject, one), one)
        for one in subject.records
    )
    if not rows:
        return None
    return LetterTable(("Cơ sở dữ liệu", "Bảng", "Bản ghi", "Đối khớp từ", "Đến"), (26, 20, 26, 14, 14), rows)


def _table(subject: Subject, one: HeldRecord) -> str:
    return subject.names.get(f"{one.registry}.{one.table}") or one.table


def _record(registry: str, title: str, one: HeldRecord) -> tuple[str, ...]:
    key = ", ".join(str(value) for value in json.loads(one.record_id.partition(":")[2]))
    since, until = _day(one.since) if one.since else "không rõ", _day(one.until) if one.until else "nay"
    return registry, title, key, since, until


def _held_notes(subject: Subject) -> Iterator[str]:
    if not subject.records and not subject.held:
        yield _NOTHING
    listed = Counter((one.registry, one.table) for one in subject.records if one.until is None)
    for one in subject.held:
        if one.rows != (listed[one.registry, one.table] if one.relation == "own" else 0):
            yield f"{one.title} ({subject.name(one.registry)}): {_number(one.rows)} dòng về Ông/Bà."
        if one.mentions:
            yield (
                f"{one.title} ({subject.name(one.registry)}): {_number(one.mentions)} dòng là bản ghi của người khác, "
                "có nêu mã của Ông/Bà (ví dụ là cha, mẹ)."
            )
        if one.unclear:
            yield (
                f"{one.title} ({subject.name(one.registry)}): {_number(one.unclear)} dòng có thể về Ông/Bà; chưa xác "
                "định được, vì dòng được công bố theo hợp đồng dữ liệu có các cột khác hiện nay."
            )


def _given(subject: Subject) -> LetterTable | None:
    rows = tuple(row for one in subject.given for row in _given_rows(subject, one))
    if not rows:
        return None
    headings = ("Bên nhận; mục đích", "Dữ liệu", "Cột đã cung cấp", "Phiên bản, thời gian", "Lượt đọc")
    return LetterTable(headings, (24, 18, 24, 20, 14), rows)


def _given_rows(subject: Subject, one: Given) -> Iterator[tuple[str, ...]]:
    who = "\n".join([*_purposes(one), f"Thỏa thuận: {subject.name(f'agreements/{one.agreement}')}."])
    what = f"{one.source_title} (bảng chia sẻ {_product(subject, one.recipient, one.product)})"
    columns = "; ".join(map(_column, one.columns)) or "không được ghi lại"
    when = [_span(span) for span in one.spans] + [_unknown(span) for span in one.unknown]
    yield who, what, columns, "\n".join(when), _reads(one)


def _product(subject: Subject, recipient: str, product: str) -> str:
    return subject.names.get(f"{recipient}/{product}") or product


def _counted(subject: Subject, shared: str) -> str:
    recipient, _, product = shared.partition("/")
    whom = subject.names.get(f"recipients/{recipient}")
    return f"{_product(subject, recipient, product)} (cung cấp cho {whom})" if whom else shared


def _purposes(one: Given) -> Iterator[str]:
    """The time is said where there were several, each of which may have the same words as one before."""
    for purpose in one.purposes:
        until = _instant(purpose.until) if purpose.until else "nay"
        time = f" (từ {_instant(purpose.since)} đến {until})" if len(one.purposes) > 1 else ""
        text = purpose.text.rstrip(".") or "Mục đích không được ghi lại"
        yield f"{purpose.recipient_name} ({one.recipient}). {text}{time}."


def _column(column: GivenColumn) -> str:
    words = LOCALES["vi"]
    kept = f"chỉ {column.keep} ký tự cuối" if column.keep else words.code(column.protection)
    return f"{column.title} ({kept})"


def _span(span: Span) -> str:
    versions = f"{span.first}" if span.first == span.last else f"{span.first} đến {span.last}"
    until = _instant(span.until) if span.until else "nay"
    only = "" if span.rows else "; chỉ nêu mã trong bản ghi của người khác"
    return f"Phiên bản {versions}: từ {_instant(span.since)} đến {until}{only}."


def _unknown(span: SpanUnknown) -> str:
    until = _instant(span.until) if span.until else "nay"
    return (
        f"Phiên bản {span.first} đến {span.last} (từ {_instant(span.since)} đến {until}): không còn xác định được có "
        f"dữ liệu về Ông/Bà hay không, vì {_DOUBTS[span.reason]}."
    )


def _reads(one: Given) -> str:
    if not one.reads:
        return "Chưa đọc."
    kinds = {read.action for read in one.reads}
    named = ", ".join(text for action, text in _ACTIONS.items() if action in kinds)
    first, last = one.reads[0].at, one.reads[-1].at
    return f"{_number(len(one.reads))} lượt ({named}); lần đầu {_instant(first)}, lần cuối {_instant(last)}."


def _given_notes(subject: Subject) -> Iterator[str]:
    if not subject.given:
        yield _NOTHING
    if subject.statistics:
        yield (
            "Dữ liệu về Ông/Bà có thể đã được đếm trong số liệu thống kê, trong đó không có dòng nào về một cá nhân: "
            f"{'; '.join(_counted(subject, one) for one in subject.statistics)}."
        )


def _opened(subject: Subject) -> LetterTable | None:
    if not subject.opened:
        return None
    rows = tuple(_look(subject, one) for one in subject.opened)
    return LetterTable(("Mục nhật ký", "Thời điểm", "Người xem", "Dữ liệu", "Mục đích"), (10, 16, 18, 28, 28), rows)


def _look(subject: Subject, one: Opened) -> tuple[str, ...]:
    doubt = "" if one.certainty == "certain" else " (có thể: nhật ký không nêu đã xem những dòng nào)"
    # Purposes with somebody's number are refused today, and may stand in older entries.
    purpose = "không nêu ở đây vì có số định danh" if holds_a_long_number(one.purpose) else one.purpose
    return _number(one.sequence), _instant(one.at), one.by, f"{_looked_at(subject, one.subject)}{doubt}", purpose


def _looked_at(subject: Subject, seen: str) -> str:
    zone, _, name = seen.partition("/")
    table = subject.name(name.replace("/", "."))
    match zone:
        case "registry":
            return f"bảng {table}"
        case "rejected":
            return f"dòng bị loại của bảng {table}"
        case "requests":
            return f"bản ghi bị phản ánh sai ({name})"
    return "tra cứu để trả lời yêu cầu" if name == "subject" else "bản ghi, khi đối khớp danh tính"


def _opened_notes(subject: Subject) -> Iterator[str]:
    if not subject.opened:
        yield _NOTHING
    if subject.lists_opened:
        yield (
            f"Ngoài ra có {_number(subject.lists_opened)} lượt xem danh sách, hoặc tra theo bản ghi chưa đối khớp, mà "
            "nhật ký không nêu đã xem dữ liệu của ai."
        )


def _scope(subject: Subject) -> Iterator[str]:
    yield (
        "Một dòng được coi là về Ông/Bà khi việc đối khớp danh tính hiện nay xác định bản ghi đó là của Ông/Bà, hoặc "
        "khi dòng đó dẫn chiếu đến bản ghi của Ông/Bà. Một lượt đọc được tính khi bên nhận được cung cấp phiên bản có "
        "dòng như vậy; nhật ký không cho biết bên nhận đã xem dòng nào."
    )
    linked = "Hồ dữ liệu chưa có lần đối khớp nào"
    if subject.linked_at is not None:
        linked = f"Lần đối khớp gần nhất bắt đầu lúc {_instant(subject.linked_at)}"
    yield (
        f"{linked}. Bản ghi được công bố sau đó, hoặc đã được công bố rồi rút đi khi chưa kịp đối khớp, chưa gắn với "
        "người nào nên không có trong nội dung trả lời theo mã người; có thể tra theo mã của bản ghi đó."
    )
    if subject.given:
        yield (
            f"Bên nhận còn có thể đọc một phiên bản cũ tối đa {HISTORY_DAYS} ngày sau khi có phiên bản mới, trừ khi "
            "bảng chia sẻ đã bị xóa vì thỏa thuận thay đổi hoặc hết hiệu lực."
        )
    if subject.kept_since is not None:
        since = _instant(subject.kept_since)
        yield f"Việc chia sẻ được ghi nhật ký từ {since}; trước thời điểm đó không xác định được."
    else:
        yield "Hồ dữ liệu chưa chia sẻ dữ liệu cho bên nào."


def _day(at: datetime) -> str:
    return f"{day_of(at):%d/%m/%Y}"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(HANOI):%H:%M ngày %d/%m/%Y}"


def _number(value: int) -> str:
    return figure("vi", value, 0)
