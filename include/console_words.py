"""The words that terminals show, in the language of the locale; codes of ours are data, and keep theirs in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from include.contracts.words import BilingualText, constant, day_of, figure, of_environment, pick

# How a run read a table, in a word; a run that changed or failed did not read for publishing.
READ = {
    "full": BilingualText("all", "tất cả"),
    "incremental": BilingualText("new", "mới"),
    "backfill": BilingualText("again", "đọc lại"),
    "replay": BilingualText("rejected", "bị loại"),
    "unchanged": BilingualText("", ""),
    "failed": BilingualText("", ""),
}
STEPS = {
    "extract": BilingualText("extract", "trích xuất"),
    "assess": BilingualText("assess", "đánh giá"),
    "publish": BilingualText("publish", "công bố"),
}
VERDICTS = {
    "published": BilingualText("published", "đã công bố"),
    "unchanged": BilingualText("unchanged", "không đổi"),
    "held": BilingualText("held", "tạm giữ"),
    "declined": BilingualText("declined", "bị từ chối"),
    "timed out": BilingualText("timed out", "quá hạn duyệt"),
    "failed": BilingualText("failed", "thất bại"),
    "closed": BilingualText("closed", "đã đóng"),
    "waiting": BilingualText("waiting", "chờ nguồn"),
}
STANDINGS = {
    "in_force": BilingualText("in force", "đang có hiệu lực"),
    "pending": BilingualText("not yet in force", "chưa có hiệu lực"),
    "expired": BilingualText("expired", "hết hiệu lực"),
    "withdrawn": BilingualText("withdrawn", "đã thu hồi"),
    "none": BilingualText("no agreement", "không có thỏa thuận"),
}
STAGES = {
    "waiting": BilingualText("waiting", "đang chờ"),
    "extracting": BilingualText("extracting", "đang trích xuất"),
    "assessing": BilingualText("assessing", "đang đánh giá"),
    "at the gate": BilingualText("at the gate", "đang xét ngưỡng"),
    "publishing": BilingualText("publishing", "đang công bố"),
    "published": VERDICTS["published"],
    "unchanged": VERDICTS["unchanged"],
    "waits for a steward": BilingualText("waits for a steward", "chờ cán bộ quản trị dữ liệu"),
    "failed: extract": BilingualText("failed: extract", "thất bại khi trích xuất"),
    "failed: assess": BilingualText("failed: assess", "thất bại khi đánh giá"),
    "failed: gate": BilingualText("failed: gate", "thất bại khi xét ngưỡng"),
    "failed: publish": BilingualText("failed: publish", "thất bại khi công bố"),
    # of a DAG's run
    "queued": BilingualText("queued", "đang xếp hàng"),
    "running": BilingualText("running", "đang chạy"),
    "success": BilingualText("success", "xong"),
    "failed": VERDICTS["failed"],
}
MODES = {
    "full": BilingualText("full", "toàn bộ"),
    "incremental": BilingualText("incremental", "phần mới"),
    "backfill": BilingualText("backfill", "đọc lại"),
    "replay": BilingualText("replay", "xét lại"),
    "restore": BilingualText("restore", "khôi phục"),
    **{code: VERDICTS[code] for code in ("held", "declined", "timed out")},
}
LIVES = {
    "open": BilingualText("open", "còn mở"),
    "replayed": BilingualText("replayed", "đã xét lại"),
    "superseded": BilingualText("superseded", "đã thay thế"),
    "withdrawn": BilingualText("withdrawn", "đã rút"),
}
LINKED = {
    "records": BilingualText("records", "bản ghi"),
    "persons": BilingualText("persons", "số người"),
    "links": BilingualText("pairs that are one person", "cặp là một người"),
    "grey": BilingualText("pairs in doubt", "cặp chưa rõ"),
    "minted": BilingualText("new ids", "mã người mới"),
    "merged": BilingualText("persons merged", "người bị gộp"),
    "split": BilingualText("persons split", "người bị tách"),
    "retired": BilingualText("ids retired", "mã không còn dùng"),
    "duplicates": BilingualText("duplicates in one register", "trùng trong cùng một cơ sở dữ liệu"),
    "shared_ids": BilingualText("ids that several persons share", "số định danh dùng chung cho nhiều người"),
}
ACCURACY = {
    "precision": BilingualText("estimated precision", "độ chuẩn xác ước tính"),
    "recall": BilingualText("estimated recall", "độ đầy đủ ước tính"),
}
DECISIONS = {
    "same": BilingualText("same", "một người"),
    "different": BilingualText("different", "hai người khác nhau"),
    "cannot_tell": BilingualText("cannot_tell", "không thể biết"),
}
FIGURES = {
    "extracted": BilingualText("extracted", "trích xuất"),
    "accepted": BilingualText("accepted", "chấp nhận"),
    "rejected": BilingualText("rejected", "bị loại"),
    "superseded": BilingualText("superseded", "thay thế"),
    "deleted": BilingualText("deleted", "đã xóa"),
}


def local(vietnamese: str, english: str) -> str:
    """The text in the language of the locale."""
    return pick(of_environment(), vietnamese, english)


def number(value: float | Decimal, digits: int = 0) -> str:
    """A figure as the locale's language writes it."""
    return figure(of_environment(), value, digits)


def word(words: Mapping[str, BilingualText], code: str) -> str:
    """Text of a code; the code itself if it is unknown."""
    return words[code].text(of_environment()) if code in words else code


def day(at: date) -> str:
    """A day, or that of an instant in Hà Nội: 2026-01-31, or 31/01/2026."""
    return constant(of_environment(), day_of(at) if isinstance(at, datetime) else at)


def moment(at: datetime) -> str:
    """The day and minute of an instant in UTC."""
    return constant(of_environment(), f"{at.astimezone(UTC):%Y-%m-%d %H:%M}")
