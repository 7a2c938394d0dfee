"""Every vn_ macro gives what its oracle in plain Python gives, for any text one can think of.

The text is made of the pieces where mistakes hide: letters composed and decomposed, NUL and other control
characters, exotic blanks, emoji, and fragments of dates, numbers and identifiers.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.vietnam import agencies, dates, identifiers, legacy_fonts, names, numbers, register
from include.vietnam.wards import Wards
from tests.repeats import repeats

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
WARDS = Wards.read(SCHEMAS)
MACROS: dict[str, Callable[[Any], Any]] = {
    "text": names.text,
    "name": names.name,
    "fold": names.fold,
    "name_is_legacy_encoded": legacy_fonts.name_is_legacy_encoded,
    "tone_fold": names.tone_fold,
    "date": dates.day,
    "date_precision": dates.precision,
    "timestamp": dates.timestamp,
    "day": dates.local_day,
    "month": dates.month,
    "number": numbers.number,
    "int": numbers.integer,
    "digits": identifiers.digits,
    "sex": identifiers.sex,
    "cccd_birth_year": identifiers.cccd_birth_year,
    "cccd_sex": identifiers.cccd_sex,
    "mst_is_valid": identifiers.mst_is_valid,
    "mst": identifiers.mst,
    "agency": agencies.agency,
    "ward_current": WARDS.current,
    "ward_candidates": WARDS.candidates,
}

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=20)
WORDS = [
    "Nguyễn",
    "Thị",
    "Hòa",
    "hoà",
    "THÚY",
    "Thuỷ",
    "quý",
    "Qúy",
    "toán",
    "tóan",
    "Ðặng",
    "ðỗ",
    "Ɖinh",
    "Y-Bhiâ",
    "H'Hen",
    "ỊNH",
]
ODD = [
    "\0",
    "\t",
    "\n",
    "\x07",
    "\x85",
    "\u00a0",
    "\u200b",
    "\ufeff",
    "\u3000",
    " ",
    "  ",
    "\u0300",
    "\u0323",
    "\u031b",
    "🇻🇳",
    "İ",
    "ẞ",
]
NAMES = st.lists(st.sampled_from(WORDS + ODD) | ANY_TEXT, max_size=6).map("".join)
DECOMPOSED = NAMES.map(lambda text: unicodedata.normalize("NFD", text))

# Dates: mostly well formed, each part sometimes beyond its range.
DAY, MONTH, YEAR = (
    st.integers(0, 32).map("{:02d}".format) | st.integers(0, 9).map(str),
    st.integers(0, 13).map("{:02d}".format) | st.integers(0, 9).map(str),
    st.sampled_from(["1980", "2000", "2024", "1900", "0999", "9999", "0000"]),
)
HOUR, MINUTE = st.integers(0, 24).map("{:02d}".format) | st.just("7"), st.integers(0, 60).map("{:02d}".format)
WHOLE = st.builds("{}/{}/{}".format, DAY, MONTH, YEAR) | st.builds("{2}-{1}-{0}".format, DAY, MONTH, YEAR)
CLOCK = st.builds("{}:{}:{}".format, HOUR, MINUTE, MINUTE) | st.builds("{}:{}".format, HOUR, MINUTE)
OFFSET = st.sampled_from(["", "", "Z", "+07:00", "-0830", "+14", "+15:00", ".25", ".1234567", ".5Z"])
STAMPS = st.builds("{}{}{}{}".format, WHOLE, st.sampled_from([" ", "T", "  "]), CLOCK, OFFSET) | st.builds(
    "{}{}".format, st.datetimes(min_value=datetime(1000, 1, 2)).map(datetime.isoformat), OFFSET
)
MONTHS = st.builds("{}/{}".format, MONTH, YEAR) | st.builds("{1}-{0}".format, MONTH, YEAR) | st.just("2024-02-01")
PIECES = st.sampled_from(
    ["/", "-", " ", ":", "T", "Z", "+07:00", ".5", "00", "0", "1", "29/02/", "31/02/", "-01", "1980"]
)
DATES = WHOLE | STAMPS | MONTHS | st.lists(PIECES, max_size=6).map("".join)

# Numbers: groups and decimals, right and wrong.
GROUPS = st.lists(st.sampled_from(["234", "567", "000", "00", "1234"]), max_size=4)
GROUPED = st.builds(
    lambda sign, first, mark, groups, decimals: sign + mark.join([first, *groups]) + decimals,
    st.sampled_from(["", "", "-", "+", "- "]),
    st.sampled_from(["1", "12", "123", "1234", "0", "012", "00", ""]),
    st.sampled_from([".", ",", " ", ""]),
    GROUPS,
    st.sampled_from(["", "", ",5", ".5", ",00", ".0000", ",12345", ".", ",", ".234", ",234"]),
)
NUMBERS = GROUPED | st.lists(st.sampled_from(["1", "234", "000", "0", ".", ",", "-"]), max_size=9).map("".join)

# Identifiers: with their check digit or any other, with and without a branch.
NINE = st.from_regex(r"\A[0-9]{9}\Z")
CHECKED = NINE.map(lambda nine: nine + (identifiers.mst_check_digit(nine) or "0"))
BRANCH = st.sampled_from(["", "-001", "001", "-000", "000", "-999", " 001", "-01"])
CODES = st.builds("{}{}".format, CHECKED | st.from_regex(r"\A[0-9]{10}\Z"), BRANCH) | st.from_regex(r"\A[0-9]{12}\Z")
PARTS = st.sampled_from(["001", "090", "123456", "0100109106", "-", ".", " ", "–", ".0", "A", "４"])
GROUPS_OF_AGENCY = st.sampled_from(["000", "00", "17", "022", "H56", "G12", "Z99", "A1"])
AGENCIES = st.lists(GROUPS_OF_AGENCY, min_size=3, max_size=5).map(".".join)
DIGITS = st.lists(PARTS, max_size=6).map("".join)

REUSED_OTHERWISE = [code for code, default in WARDS.defaults.items() if code in WARDS.current_codes and code != default]
WARD_CODES = st.sampled_from(REUSED_OTHERWISE) | st.sampled_from(
    [*sorted(WARDS.current_codes | WARDS.successors.keys()), "", "4", "99999"]
)
PADDED = st.sampled_from(["", " ", "\t"])


def padded(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[str | None]]:
    odd = st.none() | ANY_TEXT | NAMES
    return st.lists(texts | texts | st.builds("{1}{0}{1}".format, texts, PADDED) | odd, max_size=40)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        register(opened, SCHEMAS)
        opened.execute("CREATE TABLE given (v VARCHAR)")
        for macro in MACROS:  # planned once: a macro takes longer to plan than a few rows to compute
            opened.execute(f"PREPARE vn_{macro} AS SELECT v, vn_{macro}(v) FROM given")
        yield opened


SOME = settings(max_examples=repeats(15, 100), deadline=None)


def check(connection: duckdb.DuckDBPyConnection, macro: str, values: list[str | None]) -> None:
    connection.execute("TRUNCATE given")
    connection.execute("INSERT INTO given SELECT unnest($1::VARCHAR[])", [values])
    found = connection.execute(f"EXECUTE vn_{macro}").fetchall()
    assert len(found) == len(values)
    for value, result in found:
        assert result == MACROS[macro](value), value


@pytest.mark.parametrize("macro", ["text", "name", "fold", "tone_fold"])
@SOME
@given(values=padded(NAMES | DECOMPOSED))
def test_text(connection: duckdb.DuckDBPyConnection, macro: str, values: list[str | None]) -> None:
    check(connection, macro, values)


@pytest.mark.parametrize("macro", ["date", "date_precision", "timestamp", "day", "month"])
@SOME
@given(values=padded(DATES))
def test_dates(connection: duckdb.DuckDBPyConnection, macro: str, values: list[str | None]) -> None:
    check(connection, macro, values)


@pytest.mark.parametrize("macro", ["number", "int"])
@SOME
@given(values=padded(NUMBERS))
@example(values=["1.000,0.", "1,000.0,", "1.000,0,0", "1,000.0.0", "1.000,05", "1,000.05"])
def test_numbers(connection: duckdb.DuckDBPyConnection, macro: str, values: list[str | None]) -> None:
    check(connection, macro, values)


@pytest.mark.parametrize("macro", ["digits", "sex", "cccd_birth_year", "cccd_sex", "mst_is_valid", "mst", "agency"])
@SOME
@given(values=padded(DIGITS | CODES | AGENCIES | st.sampled_from(["1", "Nữ", "NAM", "Khác"])))
def test_identifiers(connection: duckdb.DuckDBPyConnection, macro: str, values: list[str | None]) -> None:
    check(connection, macro, values)


@pytest.mark.parametrize("macro", ["ward_current", "ward_candidates"])
@SOME
@given(values=st.lists(st.none() | WARD_CODES | ANY_TEXT, max_size=40))
def test_wards(connection: duckdb.DuckDBPyConnection, macro: str, values: list[str | None]) -> None:
    check(connection, macro, values)


@given(value=NAMES | DECOMPOSED)
def test_text_and_folds_are_idempotent(value: str) -> None:
    for rule in (names.text, names.name, names.fold, names.tone_fold):
        assert rule(rule(value)) == rule(value)


@given(code=WARD_CODES)
def test_a_current_ward_stays_itself(code: str) -> None:
    assert WARDS.current(WARDS.current(code)) == WARDS.current(code)


@given(value=WHOLE | MONTHS)
def test_a_date_has_a_precision_and_a_full_date_is_a_moment(value: str) -> None:
    assert (dates.day(value) is None) == (dates.precision(value) is None)
    moment = dates.timestamp(value)
    assert (datetime.fromisoformat(moment).date() if moment else None) == (
        dates.day(value) if dates.precision(value) == "day" else None
    )


@given(nine=st.from_regex(r"\A[0-9]{9}\Z"))
def test_one_tenth_digit_at_most_makes_a_tax_code(nine: str) -> None:
    valid = [digit for digit in "0123456789" if identifiers.mst_is_valid(nine + digit)]
    assert valid == [digit for digit in [identifiers.mst_check_digit(nine)] if digit is not None]
