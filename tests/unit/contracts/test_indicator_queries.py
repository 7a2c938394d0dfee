"""Queries of indicators: what may be read, and that nothing else can be."""

from __future__ import annotations

import duckdb
import pytest

from include.contracts.sql import SqlRefused, checked_query
from tests.hostile_sql import hostile_texts

TABLES = ["procedures.agency_service", "dossiers.dossier", "reference.agencies"]
LIKE_THE_REPORT = """
WITH active AS (
    SELECT DISTINCT service FROM dossiers.dossier
    WHERE channel = '2' AND state NOT IN ('1', '3')
      AND CAST(coalesce(received_on, submitted_on) AS DATE) >= period_start()
)
SELECT s.agency, s.level, a.service IS NOT NULL AS is_active, count(*) FILTER (WHERE s.level = '4') AS fours
FROM procedures.agency_service AS s
LEFT JOIN active AS a ON a.service = s.service_code
WHERE s.online_from < period_end() AND EXISTS (SELECT 1 FROM reference.agencies AS g WHERE g.code = s.agency)
  AND s.agency IN (SELECT code FROM reference.agencies)
GROUP BY s.agency, s.level, a.service
UNION ALL SELECT 'x', '1', false, max_by(1, 2) FROM reference.agencies
"""


def test_a_query_is_written_out_again_and_names_what_it_reads():
    query = checked_query(LIKE_THE_REPORT, TABLES)
    assert query.tables == ("dossiers.dossier", "procedures.agency_service", "reference.agencies")
    assert '"procedures.agency_service" AS "s"' in query.sql


def test_names_of_tables_are_found_whatever_their_case():
    query = checked_query("SELECT d.state FROM Dossiers.DOSSIER AS d JOIN dossiers.dossier USING (code)", TABLES)
    assert query.tables == ("dossiers.dossier",)
    with duckdb.connect() as engine:
        engine.execute('CREATE TABLE "dossiers.dossier" (code TEXT, state TEXT)')
        assert engine.execute(query.sql).fetchall() == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT code FROM population.citizen", "no published table"),
        ("SELECT code FROM dossier", "no published table"),
        ("SELECT code FROM 'x.csv'", "no published table"),
        ("SELECT content FROM read_text('/etc/passwd')", "table function"),
        ("SELECT getenv('HOME') AS home FROM dossiers.dossier", "getenv"),
        ("SELECT now() AS at FROM dossiers.dossier", "now"),
        ("SELECT current_date AS day FROM dossiers.dossier", "current_date"),
        ("SELECT * FROM dossiers.dossier", "`*`"),
        ("SELECT d.* FROM dossiers.dossier AS d", "`*`"),
        ("SELECT code FROM dossiers.dossier LIMIT 3", "LIMIT"),
        ("SELECT code FROM dossiers.dossier ORDER BY code", "ORDER"),
        ("SELECT code FROM dossiers.dossier TABLESAMPLE 5", "SAMPLE"),
        ("SELECT code FROM dossiers.dossier, LATERAL (SELECT 1)", "LATERAL"),
        ("SELECT avg(code) AS a FROM dossiers.dossier", "no exact aggregate"),
        ("SELECT CAST(sum(CAST(code AS DOUBLE)) AS DECIMAL(9,2)) AS s FROM dossiers.dossier", "not exact"),
        ("SELECT sum(1 / 3) AS s FROM dossiers.dossier", "not exact"),
        ("SELECT row_number() OVER (ORDER BY code) AS n FROM dossiers.dossier", "window"),
        ("SELECT unnest([1]) AS n FROM dossiers.dossier", "unnest"),
        ("SELECT code FROM dossiers.dossier ASOF JOIN reference.agencies USING (code)", "METHOD"),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r) SELECT n FROM r", "RECURSIVE"),
        ("SELECT dossiers.dossier.code FROM dossiers.dossier", "with its registry"),
        ("SELECT period_start(1) AS d FROM dossiers.dossier", "argument"),
        ("SELECT 1 AS n", "reads no published table"),
        ("DELETE FROM dossiers.dossier", "not a query"),
        ("SELECT 1 FROM dossiers.dossier; SELECT 2 FROM dossiers.dossier", "more than one"),
        ("SELECT code FROM other.dossiers.dossier", "CATALOG"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, why: str):
    with pytest.raises(SqlRefused) as refused:
        checked_query(text, TABLES)
    assert why.lower() in str(refused.value).lower()


def test_nothing_hostile_passes_as_a_part_of_a_query(tmp_path):
    """The texts that expressions are held against, in every place of a query where an expression may stand."""
    # What a query may hold, and an expression not.
    of_queries = {"count(*)", "max(a)", "a, b", "SELECT 1", "sum(a) FILTER (a > 1)", "upper(DISTINCT a)"}
    for text in hostile_texts(str(tmp_path / "secret.txt"), str(tmp_path / "x.parquet"), "http://127.0.0.1:1"):
        for query in (f"SELECT ({text}) AS x FROM dossiers.dossier AS source", f"SELECT a FROM {text} AS t"):
            if text not in of_queries:
                with pytest.raises(SqlRefused):
                    checked_query(query, TABLES)


@pytest.mark.parametrize(
    "text",
    [
        # A step that reads its own name, one used where it is not in force, and one used before it is.
        (
            "WITH pg_settings AS (SELECT name, setting FROM pg_settings) SELECT v.name, d.code FROM pg_settings v, "
            "dossiers.dossier d"
        ),
        (
            "SELECT d.code FROM dossiers.dossier d, duckdb_views v WHERE d.code IN (WITH duckdb_views AS (SELECT code "
            "FROM dossiers.dossier) SELECT code FROM duckdb_views)"
        ),
        (
            "WITH a AS (SELECT sql FROM sqlite_master), sqlite_master AS (SELECT code AS sql FROM dossiers.dossier) "
            "SELECT sql FROM a"
        ),
    ],
)
def test_the_name_of_a_step_reaches_nothing_of_the_engine_where_the_step_is_not_in_force(text):
    query = checked_query(text, TABLES)
    with duckdb.connect() as engine:
        engine.execute('CREATE TABLE "dossiers.dossier" (code TEXT, state TEXT)')
        with pytest.raises((duckdb.BinderException, duckdb.CatalogException)):
            engine.execute(query.sql)


def test_a_step_takes_no_tables_place():
    query = checked_query(
        "WITH \"dossiers.dossier\" AS (SELECT 'spoof' AS code) SELECT s.code FROM dossiers.dossier AS s", TABLES
    )
    with duckdb.connect() as engine:
        engine.execute('CREATE TABLE "dossiers.dossier" (code TEXT)')
        assert engine.execute(query.sql).fetchall() == []
    with pytest.raises(SqlRefused, match="two steps"):
        checked_query(
            "WITH a AS (SELECT code FROM dossiers.dossier) SELECT code FROM a WHERE code IN "
            "(WITH a AS (SELECT code FROM dossiers.dossier) SELECT code FROM a)",
            TABLES,
        )
