"""A format of the JDK becomes DuckDB's words and a pattern of the texts it may read: no more, no fewer.

Older tests looked at the words alone; strptime itself skips blanks and takes fewer digits than the format has.
"""

from __future__ import annotations

import duckdb
import pytest

from include.contracts.checks.date_formats import FormatError, read_format

READ = [
    # format, text, what it means (empty: not of the form)
    ("dd/MM/yyyy", "31/01/2020", "2020-01-31 00:00:00"),
    ("dd/MM/yyyy", "1/2/2020", "2020-02-01 00:00:00"),
    ("dd/MM/yyyy", " 31/01/2020", ""),
    ("dd/MM/yyyy", "31/01/20200", ""),
    ("dd/MM/yyyy", "31/01/2020 ", ""),
    ("dd/MM/yyyy", "31-01-2020", ""),
    ("yyyyMMdd", "20200131", "2020-01-31 00:00:00"),
    ("yyyyMMdd", "2020131", ""),
    ("yyyy-MM-dd HH:mm:ss", "2020-01-31  20:00:00", ""),
    ("yyyy-MM-dd HH:mm:ss.SSS", "2020-01-31 20:00:00.050", "2020-01-31 20:00:00.05"),
    ("yyyy-MM-dd HH:mm:ss.SSS", "2020-01-31 20:00:00.05", ""),
    ("yyyy-MM-dd HH:mm:ss.SSSSSSSSS", "2020-01-31 20:00:00.000001000", "2020-01-31 20:00:00.000001"),
    ("yyyyMMddHHmmssSSS", "20200131200000123", "2020-01-31 20:00:00.123"),
    ("dd-MMM-yyyy", "31-JAN-2020", "2020-01-31 00:00:00"),
    ("d MMMM yyyy", "1 February 2020", "2020-02-01 00:00:00"),
    ("d MMMM yyyy", "1 Feb 2020", ""),
    ("dd/MM/yyyy hh:mm a", "31/01/2020 08:00 PM", "2020-01-31 20:00:00"),
    ("yyyy-MM-dd'T'HH:mm:ssXXX", "2020-01-31T20:00:00+07:00", "2020-01-31 13:00:00+00"),
    ("yyyy-MM-dd'T'HH:mm:ssXXX", "2020-01-31T20:00:00+0700", ""),
    ("yyyy-MM-dd HH:mmXX", "2020-01-31 20:00+0700", "2020-01-31 13:00:00+00"),
    ("yyyy-MM-dd HH:mmx", "2020-01-31 20:00+07", "2020-01-31 13:00:00+00"),
    ("yyyy-MM-dd HH:mm VV", "2020-01-31 20:00 Asia/Ho_Chi_Minh", "2020-01-31 13:00:00+00"),
    ("'ngày' dd 'tháng' MM 'năm' yyyy", "ngày 31 tháng 01 năm 2020", "2020-01-31 00:00:00"),
    ("dd.MM.yyyy (100%)", "31.01.2020 (100%)", "2020-01-31 00:00:00"),
    ("d/M/yyyy 'o''clock'", "1/2/2020 o'clock", "2020-02-01 00:00:00"),
]


@pytest.mark.parametrize(("pattern", "text", "meaning"), READ)
def test_a_format_reads_what_has_its_form_and_nothing_else(pattern: str, text: str, meaning: str) -> None:
    form = read_format(pattern)
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        given = {"text": text, "regex": form.regex, "words": form.strptime}
        (found,) = engine.execute(
            "SELECT CASE WHEN regexp_full_match($text, $regex) THEN CAST(try_strptime($text, $words) AS VARCHAR) END",
            given,
        ).fetchone() or (None,)
    assert found == (meaning or None)


def test_a_z_for_utc_is_of_the_form_and_said_to_be() -> None:
    for pattern, reads_z in (("yyyy-MM-dd'T'HH:mm:ssX", True), ("yyyy-MM-dd'T'HH:mm:ssx", False)):
        assert read_format(pattern).reads_z == reads_z


@pytest.mark.parametrize(
    ("pattern", "date", "time", "offset"),
    [("dd/MM/yyyy", 1, 0, 0), ("MM/yyyy", 0, 0, 0), ("HH:mm", 0, 1, 0), ("yyyy-MM-dd HH:mm:ssXXX", 1, 1, 1)],
)
def test_a_format_says_what_it_tells(pattern: str, date: int, time: int, offset: int) -> None:
    form = read_format(pattern)
    found = ({"year", "month", "day"} <= form.parts, "hour" in form.parts, form.has_offset)
    assert found == (bool(date), bool(time), bool(offset))


PROPOSALS = [
    "DD/MM/YYYY",
    "dd/mm/yyyy",
    "YYYY-MM-DDThh:mm:ss",
    "dd/MM/yyyy hh:mm",
    "%d/%m/%Y %H:%M",
    "yyyy-MM-dd kk:mm",
]


@pytest.mark.parametrize("pattern", PROPOSALS)
def test_what_is_proposed_can_be_read(pattern: str) -> None:
    with pytest.raises(FormatError) as refused:
        read_format(pattern)
    proposal = refused.value.remedy.removeprefix("did you mean `").removesuffix("`?")
    assert {"year", "month", "day"} <= read_format(proposal).parts
