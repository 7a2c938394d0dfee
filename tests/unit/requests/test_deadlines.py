"""Last days to answer: days off of every year and announced ones, years not announced yet, and what is kept."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from include.pipelines.checks import check_schemas
from include.pipelines.requests import all_requests, request_of
from include.sharing.requests import DAYS_TO_ANSWER, Request, holiday_problems
from include.vietnam import WorkingDays
from tests.small_population import MONDAY, At
from tests.unit.portal.conftest import Site

from .conftest import an_ask, ask_for
from .test_pages import site

__all__ = ["site"]

SCHEMAS = Path(__file__).parents[3] / "schemas"
HEADER = "code,name,kind,instrument,valid_from,valid_until\n"


def hanoi(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T09:00+07:00")


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-12-31", "2027-01-05"),  # 1 January is a Friday
        ("2026-08-28", "2026-09-04"),  # 31 August, 1 and 2 September are off
        ("2026-08-21", "2026-08-24"),  # Saturday 22 August is worked
        ("2027-12-30", "2028-01-04"),  # 1 January 2028 is a Saturday: Monday is off instead
        ("2027-04-29", "2027-05-05"),  # 30 April is a Friday, 1 May a Saturday: Monday is off instead
        ("2033-04-29", "2033-05-05"),  # both on a week-end: Monday and Tuesday
        ("2031-09-01", "2031-09-04"),
    ],
)
def test_days_off_of_every_year_hold_without_the_list(asked: str, due: str) -> None:
    assert WorkingDays.load(SCHEMAS).due_on(hanoi(asked), DAYS_TO_ANSWER) == date.fromisoformat(due)


def test_they_hold_where_there_is_no_list(tmp_path: Path) -> None:
    assert WorkingDays.load(tmp_path).due_on(hanoi("2026-12-31"), DAYS_TO_ANSWER) == date(2027, 1, 5)
    assert not holiday_problems(tmp_path, date(2026, 12, 1))


def test_a_year_that_is_not_announced_is_told(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    file = tmp_path / "reference" / "holidays.csv"
    days = [f"{day},Nghỉ,nghi,x,{day},{day}\n" for day in ("2026-02-17", "2026-09-01", "2027-02-05", "2027-09-02")]
    file.write_text(HEADER + "".join(days), encoding="utf-8")
    assert not holiday_problems(tmp_path, date(2026, 9, 30))
    (told,) = holiday_problems(tmp_path, date(2026, 10, 1))
    assert (told.level, told.path) == ("warning", file)
    assert "2027" in told.message  # Tết is there, the second day of National Day is not
    file.write_text(HEADER + "".join(days) + "2027-09-03,Nghỉ,nghi,x,2027-09-03,2027-09-03\n", encoding="utf-8")
    assert not holiday_problems(tmp_path, date(2027, 1, 1))
    assert holiday_problems(tmp_path, date(2028, 1, 1))


def test_check_tells_it(context: At) -> None:
    told = [problem for problem in check_schemas(context.schemas).problems if problem.path.name == "holidays.csv"]
    assert told  # the small list has one day
    assert {problem.level for problem in told} == {"warning"}


def test_the_last_day_is_kept_whatever_the_list_says_later(context: At, asked: Request) -> None:
    assert asked.due_on == date(2026, 3, 5)
    assert asked.ask == an_ask()
    (context.schemas / "reference" / "holidays.csv").write_text(HEADER, encoding="utf-8")
    assert request_of(context, asked.request_id).due_on == date(2026, 3, 5)
    other = ask_for(context, "moh", "population.citizen", an_ask(recipient_name="Bộ Y tế"))
    assert other.due_on == date(2026, 3, 4)
    assert {one.asked_at for one in all_requests(context).values()} == {MONDAY}


def test_the_page_of_a_request_says_that_the_year_is_not_announced_yet(context: At, site: Site, asked: Request) -> None:
    said = "danh mục ngày nghỉ chưa có lịch nghỉ tết và quốc khánh năm 2026"
    page = f"/requests/{asked.request_id}?lang=vi"
    assert said in site.browser("nso").get(page).text.lower()
    days = "".join(f"{day},Nghỉ,nghi,x,{day},{day}\n" for day in ("2026-02-17", "2026-09-01"))
    (context.schemas / "reference" / "holidays.csv").write_text(HEADER + days, encoding="utf-8")
    assert said not in site.browser("nso").get(page).text.lower()
