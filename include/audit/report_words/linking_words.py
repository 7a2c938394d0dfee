"""Display texts of linking in both languages: passes, comparisons, levels, gate findings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from include.audit.report_data import ComparisonLevels, Level, LinkRun, PrecisionTarget, Share, WeightBand
from include.audit.report_words.words import Locale
from include.lake.run_log import NO_RECALL

_PASSES: Mapping[str, tuple[str, str]] = {
    "personal_id": ("Cùng số định danh", "Same personal id"),
    "old_id": ("Cùng số CMND cũ", "Same old card number"),
    "insurance_number": ("Cùng mã số bảo hiểm xã hội", "Same insurance number"),
    "health_card": ("Cùng thẻ bảo hiểm y tế", "Same health card"),
    "tax_code": ("Cùng mã số thuế", "Same tax code"),
    "model": ("Mô hình xác suất", "Probabilistic model"),
    "review": ("Do người xem xét quyết định", "Decided by people"),
}

_KINDS: Mapping[str, tuple[str, str]] = {
    "duplicate": ("Bản ghi trùng một người", "Duplicate records of one person"),
    "shared_id": ("Một số, hai người", "One id number, two persons"),
    "other_birth": ("Hai cơ sở dữ liệu ghi khác ngày sinh", "Two registers give different births"),
    "other_sex": ("Hai cơ sở dữ liệu ghi khác giới tính", "Two registers give different sexes"),
}

_GATE: Mapping[str, tuple[str, str]] = {
    "largestPerson": ("Số bản ghi của một người trong một cơ sở dữ liệu", "Records of one person in one register"),
    "merged": ("Tỷ lệ người bị nhập làm một (%)", "Share of persons merged (%)"),
    "split": ("Tỷ lệ người bị tách (%)", "Share of persons split (%)"),
    "retired": ("Tỷ lệ mã người chấm dứt (%)", "Share of persons retired (%)"),
    "candidates": ("Biến động số cặp được so sánh (%)", "Change of the number of pairs compared (%)"),
    "meanRecords": ("Biến động số bản ghi mỗi người (%)", "Change of records a person (%)"),
}

COMPARISONS: Mapping[str, tuple[str, str]] = {
    "name": ("Họ tên", "Name"),
    "family": ("Họ", "Family name"),
    "given": ("Tên", "Given name"),
    "birth": ("Ngày sinh", "Birth"),
    "sex": ("Giới tính", "Sex"),
    "id_year": ("Năm sinh trong số định danh", "Year of birth inside an id"),
    "id_sex": ("Giới tính trong số định danh", "Sex inside an id"),
    "place": ("Nơi ở", "Place"),
    "address": ("Địa chỉ", "Address"),
    "passport": ("Số hộ chiếu", "Passport"),
    "nationality": ("Quốc tịch", "Nationality"),
    "phone": ("Số điện thoại", "Phone number"),
    "personal_id": ("Số định danh", "Personal id"),
    "old_id": ("Số CMND cũ", "Old card"),
    "insurance_number": ("Mã số bảo hiểm xã hội", "Insurance number"),
    "health_card": ("Thẻ bảo hiểm y tế", "Health card"),
    "tax_code": ("Mã số thuế", "Tax code"),
    "rivals": ("Những người khác có thể là người này", "The others who might be meant"),
    "before_comparing": ("Trước khi so sánh", "Before comparing"),
}

LEVELS: Mapping[str, str] = {
    "same name": "trùng họ tên",
    "same name, diacritics lost or words in other order": "trùng họ tên, mất dấu hoặc đảo thứ tự",
    "same letters, other diacritics": "cùng chữ cái, khác dấu",
    "one letter off, or initials": "lệch một chữ cái, hoặc viết tắt",
    "same family and given name, no middle name": "cùng họ và tên, thiếu tên đệm",
    "similar name": "họ tên gần giống",
    "other name": "họ tên khác",
    "same day of birth": "trùng ngày sinh",
    "same year of birth, the day not known of both": "trùng năm sinh, không biết đủ ngày",
    "day and month of birth swapped": "đảo ngày và tháng sinh",
    "one digit of the birth date off": "ngày sinh lệch một chữ số",
    "same year of birth, another day": "trùng năm sinh, khác ngày",
    "other date of birth": "ngày sinh khác",
    "same sex": "cùng giới tính",
    "other sex": "khác giới tính",
    "same ward": "cùng xã, phường",
    "a ward in common": "có chung một xã, phường",
    "same province": "cùng tỉnh",
    "other province": "khác tỉnh",
    "same personal id": "trùng số định danh",
    "one digit of the personal id off": "số định danh lệch một chữ số",
    "other personal id": "số định danh khác",
    "other personal id, one of the two in doubt": "khác số định danh, một trong hai số đáng ngờ",
    "two valid personal ids, not the same": "hai số định danh hợp lệ khác nhau",
    "the personal id says the same year of birth": "số định danh cho cùng năm sinh",
    "the personal id says another year of birth": "số định danh cho năm sinh khác",
    "the personal id says the same sex": "số định danh cho cùng giới tính",
    "the personal id says another sex": "số định danh cho giới tính khác",
    "same old card": "trùng số CMND cũ",
    "one digit of the old card off": "số CMND cũ lệch một chữ số",
    "other old card": "số CMND cũ khác",
    "same phone number": "trùng số điện thoại",
    "one digit of the phone number off": "số điện thoại lệch một chữ số",
    "other phone number": "số điện thoại khác",
    "same passport": "trùng số hộ chiếu",
    "one digit of the passport off": "số hộ chiếu lệch một chữ số",
    "other passport": "số hộ chiếu khác",
    "same nationality": "trùng quốc tịch",
    "other nationality": "quốc tịch khác",
    "same insurance number": "trùng mã số bảo hiểm xã hội",
    "same health card": "trùng thẻ bảo hiểm y tế",
    "same tax code": "trùng mã số thuế",
    "no other fits as well": "không ai khác phù hợp bằng",
    "others fit too": "còn người khác cũng phù hợp",
    "not known of both": "không phải cả hai đều có",
}
"""Vietnamese names of the levels of our models; levels of other models keep their names."""


def level_in_vietnamese(level: str) -> str:
    """Vietnamese name of a level, or of the number with which the prior weight begins."""
    if among := re.fullmatch(r"one of ([\d,]+) persons", level):
        return f"một trong {among[1].replace(',', '.')} người"
    return LEVELS.get(level, level)


class LinkingWords:
    """Display texts of linking in one language."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale

    def of_pass(self, name: str) -> str:
        """Description of a pass."""
        return self._locale.pick(*_PASSES.get(name, (name, name)))

    def kind(self, kind: str) -> str:
        """Name of a kind of finding reported to registry owners."""
        return self._locale.pick(*_KINDS.get(kind, (kind, kind)))

    def finding(self, what: str) -> str:
        """Text of a finding of the linking gate."""
        return self._locale.pick(*_GATE.get(what, (what, what)))

    def comparison(self, comparison: ComparisonLevels) -> str:
        """Name of a comparison."""
        return self._locale.pick(*COMPARISONS.get(comparison.name, (comparison.name, comparison.name)))

    def level(self, level: Level) -> str:
        """Name of a level."""
        return self._locale.pick(level_in_vietnamese(level.name), level.name)

    def mode(self, mode: str) -> str:
        """Text of a run's mode: all pairs compared, or changed ones."""
        words = {"full": ("mọi cặp", "every pair"), "incremental": ("phần thay đổi", "what changed")}
        return self._locale.pick(*words.get(mode, (mode, mode)))

    def basis(self, band: WeightBand) -> str:
        """Basis of a band's rate: reviews or the model."""
        return self._locale.pick(*{"reviews": ("người xem xét", "reviews")}.get(band.basis, ("mô hình", "model")))

    def band(self, band: WeightBand) -> str:
        """Range of a band's match weights, in bits."""
        low, high = (self._locale.number(bound) if bound is not None else "" for bound in (band.low, band.high))
        return f"{low} – {high}" if low and high else f"< {high}" if high else f"≥ {low}"

    def size(self, greatest: str, before: str) -> str:
        """Label of a size class: records per person, above the class before (empty: none) up to this number."""
        if not greatest.isdecimal():
            return "> " + greatest.rpartition(" ")[2]
        first = int(before) + 1 if before else 1
        return greatest if int(greatest) == first else f"{first}–{greatest}"

    def no_recall(self, run: LinkRun) -> str:
        """Reason why the recall of a run is not estimable."""
        return NO_RECALL[run.recall_reason].text(self._locale.language)

    def share(self, share: Share | None) -> str:
        """An estimate with its interval: 99.78 % (99.67 – 99.90)."""
        if share is None:
            return self._locale.pick("không ước lượng được", "not estimable")
        lower, upper = (self.percent(bound).removesuffix("\u00a0%") for bound in (share.lower, share.upper))
        return f"{self.percent(share.value)} ({lower}\u00a0–\u00a0{upper})"

    def wanted(self, threshold: PrecisionTarget) -> str:
        """A target precision: 99 %, 99.5 %."""
        return f"{100 * threshold.precision:g}\u00a0%".replace(".", self._locale.pick(",", "."))

    def percent(self, share: float) -> str:
        """A share as a percentage, never rounded up to 100."""
        return f"{self._locale.number(100 if share >= 1 else min(100 * share, 99.99), 2)}\u00a0%"

    def probability(self, value: float | None) -> str:
        """A probability with three significant digits and at least four decimals."""
        if not value:
            return self._locale.number(value)
        digits = 4
        while value * 10 ** (digits - 2) < 1 and digits < 15:
            digits += 1
        return self._locale.number(value, digits)
