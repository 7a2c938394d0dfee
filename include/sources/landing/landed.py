"""Writing of an extract: the rows as received in one Parquet file, and its JSON record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from include.lake.delta import row_sums
from include.lake.storage import PARQUET, Lake, LakeError, LakeFull, classify, lake_errors, literal, quote, scan
from include.sources.access import SourceError
from include.sources.open_object import NotCarried, Reading

RECORD = "_extract.json"
FILE = "extract.parquet"
ROWS_PER_GROUP, FEWEST_ROWS_PER_GROUP = 122_880, 2_048
CELLS_PER_GROUP = 8_000_000
BYTES_PER_GROUP = "64MB"
# Each column's dictionary takes memory before its first value (measured: 600 columns exceed the limit).
MOST_DICTIONARIES = 250
MOST_COLUMNS_AT_ONCE = 2_000  # of all threads
Wrap = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Extract:
    """Record of one table as received by one run.

    `uri` is the Parquet file; `digest` is equal for equal rows in any order; `columns` are (name, DuckDB type) as
    landed; `cursor` is the greatest cursor, a text for each of its columns, if they can be ordered; `source` is the
    kind of source and `via` how it was read; `since` is the cursor that it was read from, None for all rows.
    `source_columns` are (name, type, ...) of the source for the next run's comparison (see `drift.Columns`);
    `protection` describes the load limits kept. `change_position` is up to where the source's change log is published
    with these rows, `change_since` from where it was read (`ChangePosition` as text, or empty); `moves_log`: even
    without a changed row the position must be committed, so that the source can give up its log.
    `next_digest` is the digest of what the next run should read if nothing changes: the rows within the cursor's lag.
    """

    registry: str
    table: str
    run_id: str
    uri: str
    rows: int
    digest: str
    columns: tuple[tuple[str, str], ...]
    bytes: int
    seconds: float
    snapshot_at: str
    drift: tuple[str, ...]
    cursor: tuple[str, ...] | None
    source: str
    mode: str = "full"
    since: tuple[str, ...] | None = None
    source_columns: tuple[tuple[str, ...], ...] = ()
    via: str = ""
    protection: str = ""
    change_position: str = ""
    change_since: str = ""
    moves_log: bool = False
    next_digest: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Extract:
        """The inverse of `to_dict`, also after JSON."""
        return cls(
            **{
                **given,
                **{name: tuple(tuple(column) for column in given[name]) for name in ("columns", "source_columns")},
                **{name: given[name] and tuple(given[name]) for name in ("cursor", "since")},
                "drift": tuple(given["drift"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Landed:
    """The landed file; `cursor` is the greatest one in it (None: no row has one that can be ordered)."""

    uri: str
    rows: int
    bytes: int
    digest: str
    columns: tuple[tuple[str, str], ...]
    drift: tuple[str, ...]
    cursor: tuple[str, ...] | None = None
    since: tuple[str, ...] | None = None
    via: str = ""
    seconds: float = 0.0
    next_digest: str = ""


def record(lake: Lake, folder: str, extract: Extract) -> None:
    """Write the record, after which the extract is complete."""
    lake.write_text(f"{folder}/{RECORD}", json.dumps(extract.to_dict(), ensure_ascii=False, indent=1))


def land(
    reading: Reading,
    *,
    duck: duckdb.DuckDBPyConnection,
    lake: Lake,
    uri: str,
    wrap: Wrap = str,
    with_digest: bool = True,
) -> Landed:
    """Run the reading into one Parquet file. `wrap` maps the reading's query to the one that lands."""
    lake.make_folder(uri.rpartition("/")[0])
    notes = reading.drift
    try:
        rows, size = _copy(duck, wrap(reading.query), uri, reading.threads)
        notes += reading.check(rows)
    except (duckdb.Error, OSError, NotCarried) as error:
        if not isinstance(error, NotCarried):
            _raise_known(reading, error)
        if reading.plain is None:
            raise _unknown(error, uri) from None
        try:
            rows, size = _copy(duck, wrap(reading.plain(str(error))), uri, reading.threads)
            notes += reading.check(rows)
        except (duckdb.Error, OSError, NotCarried) as again:
            _raise_known(reading, again)
            raise _unknown(again, uri) from None
        notes += (reading.plain_note,) if reading.plain_note else ()
    with lake_errors("reading back what was landed"):
        columns = _columns(duck, uri)
        with _threads(duck, len(columns)):
            digest = digest_of(duck, uri, columns) if with_digest else ""
    return Landed(uri, rows, size, digest, columns, notes, via=reading.via)


def _copy(duck: duckdb.DuckDBPyConnection, query: str, uri: str, threads: int | None) -> tuple[int, int]:
    """Write the query as Parquet; returns rows and bytes. Wide tables get small row groups and no dictionaries."""
    wide = len(duck.execute(f"DESCRIBE {query}").fetchall())
    rows = min(ROWS_PER_GROUP, max(FEWEST_ROWS_PER_GROUP, CELLS_PER_GROUP // wide))
    parquet = PARQUET if wide <= MOST_DICTIONARIES else f"{PARQUET.rpartition(' ')[0]} 0"
    with _threads(duck, wide, threads):
        row = duck.execute(
            f"COPY ({query}) TO {literal(uri)} ({parquet}, ROW_GROUP_SIZE {rows}, "
            f"ROW_GROUP_SIZE_BYTES '{BYTES_PER_GROUP}', RETURN_STATS)"
        ).fetchone()
    return (0, 0) if row is None else (int(row[1]), int(row[2]))


@contextmanager
def _threads(duck: duckdb.DuckDBPyConnection, wide: int, threads: int | None = None) -> Iterator[None]:
    """Set DuckDB's threads inside the block, limited for wide tables, since each thread buffers all columns."""
    allowed = int(duck.execute("SELECT current_setting('threads')").fetchall()[0][0])
    duck.execute(f"SET threads = {max(1, min(threads or allowed, MOST_COLUMNS_AT_ONCE // wide))}")
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # a failed transaction accepts no more statements
            duck.execute(f"SET threads = {allowed}")


def _raise_known(reading: Reading, error: BaseException) -> None:
    """Raise the classified error if there is one; a full disk first, since databases report it in many ways."""
    if classify(error) is LakeFull:
        with lake_errors("landing an extract"):
            raise error
    if isinstance(error, duckdb.OutOfMemoryException):
        raise SourceError(
            "the rows are too wide, or hold values too long, for the memory that landing has: let a view in the source "
            "leave out what the contract does not read; of a file, ask the sender for a narrower one"
        ) from None
    classified = reading.explain(error)
    if classified is not None:
        raise classified from None
    if classify(error) is not LakeError:
        with lake_errors("landing an extract"):
            raise error


def _unknown(error: BaseException, uri: str) -> BaseException:
    """Error for an unclassified failure: for one about values with a general remedy, else as a lake error."""
    if isinstance(error, duckdb.DataError | duckdb.ProgrammingError | duckdb.NotSupportedError | NotCarried):
        registry, table, *_ = uri.rpartition("/landing/")[2].split("/")
        return SourceError(
            f"{registry}.{table}: a row of the source could not be landed ({type(error).__name__}): most often a value "
            "that its column's type has no place for. Nothing was published. Let a view in the source write the column "
            "as text (CAST ... AS VARCHAR) and name the view in physicalName; of a file, ask the sender"
        )
    try:
        with lake_errors("landing an extract"):
            raise error
    except LakeError as error_of_lake:
        return error_of_lake


def _columns(duck: duckdb.DuckDBPyConnection, uri: str) -> tuple[tuple[str, str], ...]:
    rows = duck.execute(f"DESCRIBE SELECT * FROM {scan(uri)}").fetchall()
    return tuple((str(row[0]), str(row[1])) for row in rows)


def digest_of(
    duck: duckdb.DuckDBPyConnection, uri: str, columns: tuple[tuple[str, str], ...], where: str = "true"
) -> str:
    """SHA-256 over the columns and three sums of row hashes that do not depend on the order of rows."""
    row_hash = f"hash({', '.join(quote(name) for name, _ in columns)})"
    sums = row_sums(duck, f"{row_hash} AS h FROM {scan(uri)} WHERE {where}")
    return hashlib.sha256(json.dumps([sums, columns], ensure_ascii=False).encode()).hexdigest()
