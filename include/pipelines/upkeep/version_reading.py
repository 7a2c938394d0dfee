"""Reading a table as of a version or an instant: rows on screen or in a file, personal values only with a look."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable

from include.contracts.model import Table
from include.contracts.sql import SqlRefused, names_in, rewritten
from include.lake.delta import VersionGone, open_version, version_at, versions, view_of
from include.lake.row_history import history_at, history_facts
from include.lake.storage import lake_errors, quote, restrict_access
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import Look, note_look, write_look
from include.pipelines.errors import Misuse, no_values_escape

OPEN_TO_ALL = ("public", "internal")


_FORMATS = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".csv": "FORMAT csv, HEADER",
}


@dataclass(frozen=True, slots=True)
class VersionRows:
    """Rows of a version as plain values, or how many were written to a file; `hidden` columns are left out."""

    version: int
    columns: tuple[str, ...]
    hidden: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    written: int = 0


def read_version(
    context: PipelineContext,
    registry: str,
    table: str,
    *,
    version: int | None = None,
    at: str = "",
    where: str = "",
    limit: int | None = None,
    out: Path | None = None,
    look: Look | None = None,
) -> VersionRows:
    """Rows of a table as of a version or an instant (default: the newest), in key order; to a file if `out` is given.

    Without a `look`, only columns that the contract classifies as public or internal: the others are personal. With
    one, the ledger has an entry (kind `export`) before a value is shown or written: who, which version, what for.

    Args:
        context: the lake and the contracts.
        registry: the registry.
        table: its table.
        version: a version of its history.
        at: ISO instant (UTC unless it says otherwise); a day stands for its end.
        where: an SQL condition over the table's columns.
        limit: at most this many rows.
        out: a file to write instead, `.parquet` or `.csv`.
        look: who wants every column, and what for.

    Raises:
        Misuse: both version and instant, an unknown format, a condition that is none.
        VersionGone: that version cannot be had any more.
    """
    if version is not None and at:
        raise Misuse("say either --version or --at, not both")
    if out is not None and out.suffix.lower() not in _FORMATS:
        raise Misuse(f"{out.name} has no format that can be written: end it with {' or '.join(_FORMATS)}")
    spec = context.table(registry, table)[1]
    with no_values_escape(f"reading {registry}.{table}"):
        delta, past, table_id = _opened(context, spec, version, instant(at) if at else None)
        names, number, files = [field.name for field in delta.schema().fields], int(delta.version()), delta.file_uris()
        with context.lake.connect() as connection:
            if past is None:
                view_of(connection, "published", delta, files)
            else:
                former = history_at(context.lake, connection, "published", spec, past)
                names, number, files = list(former.columns), former.version, list(former.files)
            shown = [name for name in names if look or name in _open_columns(spec)]
            condition = f"WHERE {_condition(where, names, shown)}" if where else ""
            order = ", ".join(quote(name) for name in spec.primary_key if name in names) or "ALL"
            query = f"SELECT {', '.join(quote(name) for name in shown)} FROM published {condition} ORDER BY {order}" + (
                f" LIMIT {limit}" if limit is not None else ""
            )
            file = str(out.absolute()) if out is not None else ""
            restrict_access(connection, reads=files, writes=[file] if file else [])
            hidden = tuple(name for name in names if name not in shown)
            columns = tuple(shown)
            with lake_errors(f"reading {spec.qualified_name}"):
                if look is not None:
                    _run(connection, f"DESCRIBE {query}")  # what cannot be read is refused before it is on record
                    shown_of = {"version": number, "table_id": table_id}
                    _note(context, spec, look, **shown_of, where=where, limit=limit, is_file=out is not None)
                if out is None:
                    return VersionRows(number, columns, hidden, _run(connection, query))
                written = write_look(partial(_run, connection), query, out, _FORMATS[out.suffix.lower()])
                return VersionRows(number, columns, hidden, [], written=written)


def _opened(
    context: PipelineContext, table: Table, version: int | None, at: datetime | None
) -> tuple[DeltaTable, datetime | None, str]:
    """The version to read, or the newest and the instant at which its history is to be read instead.

    And the Delta id of the table that the version is of: a table that is made anew counts its versions from 0 again,
    and a history tells of the former one too. Empty if it may be that one.

    Raises:
        VersionGone: that version cannot be had any more, and the contract keeps no history of that time.
    """
    if at is None:
        return _with_id(open_version(context.lake, table, version))
    try:
        return _with_id(open_version(context.lake, table, version_at(context.lake, table, at)))
    except VersionGone:
        facts = history_facts(context.lake, table)
        if facts is None or at < facts.since:
            raise
        newest = open_version(context.lake, table, None)
        is_of_it = versions(context.lake, table)[-1].at <= at
        return newest, at, str(newest.metadata().id) if is_of_it else ""


def _with_id(delta: DeltaTable) -> tuple[DeltaTable, None, str]:
    return delta, None, str(delta.metadata().id)


def _note(context: PipelineContext, table: Table, look: Look, *, where: str, **what: Any) -> None:
    """The look on record. The condition may hold a value, so its digest stands for it."""
    digest = {"where_sha256": hashlib.sha256(where.encode()).hexdigest()} if where else {}
    note_look(context, f"registry/{table.registry}/{table.name}", look, **what, **digest)


def instant(text: str) -> datetime:
    """An ISO instant; UTC unless it says otherwise, and a day alone stands for its end.

    Raises:
        Misuse: it is none.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Misuse(f"`{text}` is no instant: write 2026-01-31, or 2026-01-31T08:00+07:00") from None
    if len(text.strip()) <= len("2026-01-31"):
        at += timedelta(days=1, microseconds=-1)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _open_columns(table: Table) -> set[str]:
    return {column.name for column in table.columns if column.classification in OPEN_TO_ALL}


def _condition(text: str, names: list[str], shown: list[str]) -> str:
    """The condition, parsed: over the columns that are shown only, as it would tell what others hold."""
    remedy = "write one condition over the table's columns, e.g. status = 'active'"
    try:
        condition = rewritten(text)
    except SqlRefused as refused:
        raise Misuse(f"--where {refused}: {remedy if str(refused) == 'is not SQL' else refused.remedy}") from None
    known = {name.lower() for name in names}
    if unknown := [name for name in names_in(condition) if name.lower() not in known]:
        raise Misuse(f"--where speaks of `{unknown[0]}`, which this version has not; columns: {', '.join(names)}")
    open_to_it = {name.lower() for name in shown}
    if hidden := [name for name in names_in(condition) if name.lower() not in open_to_it]:
        raise Misuse(f"--where speaks of `{hidden[0]}`, which holds personal values: add --values and --purpose")
    return f"({condition})"


def _run(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(query).fetchall()
    except (duckdb.BinderException, duckdb.ConversionException) as error:
        raise Misuse(f"--where does not fit the columns' types ({type(error).__name__}): cast the values") from None
