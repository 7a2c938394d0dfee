"""A published or shared table is read whole by the readers that the docs name, to the last digit and the first year.

Older tests read through the library, or tables of ordinary days: no reader had met year 1, a timestamp without zone, a
file older than a column, or a table without a file.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from deltalake import DeltaTable, QueryBuilder
from duckdb_extensions import import_extension

from include.contracts.model import Contract, Server, Table
from include.lake.delta.maintenance import maintain_table
from include.lake.storage.lake import Lake
from include.lake.upsert import file_rewrite
from include.sharing.agreements.loading import load_agreement
from include.sharing.products.share import share_agreement
from tests.extracts import lake_at
from tests.integration.lake.edges import HIGH, LOW, NAMES, NONE, ODD, WIDE
from tests.machine import needed
from tests.scripts import run_script
from tests.unit.lake.staging import START, column, contract_table, run

pytestmark = pytest.mark.slow
DOCS = Path(__file__).parents[3] / "docs" / "how-to"
Row = Mapping[str, Any]
EMPTY = contract_table(column("id", key=1), column("local_at", "TIMESTAMP"), name="empty")
YOUNG = contract_table(column("id", key=1), column("a", "BIGINT"), name="grown")
GROWN = contract_table(
    column("id", key=1), column("a", "BIGINT"), column("local_at", "TIMESTAMP"), column("n", "DECIMAL(38,10)"),
    name="grown",
)  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Tables with every edge (in a file that was patched), without a row, older than a column; the first one shared."""
    import_extension("delta")
    made = lake_at(tmp_path_factory.mktemp("readers"))
    run(made, WIDE, 1, [("low", *LOW), ("high", *HIGH), ("odd", *NONE), ("gone", *ODD)])
    run(made, WIDE, 2, [("low", *NONE), ("high", *HIGH), ("odd", *ODD), ("none", *NONE)])
    with mock.patch.object(file_rewrite, "read_back", wraps=file_rewrite.read_back) as patched:
        run(made, WIDE, 3, [("low", *LOW)], mode="incremental", merge_rows=0)
    assert patched.call_count == 1
    run(made, EMPTY, 1, [])
    run(made, YOUNG, 1, [(str(number), 2**53 + number) for number in range(500)])
    run(made, GROWN, 2, [("new", None, HIGH[2], HIGH[4])], mode="incremental")
    assert len(_table(made, GROWN).file_uris()) > 1, "a file that is older than the column stays"
    agreement = load_agreement(_agreement(Path(made.uri).parent / "to_nso.yaml"))
    contract = Contract("population", "1.0.0", Path("x"), "d", Server("s", "custom"), (WIDE, EMPTY))
    share_agreement(agreement, {"population": contract}, lake=made, at=START, run_id="s1", key=None)
    return made


def _agreement(path: Path) -> Path:
    products = [
        {
            "name": name,
            "table": f"population.{name}",
            "columns": [{"name": column, "protection": "none"} for column in columns],
        }
        for name, columns in (("wide", NAMES), ("empty", ("id",)))
    ]
    given = {
        "version": "1.0.0", "title": "T", "provider": "P", "recipient": {"id": "nso", "name": "N"}, "purpose": "p",
        "legalBasis": ["law"], "from": date(2026, 1, 1), "until": date(2026, 12, 31),
        "contact": {"provider": "a@p.example", "recipient": "b@n.example"}, "products": products,
    }  # fmt: skip
    path.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
    return path


def _table(lake: Lake, table: Table) -> DeltaTable:
    return lake.table(lake.registry_table(table.registry, table.name))


def _expected() -> dict[str, list[dict[str, Any]]]:
    wide = [("low", *LOW), ("high", *HIGH), ("odd", *ODD), ("none", *NONE)]
    grown = [(str(number), 2**53 + number, None, None) for number in range(500)]
    whole = [dict(zip(NAMES, row, strict=True)) for row in wide]
    return {
        "registry/population/wide": whole,
        "registry/population/empty": [],
        "registry/population/grown": [
            dict(zip(("id", "a", "local_at", "n"), row, strict=True))
            for row in [*grown, ("new", None, HIGH[2], HIGH[4])]
        ],
        "shared/nso/wide": whole,
        "shared/nso/empty": [],
    }


def by_pyarrow(uri: str) -> list[Row]:
    return pa.table(DeltaTable(uri).to_pyarrow_table()).to_pylist()


def by_dataset(uri: str) -> list[Row]:
    return DeltaTable(uri).to_pyarrow_dataset().to_table().to_pylist()


def by_deltas_sql(uri: str) -> list[Row]:
    return pa.table(QueryBuilder().register("t", DeltaTable(uri)).execute("SELECT * FROM t").read_all()).to_pylist()


def by_pandas(uri: str) -> list[Row]:
    exact = DeltaTable(uri).to_pandas(types_mapper=pd.ArrowDtype)
    plain = DeltaTable(uri).to_pandas()
    assert len(plain) == len(exact)
    assert str(plain)
    rows = [{name: _plain(value) for name, value in row.items()} for row in exact.to_dict("records")]
    for name in {"local_at", "instant", "ngày sinh"} & set(plain.columns):
        assert [_plain(value) for value in plain[name]] == [row[name] for row in rows], name
    return rows


def by_polars(uri: str) -> list[Row]:
    assert pl.scan_delta(uri).collect().height == pl.read_delta(uri).height
    return pl.read_delta(uri).to_dicts()


def by_duckdb(uri: str) -> list[Row]:
    with duckdb.connect() as connection:
        connection.execute("LOAD delta; SET TimeZone = 'UTC'")
        found = connection.execute(f"FROM delta_scan('{uri}')")
        names = [name for name, *_ in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _plain(value: Any) -> Any:
    """A cell of a data frame as Python's own value."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


READERS: list[Callable[[str], list[Row]]] = [by_pyarrow, by_dataset, by_deltas_sql, by_pandas, by_polars, by_duckdb]


@pytest.mark.parametrize("read", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("path", list(_expected()))
def test_it_is_read_whole(lake: Lake, path: str, read: Callable[[str], list[Row]]) -> None:
    _same(read(lake.path(path)), _expected()[path])


def _same(found: list[Row], expected: list[dict[str, Any]]) -> None:
    ours = {row["id"]: {name: value for name, value in row.items() if not name.startswith("_")} for row in found}
    assert len(found) == len(expected)
    assert ours == {row["id"]: row for row in expected}


@pytest.mark.parametrize(
    ("path", "reader", "writer", "features"),
    [
        ("registry/population/wide", 3, 7, ["timestampNtz"]),
        ("registry/population/grown", 3, 7, ["timestampNtz"]),
        ("shared/nso/wide", 3, 7, ["timestampNtz"]),
        ("shared/nso/empty", 1, 4, None),
    ],
)
def test_the_protocol_is_what_the_docs_say(
    lake: Lake, path: str, reader: int, writer: int, features: list[str] | None
) -> None:
    protocol = DeltaTable(lake.path(path)).protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (reader, writer)
    assert protocol.reader_features == features


def test_the_feed_has_the_values_that_went(lake: Lake) -> None:
    feed = pa.table(_table(lake, WIDE).load_cdf(starting_version=1)).to_pylist()
    went = [row for row in feed if row["_change_type"] == "delete"]
    assert [tuple(row[name] for name in NAMES) for row in went] == [("gone", *ODD)]


def test_a_pattern_over_the_files_has_rows_twice_and_the_logs_list_has_not(lake: Lake) -> None:
    table = _table(lake, WIDE)
    by_pattern = duckdb.read_parquet(f"{lake.path('registry/population/wide')}/**/*.parquet", union_by_name=True)
    assert len(by_pattern) > 4
    assert len(duckdb.read_parquet(table.file_uris(), union_by_name=True, hive_partitioning=False)) == 4


def test_the_pages_on_published_tables_do_what_they_say(tmp_path: Path) -> None:
    """Also after maintenance, whose commits have no run."""
    lake = Lake(str(tmp_path / "var" / "lake"), scratch=tmp_path / "scratch")
    citizen = contract_table(column("personal_id", key=1), column("birth_date", "DATE"))
    changes = "".join(_code("get-the-changes.md"))
    told = []
    for number, rows in enumerate([[("a", LOW[1])], [("a", LOW[1])], [("a", HIGH[1]), ("b", None)]]):
        run(lake, citizen, number, rows, metadata={"rejected": "0"})
        maintain_table(lake, "registry/population/citizen")
        told.append(_printed(changes, tmp_path, name=f"changes{number}"))
    told.append(_printed(changes, tmp_path, name="again"))
    assert told == [
        "read whole: 1 rows\n",
        "changes: []\n",
        "changes: ['insert', 'update_postimage', 'update_preimage']\n",
        "nothing new\n",
    ]
    table = _table(lake, citizen)
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True)
    assert _printed(changes, tmp_path, name="after_vacuum") == "changes: []\n"
    printed = _printed("".join(_code("read-a-published-table.md")), tmp_path, name="published")
    assert printed.startswith("r2 ")


def _code(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def _printed(program: str, folder: Path, *, name: str) -> str:
    """What a program prints that is run in the folder, where it finds what the program before it noted."""
    script = folder / f"{name}.py"
    script.write_text(f"import os\nos.chdir({str(folder)!r})\n{program}", encoding="utf-8")
    attempts = folder / name
    attempts.mkdir()
    noted = {path: path.read_bytes() for path in folder.glob("*.seen.json")}

    def command(_: Path) -> list[str]:
        for path in folder.glob("*.seen.json"):  # of an attempt that was aborted after its work
            path.unlink()
        for path, content in noted.items():
            path.write_bytes(content)
        return [sys.executable, str(script)]

    done = run_script(command, attempts, {**os.environ, "PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.spark
def test_spark_reads_it_whole(lake: Lake, tmp_path: Path) -> None:
    """By the data source of the page for recipients."""
    python = os.environ.get("SPARK_PYTHON") or sys.executable
    if python == sys.executable:
        needed("Spark")
    source, _, _ = "".join(_code("read-a-shared-table-spark.md")).partition("spark = (")
    script = tmp_path / "read.py"
    script.write_text(source + SPARK, encoding="utf-8")
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONIOENCODING": "utf-8", "TZ": "Asia/Ho_Chi_Minh"}
    paths = [lake.path(path) for path in _expected()]
    attempts = tmp_path / "attempts"
    attempts.mkdir()
    done = run_script(lambda _: [python, str(script), str(tmp_path), *paths], attempts, environ)
    assert done.returncode == 0, done.stderr[-3000:]
    for number, rows in enumerate(_expected().values()):
        _same(pq.read_table(tmp_path / f"{number}.parquet").to_pylist(), rows)


SPARK = """
import pyarrow.parquet as pq

spark = SparkSession.builder.config("spark.ui.enabled", "false").master("local[1]").getOrCreate()
spark.dataSource.register(SharedTable)
for number, path in enumerate(sys.argv[2:]):
    pq.write_table(spark.read.format("shared_table").load(path).toArrow(), f"{sys.argv[1]}/{number}.parquet")
"""
