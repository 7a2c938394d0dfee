"""Which type and which text every value of PostgreSQL lands as, by both ways of reading and from any encoding.

Older tests did not see these: all had a database in UTF-8, a reader who sees every row, and a server with the settings
that PostgreSQL is shipped with.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import psycopg
import pytest
from psycopg import sql

from include.contracts.model import Column
from include.lake.storage.lake import Lake
from include.sources.access import SourceDenied
from include.sources.access.errors import RowsHidden
from include.sources.open_object import ReadRequest
from tests.extracts import contract_of, rows_of, take, types_of
from tests.repeats import held_by
from tests.unit.sources.parts import contract_by, landed, opened, rows

pytestmark = pytest.mark.slow

# type, value as SQL, type that lands, its text as DuckDB writes it
VALUES = [
    ("text[]", """'{a,NULL,"b,c"}'""", "VARCHAR", '["a",null,"b,c"]'),
    ("int[]", "'{{1,2},{3,4}}'", "VARCHAR", "[[1,2],[3,4]]"),
    ("numeric[]", "'{1.10,12345678901234567890.123456789}'", "VARCHAR", "[1.10,12345678901234567890.123456789]"),
    ("bytea[]", r"""'{"\\x00ff"}'""", "VARCHAR", r'["\\x00ff"]'),
    ("pair[]", "ARRAY[ROW(1,'x')::pair]", "VARCHAR", '[{"a":1,"b":"x"}]'),
    ("interval", "'1 year 2 mons 3 days 30:05:06.5'", "VARCHAR", "1 year 2 mons 3 days 30:05:06.5"),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "VARCHAR", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("mood", "'buồn'", "VARCHAR", "buồn"),
    ("inet", "'10.0.0.1/8'", "VARCHAR", "10.0.0.1/8"),
    ("int4range", "'[1,5)'", "VARCHAR", "[1,5)"),
    ("pair", "ROW(1,'x')", "VARCHAR", "(1,x)"),
    ("numeric(45,5)", "'1234567890123456789012345678901234567890.5'", "VARCHAR",
     "1234567890123456789012345678901234567890.50000"),
    ("numeric", "'9007199254740993.000000000000000000000000000001'", "VARCHAR",
     "9007199254740993.000000000000000000000000000001"),
    ("numeric(12,3)", "'1.555'", "DECIMAL(12,3)", "1.555"),
    ("bigint", "9007199254740993", "BIGINT", "9007199254740993"),
    ("real", "'0.1'", "FLOAT", "0.1"),
    ("double precision", "'0.30000000000000004'", "DOUBLE", "0.30000000000000004"),
    ("double precision", "'NaN'", "DOUBLE", "nan"),
    ("timestamp", "'10000-01-01 00:00:00'", "TIMESTAMP", "10000-01-01 00:00:00"),
    ("timestamp", "'infinity'", "TIMESTAMP", "infinity"),
    ("timestamptz", "'0044-03-15 00:00:00+00 BC'", "TIMESTAMP WITH TIME ZONE", "0044-03-15 (BC) 00:00:00+00"),
    ("timestamptz", "'2024-01-31 20:00:00.5+07'", "TIMESTAMP WITH TIME ZONE", "2024-01-31 13:00:00.5+00"),
    ("date", "'5874897-12-31'", "DATE", "5874897-12-31"),
    ("date", "'-infinity'", "DATE", "-infinity"),
    ("timetz", "'10:00:00.5+07'", "VARCHAR", "10:00:00.5+07"),
    ("time", "'24:00:00'", "TIME", "24:00:00"),
    ("money", "'1234.5'", "VARCHAR", "$1,234.50"),
    ("bit(8)", "B'00000101'", "VARCHAR", "00000101"),
    ("varbit", "B'101'", "VARCHAR", "101"),
    ("bytea", r"'\x4142E9FF'", "BLOB", r"AB\xE9\xFF"),
    ("char(5)", "'ab'", "VARCHAR", "ab"),
    ('"char"', "'x'", "VARCHAR", "x"),
    ("jsonb", """'{"a": 1.10, "b": 1e400}'""", "VARCHAR", None),
    ("d_text", "'ê'", "VARCHAR", "ê"),
    ("d_number", "'1.5'", "VARCHAR", "1.50"),
    ("d_yes", "true", "BOOLEAN", "true"),
    ("d_instant", "'2024-01-31 20:00:00+07'", "TIMESTAMP WITH TIME ZONE", "2024-01-31 13:00:00+00"),
    ("d_bytes", r"'\x00ff'", "BLOB", r"\x00\xFF"),
    ("d_list", "'{1,2}'", "VARCHAR", "[1,2]"),
    ("d_nested", "'1.5'", "VARCHAR", "1.50"),
    ("int GENERATED ALWAYS AS (1 + 2) STORED", "DEFAULT", "INTEGER", "3"),
]  # fmt: skip
ODD_NAMES = ["select", 'a"b', "a b", "a.b", "a%b", "a%%b", "c:d", "b\\n", "e'f", "Họ tên", "$1", "?"]


def made(pg: psycopg.Connection) -> None:
    pg.execute(
        "CREATE TYPE mood AS ENUM ('vui', 'buồn'); CREATE TYPE pair AS (a int, b text); CREATE DOMAIN d_text AS text;"
        "CREATE DOMAIN d_number AS numeric(9,2); CREATE DOMAIN d_yes AS boolean;"
        "CREATE DOMAIN d_instant AS timestamptz;"
        "CREATE DOMAIN d_bytes AS bytea; CREATE DOMAIN d_list AS int[]; CREATE DOMAIN d_nested AS d_number"
    )
    kinds = ", ".join(f"c{n} {kind}" for n, (kind, *_) in enumerate(VALUES))
    pg.execute(f"CREATE TABLE odd ({kinds})")
    pg.execute(f"INSERT INTO odd VALUES ({', '.join(value for _, value, *_ in VALUES)})")


SETTINGS = ["", "DateStyle = 'SQL, DMY'", "IntervalStyle = 'iso_8601'", "bytea_output = 'escape'",
            "TimeZone = 'Asia/Ho_Chi_Minh'", "extra_float_digits = -5"]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS)
def test_values(pg: psycopg.Connection, postgres: str, lake: Lake, setting: str) -> None:
    made(pg)
    if setting:
        pg.execute(f"ALTER DATABASE registry SET {setting}")
    try:
        extracted = take(contract_of("odd"), postgres, lake)
    finally:
        pg.execute("ALTER DATABASE registry RESET ALL")
    found = rows_of(extracted, ", ".join(f"c{n}::VARCHAR" for n in range(len(VALUES))))[0]
    told = [(kind, landed_as, text) for (kind, *_), landed_as, text in
            zip(VALUES, types_of(extracted).values(), found, strict=True)]  # fmt: skip
    expected = [(kind, landed_as, text) for kind, _, landed_as, text in VALUES]
    assert [t for t in told if not t[0].startswith("jsonb")] == [e for e in expected if not e[0].startswith("jsonb")]
    assert '"a": 1.10' in next(text for kind, _, text in told if kind == "jsonb")


def test_one_odd_value_changes_the_text_of_no_other(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    pg.execute("CREATE TABLE t (k int, t timestamp, z timestamptz, m numeric(9,2))")
    pg.execute("INSERT INTO t VALUES (1, '2024-01-31 10:00:00.5', '2024-01-31 10:00:00.5+07', 1.5)")
    columns = "k::VARCHAR, t::VARCHAR, z::VARCHAR, m::VARCHAR"
    before = rows_of(take(contract_of("t"), postgres, lake), columns)
    pg.execute("INSERT INTO t VALUES (2, '294276-12-31', NULL, 'NaN')")
    assert rows_of(take(contract_of("t"), postgres, lake), columns)[:1] == before


def test_names_of_columns(pg: psycopg.Connection, postgres: str, lake: Lake) -> None:
    names = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in ODD_NAMES)
    pg.execute(sql.SQL("CREATE TABLE t ({})").format(names).as_string(pg).encode())
    pg.execute(f"INSERT INTO t VALUES ({', '.join(f'{chr(39)}{n}{chr(39)}' for n in range(len(ODD_NAMES)))})")
    extracted = take(contract_of("t", ODD_NAMES), postgres, lake)
    assert list(types_of(extracted)) == ODD_NAMES
    assert rows_of(extracted) == [tuple(str(n) for n in range(len(ODD_NAMES)))]


ENCODED = [
    ("LATIN1", "convert_from('\\x636166e9', 'LATIN1')", "café"),
    ("LATIN1", "convert_from('\\xc3a9', 'LATIN1')", "Ã©"),
    ("WIN1258", "convert_from('\\x4e677579eade6e', 'WIN1258')", "Nguyê\u0303n"),
    ("SQL_ASCII", "'abc'", "abc"),
    ("SQL_ASCII", "convert_from('\\x636166c3a9', 'SQL_ASCII')", "café"),
    ("SQL_ASCII", "convert_from('\\x636166e9', 'SQL_ASCII')", "\\x636166e9"),
    ("EUC_JP", "convert_from('\\xc6fccbdc', 'EUC_JP')", "日本"),
]


IN_OTHERS = held_by("integration/sources/test_values_postgres.py::test_encodings")
EACH_ENCODED = [pytest.param(*one, marks=() if n in (1, 2, 5) else IN_OTHERS) for n, one in enumerate(ENCODED)]


@pytest.mark.parametrize(("encoding", "value", "text"), EACH_ENCODED)
def test_encodings(pg: psycopg.Connection, postgres: str, lake: Lake, encoding: str, value: str, text: str) -> None:
    pg.execute("DROP DATABASE IF EXISTS encoded")
    pg.execute(f"CREATE DATABASE encoded TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    uri = postgres.replace("/registry", "/encoded")
    with psycopg.connect(uri, autocommit=True, client_encoding="utf8") as there:
        there.execute("CREATE TABLE t (k int, v text, a text[], n numeric(5,2), b bytea)")
        there.execute(f"INSERT INTO t VALUES (1, {value}, ARRAY[{value}], 1.5, '\\x00ff'), (2, 'x', NULL, 'NaN', NULL)")
    extracted = take(contract_of("t", ["v"]), uri, lake)
    assert rows_of(extracted, "v, b")[0 if text < "x" else 1] == (text, b"\x00\xff")
    key = contract_by(Column("v", "v", "string", "VARCHAR", primary_key_position=1), cursor=())
    with opened(key, uri, lake) as source:
        raw = rows(landed(source, lake, ReadRequest(columns=("v",))))
        assert sorted(raw) == sorted([(text,), ("x",)])
        assert landed(source, lake, ReadRequest(keys=((text,),)), "one").rows == 1


def reader_of(pg: psycopg.Connection, uri: str) -> str:
    pg.execute("CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT USAGE ON SCHEMA public TO reader")
    parts = urlsplit(uri)
    return f"postgresql://reader:{quote('reader')}@{parts.hostname}:{parts.port}{parts.path}"


@pytest.fixture
def hidden(pg: psycopg.Connection, postgres: str) -> str:
    """A table of which policies hide a row from the reader, and views over it."""
    uri = reader_of(pg, postgres)
    pg.execute(
        "CREATE TABLE t (a text, b text); INSERT INTO t VALUES ('x', 'x'), ('y', 'y');"
        "CREATE VIEW by_owner AS SELECT a FROM t; CREATE VIEW by_reader WITH (security_invoker) AS SELECT a FROM t;"
        "GRANT SELECT ON t, by_owner, by_reader TO reader;"
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (a = 'x')"
    )
    return uri


@pytest.mark.parametrize("name", ["t", "by_reader"])
def test_rows_that_a_policy_hides_are_an_error(hidden: str, lake: Lake, name: str) -> None:
    with pytest.raises(RowsHidden, match=r"row-level security policy.*BYPASSRLS.*the table's owner.*a view") as told:
        take(contract_of(name, ["a"]), hidden, lake)
    assert "GRANT SELECT" not in str(told.value)


@pytest.mark.parametrize(
    ("remedy", "name"),
    [("ALTER ROLE reader BYPASSRLS", "t"), ("ALTER TABLE t OWNER TO reader", "t"), ("SELECT 1", "by_owner")],
)
def test_the_remedies_help(pg: psycopg.Connection, hidden: str, lake: Lake, remedy: str, name: str) -> None:
    pg.execute(remedy.encode())
    assert rows_of(take(contract_of(name, ["a"]), hidden, lake), "a") == [("x",), ("y",)]


def test_a_policy_forced_on_the_owner_and_a_missing_right(pg: psycopg.Connection, hidden: str, lake: Lake) -> None:
    pg.execute("ALTER TABLE t OWNER TO reader; ALTER TABLE t FORCE ROW LEVEL SECURITY")
    with pytest.raises(RowsHidden):
        take(contract_of("t", ["a"]), hidden, lake)
    pg.execute("ALTER TABLE t OWNER TO postgres; REVOKE SELECT ON t FROM reader")
    with pytest.raises(SourceDenied, match="GRANT SELECT") as told:
        take(contract_of("t", ["a"]), hidden, lake)
    assert not isinstance(told.value, RowsHidden)
