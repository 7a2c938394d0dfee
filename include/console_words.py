"""The words that terminals show, in the language of the locale; codes of ours are data, and keep theirs in JSON."""

from __future__ import annotations

from collections.abc import Mapping

from include.contracts import Said, constant, figure, of_environment, pick

# How a run read a table, in a word; a run that changed or failed did not read for publishing.
READ = {
    "full": Said("all", "tất cả"),
    "incremental": Said("new", "mới"),
    "backfill": Said("again", "đọc lại"),
    "replay": Said("rejected", "bị loại"),
    "unchanged": Said("", ""),
    "failed": Said("", ""),
}
STEPS = {
    "extract": Said("extract", "trích xuất"),
    "assess": Said("assess", "đánh giá"),
    "publish": Said("publish", "công bố"),
}
VERDICTS = {
    "published": Said("published", "đã công bố"),
    "unchanged": Said("unchanged", "không đổi"),
    "held": Said("held", "tạm giữ"),
    "declined": Said("declined", "bị từ chối"),
    "timed out": Said("timed out", "quá hạn duyệt"),
    "failed": Said("failed", "thất bại"),
    "closed": Said("closed", "đã đóng"),
    "waiting": Said("waiting", "chờ nguồn"),
}
STANDINGS = {
    "in_force": Said("in force", "đang có hiệu lực"),
    "pending": Said("not yet in force", "chưa có hiệu lực"),
    "expired": Said("expired", "hết hiệu lực"),
    "withdrawn": Said("withdrawn", "đã thu hồi"),
    "none": Said("no agreement", "không có thỏa thuận"),
}
STAGES = {
    "waiting": Said("waiting", "đang chờ"),
    "extracting": Said("extracting", "đang trích xuất"),
    "assessing": Said("assessing", "đang đánh giá"),
    "at the gate": Said("at the gate", "đang xét ngưỡng"),
    "publishing": Said("publishing", "đang công bố"),
    "published": VERDICTS["published"],
    "unchanged": VERDICTS["unchanged"],
    "waits for a steward": Said("waits for a steward", "chờ cán bộ quản trị dữ liệu"),
    "failed: extract": Said("failed: extract", "thất bại khi trích xuất"),
    "failed: assess": Said("failed: assess", "thất bại khi đánh giá"),
    "failed: gate": Said("failed: gate", "thất bại khi xét ngưỡng"),
    "failed: publish": Said("failed: publish", "thất bại khi công bố"),
    # of a DAG's run
    "queued": Said("queued", "đang xếp hàng"),
    "running": Said("running", "đang chạy"),
    "success": Said("success", "xong"),
    "failed": VERDICTS["failed"],
}
MODES = {
    "full": Said("full", "toàn bộ"),
    "incremental": Said("incremental", "phần mới"),
    "backfill": Said("backfill", "đọc lại"),
    "replay": Said("replay", "xét lại"),
    "restore": Said("restore", "khôi phục"),
    **{code: VERDICTS[code] for code in ("held", "declined", "timed out")},
}
LIVES = {
    "open": Said("open", "còn mở"),
    "replayed": Said("replayed", "đã xét lại"),
    "superseded": Said("superseded", "đã thay thế"),
    "withdrawn": Said("withdrawn", "đã rút"),
}
LINKED = {
    "records": Said("records", "bản ghi"),
    "persons": Said("persons", "số người"),
    "links": Said("pairs that are one person", "cặp là một người"),
    "grey": Said("pairs in doubt", "cặp chưa rõ"),
    "minted": Said("new ids", "mã người mới"),
    "merged": Said("persons merged", "người bị gộp"),
    "split": Said("persons split", "người bị tách"),
    "retired": Said("ids retired", "mã không còn dùng"),
    "duplicates": Said("duplicates in one register", "trùng trong cùng một cơ sở dữ liệu"),
    "shared_ids": Said("ids that several persons share", "số định danh dùng chung cho nhiều người"),
}
ACCURACY = {
    "precision": Said("estimated precision", "độ chuẩn xác ước tính"),
    "recall": Said("estimated recall", "độ đầy đủ ước tính"),
}
DECISIONS = {
    "same": Said("same", "một người"),
    "different": Said("different", "hai người khác nhau"),
    "cannot_tell": Said("cannot_tell", "không thể biết"),
}
FIGURES = {
    "extracted": Said("extracted", "trích xuất"),
    "accepted": Said("accepted", "chấp nhận"),
    "rejected": Said("rejected", "bị loại"),
    "superseded": Said("superseded", "thay thế"),
    "deleted": Said("deleted", "đã xóa"),
}


def local(vietnamese: str, english: str) -> str:
    """The text in the language of the locale."""
    return pick(of_environment(), vietnamese, english)


def number(value: float, digits: int = 0) -> str:
    """A figure as the locale's language writes it."""
    return figure(of_environment(), value, digits)


def word(words: Mapping[str, Said], code: str) -> str:
    """What a code of ours is called; itself if it is unknown."""
    return words[code].text(of_environment()) if code in words else code


def day(at: str) -> str:
    """The day of an ISO instant: 2026-01-31, or 31/01/2026."""
    return constant(of_environment(), at[:10])
