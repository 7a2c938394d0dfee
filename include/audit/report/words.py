"""The report's words in Vietnamese and English, and how each language writes numbers and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from include.audit.report.freshness import SCHEDULE_ZONE

Language = Literal["vi", "en"]

WORD_NAMES: Mapping[str, tuple[str, str, str, str]] = {
    # vi name, en name, vi meaning, en meaning
    "accuracy": ("Đúng", "Accuracy", "giá trị phản ánh đúng thực tế", "values say what is true"),
    "completeness": (
        "Đủ",
        "Completeness",
        "không thiếu giá trị, không thiếu bản ghi",
        "no value, no record missing",
    ),
    "cleanliness": ("Sạch", "Cleanliness", "đúng chuẩn, không trùng lặp", "conforming, without duplicates"),
    "timeliness": ("Sống", "Timeliness", "cập nhật đúng hạn", "updated in time"),
    "consistency": (
        "Thống nhất",
        "Consistency",
        "khớp trong và giữa các hệ thống",
        "fits within and across registers",
    ),
}

METRICS: Mapping[str, tuple[str, str]] = {
    "required": ("Bắt buộc có giá trị", "Value required"),
    "unreadable": ("Đọc được đúng kiểu dữ liệu", "Readable as its type"),
    "enum": ("Thuộc danh sách cho phép", "One of the allowed values"),
    "pattern": ("Đúng mẫu", "Matches its pattern"),
    "minLength": ("Đủ độ dài tối thiểu", "Long enough"),
    "maxLength": ("Không quá độ dài tối đa", "Short enough"),
    "minimum": ("Không nhỏ hơn mức tối thiểu", "Not below the minimum"),
    "maximum": ("Không lớn hơn mức tối đa", "Not above the maximum"),
    "exclusiveMinimum": ("Lớn hơn mức tối thiểu", "Above the minimum"),
    "exclusiveMaximum": ("Nhỏ hơn mức tối đa", "Below the maximum"),
    "multipleOf": ("Là bội số", "A multiple"),
    "reference": ("Có trong danh mục dùng chung", "Found in its code list"),
    "controlCharacters": ("Không có ký tự hỏng", "No broken characters"),
    "nullValues": ("Giá trị trống", "Null values"),
    "missingValues": ("Giá trị thiếu", "Missing values"),
    "invalidValues": ("Giá trị không hợp lệ", "Invalid values"),
    "duplicateValues": ("Giá trị trùng", "Duplicate values"),
    "rowCount": ("Số bản ghi", "Number of rows"),
    "sql": ("Quy tắc nghiệp vụ", "Business rule"),
    "relationship": (
        "Có trong bảng được tham chiếu; nếu không, cơ quan chủ quản hai bên đối chiếu",
        "Found in the table referred to; if not, the owners of both compare",
    ),
    "rejectedTarget": (
        "Bản ghi được tham chiếu không bị loại; nếu bị loại, cơ quan chủ quản của bảng được tham chiếu sửa",
        "What is referred to is not rejected; if it is, the owner of the table referred to mends it",
    ),
}

FINDINGS: Mapping[str, tuple[str, str]] = {
    "emptyExtract": ("Nguồn không trả về bản ghi nào", "The source gave no rows"),
    "rejectedPercent": ("Tỷ lệ bản ghi bị loại (%)", "Share of rejected rows (%)"),
    "rowCountChangePercent": ("Biến động số bản ghi (%)", "Change of the number of rows (%)"),
    "deleteLimitPercent": ("Tỷ lệ bản ghi bị xóa (%)", "Share of deleted rows (%)"),
}

_CODES: Mapping[str, tuple[str, str]] = {
    "published": ("đã công bố", "published"),
    "unchanged": ("không thay đổi", "unchanged"),
    "held": ("tạm giữ", "held"),
    "declined": ("bị từ chối", "declined"),
    "timed out": ("quá hạn duyệt", "timed out"),
    "failed": ("thất bại", "failed"),
    "error": ("lỗi", "error"),
    "warning": ("cảnh báo", "warning"),
    "row": ("từng dòng", "each row"),
    "set": ("giữa các dòng", "between rows"),
    "table": ("cả bảng", "whole table"),
    "accuracy": ("chính xác", "accuracy"),
    "completeness": ("đầy đủ", "completeness"),
    "coverage": ("bao phủ", "coverage"),
    "conformity": ("đúng chuẩn", "conformity"),
    "uniqueness": ("duy nhất", "uniqueness"),
    "timeliness": ("kịp thời", "timeliness"),
    "consistency": ("nhất quán", "consistency"),
    "in_force": ("đang có hiệu lực", "in force"),
    "pending": ("chưa có hiệu lực", "not yet in force"),
    "expired": ("hết hiệu lực", "expired"),
    "withdrawn": ("đã thu hồi", "withdrawn"),
    "public": ("công khai", "public"),
    "internal": ("nội bộ", "internal"),
    "confidential": ("mật, cá nhân", "confidential"),
    "restricted": ("hạn chế", "restricted"),
    "none": ("nguyên bản", "as it is"),
    "pseudonym": ("mã thay thế", "pseudonym"),
    "year": ("chỉ năm", "year only"),
    "keep_last": ("chỉ các ký tự cuối", "last characters only"),
    "drop": ("không cung cấp", "not given"),
    "freshness": ("độ cập nhật", "freshness"),
}


@dataclass(frozen=True, slots=True)
class Locale:
    """One language of the report."""

    language: Language

    def pick(self, vietnamese: str, english: str) -> str:
        """The text of this language."""
        return vietnamese if self.language == "vi" else english

    def word(self, word: str) -> str:
        """The name of one of the five words."""
        return self.pick(*WORD_NAMES[word][:2])

    def meaning(self, word: str) -> str:
        """What one of the five words asks."""
        return self.pick(*WORD_NAMES[word][2:])

    def code(self, code: str) -> str:
        """A code of ours (verdict, severity, dimension, standing ...) in plain words; itself if it is unknown."""
        return self.pick(*_CODES.get(code, (code, code)))

    def metric(self, metric: str) -> str:
        """What kind of rule it is."""
        return self.pick(*METRICS.get(metric, (metric, metric)))

    def finding(self, what: str) -> str:
        """What the gate found; a rule id stays as it is."""
        return self.pick(*FINDINGS.get(what, (what, what)))

    def number(self, value: float | None, digits: int = 0) -> str:
        """1.234,5 in Vietnamese, 1,234.5 in English; a dash for what is not known."""
        if value is None:
            return "–"
        text = f"{value:,.{digits}f}"
        return text.translate(str.maketrans(",.", ".,")) if self.language == "vi" else text

    def index(self, value: float | None) -> str:
        """A figure of the index, to one digit, never rounded up to 100."""
        if value is None:
            return "–"
        return self.number(100 if value == 100 else min(value, 99.9), 1)

    def percent(self, value: float | None) -> str:
        """A share with its sign; what is more than nothing never looks like nothing."""
        if value is None:
            return "–"
        if 0 < value < 0.01:
            return f"<\u00a0{self.number(0.01, 2)}\u00a0%"
        return f"{self.number(value, 2)}\u00a0%"

    def instant(self, at: datetime | None) -> str:
        """A time in Hà Nội, to the minute."""
        if at is None:
            return "–"
        return f"{at.astimezone(SCHEDULE_ZONE):{self.pick('%d/%m/%Y %H:%M', '%Y-%m-%d %H:%M')}}"

    def day(self, day: date) -> str:
        """A date."""
        return f"{day:{self.pick('%d/%m/%Y', '%Y-%m-%d')}}"

    def duration(self, seconds: float) -> str:
        """Seconds, or minutes where that is easier to read."""
        return f"{self.number(seconds, 1)} s" if seconds < 120 else f"{self.number(seconds / 60, 1)} min"


LOCALES: Mapping[Language, Locale] = {"vi": Locale("vi"), "en": Locale("en")}
