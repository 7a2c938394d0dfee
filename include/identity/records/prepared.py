"""What is compared and blocked on: one narrow row per record, numbered, made from the records by DuckDB."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from include.identity.records.blocking import BLOCK_CAP
from include.lake.storage import scan
from include.vietnam import register_macros

# A date of 1 January is held to be a year only: older systems wrote it where nothing else was known.
_PREPARED = """
CREATE OR REPLACE TEMP TABLE prepared AS
WITH read AS (SELECT * FROM {records}),
shared AS (
    SELECT number FROM (SELECT unnest([personal_id, tax_code, old_id, passport, phone]) AS number FROM read)
    WHERE number IS NOT NULL GROUP BY number HAVING count(*) > {cap}
),
cleaned AS (
    SELECT * REPLACE (
        CASE WHEN personal_id NOT IN (SELECT number FROM shared) THEN personal_id END AS personal_id,
        CASE WHEN old_id NOT IN (SELECT number FROM shared) THEN old_id END AS old_id,
        CASE WHEN passport NOT IN (SELECT number FROM shared) THEN passport END AS passport,
        CASE WHEN phone NOT IN (SELECT number FROM shared) THEN phone END AS phone,
        coalesce(places, []::VARCHAR[]) AS places),
        CASE WHEN length(tax_code) = 12 AND tax_code NOT IN (SELECT number FROM shared) THEN tax_code END AS tax_id
    FROM read
), told AS (
    SELECT *, vn_cccd_birth_year(coalesce(personal_id, tax_id)) AS says_year,
           vn_cccd_sex(coalesce(personal_id, tax_id)) AS says_sex
    FROM cleaned
)
SELECT CAST(row_number() OVER (ORDER BY record_id) AS INTEGER) AS unique_id,
       record_id, registry || '.' || "table" AS source, is_population,
       coalesce(personal_id, tax_id) AS personal_id,
       list_filter(list_distinct([personal_id, tax_id]), lambda x: x IS NOT NULL) AS ids,
       -- An id is sound if what it says of birth and sex is what its own record says, as far as it says anything.
       says_year IS NOT NULL AND coalesce(says_year = birth_year, TRUE) AND coalesce(says_sex = sex, TRUE)
           AS is_sound_id,
       -- What only the id says, and what is said without an id: these are set against each other.
       CASE WHEN birth_key IS NULL THEN says_year END AS id_year,
       CASE WHEN coalesce(personal_id, tax_id) IS NULL THEN birth_year END AS bare_year,
       CASE WHEN sex IS NULL THEN says_sex END AS id_sex,
       CASE WHEN coalesce(personal_id, tax_id) IS NULL THEN sex END AS bare_sex,
       old_id, insurance_number, right(health_card, 10) AS card_number, tax_code,
       name_key, lower(link_tones(name)) AS name_tone,
       array_to_string(list_sort(string_split(name_key, ' ')), ' ') AS name_sorted,
       strip_accents(lower(name)) <> lower(name) OR contains(lower(name), 'đ') AS has_marks,
       array_to_string(list_transform(string_split(name_key, ' '), lambda x: left(x, 1)), '') AS initials,
       regexp_matches(name_key, '(^| ).( |$)') AS has_initial,
       family, middle, given, is_split,
       birth_key, birth_year,
       CASE WHEN birth_key IS NULL THEN NULL WHEN birth_precision = 'day' AND right(birth_key, 4) <> '0101' THEN 'day'
            ELSE 'year' END AS birth_precision,
       sex, place, places, place_province, passport, nationality, address_key, phone, mother_id, father_id
FROM told
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The table `prepared` of a connection: how many records, and how many rows the largest population-like table has.

    `roles` are the prepared columns with a value in two tables or more, or in the only table there is. `is_split`: all
    names came apart; `is_ward`: most places are wards of the code list; `is_dated`: most personal ids say a year of
    birth and a sex, as those of Vietnam do.
    """

    records: int
    named: int
    population: int
    roles: frozenset[str]
    is_split: bool
    is_ward: bool
    is_dated: bool


_COMPARABLE = (
    *(
        "name_key",
        "birth_key",
        "sex",
        "place",
        "personal_id",
        "old_id",
        "passport",
        "nationality",
        "address_key",
        "phone",
    ),
)


def prepare(connection: duckdb.DuckDBPyConnection, records_uri: str) -> Prepared:
    """Make the temporary table `prepared` from the records at `records_uri`."""
    # The tone of an open oa, oe, uy stands on either vowel (see text.sql of the macros); the key has no marks anyway.
    connection.execute("CREATE OR REPLACE TEMP MACRO link_tones(s) AS " + _tones(["oa", "oe", "uy"]))
    register_macros(connection, [_PREPARED])
    connection.execute(_PREPARED.format(records=scan(records_uri), cap=BLOCK_CAP))
    counted = ", ".join(f"count(DISTINCT CASE WHEN {c} IS NOT NULL THEN source END) AS {c}" for c in _COMPARABLE)
    row = connection.execute(
        f"SELECT count(*), count(name_key), count(DISTINCT CASE WHEN name_key IS NOT NULL THEN source END), "
        f"coalesce(count(place_province) >= 0.5 * count(place), TRUE), "
        f"coalesce(bool_and(is_split) FILTER (name_key IS NOT NULL), FALSE), "
        f"coalesce(avg(CAST(vn_cccd_birth_year(personal_id) IS NOT NULL AS INT)) >= 0.5, FALSE), {counted} "
        "FROM prepared"
    ).fetchone()
    if row is None:
        raise AssertionError("a count gives a row")
    needed = min(2, row[2])
    roles = frozenset(name for name, tables in zip(_COMPARABLE, row[6:], strict=True) if tables >= max(needed, 1))
    largest = connection.execute(
        "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM prepared WHERE is_population GROUP BY source)"
    ).fetchone()
    return Prepared(row[0], row[1], largest[0] if largest else 0, roles, bool(row[4]), bool(row[3]), bool(row[5]))


def _tones(pairs: list[str]) -> str:
    marks = {"o": "òóỏõọ", "u": "ùúủũụ"}
    moved = {"a": "àáảãạ", "e": "èéẻẽẹ", "y": "ỳýỷỹỵ"}
    expression = "lower(s)"
    for pair in pairs:
        for old, new in zip(marks[pair[0]], moved[pair[1]], strict=True):
            expression = f"replace({expression}, '{old}{pair[1]}', '{pair[0]}{new}')"
    return expression
