"""What officials read uses the law's and the offices' words, in the pages, the report and the DAGs alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from include.audit.report_words.words import LOCALES
from include.contracts.reading.load import load_contracts
from plugins.pages import pair_words

ROOT = Path(__file__).parents[3]
PLACES = ("include/audit/report_data", "include/audit/report_pages", "plugins", "dags")
# Words that were shown, and what stands for them: state secrets are "mật", a ledger of accounts is a "sổ".
BANNED = {
    r"\bmật\b(?! khẩu)": "dữ liệu cá nhân cơ bản, dữ liệu cá nhân nhạy cảm",
    r"(?i)\bsổ kiểm toán\b": "Nhật ký kiểm tra, giám sát",
    r"(?i)\b(năm|mỗi|các) từ\b|'Từ'": "Tiêu chí",
    r"(?i)\bliên kết người\b": "Đối khớp danh tính",
    r"(?i)\bhạn tới\b|phải có tiếp trước": "Hạn cập nhật kế tiếp",
}


@pytest.mark.parametrize("banned", BANNED)
def test_no_other_word_stands_where_people_read(banned: str) -> None:
    files = [file for place in PLACES for file in (ROOT / place).rglob("*") if file.suffix in (".py", ".j2")]
    assert len(files) > 50
    found = [str(file.relative_to(ROOT)) for file in files if re.search(banned, file.read_text(encoding="utf-8"))]
    assert found == [], f"say {BANNED[banned]}"


def test_every_class_of_a_column_has_words_of_its_own_and_personal_data_the_laws() -> None:
    contracts = load_contracts(ROOT / "schemas").values()
    classes = {column.classification for c in contracts for table in c.tables for column in table.columns}
    for language, personal in (("vi", "dữ liệu cá nhân"), ("en", "personal data")):
        locale = LOCALES[language]  # type: ignore[index]
        assert personal in locale.code("confidential")
        assert personal in locale.code("restricted")
        assert personal in locale.code("sensitive")
        assert len({locale.code(name) for name in classes}) == len(classes) == 5
    assert all(LOCALES["vi"].code(name) != name for name in classes)


def test_bounds_signs_and_spans_are_written_as_each_language_does() -> None:
    vi, en = LOCALES["vi"], LOCALES["en"]
    assert [vi.bound(text) for text in ("<= 2.5 %", "between 1 and 2.5 %", "+-20 %", "not between 1 and 3")] == [
        "≤ 2,5 %", "từ 1 đến 2,5 %", "±20 %", "ngoài khoảng 1 đến 3",
    ]  # fmt: skip
    assert [en.bound(text) for text in (">= 2.5 %", "between 1 and 2")] == ["≥ 2.5 %", "between 1 and 2"]
    assert [vi.signed(12.34), vi.signed(-0.5), en.signed(-0.5)] == ["+12,3", "−0,5", "−0.5"]
    assert [vi.duration(1.25), vi.duration(180), en.duration(1.25)] == ["1,2 giây", "3,0 phút", "1.2 s"]


def test_a_daily_schedule_is_said_and_another_one_stands_as_it_is() -> None:
    vi, en = LOCALES["vi"], LOCALES["en"]
    assert [vi.schedule("45 1 * * *"), en.schedule("5 13 * * *")] == ["hằng ngày lúc 01:45", "daily at 13:05"]
    others = ("45 1 * * 1", "*/5 1 * * *", "0 25 * * *", "60 1 * * *", "0 1,2 * * *", "@daily")
    assert [vi.schedule(cron) for cron in others] == list(others)


def test_what_a_record_says_is_said_in_words_where_it_is_a_word_of_ours() -> None:
    assert pair_words.value("birth_precision", "month") == ("tháng", "month")
    assert pair_words.value("sex", "female") == ("nữ", "female")
    assert pair_words.value("name", "day") == ("day", "day")


def test_a_step_of_the_weighing_has_the_reports_words() -> None:
    assert pair_words.found("before comparing", "one of 1,950 persons")[1] == (
        "một trong 1.950 người",
        "one of 1,950 persons",
    )
    assert pair_words.found("id year", "the personal id says another year of birth") == (
        ("Năm sinh trong số định danh", "id year"),
        ("số định danh cho năm sinh khác", "the personal id says another year of birth"),
    )
    assert pair_words.found("before comparing", "not known of both")[1][0] == "không phải cả hai đều có"
    assert pair_words.found("of another model", "as it says") == (
        ("of another model", "of another model"),
        ("as it says", "as it says"),
    )
