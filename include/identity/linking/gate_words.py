"""What the gate of linking says, in both languages: what changes more than it should, and what may lie behind it."""

from __future__ import annotations

from collections.abc import Mapping

from include.contracts.words import BilingualText, figure

# what: what would happen to persons, and what perhaps lies behind it; English, Vietnamese
_HAPPENS: Mapping[str, tuple[BilingualText, BilingualText]] = {
    "merged": (
        BilingualText("merged", "bị gộp"),
        BilingualText(
            "a shared default value or a new model merges strangers",
            "một giá trị mặc định dùng chung hoặc mô hình mới đã gộp những người khác nhau",
        ),
    ),
    "split": (
        BilingualText("split", "bị tách"),
        BilingualText("a register changed its keys or lost a column", "một cơ sở dữ liệu đã đổi khóa hoặc mất một cột"),
    ),
    "retired": (
        BilingualText("retired", "không còn bản ghi nào"),
        BilingualText("a register may have come incomplete", "dữ liệu của một cơ sở dữ liệu có thể không đầy đủ"),
    ),
}
# what: the measure, and why it moves; English, Vietnamese
_MEASURES: Mapping[str, tuple[BilingualText, BilingualText]] = {
    "candidates": (
        BilingualText("pairs were compared and kept", "cặp đã so sánh và giữ lại"),
        BilingualText(
            "the candidates multiply when a column fills with one value",
            "số cặp tăng mạnh khi một cột chỉ còn một giá trị",
        ),
    ),
    "meanRecords": (
        BilingualText("records belong to a person on average", "bản ghi trung bình của một người"),
        BilingualText(
            "clusters grow when strangers are joined and shrink when links are lost",
            "tăng khi gộp những người khác nhau, giảm khi mất liên kết",
        ),
    ),
}


def largest(records: int) -> BilingualText:
    """One person with that many records in one register of persons."""
    return BilingualText(
        f"One person would have {records} records in one register of persons: strangers may be merged. Look at the "
        "strongest links of the largest clusters; decline unless they are real.",
        f"Một người sẽ có {figure('vi', records)} bản ghi trong cùng một cơ sở dữ liệu: có thể đã gộp những người khác "
        "nhau. Xem các liên kết mạnh nhất của những nhóm lớn nhất; từ chối nếu không đúng.",
    )


def many(what: str, count: int, share: float, persons: int) -> BilingualText:
    """`count` persons, `share` percent of `persons`, would be `what`: merged, split or retired."""
    happens, perhaps = _HAPPENS[what]
    return BilingualText(
        f"{count:,} persons would be {happens.english} ({share:.2f} % of {persons:,}). Perhaps {perhaps.english}; "
        "decline unless it is meant.",
        f"{figure('vi', count)} người sẽ {happens.vietnamese} ({figure('vi', share, 2)} % của {figure('vi', persons)} "
        f"người). Có thể {perhaps.vietnamese}; từ chối nếu không chủ ý.",
    )


def changed(what: str, now: float, before: float, share: float) -> BilingualText:
    """A measure of linking is another than in the run before, by `share` percent."""
    measure, why = _MEASURES[what]
    return BilingualText(
        f"{now:,.4g} {measure.english}, {before:,.4g} in the run before ({share:.1f} % change): {why.english}. Compare "
        "the two runs.",
        f"{_short(now)} {measure.vietnamese}, lần trước là {_short(before)} (biến động {figure('vi', share, 1)} %): "
        f"{why.vietnamese}. So sánh hai lần chạy.",
    )


def _short(value: float) -> str:
    return f"{value:,.4g}".translate(str.maketrans(",.", ".,"))
