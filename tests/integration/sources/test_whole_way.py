"""From a real server to the published table: what a server hides, shows by its own clock, encodes, or puts in place of
what was there, never changes a published value in silence.

Older tests held a reader to what landed, and a sync to sources whose rights, clocks and columns stay as they are.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest
from deltalake import DeltaTable

from include.pipelines.context import PipelineContext
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.everyday.ledger_source import context_of
from tests.integration.sources.conftest import MariaDb
from tests.repeats import held_by, repeats, some_of

pytestmark = pytest.mark.slow
HERE = "integration/sources/test_whole_way.py"

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: payments
version: {version}
status: active
servers: [{{server: payments_db, type: custom}}]
schema:
  - name: payment
    physicalName: '{source}'
    properties:
      - {{name: ma, logicalType: string, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: u, logicalType: timestamp, logicalTypeOptions: {{defaultTimezone: UTC}}}}
      - {{name: f1, logicalType: {kind}}}
    customProperties:
      - {{property: extract, value: {{cursor: [{cursor}], lag: PT0S, drift: {drift}, deletes: {deletes}, deleteLimitPercent: 100}}}}
      - {{property: tolerance, value: {{rejectedPercent: 100, rowCountChangePercent: 1000}}}}
"""  # noqa: E501


class Registry:
    """A contract over table `t` of a source, and what was published of it."""

    def __init__(self, folder: Path, uri: str, **contract: str) -> None:
        self.folder, self.runs, self.given = folder, 0, contract
        self.context: PipelineContext = context_of(folder, uri)
        self.says()

    def says(self, **contract: str) -> None:
        standard = {"version": "1.0.0", "source": "t", "kind": "string", "cursor": "u", "drift": "freeze"}
        self.given |= contract
        text = CONTRACT.format(**(standard | {"deletes": "reconcile"} | self.given))
        (self.folder / "schemas/registries/payments.odcs.yaml").write_text(text, encoding="utf-8")
        self.context = PipelineContext(
            **{name: getattr(self.context, name) for name in self.context.__dataclass_fields__}
        )

    def sync(self) -> dict[str, Any]:
        facts = self.run()
        assert facts["verdict"] in ("published", "unchanged"), facts
        return facts

    def refused(self) -> str:
        facts = self.run()
        assert facts["verdict"] == "failed", facts
        return str(facts["error"])

    def run(self) -> dict[str, Any]:
        self.runs += 1
        run_id = f"202604{self.runs:02}T000000Z-00000000"
        (facts,) = sync_registry("payments", run_id=run_id, context=self.context).tables
        return facts.to_dict()

    def published(self, column: str = "f1") -> dict[str, Any]:
        rows = DeltaTable(self.context.lake.registry_table("payments", "payment")).to_pyarrow_table().to_pylist()
        return {row["ma"]: row[column] for row in rows}


def test_rows_that_are_hidden_later_are_not_deleted(pg: psycopg.Connection, postgres: str, tmp_path: Path) -> None:
    pg.execute("CREATE TABLE t AS SELECT i::text AS ma, now() AS u, 'x' AS f1 FROM generate_series(1, 100) i")
    pg.execute("CREATE VIEW v WITH (security_invoker) AS SELECT * FROM t")
    pg.execute(
        "CREATE ROLE reader LOGIN PASSWORD 'r'; GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON t, v TO reader"
    )
    parts = urlsplit(postgres)
    uri = f"postgresql://reader:r@{parts.hostname}:{parts.port}{parts.path}"
    registries = []
    for source in ("t", "v"):
        (folder := tmp_path / source).mkdir()
        registries.append(Registry(folder, uri, source=source))
        registries[-1].sync()
    pg.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (ma::int > 30)")
    for registry in registries:
        assert "BYPASSRLS" in registry.refused()
        assert len(registry.published()) == 100
    pg.execute("ALTER ROLE reader BYPASSRLS")
    assert [registry.sync()["live_rows"] for registry in registries] == [100, 100]


def test_a_timestamp_is_the_same_instant_whatever_the_servers_zone_becomes(
    my: pymysql.cursors.Cursor, mariadb: MariaDb, tmp_path: Path
) -> None:
    my.execute("SET GLOBAL time_zone = '+07:00'")
    try:
        my.execute("SET time_zone = '+00:00'")
        my.execute("CREATE TABLE t (ma varchar(9) PRIMARY KEY, u timestamp(6) NULL, f1 datetime)")
        my.execute("INSERT INTO t VALUES ('1', '2024-01-31 20:00:00', '2024-01-31 20:00:00')")
        registry = Registry(tmp_path, f"mysql://root@/registry?unix_socket={mariadb.socket}")
        registry.sync()
        instant = {"1": dt.datetime(2024, 1, 31, 20, tzinfo=dt.UTC)}
        assert registry.published("u") == instant
        my.execute("SET GLOBAL time_zone = '-05:00'")
        facts = registry.sync()
        assert (facts["verdict"], registry.published("u"), registry.published()) == (
            "unchanged", instant, {"1": "2024-01-31 20:00:00"},
        )  # fmt: skip
        my.execute("INSERT INTO t VALUES ('2', '2024-01-31 20:00:01', NULL)")
        facts = registry.sync()
        assert (facts["mode"], facts["extracted"], len(registry.published("u"))) == ("incremental", 2, 2)
        my.execute("UPDATE t SET u = '2024-02-01 00:00:00' WHERE ma = '1'")
        assert registry.sync()["mode"] == "incremental"
        assert registry.published("u")["1"] == dt.datetime(2024, 2, 1, tzinfo=dt.UTC)
        state = registry.context.lake.registry_table("payments", "payment")
        assert "+00" in DeltaTable(state).history(1)[0]["lienthong.cursor"]
    finally:
        my.execute("SET GLOBAL time_zone = 'SYSTEM'")


@pytest.mark.parametrize(
    ("encoding", "raw", "text"),
    [
        pytest.param("LATIN1", "\\xc3a9", "Ã©", marks=held_by(f"{HERE}::test_keys_in_other_encodings")),
        ("WIN1258", "\\x4e677579eade6e", "Nguyễn"),
        ("SQL_ASCII", "\\x4e68e9", "\\x4e68e9"),
    ],
)
def test_keys_in_other_encodings(
    pg: psycopg.Connection, postgres: str, tmp_path: Path, encoding: str, raw: str, text: str
) -> None:
    pg.execute("DROP DATABASE IF EXISTS encoded")
    pg.execute(f"CREATE DATABASE encoded TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    uri = postgres.replace("/registry", "/encoded")
    registry = Registry(tmp_path, uri)
    with psycopg.connect(uri, autocommit=True, client_encoding="utf8") as there:
        there.execute("CREATE TABLE t (ma text, u timestamp, f1 text)")
        there.execute("INSERT INTO t VALUES ('1', '2026-01-02', 'x')")
        registry.sync()
        # Found by its key alone: it comes behind the cursor.
        there.execute(f"INSERT INTO t VALUES (convert_from('{raw}', '{encoding}'), '2026-01-01', 'y')")
        assert registry.sync()["mode"] == "incremental"
    assert registry.published() == {"1": "x", text: "y"}


RENEWED = [
    ("ALTER TABLE t DROP f1, ADD f1 {text}", "column 'f1' was dropped and added again, or moved"),
    ("ALTER TABLE t DROP f1, ADD f1 int", "type of 'f1' changed"),
]


def renewed(registry: Registry, run: Any, change: str, told: str, drift: str) -> None:
    registry.says(drift=drift)
    registry.sync()
    for statement in change.split(";"):
        run(statement)
    run("UPDATE t SET f1 = '7'")
    if drift == "freeze":
        for _ in range(2):
            error = registry.refused()
            assert told in error
            assert "raise its version" in error
        registry.says(version="1.1.0")
    facts = registry.sync()
    assert (facts["mode"], set(registry.published().values())) == ("full", {"7"})
    assert "in the source f1 is gone, was dropped and added again" in facts["why"]
    assert registry.sync()["verdict"] == "unchanged"


DRIFT = ["freeze", "evolve"]
TURNS = [(*RENEWED[n], DRIFT[(n + turn) % 2]) for turn in (0, 1) for n in range(len(RENEWED))]


@pytest.mark.parametrize(("change", "told", "drift"), some_of(TURNS, len(RENEWED)))
def test_a_column_that_was_dropped_and_added_again_in_postgresql(
    pg: psycopg.Connection, postgres: str, tmp_path: Path, change: str, told: str, drift: str
) -> None:
    pg.execute(
        "CREATE TABLE t AS SELECT i::text AS ma, timestamp '2026-01-01' AS u, 'old' AS f1 FROM generate_series(1, 99) i"
    )
    registry = Registry(tmp_path, postgres)
    renewed(registry, lambda s: pg.execute(s.encode()), change.format(text="text"), told, drift)


def each_renewed(database: str) -> pytest.MarkDecorator:
    """What is done with a drift is not the database's: one case shows that this one tells of it."""
    more = held_by(f"{HERE}::test_a_column_that_was_dropped_and_added_again_in_{database}")
    quick = (*RENEWED[0], "evolve")
    return pytest.mark.parametrize(
        ("change", "told", "drift"), [pytest.param(*one, marks=() if one == quick else more) for one in TURNS]
    )


@each_renewed("mariadb")
def test_a_column_that_was_dropped_and_added_again_in_mariadb(
    my: pymysql.cursors.Cursor, mariadb: MariaDb, tmp_path: Path, change: str, told: str, drift: str
) -> None:
    my.execute("CREATE TABLE t (ma varchar(9), f1 varchar(9), u datetime)")
    my.execute("INSERT INTO t SELECT seq, 'old', '2026-01-01' FROM seq_1_to_99")
    registry = Registry(tmp_path, f"mysql://root@/registry?unix_socket={mariadb.socket}")
    renewed(registry, my.execute, change.format(text="varchar(9)"), told, drift)


@each_renewed("sqlite")
def test_a_column_that_was_dropped_and_added_again_in_sqlite(
    tmp_path: Path, change: str, told: str, drift: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as file:
        file.execute("CREATE TABLE t (ma TEXT, f1 TEXT, u TEXT)")
        file.executemany("INSERT INTO t VALUES (?, 'old', '2026-01-01')", [(str(n),) for n in range(99)])
        registry = Registry(tmp_path, f"sqlite:///{tmp_path}/a.db")
        statements = change.format(text="TEXT").replace(", ", "; ALTER TABLE t ")
        renewed(registry, file.execute, statements, told, drift)


def test_a_record_from_before_columns_had_an_identity_is_no_drift(
    pg: psycopg.Connection, postgres: str, tmp_path: Path
) -> None:
    pg.execute(
        "CREATE TABLE t AS SELECT '1' AS ma, '2026-01-01'::timestamp AS u, 0 AS gone, 'x' AS f1;ALTER TABLE t DROP gone"
    )
    registry = Registry(tmp_path, postgres)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "include.sources.databases.reflection.SourceColumn.record", property(lambda c: (c.name, c.type_text))
        )
        registry.sync()
    pg.execute("INSERT INTO t VALUES ('2', '2026-01-02', 'y')")
    assert registry.sync()["mode"] == "incremental"
    assert registry.published() == {"1": "x", "2": "y"}


def test_the_table_of_that_name_not_the_other_databases(
    my: pymysql.cursors.Cursor, mariadb: MariaDb, tmp_path: Path
) -> None:
    my.execute("DROP DATABASE IF EXISTS a")
    my.execute("CREATE DATABASE a")
    for name, value in (("`a.b`", "own"), ("a.b", "other")):
        my.execute(f"CREATE TABLE {name} AS SELECT '1' AS ma, timestamp('2026-01-01') AS u, '{value}' AS f1")
    registry = Registry(tmp_path, f"mysql://root@/registry?unix_socket={mariadb.socket}", source="a.b")
    registry.sync()
    assert registry.published() == {"1": "own"}


def test_the_newest_of_one_key_wins_by_every_digit_or_is_rejected(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as file:
        file.execute("CREATE TABLE t (ma TEXT, u TEXT, f1 TEXT)")
        rows = [("1", "2026-01-01 00:00:00.031153999", "new"), ("1", "2026-01-01 00:00:00.031153001", "old"),
                ("2", "2026-01-01 00:00:00.0311539", "unreadable"), ("2", "2026-01-01 00:00:00.031153", "old"),
                ("3", "2026-01-01 00:00:00.5", "new"), ("3", "2026-01-01 00:00:00.49", "old")]  # fmt: skip
        file.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    registry = Registry(tmp_path, f"sqlite:///{tmp_path}/a.db")
    registry.sync()
    published = registry.published()
    assert published["3"] == "new"
    assert published["2"] == "old", "the newest of this key is rejected, as any row that cannot be read"
    assert "1" not in published


def test_a_table_of_very_many_columns(tmp_path: Path) -> None:
    """Past every bound at which wide tables are treated otherwise."""
    rows, filled = repeats(100, 3000), repeats(520, 1997)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as file:
        names = ["ma", "u", "f1", *(f"cot_so_{n}" for n in range(filled))]
        file.execute(f"CREATE TABLE t ({', '.join(f'{name} TEXT' for name in names)})")
        file.execute("BEGIN")
        for n in range(rows):
            row = [str(n), "2026-01-01", "x", *(f"gia tri {n} {i}" for i in range(filled))]
            file.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(row))})", row)
        file.execute("UPDATE t SET u = 'hôm qua' WHERE ma = '7'")
        file.execute("COMMIT")
    registry = Registry(tmp_path, f"sqlite:///{tmp_path}/a.db")
    facts = registry.sync()
    assert (facts["extracted"], facts["accepted"], facts["rejected"]) == (rows, rows - 1, 1)
