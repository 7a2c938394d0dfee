"""Published tables to one list of person records, by link roles: names folded, places of today, dates as known."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from include.contracts.model import Contract, LinkRole
from include.identity.records.record_schema import RECORDS
from include.identity.records.roles import LinkedTable, linked_tables
from include.lake.delta import view_of
from include.lake.storage import SERVER, Lake, literal, quote, restrict_access
from include.vietnam import WARD_LISTS, reference_lists, register


def collect(lake: Lake, contracts: Iterable[Contract], schemas_dir: Path, out_uri: str) -> int:
    """Write every record of a person that the published tables hold, as RECORDS; returns how many.

    A table that was never published has no records. The rows come in the order of `record_id`.

    Raises:
        LinkRolesIncomplete: a contract's link roles cannot be used.
    """
    tables = linked_tables(contracts)
    lake.make_folder(out_uri.rpartition("/")[0])
    with lake.connect(memory_limit="3GB") as connection:
        selects: list[str] = []
        files: list[str] = []
        for number, linked in enumerate(tables):
            uri = lake.registry_table(linked.table.registry, linked.table.name)
            if lake.is_table(uri):
                delta = lake.table(uri)
                view_of(connection, f"published_{number}", delta, found := delta.file_uris())
                files += found
                columns = {row[0] for row in connection.execute(f"DESCRIBE published_{number}").fetchall()}
                selects.append(_select(linked, f"published_{number}", columns))
        before = _places_and_keys(has_wards=reference_lists(schemas_dir).keys() >= WARD_LISTS)
        register(connection, schemas_dir, [*before, *selects, _SHAPED])
        for statement in before:
            connection.execute(statement)
        restrict_access(connection, reads=files, writes=[out_uri])
        return _write(connection, selects, out_uri)


def _places_and_keys(has_wards: bool) -> list[str]:
    """Statements of table `place_of`, and of macros for keys of texts and numbers.

    `place_of`: code -> the wards it may stand for today, the likeliest first, and their province.
    """
    wards = (
        """SELECT _vn_code AS code, _vn_candidates AS places, any_value(r.province_code) AS province FROM _vn_wards
           LEFT JOIN ref_wards AS r ON r.code = _vn_candidates[1] AND r.valid_until IS NULL GROUP BY ALL"""
        if has_wards
        else "SELECT ''::VARCHAR AS code, []::VARCHAR[] AS places, NULL::VARCHAR AS province WHERE FALSE"
    )
    return [
        f"CREATE OR REPLACE TEMP TABLE place_of AS {wards}",
        # Text is folded as contracts fold it; y and i, which vary (Mỹ, Mĩ), are one letter of a key.
        r"""CREATE OR REPLACE TEMP MACRO link_key(s) AS
            nullif(trim(regexp_replace(translate(vn_fold(s), 'y', 'i'), '[^\p{L}\p{N}]+', ' ', 'g')), '')""",
        r"""CREATE OR REPLACE TEMP MACRO link_number(s) AS
            nullif(upper(regexp_replace(vn_text(s), '[^\p{L}\p{N}]', '', 'g')), '')""",
    ]


def _select(linked: LinkedTable, published: str, present: set[str]) -> str:
    def text(role: LinkRole) -> str:
        columns = [quote(c.name) for c in linked.columns(role) if c.name in present]
        if not columns:
            return "NULL::VARCHAR"
        return f"CAST({columns[0]} AS VARCHAR)" if len(columns) == 1 else f"concat_ws(' ', {', '.join(columns)})"

    def number(role: LinkRole) -> str:
        return f"link_number({text(role)})"

    keys = [*linked.table.primary_key]
    if linked.table.key_scope == "server" and SERVER in present:  # else a row that moves to another server stays itself
        keys.append(SERVER)
    key = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in keys)
    names = (
        "vn_name("
        + (
            text("name")
            if linked.columns("name")
            else f"nullif(concat_ws(' ', {text('family_name')}, {text('given_name')}), '')"
        )
        + ")"
    )
    places = [quote(c.name) for c in linked.columns("place") if c.name in present]
    birth, precision = text("birth_date"), text("birth_precision")
    updated = quote("updated_at") if "updated_at" in present else "NULL"
    condition = f"WHERE {linked.when}" if linked.when else ""
    given = f"link_key({text('given_name')})"
    family = f"link_key({text('family_name')})"
    is_split = not linked.columns("name")
    return f"""
    SELECT {literal(linked.name)} || ':' || to_json([{key}])::VARCHAR AS record_id,
           {literal(linked.table.registry)} AS registry, {literal(linked.table.name)} AS "table",
           {number("personal_id")} AS personal_id, {number("old_id")} AS old_id,
           {names} AS name,
           {family if is_split else "NULL::VARCHAR"} AS family_given,
           {given if is_split else "NULL::VARCHAR"} AS given_given,
           {str(is_split).upper()} AS is_split,
           {birth} AS birth_text, {precision} AS precision_text, lower({text("sex")}) AS sex_text,
           [{", ".join(f"CAST({p} AS VARCHAR)" for p in places)}]::VARCHAR[] AS place_texts,
           {number("mother")} AS mother_id, {number("father")} AS father_id, {number("tax_code")} AS tax_code,
           {number("insurance_number")} AS insurance_number, {number("health_card")} AS health_card,
           {number("passport")} AS passport, {number("nationality")} AS nationality,
           link_key({text("address")}) AS address_key, {number("phone")} AS phone,
           TRY_CAST({updated} AS TIMESTAMP) AS updated_at, {str(linked.is_population).upper()} AS is_population
    FROM {quote(published)} {condition}"""


_SHAPED = r"""
    WITH placed AS (
        SELECT t.record_id,
               list_distinct(flatten(list(coalesce(p.places, [link_key(u.code)]) ORDER BY u.n))) AS places_any,
               first(coalesce(p.places[1], link_key(u.code)) ORDER BY u.n) AS place,
               first(p.province ORDER BY u.n) AS place_province
        FROM (SELECT record_id, unnest(place_texts) AS code, generate_subscripts(place_texts, 1) AS n FROM told) AS u
        JOIN told AS t USING (record_id) LEFT JOIN place_of AS p ON p.code = u.code
        WHERE u.code IS NOT NULL GROUP BY t.record_id
    ),
    dated AS (
        SELECT *, vn_date(birth_text) AS vn_birth,
               nullif(regexp_replace(coalesce(birth_text, ''), '[^0-9]', '', 'g'), '') AS digits FROM told
    ),
    born AS (
        SELECT *, coalesce(vn_birth, CAST(try_strptime(digits, '%Y%m%d') AS DATE)) AS birth_date,
               CASE WHEN vn_birth IS NULL AND digits IS NULL THEN NULL
                    ELSE coalesce(nullif(lower(precision_text), ''), vn_date_precision(birth_text), 'day') END
                   AS birth_precision
        FROM dated
    ),
    words AS (SELECT *, string_split(name_key, ' ') AS w FROM born)
    SELECT w.record_id, registry, "table", personal_id, old_id, name, name_key,
           CASE WHEN is_split THEN family_given WHEN len(w) > 1 THEN w[1] END AS family,
           CASE WHEN NOT is_split AND len(w) > 2 THEN array_to_string(w[2:-2], ' ') END AS middle,
           CASE WHEN is_split THEN given_given ELSE w[-1] END AS given,
           birth_date, birth_precision,
           coalesce(year(birth_date), TRY_CAST(left(digits, 4) AS INTEGER)) AS birth_year,
           coalesce(strftime(birth_date, '%Y%m%d'), digits) AS birth_key,
           CASE WHEN sex_text IN ('male', 'm', 'nam') THEN 'male'
                WHEN sex_text IN ('female', 'f', 'nu', 'nữ') THEN 'female' END AS sex,
           p.place, list_sort(p.places_any) AS places, p.place_province,
           mother_id, father_id, tax_code, insurance_number, health_card, passport, nationality, address_key, phone,
           updated_at,
           '' AS digest, is_split, is_population
    FROM words AS w LEFT JOIN placed AS p USING (record_id)"""


def _write(connection: duckdb.DuckDBPyConnection, selects: list[str], out_uri: str) -> int:
    connection.register("no_records", RECORDS.empty_table())
    for number, select in enumerate(selects):  # one at a time, for the planner's sake
        into = "INSERT INTO told BY NAME" if number else "CREATE TEMP TABLE told AS"
        # A macro of a macro is written out many times over: planning it takes half a second, planning two layers none.
        connection.execute(f"{into} SELECT *, link_key(name) AS name_key FROM ({select})")
    told = ", ".join(quote(name) for name in RECORDS.names if name not in ("digest", "updated_at"))
    rows = (
        f"SELECT * REPLACE (md5(CAST(row({told}) AS VARCHAR)) AS digest) FROM ({_SHAPED})"
        if selects
        else "SELECT * FROM no_records"
    )
    columns = ", ".join(quote(name) for name in RECORDS.names)
    connection.execute(
        f"COPY (SELECT {columns} FROM (SELECT * FROM no_records UNION ALL BY NAME {rows}) ORDER BY record_id) "
        f"TO {literal(out_uri)} (FORMAT parquet, COMPRESSION zstd)"
    )
    counted = connection.execute(f"SELECT count(*) FROM read_parquet({literal(out_uri)})").fetchone()
    return int(counted[0]) if counted else 0
