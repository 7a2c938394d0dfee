"""Hashes by which workers compare rows: values that differ have texts that differ, and a suspect is never left out."""

from __future__ import annotations

from itertools import combinations

import duckdb
import pytest

from include.cluster import part_sizes
from include.lake.upsert import suspects

ROWS = {
    ("VARCHAR", "VARCHAR"): ["('1:1', '')", "('1', '1:')", "('', '1:1')", "(NULL, '1')", "('1', NULL)", "('', NULL)"],
    ("DOUBLE", "FLOAT"): ["(0.1, 0)", "(0.1 + 2e-17, 0)", "(0.3, 0)", "(0.1::DOUBLE + 0.2::DOUBLE, 0)", "('nan', 0)"],
    ("VARCHAR[]", "VARCHAR"): ["([], '')", "(NULL, '')", "([NULL], '')", "([''], '')", "(['a', 'b'], '')",
                               "(['a1:b'], '')", "(['a'], 'b')"],
    ("BLOB", "VARCHAR"): ["('\\xFF', '')", "('\\x5CxFF', '')", "('', '\\xFF')", "(NULL, '\\xFF')"],
    ("TIMESTAMPTZ", "DATE"): ["('2026-01-01', '2026-01-01')", "('2026-01-01 00:00:00.000001', '2026-01-01')",
                              "('infinity', '2026-01-01')", "('2026-01-01', '0001-01-01 (BC)')"],
    ("DECIMAL(38,2)", "BOOLEAN"): ["('1' || repeat('0', 35), true)", "('1' || repeat('0', 35) || '.01', true)",
                                   "('1' || repeat('0', 35), false)"],
}  # fmt: skip


@pytest.mark.parametrize("kinds", ROWS, ids="-".join)
def test_rows_that_differ_have_texts_that_differ(kinds: tuple[str, str]) -> None:
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        values = " UNION ALL ".join(f"SELECT row{row} AS given" for row in ROWS[kinds])
        cast = ", ".join(f"CAST(given[{n}] AS {kind}) AS c{n}" for n, kind in enumerate(kinds, 1))
        db.execute(f"CREATE TABLE given AS SELECT {cast} FROM ({values})")
        text = ", ".join(suspects._texts(f"c{n}", kind) for n, kind in enumerate(kinds, 1))
        found = db.execute(f"SELECT concat({text}), c1, c2 FROM given").fetchall()
    texts = [row[0] for row in found]
    assert all(left != right for left, right in combinations(texts, 2)), texts


def test_a_digest_keeps_all_its_bits() -> None:
    given = ["0" * 16, "f" * 16, "8" + "0" * 15, "7" + "f" * 15]
    with duckdb.connect() as db:
        found = [db.execute(f"SELECT {suspects._bits('?')}", [digits]).fetchall()[0][0] for digits in given]
    assert found == [-(2**63), 2**63 - 1, 0, -1]


@pytest.mark.parametrize(("rows", "size"), [(0, 5), (1, 5), (5, 5), (6, 5), (11, 5)])
def test_every_row_is_in_one_part(rows: int, size: int) -> None:
    parts = part_sizes.equal_ranges(rows, size)
    assert [number for part in parts for number in part] == list(range(rows))
    assert all(0 < len(part) <= size for part in parts)
