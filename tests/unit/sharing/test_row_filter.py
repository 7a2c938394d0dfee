"""A row filter is one plain condition over a row's columns; whatever else somebody writes there is refused."""

from __future__ import annotations

import pytest

from include.sharing.products.row_filter import FilterRefused, compile_filter
from tests.hostile_sql import hostile_texts

from .conftest import CITIZEN


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("", "true"),
        ("status_code = '1'", "\"status_code\" = '1'"),
        ("STATUS_CODE IN ('1', '2')", "\"STATUS_CODE\" IN ('1', '2')"),
        ("status_code = '1' -- and more", "\"status_code\" = '1'"),
        ("birth_date >= DATE '1990-01-01'", "\"birth_date\" >= CAST('1990-01-01' AS DATE)"),
        ("NOT (full_name LIKE 'Ng%' OR birth_date IS NULL)", 'NOT ("full_name" LIKE \'Ng%\' OR "birth_date" IS NULL)'),
        ("full_name = 'a''; DROP TABLE x; --'", "\"full_name\" = 'a''; DROP TABLE x; --'"),
        ("birth_date BETWEEN DATE '1990-01-01' AND DATE '1999-12-31'", None),
        ("substring(personal_id, 1, 3) = '001'", None),
        ("left(personal_id, 3) = '001' AND length(personal_id) = 12", None),
        ("year(birth_date) < 2000", None),
    ],
)
def test_a_plain_condition_is_written_anew(text: str, sql: str | None) -> None:
    compiled = compile_filter(text, CITIZEN)
    if sql is not None:
        assert compiled == sql


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("status_code = '1'; DROP TABLE citizen", "more than one statement"),
        ("DROP TABLE citizen", "may not"),
        ("personal_id IN (SELECT personal_id FROM x)", "may not"),
        ("EXISTS (SELECT 1)", "may not"),
        ("(SELECT true)", "may not"),
        ("status_code = '1' UNION SELECT 1", "may not"),
        ("read_text('/etc/passwd') IS NOT NULL", "the function read_text()"),
        ("getenv('HOME') = 'x'", "the function getenv()"),
        ("getvariable('x') = 'x'", "the function getvariable()"),
        ("random() < 0.5", "rand"),
        ("updated_at < now()", "may not"),
        ("birth_date < current_date", "not a column"),
        ("count(*) > 1", "may not"),
        ("row_number() OVER () = 1", "may not"),
        ("_deleted_at IS NOT NULL", "not a column"),
        ("_inner IS NULL", "not a column"),
        ("nosuch = 1", "not a column"),
        ("citizen.status_code = '1'", "with a table or schema"),
        ("status_code = $1", "may not"),
        ("status_code = ?", "may not"),
        ("list_filter([1], x -> x > 0) IS NOT NULL", "may not"),
        ("CASE WHEN true THEN true END", "may not"),
        ("full_name SIMILAR TO '(a+)+$'", "may not"),
        ("*", "may not"),
        ("status_code", "not a condition"),
        ("1", "not a condition"),
        ("birth_date > 5", "types that do not fit"),
        ("status_code = ", "not SQL"),
        ("'", "not SQL"),
        ("status_code = '1' AND", "not SQL"),
    ],
)
def test_anything_else_is_refused(text: str, why: str) -> None:
    with pytest.raises(FilterRefused) as refused:
        compile_filter(text, CITIZEN)
    assert why in str(refused.value)


def test_no_hostile_text_is_a_filter() -> None:
    for text in filter(str.strip, hostile_texts("/etc/passwd", "/srv/other.parquet", "http://127.0.0.1:9")):
        with pytest.raises(FilterRefused):
            pytest.fail(f"taken for a filter: {text!r} as {compile_filter(text, CITIZEN)!r}")
