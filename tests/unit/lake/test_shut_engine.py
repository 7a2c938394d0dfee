"""The second wall: SQL that got past the first, run letter for letter as the steps run it, reaches nothing.

Older tests asked only whether such SQL is refused when a contract is read; the engine behind was open.
"""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from include.contracts.model import Table
from include.lake.storage.duckdb_engine import restrict_access
from include.lake.storage.errors import LakeError
from include.lake.storage.lake import Lake
from include.quality.errors import QualityError
from include.quality.split.row_outcomes import conform_and_split
from tests.ascii_tables import SCHEMAS, contract_table, rows_of, write_extract
from tests.hostile_sql import SECRET, hostile_texts

CONTRACT = """
properties:
  - {name: a, logicalType: string, primaryKey: true}
  - {name: b, logicalType: string, transformLogic: upper("a"), customProperties: [{property: empty, value: {when: a = ''}}]}
quality:
  - {id: rule, type: sql, query: "SELECT COUNT(*) FROM {object} WHERE b = 'y'", mustBe: 0}
customProperties:
  - {property: extract, value: {deletes: soft, deletedWhen: b = 'z'}}
"""  # noqa: E501


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A host that tells the secret to whoever asks, and who asked."""
    paths: list[str] = []

    class Host(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET.encode())

        do_HEAD = do_GET  # noqa: N815  # the server's word

        def log_message(self, *arguments: object) -> None:
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", paths
    server.shutdown()


@contextmanager
def shut_like_a_step(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may read one extract and write one file, as `conform` has it."""
    own = lake.landing_path("land", "parcel", "r1")
    Path(own).mkdir(parents=True, exist_ok=True)
    with lake.connect() as connection:
        connection.execute(f"COPY (SELECT 'x' AS a) TO '{own}/extract.parquet'")
        restrict_access(connection, reads=[f"{own}/extract.parquet"], writes=[f"{own}/out.parquet"])
        yield connection


def test_no_hostile_text_reads_a_file_a_setting_a_host_or_another_register(
    tmp_path: Path, asked: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIENTHONG_DOOR", SECRET)
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    key, other = tmp_path / "key.txt", Path(lake.registry_table("population", "citizen"))
    key.write_text(SECRET)
    other.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT '{SECRET}' AS content) TO '{other}/x.parquet'")
    texts = [t for t in hostile_texts(str(key), f"{other}/x.parquet", asked[0]) if len(t) < 10_000]
    ran = 0
    with shut_like_a_step(lake) as connection:
        extract = f"read_parquet('{lake.landing_path('land', 'parcel', 'r1')}/extract.parquet')"
        before = sorted(tmp_path.glob("*"))
        for text in texts:
            for sql in (
                f"SELECT (\n{text}\n) AS v FROM (FROM {extract}) AS source",
                f"SELECT count(*) FILTER ((\n{text}\n)) FROM {extract}",
                f"SELECT * FROM (FROM {extract}) WHERE ({text}) IS NOT TRUE",
            ):
                try:
                    cursor = connection.cursor()
                    found = cursor.execute(sql).fetchall()
                except (duckdb.Error, RuntimeError):
                    continue
                ran += 1
                assert SECRET not in str(found), sql
    assert ran  # the walls are two: what only looks at its row runs
    assert not asked[1]
    assert sorted(tmp_path.glob("*")) == before


def test_what_the_step_was_given_is_still_there(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    own = lake.landing_path("land", "parcel", "r1")
    with shut_like_a_step(lake) as connection:
        for _ in range(2):  # the second time there is a file to take the place of
            connection.execute(f"COPY (FROM read_parquet('{own}/extract.parquet')) TO '{own}/out.parquet'")
        assert connection.execute(f"FROM read_parquet('{own}/out.parquet')").fetchall() == [("x", "r1")]
        connection.execute("CREATE TEMP TABLE t AS SELECT 1")
        for sql in (
            f"FROM read_parquet('{own}/../run=r1/extract.parquet.other')",
            f"FROM glob('{own}/*')",
            f"COPY (SELECT 1) TO '{own}/third.parquet'",
            "SET enable_external_access = true",
            "SET memory_limit = '9GB'",
            "RESET allowed_paths",
            "LOAD httpfs",
        ):
            with pytest.raises(duckdb.Error, match=re.compile("disabled|locked|cannot be", re.IGNORECASE)):
                connection.execute(sql)


def test_a_shut_engine_spills_to_its_scratch_folder(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    with lake.connect(memory_limit="40MB", threads=1) as connection:
        restrict_access(connection)
        connection.execute("CREATE TEMP TABLE t AS SELECT range AS i, md5(range::VARCHAR) AS h FROM range(1500000)")
        assert connection.execute("SELECT count(*) FROM (SELECT DISTINCT h FROM t)").fetchall() == [(1_500_000,)]


@pytest.mark.parametrize("place", ["transformLogic", "empty", "deletedWhen", "rule"])
def test_a_contract_that_got_past_the_first_wall_publishes_nothing_of_others(place: str, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp")
    secret = tmp_path / "key.txt"
    secret.write_text(SECRET)
    hostile = f"(SELECT content FROM read_text('{secret}'))"
    table = smuggled(contract_table(CONTRACT, tmp_path), place, hostile)
    extract = write_extract(rows_of("a\nx\ny"), tmp_path / "e.parquet")
    with pytest.raises((QualityError, LakeError)) as refused:
        conform_and_split(table, extract, lake=lake, run_id="r1", schemas_dir=SCHEMAS)
    assert SECRET not in str(refused.value)


def smuggled(table: Table, place: str, sql: str) -> Table:
    """The table with SQL that no contract may hold."""
    if place == "deletedWhen":
        return replace(table, extract=replace(table.extract, deleted_when=f"{sql} = 'x'"))
    if place == "rule":
        rules = tuple(replace(r, violation=f"{sql} = 'x'") if r.metric == "sql" else r for r in table.rules)
        return replace(table, rules=rules)
    key, other = table.columns
    changed = replace(other, expression=sql) if place == "transformLogic" else replace(other, empty_when=f"{sql} = 'x'")
    return replace(table, columns=(key, changed))
