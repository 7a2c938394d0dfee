"""Display texts of the report in Vietnamese and English, and number and time formats of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from include.audit.report_data import AgreedColumn
from include.contracts.words import HANOI, Language, figure

WORD_NAMES: Mapping[str, tuple[str, str, str, str]] = {
    # Vietnamese name, English name, Vietnamese definition, English definition
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

FINDINGS: Mapping[str, tuple[str, str]] = {
    "emptyExtract": ("Nguồn không trả về bản ghi nào", "The source gave no rows"),
    "rejectedPercent": ("Tỷ lệ bản ghi bị loại (%)", "Share of rejected rows (%)"),
    "rowCountChangePercent": ("Biến động số bản ghi (%)", "Change of the number of rows (%)"),
    "deleteLimitPercent": ("Tỷ lệ bản ghi bị xóa (%)", "Share of deleted rows (%)"),
    "supersededPercent": ("Tỷ lệ bản ghi bị thay thế (%)", "Share of superseded rows (%)"),
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
    "row": ("từng bản ghi", "each row"),
    "set": ("giữa các bản ghi", "between rows"),
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
    "confidential": ("dữ liệu cá nhân cơ bản", "basic personal data"),
    "restricted": (
        "dữ liệu cá nhân cơ bản, không cung cấp nguyên bản",
        "basic personal data, never given as it is",
    ),
    "sensitive": ("dữ liệu cá nhân nhạy cảm", "sensitive personal data"),
    "none": ("cung cấp nguyên bản", "as it is"),
    "pseudonym": ("mã thay thế", "pseudonym"),
    "year": ("chỉ năm", "year only"),
    "decade": ("chỉ thập niên", "decade only"),
    "province": ("chỉ tỉnh, thành phố", "province only"),
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
        """Name of one of the five criteria."""
        return self.pick(*WORD_NAMES[word][:2])

    def criterion_meaning(self, word: str) -> str:
        """Definition of one of the five criteria."""
        return self.pick(*WORD_NAMES[word][2:])

    def code(self, code: str) -> str:
        """Text of a code (verdict, severity, dimension, standing ...); the code itself if it is unknown."""
        return self.pick(*_CODES.get(code, (code, code)))

    def protection(self, column: AgreedColumn) -> str:
        """Text of a column's protection in a shared table."""
        if column.protection == "keep_last":
            return self.pick(f"chỉ {column.keep} ký tự cuối", f"last {column.keep} characters only")
        return self.code(column.protection)

    def finding(self, what: str) -> str:
        """Text of a gate finding; a rule id stays as it is."""
        return self.pick(*FINDINGS.get(what, (what, what)))

    def schedule(self, cron: str) -> str:
        """A daily cron in words; other crons unchanged."""
        daily = re.fullmatch(r"([0-5]?[0-9]) ([01]?[0-9]|2[0-3]) \* \* \*", cron)
        if daily is None:
            return cron
        at = f"{int(daily[2]):02}:{int(daily[1]):02}"
        return self.pick(f"hằng ngày lúc {at}", f"daily at {at}")

    def number(self, value: float | None, digits: int = 0) -> str:
        """1.234,5 in Vietnamese, 1,234.5 in English; a dash for what is not known."""
        if value is None:
            return "–"
        return figure(self.language, value, digits)

    def signed(self, value: float, digits: int = 1) -> str:
        """A number that always shows its sign, as weights do."""
        return f"{'−' if value < 0 else '+'}{self.number(abs(value), digits)}"

    def bound(self, allowed: object) -> str:
        """The allowed range of a rule or gate (`<= 5`, `between 1 and 2.5 %`) in the language's number format."""
        text = str(allowed).replace("<=", "≤").replace(">=", "≥").replace("!=", "≠").replace("+-", "±")
        if self.language == "en":
            return text
        text = re.sub(r"(?<=\d)\.(?=\d)", ",", text)
        for english, vietnamese in (("not between", "ngoài khoảng"), ("between", "từ"), (" and ", " đến ")):
            text = text.replace(english, vietnamese)
        return text

    def index(self, value: float | None) -> str:
        """A value of the index, to one decimal, never rounded up to 100."""
        if value is None:
            return "–"
        return self.number(100 if value == 100 else min(value, 99.9), 1)

    def percent(self, value: float | None) -> str:
        """A percentage; more than 0 is never rounded to 0."""
        if value is None:
            return "–"
        if 0 < value < 0.01:
            return f"<\u00a0{self.number(0.01, 2)}\u00a0%"
        return f"{self.number(value, 2)}\u00a0%"

    def instant(self, at: datetime | None) -> str:
        """A time in Hà Nội, to the minute."""
        if at is None:
            return "–"
        return f"{at.astimezone(HANOI):{self.pick('%d/%m/%Y %H:%M', '%Y-%m-%d %H:%M')}}"

    def age(self, since: datetime | None, at: datetime) -> str:
        """How long ago something was, in hours, or in days from two on."""
        if since is None:
            return self.pick("chưa có", "never")
        hours = max(0, int((at - since).total_seconds() // 3600))
        if hours < 48:
            return f"{self.number(hours)} {self.pick('giờ', 'h')}"
        return f"{self.number(hours // 24)} {self.pick('ngày', 'days')}"

    def day(self, day: date) -> str:
        """A date."""
        return f"{day:{self.pick('%d/%m/%Y', '%Y-%m-%d')}}"

    def iso_day(self, text: str) -> str:
        """An ISO 8601 date in this language's format."""
        return self.day(date.fromisoformat(text))

    def duration(self, seconds: float) -> str:
        """Seconds, or minutes where that is easier to read."""
        if seconds < 120:
            return f"{self.number(seconds, 1)} {self.pick('giây', 's')}"
        return f"{self.number(seconds / 60, 1)} {self.pick('phút', 'min')}"


LOCALES: Mapping[Language, Locale] = {"vi": Locale("vi"), "en": Locale("en")}
