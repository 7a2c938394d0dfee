"""SQL that wants more than the columns of a row: every way of asking we know of, for files, hosts and other tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

SECRET = "hoa-don-7f3a"  # stands in every place that nobody may read
_FILES = ("read_text", "read_blob", "read_csv", "read_csv_auto", "sniff_csv", "glob", "read_json", "read_json_auto",
          "read_json_objects", "read_json_objects_auto", "read_ndjson", "read_ndjson_auto",
          "read_ndjson_objects")  # fmt: skip
_PARQUET = ("read_parquet", "parquet_scan", "parquet_metadata", "parquet_schema", "parquet_file_metadata",
            "parquet_kv_metadata", "parquet_bloom_probe", "delta_scan", "iceberg_scan", "read_xlsx")  # fmt: skip
_CATALOGS = ("duckdb_secrets()", "duckdb_settings()", "duckdb_functions()", "duckdb_tables()", "duckdb_variables()",
             "pragma_database_list()", "pragma_table_info('source')", "information_schema.tables",
             "pg_catalog.pg_settings", "sqlite_master", "query('SELECT 1')", "query_table('source')",
             "json_execute_serialized_sql(json_serialize_sql('SELECT 1'))", "which_secret('s3://x', 's3')",
             "sql_auto_complete('SEL')", "repeat_row(1, num_rows = 2)", "test_all_types()", "range(3)",
             "unnest([1])", "seq_scan('source')", "arrow_scan(0, 0, 0)", "pandas_scan(0)")  # fmt: skip
_AROUND = (
    "(SELECT content FROM {})", "(FROM {})", "EXISTS (FROM {})", '"a" IN (SELECT content FROM {})', "ARRAY(FROM {})",
    "CASE WHEN true THEN (SELECT content FROM {}) END", 'coalesce("a", (SELECT content FROM {}))',
    "[x FOR x IN (SELECT list(content) FROM {})]", "list_transform([1], lambda x: (SELECT content FROM {}))",
    "(WITH w AS (FROM {}) FROM w)", "(SELECT content FROM (VALUES (1)) v POSITIONAL JOIN {})",
    "(PIVOT {} ON content USING count(*))", "(UNPIVOT {} ON content)", "(DESCRIBE FROM {})", "(SUMMARIZE FROM {})",
    '"a" = ANY (SELECT content FROM {})', "struct_pack(x := (SELECT content FROM {}))", "{{'x': (SELECT 1 FROM {})}}",
    "\"a\" || (SELECT string_agg(content, '') FROM {})", "(SELECT content FROM {} LIMIT 1)::VARCHAR",
    "TRY((SELECT content FROM {}))", "(SELECT source.a FROM source ASOF JOIN {} USING (a))",
    "(SELECT unnest(list(content)) FROM {})", "(SELECT COLUMNS(*) FROM {})",
    "(SELECT (FROM {}) UNION ALL SELECT 'x')", '"a"[(SELECT 1 FROM {})]', '"a" BETWEEN \'\' AND (SELECT 1 FROM {})',
    '"a" LIKE (SELECT content FROM {})', "CAST((SELECT content FROM {}) AS VARCHAR)", "(TABLE {})",
)  # fmt: skip
_UNSEEN = tuple(map(chr, (
    0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00A0, 0x2028, 0x2029, 0x202E, 0x202A, 0x2066, 0x3000, 0x00AD, 0x180E,
    0x0085, 0x3164, 0x115F, 0xFFA0, 0x2007, 0x2800, 0x1, 0x7F, 0x0B,
)))  # fmt: skip


def hostile_texts(file: str, parquet: str, url: str) -> list[str]:
    """A few hundred texts; `file` and `parquet` are paths that hold SECRET, `url` is a host that may not be asked."""
    return list(dict.fromkeys(_texts(file, parquet, url)))


def _texts(file: str, parquet: str, url: str) -> Iterator[str]:
    reads = [f"{name}('{file}')" for name in _FILES] + [f"{name}('{parquet}')" for name in _PARQUET]
    reads += [f"'{file}'", f'"{file}"', f"'{parquet}'", f'"{parquet}"', f"'{url}/x.csv'", f"read_text('{url}/x')"]
    for read in [*reads, *_CATALOGS]:
        yield f"(SELECT t::VARCHAR FROM {read} AS t LIMIT 1)"
        yield f"(FROM {read})"
    text = f"read_text('{file}')"
    yield from (around.format(text) for around in _AROUND)
    yield from (around.format(f"'{parquet}'") for around in _AROUND[:8])
    # What nobody sees, where a name could be read for a keyword, or a keyword for a name.
    for unseen, form in itertools.product(_UNSEEN, (0, 1, 2)):
        yield (
            f"(SELECT{unseen}content FROM {text})",
            f'"a" || ({unseen}SELECT content FROM {text})',
            f"upper{unseen}('x') || read_text{unseen}('{file}')",
        )[form]
    yield f"’a’ || (SELECT content FROM {text})"
    yield f"“a“ || (SELECT content FROM {text})"
    yield f"(SELECT content FROM {text}\0)"
    yield from _breaking_out(file, text)
    yield from _beside_the_row()
    yield "(" * 5_000 + '"a"' + ")" * 5_000
    yield "NOT " * 20_000 + "true"
    yield "[" * 3_000 + "]" * 3_000
    yield "upper(" * 400 + '"a"' + ")" * 400
    yield "CASE WHEN true THEN " * 300 + "1" + " END" * 300
    yield '"a" || ' * 40_000 + "'x'"
    yield "'" + "x" * 30_000 + "'"


def _breaking_out(file: str, text: str) -> Iterator[str]:
    """Comments, quotes, brackets and semicolons that end the place where the text stands."""
    yield f"1) FROM {text} --"
    yield f"1), (SELECT content FROM {text}"
    yield f"1); COPY (SELECT 1) TO '{file}.out'; SELECT (1"
    yield f"1); ATTACH '{file}.db'; SELECT (1"
    yield "1); INSTALL httpfs; SELECT (1"
    yield "1); LOAD httpfs; SELECT (1"
    yield "1); SET enable_external_access = true; SELECT (1"
    yield "1); PRAGMA database_list; SELECT (1"
    yield f"1); CREATE TABLE t AS FROM {text}; SELECT (1"
    yield f"1); CREATE MACRO vn_text(x) AS (SELECT content FROM {text}); SELECT (vn_text('')"
    yield f"1); SET VARIABLE f = '{file}'; SELECT (SELECT content FROM read_text(getvariable('f'))"
    yield f"1); EXPORT DATABASE '{file}.d'; SELECT (1"
    yield "1); CALL pragma_version(); SELECT (1"
    yield f"1 -- x\r, (SELECT content FROM {text})"
    yield f"1 /* /* */ */ , (SELECT content FROM {text})"
    yield f"'a'' || (SELECT content FROM {text}) || ''b"
    yield f"E'a\\' || (SELECT content FROM {text}) || E'"
    yield f"e'\\'' || (SELECT content FROM {text})"
    yield f"$$a$$ || (SELECT content FROM {text})"
    yield f"$x$'$x$ || (SELECT content FROM {text})"
    yield f"U&'\\0061' || (SELECT content FROM {text})"
    yield f'"a\'" || (SELECT content FROM {text}) || "\'"'
    yield f"`a` || (SELECT content FROM {text})"
    yield f"x'61' || (SELECT content FROM {text})"


def _beside_the_row() -> Iterator[str]:
    """Settings, variables, the clock, chance, other rows and what is not one value."""
    yield from (
        "getenv('LIENTHONG_DOOR')", "GETENV('LIENTHONG_DOOR')", '"getenv"(\'LIENTHONG_DOOR\')', "getvariable('x')",
        "current_setting('temp_directory')", "current_setting('s3_secret_access_key')", "main.getvariable('x')",
        "'x'.getvariable()", "$1", "?", ":x", "$x", "#1", "@a", "now()", "today()", "current_date", "current_timestamp",
        '"current_date"', "localtime", "current_user", "session_user", "current_query()", "random()", "uuid()",
        "gen_random_uuid()", "nextval('s')", "setseed(1)", "sleep_ms(1)", "error('x')", "write_log('x')",
        "txid_current()", "version()", "in_search_path('main', 'x')", "COLUMNS(*)", "*", "* EXCLUDE (a)", "UNPACK(*)",
        "count(*)", "max(a)", "row_number() OVER ()", "lag(a) OVER ()", "unnest([1, 2])", "TRY(a)",
        "_vn_nfc('a')", "read_text('x')", "query('SELECT 1')", "json_serialize_plan('SELECT 1')",
        "json_execute_serialized_sql('x')", "list_aggregate([1], 'sum')", "a ~ 'x'", "a ^ 2", "map {'a': 1}",
        "a AS b", "a, b", "a; b", "SELECT 1", "FROM source", "VALUES (1)", "PRAGMA version", "ATTACH 'x'",
        "COPY (SELECT 1) TO 'x'", "DROP TABLE source", "SET x = 1", "'x'::regclass", "a::secret",
        "stats(a)", "sum(a) FILTER (a > 1)", "upper(DISTINCT a)", "upper(a ORDER BY a)", "a COLLATE x.y.z(1)",
        "GROUPING(a)", "pg_sleep(1)", "load_extension('x')", "struct_pack(COLUMNS(*))", "", " ", "--", "/* */",
    )  # fmt: skip
