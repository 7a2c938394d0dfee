"""What the `vn_` macros make of a value: what came in on the left, what is published on the right.

A contract uses them in `transformLogic`. `-` is NULL, `␣` a blank, `(NFD)` says that the letters before it came
decomposed. Rendered into the documentation.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from include.vietnam import register

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        register(opened, SCHEMAS)
        yield opened


def check(db: duckdb.DuckDBPyConnection, table: str) -> None:
    """The first column is the value, each further column is headed by a macro and holds what it gives."""
    lines = [line for line in textwrap.dedent(table).strip().splitlines() if "---" not in line]
    (_, *macros), *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    for value, *expected in rows:
        calls = ", ".join(f"CAST({macro}($1) AS VARCHAR)" for macro in macros)
        found = db.execute(f"SELECT {calls}", [as_received(value)]).fetchall()[0]
        assert dict(zip(macros, found, strict=True)) == {
            macro: None if cell == "-" else cell for macro, cell in zip(macros, expected, strict=True)
        }, value


def as_received(cell: str) -> str | None:
    text = cell.replace("␣", " ")
    if text.endswith(" (NFD)"):
        text = unicodedata.normalize("NFD", text.removesuffix(" (NFD)"))
    return None if text == "-" else text


def test_names(db: duckdb.DuckDBPyConnection) -> None:
    """A name is composed, its blanks tidied, a look-alike of Đ repaired; the fold is only for comparing."""
    check(
        db,
        """
        received             | vn_text         | vn_name         | vn_fold
        ---------------------+-----------------+-----------------+----------------
        Nguyễn Văn An        | Nguyễn Văn An   | Nguyễn Văn An   | nguyen van an
        Nguyễn Văn An (NFD)  | Nguyễn Văn An   | Nguyễn Văn An   | nguyen van an
        ␣NGUYỄN␣␣VĂN AN␣     | NGUYỄN VĂN AN   | NGUYỄN VĂN AN   | nguyen van an
        Ðặng Thị Đào         | Ðặng Thị Đào    | Đặng Thị Đào    | dang thi dao
        H' Hen Niê           | H' Hen Niê      | H' Hen Niê      | h' hen nie
        ␣␣                   | -               | -               | -
        -                    | -               | -               | -
        """,
    )


def test_where_the_tone_stands(db: duckdb.DuckDBPyConnection) -> None:
    """Two schools write the tone of an open oa, oe, uy differently; elsewhere there is one spelling only."""
    check(
        db,
        """
        received     | vn_tone_fold
        -------------+-------------
        Hòa          | Hoà
        Hoà          | Hoà
        THÚY HÒE     | THUÝ HOÈ
        Quý          | Quý
        Toán Thùy    | Toán Thuỳ
        Ngoài Huỳnh  | Ngoài Huỳnh
        """,
    )


def test_old_encodings(db: duckdb.DuckDBPyConnection) -> None:
    """Text from TCVN3 and VNI fonts is told from proper text, in either form, and from foreign names."""
    check(
        db,
        """
        received            | vn_is_legacy_encoded
        --------------------+---------------------
        NguyÔn V¨n §¹t      | true
        Nguyeãn Vaên Ñaït   | true
        Nguyễn Văn Đạt      | false
        Nguyễn Văn Đạt (NFD)| false
        Nguyen Van Dat      | false
        Hà Tú               | false
        François Müller     | false
        -                   | false
        """,
    )


def test_birth_dates(db: duckdb.DuckDBPyConnection) -> None:
    """Many birth dates are a year only: the first of January stands for it, and the precision says so."""
    check(
        db,
        """
        received            | vn_date    | vn_date_precision
        --------------------+------------+------------------
        05/03/1980          | 1980-03-05 | day
        5/3/1980            | 1980-03-05 | day
        1980-03-05          | 1980-03-05 | day
        01/01/1980          | 1980-01-01 | day
        1980                | 1980-01-01 | year
        00/00/1980          | 1980-01-01 | year
        00/03/1980          | 1980-03-01 | month
        29/02/1981          | -          | -
        31/02/1980          | -          | -
        03/15/1980          | -          | -
        5/3/80              | -          | -
        không rõ            | -          | -
        """,
    )


def test_instants(db: duckdb.DuckDBPyConnection) -> None:
    """A moment in ISO 8601, its offset kept: the contract's `defaultTimezone` says whose clock showed one without."""
    check(
        db,
        """
        received                  | vn_timestamp
        --------------------------+--------------------------
        05/03/2026 07:05:09       | 2026-03-05 07:05:09
        5/3/2026 7:05             | 2026-03-05 07:05:00
        2026-03-05 07:05:09       | 2026-03-05 07:05:09
        2026-03-05T07:05:09.25    | 2026-03-05T07:05:09.25
        2026-03-05T00:05:09Z      | 2026-03-05T00:05:09Z
        2026-03-05T07:05:09+07:00 | 2026-03-05T07:05:09+07:00
        05/03/2026                | 2026-03-05 00:00:00
        05/03/2026 24:00:00       | -
        31/04/2026 07:05:09       | -
        """,
    )


def test_months(db: duckdb.DuckDBPyConnection) -> None:
    """A month is its first day."""
    check(
        db,
        """
        received   | vn_month
        -----------+-----------
        2026-03    | 2026-03-01
        03/2026    | 2026-03-01
        3/2026     | 2026-03-01
        2026-03-01 | 2026-03-01
        2026-03-15 | -
        2026-13    | -
        """,
    )


def test_numbers(db: duckdb.DuckDBPyConnection) -> None:
    """Dot between thousands, comma before decimals. One dot before exactly three digits is one between thousands."""
    check(
        db,
        """
        received      | vn_number          | vn_int
        --------------+--------------------+--------
        1234          | 1234.0000000000    | 1234
        1.234,5       | 1234.5000000000    | -
        1.234         | 1234.0000000000    | 1234
        1,234         | 1.2340000000       | -
        0.125         | 0.1250000000       | -
        1234.5        | 1234.5000000000    | -
        1.234.567     | 1234567.0000000000 | 1234567
        1,234,567     | 1234567.0000000000 | 1234567
        1,234.5       | 1234.5000000000    | -
        1.234.567,00  | 1234567.0000000000 | 1234567
        -1.500        | -1500.0000000000   | -1500
        1.23.456      | -                  | -
        1 234         | -                  | -
        12 m2         | -                  | -
        """,
    )


def test_identifiers(db: duckdb.DuckDBPyConnection) -> None:
    """Separators go, digits stay: nothing is padded, and what is no identifier is left for a rule to reject."""
    check(
        db,
        """
        received          | vn_digits    | vn_cccd_birth_year | vn_cccd_sex
        ------------------+--------------+--------------------+------------
        001190012345      | 001190012345 | 1990               | female
        001.190-012 345   | 001190012345 | 1990               | female
        036204000001      | 036204000001 | 2004               | male
        1190012345        | 1190012345   | -                  | -
        1190012345.0      | 1190012345.0 | -                  | -
        N/A-0100109106    | N/A-0100109106 | -                | -
        """,
    )


def test_tax_codes(db: duckdb.DuckDBPyConnection) -> None:
    """Ten digits with a check digit, a branch behind a dash, or a personal id."""
    check(
        db,
        """
        received        | vn_mst         | vn_mst_is_valid
        ----------------+----------------+----------------
        0100109106      | 0100109106     | true
        0100109107      | 0100109107     | false
        100109106       | 100109106      | false
        0100109106-001  | 0100109106-001 | true
        0100109106001   | 0100109106-001 | true
        0100109106-000  | 0100109106-000 | false
        100109106-001   | 100109106-001  | false
        001190012345    | 001190012345   | true
        ABC             | ABC            | false
        -               | -              | -
        """,
    )


def test_sex(db: duckdb.DuckDBPyConnection) -> None:
    """The codes of the health files, or words."""
    check(
        db,
        """
        received       | vn_sex
        ---------------+--------
        1              | male
        2              | female
        3              | unknown
        Nam            | male
        NỮ             | female
        Không xác định | unknown
        9              | -
        """,
    )


def test_wards(db: duckdb.DuckDBPyConnection) -> None:
    """00001 ended and went into one ward; 00226 was divided, and one part keeps its code; 11948 is new."""
    check(
        db,
        """
        received | vn_ward_current | vn_ward_candidates
        ---------+-----------------+-------------------
        00001    | 00097           | [00097]
        00004    | 00004           | [00004]
        00226    | 00226           | [00226, 00229]
        11948    | 11948           | [11948]
        1        | -               | -
        99999    | -               | -
        """,
    )
