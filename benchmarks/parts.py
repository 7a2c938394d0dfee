"""What is compared. A part gives its cases, a case the figures of each way: `{case: {way: figures}}`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import sources
from benchmarks.payments import BY_CHANGE_LOG, BY_CURSOR, CHANGE, DELETION
from benchmarks.running import VAR, Figures, Way, compare, median, run

Cases = dict[str, dict[str, Figures]]
OURS = "Liên Thông"
FLOOR = "psql COPY BINARY > /dev/null"

_PEERS = "benchmarks.peers.extraction"
_EXTRACTION = Way(OURS, "benchmarks.ours:extraction")
_SYNC = Way(OURS, "benchmarks.ours:sync")
_FLOOR = Way(FLOOR, "benchmarks.ours:floor")
_PANDAS = Way("pandas", f"{_PEERS}:with_pandas")
_SMALL = 2_000
_SHARES = (0.1, 1.0, 10.0)
Day = tuple[str, str, dict[str, Any]]  # what is said of it, the SQL of what happens, arguments of the sync
_QUIET: Day = ("nothing changed", "", {})
_DELETION: Day = ("20 rows deleted", DELETION.format(rows=20), {})


@dataclass
class Server:
    """A PostgreSQL, and how many rows its table has."""

    uri: str
    rows: int = 0

    def holding(self, rows: int) -> str:
        """Its URI, once the table has that many rows."""
        if self.rows != rows:
            sources.fill(self.uri, rows)
            self.rows = rows
        return self.uri


def extraction(server: Server, rows: int, rounds: int) -> Cases:
    """PostgreSQL to Parquet."""
    ways = [
        _FLOOR,
        _EXTRACTION,
        Way("ConnectorX", f"{_PEERS}:with_connectorx"),
        Way("ADBC", f"{_PEERS}:with_adbc"),
        Way("dlt, ConnectorX", f"{_PEERS}:with_dlt", {"backend": "connectorx"}),
        Way("dlt, pyarrow", f"{_PEERS}:with_dlt", {"backend": "pyarrow"}),
        Way("dlt, as it comes", f"{_PEERS}:with_dlt"),
        _PANDAS,
        Way("SQLAlchemy", f"{_PEERS}:with_sqlalchemy"),
    ]
    return {"": compare(ways, rounds, uri=server.holding(rows))}


def sync(server: Server, rows: int, rounds: int) -> Cases:
    """PostgreSQL to a table that readers may use."""
    delta = {"table_format": "delta"}
    ways = [
        _FLOOR,
        _SYNC,
        Way("pandas + Great Expectations", "benchmarks.peers.sync:with_pandas_and_gx"),
        Way("dlt to Delta, ConnectorX", f"{_PEERS}:with_dlt", {**delta, "backend": "connectorx"}),
        Way("dlt to Delta, pyarrow", f"{_PEERS}:with_dlt", {**delta, "backend": "pyarrow"}),
        Way("dlt to Delta, as it comes", f"{_PEERS}:with_dlt", delta),
    ]
    return {"": compare(ways, rounds, uri=server.holding(rows))}


def growth(server: Server, rows: int, rounds: int) -> Cases:
    """The whole sync of a fifth of the rows, all of them, four and twenty times as many."""
    sizes = (rows // 5, rows, rows * 4, rows * 20)
    return {f"{n:,} rows": compare([_FLOOR, _SYNC], rounds, uri=server.holding(n)) for n in sizes}


def incremental(server: Server, rows: int, rounds: int) -> Cases:
    """On four times the rows: a full sync, then runs after a share of the rows, spread at random, has changed.

    The last is what a run of such a day takes without increments: all rows are read and compared again.
    """
    whole: Day = ("1 % changed, --full", CHANGE.format(share=0.01), {"is_full": True})
    return _days(server, rows * 4, rounds, BY_CURSOR, [_QUIET, _DELETION, *map(_changed, _SHARES), whole])


def change_log(server: Server, rows: int, rounds: int) -> Cases:
    """The same days by the server's change log, as far as the changed keys are few enough to be read one by one."""
    return _days(server, rows * 4, rounds, BY_CHANGE_LOG, [_QUIET, _DELETION, *map(_changed, _SHARES[:2])])


def many_days(server: Server, rows: int, rounds: int) -> Cases:
    """A small table, synced on 100 days, of which ten each are one case: what a sync costs must not grow with them.

    The rounds do not count: the figures are medians of ten days already.
    """
    del rows, rounds
    server.holding(_SMALL)
    server.rows = 0
    with tempfile.TemporaryDirectory(dir=VAR, prefix="lake-") as name:
        run(_SYNC, Path(name), uri=server.uri)
        return {
            f"days {first} to {first + 9}": {
                OURS: run(
                    Way(f"days {first} to {first + 9}", "benchmarks.ours:days"), Path(name), uri=server.uri, days=10
                )
            }
            for first in range(1, 100, 10)
        }


def _changed(percent: float) -> Day:
    return f"{percent:g} % changed", CHANGE.format(share=percent / 100), {}


def _days(server: Server, rows: int, rounds: int, extract: str, days: list[Day]) -> Cases:
    """A full sync of a table of that many rows by a contract's `extract`, then a run after each day."""
    server.holding(rows)
    server.rows = 0  # not the table that was filled any more
    given = {"uri": server.uri, "extract": extract}
    with tempfile.TemporaryDirectory(dir=VAR, prefix="lake-") as name:
        cases: Cases = {"full": {OURS: run(_SYNC, Path(name), **given)}}
        for label, change, arguments in days:
            turns = []
            for _ in range(rounds):
                with psycopg.connect(server.uri, autocommit=True) as connection:
                    if change:
                        connection.execute(change)
                    connection.execute("VACUUM payments")
                turns.append(run(Way(label, _SYNC.function, arguments), Path(name), **given))
            cases[label] = {OURS: median(turns)}
    return cases


def other_sources(rows: int, rounds: int) -> Cases:
    """A fifth of the rows from MariaDB, SQLite and a CSV file, to Parquet."""
    cases: Cases = {}
    for name, start in (("MariaDB", sources.mariadb), ("SQLite", sources.sqlite), ("CSV", sources.csv)):
        if name == "MariaDB" and not sources.has_mariadb():
            print("MariaDB is not installed: left out", file=sys.stderr)
            continue
        with start() as uri:
            sources.fill(uri, rows // 5)
            cases[name] = compare([_EXTRACTION, _PANDAS], rounds, uri=uri)
    return cases


ON_POSTGRES: dict[str, Callable[[Server, int, int], Cases]] = {
    "extraction": extraction,
    "sync": sync,
    "growth": growth,
    "incremental": incremental,
    "change_log": change_log,
    "many_days": many_days,
}
NAMES = (*ON_POSTGRES, "sources")
