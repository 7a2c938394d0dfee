"""Mistakes in an indicator are told with line and remedy; what its SQL may not read is refused."""

from __future__ import annotations

import pytest

from include.indicators.definitions import check_indicators
from include.pipelines import PipelineContext
from include.pipelines.checks import check_schemas

MEMBERS = "  agency: catalogue.service.agency"
BASIS = "legalBasis: ["


def problems(context: PipelineContext, before: str, after: str) -> list[str]:
    path = context.schemas / "indicators" / "active-services.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return [str(one) for one in check_indicators(context.schemas, context.contracts)]


def test_a_definition_without_mistakes_has_no_problems(context):
    assert not check_indicators(context.schemas, context.contracts)
    assert "1 indicators: no mistakes" in check_schemas(context.schemas).text("en")
    assert "1 chỉ tiêu: không có lỗi" in check_schemas(context.schemas).text("vi")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("unit: percent", "unit: percents", "7: error: unit: unknown unit `percents` -> did you mean `percent`?"),
        ("digits: 2", "digits: two", "8: error: digits: `digits` is no whole number from 0 to 6"),
        ("period: calendar", "period: month", "9: error: period: unknown period `month`"),
        (
            "section: services",
            "sektion: services",
            "6: error: sektion: unknown field `sektion` -> did you mean `section`?",
        ),
        ("name: {vi: Dịch vụ có hồ sơ,", "name: {", "3: error: name.vi: `vi` is missing or not text"),
        (
            "counter.dossier",
            "counter.dosier",
            "12: error: rows: the query reads `counter.dosier`, which is no published table",
        ),
        ("s.owner_id", "s.owner", "15: error: rows: the query speaks of `owner`"),
        (
            "numerator: is_active",
            "numerator: is_actve",
            "numerator: it speaks of `is_actve`, which `rows` does not give -> did you mean `is_active`?",
        ),
        ("numerator: is_active", "numerator: 1 / 3", "it gives DOUBLE, which is not counted exactly"),
        (
            "numerator: is_active",
            "numerator: CAST(length(agency) AS UHUGEINT)",
            "it gives UHUGEINT, which is not counted exactly -> write a condition, a whole number or a decimal",
        ),
        ("numerator: is_active", "numerator: count(*)", "an aggregate"),
        ("numerator: is_active", "numerator: now() > as_of()", "which is not of the row"),
        (
            MEMBERS,
            "  agencies: catalogue.service.agency",
            "`rows` gives no column `agencies` -> did you mean `agency`?",
        ),
        (MEMBERS, "  owner_id: catalogue.service.owner_id", "is restricted: it may tell of a person"),
        (MEMBERS, "  agency: catalogue.service.agencies", "there is no column `catalogue.service.agencies`"),
        (MEMBERS, "  agency: agencies", "does not say which codes its members are"),
        (MEMBERS, "  is_active: catalogue.service.agency", "`is_active` is BOOLEAN, no code"),
        ("unit: percent", "unit: count", "a count has no denominator"),
        (
            "unit: percent",
            "percentile: 50\nunit: count",
            "8: error: unit: `count` is no unit of what",
        ),
        ("unit: percent", "percentile: 100\nunit: days", "7: error: percentile: is no whole number from 1 to 99"),
        ("unit: percent", "percentile: 50\nunit: days", "denominator: a percentile has no denominator"),
        (
            'numerator: is_active\ndenominator: "true"',
            "numerator: is_active\npercentile: 50",
            "`percent` is no unit of what a percentile is of",
        ),
        (
            "numerator: is_active",
            "minimumCell: 5\nnumerator: length(agency)",
            "it gives BIGINT, and `minimumCell` is of rows that are counted -> write a condition",
        ),
        (
            "s.online_from < period_end()",
            "working_days(s.online_from, period_end()) > 3",
            "calls `working_days`, and there is no list of days off -> add reference.holidays",
        ),
        (
            BASIS,
            "finding: {owner: catalog, columns: [owner_id]}\nlegalBasis: [",
            "no register `catalog` with a contract -> did you mean `catalogue`?",
        ),
        (BASIS, "finding: {owner: catalogue, columns: [owner_id]}\nlegalBasis: [", "add `minimumCell: 5`"),
    ],
)
def test_a_mistake_is_told_with_its_line(context, before, after, told):
    found = problems(context, before, after)
    assert any(told in line for line in found), found


@pytest.mark.parametrize(
    "relation",
    [
        "read_csv('/etc/passwd')", "'/etc/passwd'", "read_text('/etc/hostname')", "'s3://other/lake/t.parquet'",
        "delta_scan('/other/lake/registry/counter/dossier')", "duckdb_settings()", "information_schema.tables",
        "glob('/**')", '"/etc/passwd"', '"s3://other/lake/t.parquet"', "counter.dossier AT (VERSION => 0)",
        '"as published: counter.dossier"', "main.\"counter.dossier\"", "counter.dossier, LATERAL (SELECT 1)",
        "rejected.dossier", "audit.runs", "shared.dossier", "ref_agencies", "(SELECT getenv('HOME') AS service)",
    ],
)  # fmt: skip
def test_sql_that_reads_anything_else_is_refused(context, relation):
    assert problems(context, "counter.dossier", relation)


def test_what_binds_over_no_rows_cannot_leave_the_tables_of_a_run(context, monkeypatch):
    """The second wall: if the reading let a file's name through, the engine that has the tables would not open it."""
    from include.indicators.computation import indicator_engine, tables_read
    from include.indicators.definitions import Catalogue, period_of

    (context.schemas / "secret.csv").write_text("content\nx\n")
    catalogue = Catalogue.of(context.contracts, context.schemas)
    period = period_of("2018Q1", "calendar")
    engine = indicator_engine(
        context.lake, tables_read(context.lake, []), period, catalogue=catalogue, as_of=period.ends_at
    )
    with engine as connection:
        for statement in (
            f"FROM read_csv('{context.schemas}/secret.csv')",
            f"ATTACH '{context.schemas}/x.db'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
            "FROM 'https://127.0.0.1:1/x.csv'",
        ):
            with pytest.raises(Exception, match=r"(?i)disabled|locked|permission|not allowed|cannot"):
                connection.execute(statement)
