"""The code lists: complete, consistent with each other, and what their README says."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from include.vietnam import reference_lists, register

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
LISTS = reference_lists(SCHEMAS)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        register(opened, SCHEMAS)
        yield opened


def count(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    return db.sql(f"SELECT count(*) FROM {relation}").fetchall()[0][0]


def test_the_readme_names_every_list_with_its_number_of_rows(db: duckdb.DuckDBPyConnection) -> None:
    readme = (SCHEMAS / "reference" / "README.md").read_text(encoding="utf-8")
    stated = {
        name: int(rows.replace(",", "")) for name, rows in re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", readme, re.M)
    }
    assert stated == {name: count(db, f"ref_{name}") for name in LISTS}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_composed_text_in_order_without_stray_blanks(name: str) -> None:
    content = LISTS[name].read_text(encoding="utf-8")
    assert content == unicodedata.normalize("NFC", content)
    assert content.endswith("\n")
    assert "\r" not in content
    header, *rows = csv.reader(content.splitlines())
    assert rows == sorted(
        rows, key=lambda row: row[: header.index("new_code") + 1] if "new_code" in header else row[:1]
    )
    assert not [cell for row in rows for cell in row if cell != " ".join(cell.split())]


@pytest.mark.parametrize("name", [name for name in LISTS if name != "ward_changes"])
def test_every_code_has_a_name_and_periods_of_one_code_never_overlap(db: duckdb.DuckDBPyConnection, name: str) -> None:
    assert count(db, f"ref_{name} WHERE code IS NULL OR name IS NULL OR valid_from IS NULL") == 0
    assert count(db, f"ref_{name} WHERE valid_until < valid_from") == 0
    overlaps = f"""ref_{name} AS a JOIN ref_{name} AS b ON a.code = b.code AND a.valid_from < b.valid_from
        AND coalesce(a.valid_until, DATE '9999-12-31') >= b.valid_from"""
    assert count(db, overlaps) == 0
    assert count(db, f"(SELECT DISTINCT code, valid_from FROM ref_{name})") == count(db, f"ref_{name}")


def test_the_reform_of_2025_left_34_provinces_and_3321_wards(db: duckdb.DuckDBPyConnection) -> None:
    assert count(db, "ref_provinces WHERE valid_until = '2025-06-30'") == 63
    assert count(db, "(SELECT DISTINCT code FROM ref_provinces WHERE valid_from >= '2025-07-01')") == 34
    assert count(db, "ref_districts") == 696
    assert count(db, "ref_wards WHERE valid_until = '2025-06-30'") == 10_035
    assert count(db, "ref_wards WHERE valid_until IS NULL") == 3_321


def test_every_ward_lies_in_a_province_of_its_time(db: duckdb.DuckDBPyConnection) -> None:
    homeless = """ref_wards AS w WHERE NOT EXISTS (FROM ref_provinces AS p WHERE p.code = w.province_code
        AND w.valid_from <= coalesce(p.valid_until, DATE '9999-12-31')
        AND p.valid_from <= coalesce(w.valid_until, DATE '9999-12-31'))"""
    assert count(db, homeless) == 0
    assert count(db, "ref_wards WHERE (district_code IS NULL) <> (valid_until IS NULL)") == 0
    assert (
        count(db, "ref_wards ANTI JOIN ref_districts AS d ON district_code = d.code WHERE district_code IS NOT NULL")
        == 0
    )


def test_every_old_ward_has_successors_and_one_default(db: duckdb.DuckDBPyConnection) -> None:
    old = "(SELECT code FROM ref_wards WHERE valid_until = '2025-06-30')"
    new = "(SELECT code FROM ref_wards WHERE valid_until IS NULL)"
    assert count(db, f"{old} AS o ANTI JOIN ref_ward_changes ON old_code = o.code") == 0
    assert count(db, f"ref_ward_changes ANTI JOIN {old} AS o ON old_code = o.code") == 0
    assert count(db, f"ref_ward_changes ANTI JOIN {new} AS n ON new_code = n.code") == 0
    by_code = "SELECT old_code, count_if(is_default = 'true') AS defaults, count(*) AS all_, min(is_whole) AS is_whole"
    assert count(db, f"({by_code} FROM ref_ward_changes GROUP BY 1) WHERE defaults <> 1") == 0
    assert count(db, f"({by_code} FROM ref_ward_changes GROUP BY 1) WHERE is_whole = 'true' AND all_ = 1") == 9_564
    assert count(db, f"({by_code} FROM ref_ward_changes GROUP BY 1) WHERE is_whole = 'false' AND all_ > 1") == 471


def test_the_five_island_wards_alone_have_no_predecessor(db: duckdb.DuckDBPyConnection) -> None:
    made = "ref_wards AS w ANTI JOIN ref_ward_changes ON new_code = w.code WHERE w.valid_until IS NULL"
    assert {name for (name,) in db.sql(f"SELECT name FROM {made}").fetchall()} == {
        "Đặc khu Bạch Long Vĩ",
        "Đặc khu Cồn Cỏ",
        "Đặc khu Hoàng Sa",
        "Đặc khu Lý Sơn",
        "Đặc khu Côn Đảo",
    }


def test_a_personal_id_prefix_is_its_old_province_code_behind_a_zero(db: duckdb.DuckDBPyConnection) -> None:
    assert count(db, "ref_cccd_prefixes") == 63
    assert count(db, "ref_cccd_prefixes WHERE code <> '0' || province_code") == 0
    old = "(SELECT code FROM ref_provinces WHERE valid_until = '2025-06-30')"
    assert count(db, f"ref_cccd_prefixes AS c SEMI JOIN {old} AS p ON p.code = c.province_code") == 63


def test_the_codes_that_rules_name_are_there(db: duckdb.DuckDBPyConnection) -> None:
    codes = {
        name: {row[0] for row in db.sql(f"SELECT code FROM ref_{name}").fetchall()}
        for name in LISTS
        if name != "ward_changes"
    }
    assert codes["ethnicities"] == {f"{number:02d}" for number in range(1, 55)}
    assert codes["tax_statuses"] == {f"{number:02d}" for number in range(11)}
    assert codes["benefit_levels"] == set("12345")
    assert {"ODT", "ONT", "CLN", "LUC"} <= codes["land_uses"]
    assert {"DN", "HT", "TE", "GD"} <= codes["health_card_groups"]
    assert count(db, "ref_health_card_groups ANTI JOIN ref_benefit_levels AS b ON benefit_code = b.code") == 0
    assert {"VN", "LA", "KH", "FR"} <= codes["nationalities"]
