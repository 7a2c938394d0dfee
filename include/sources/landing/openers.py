"""Openers: which reader opens a source object, at the replica if one serves, else at the source itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack

import duckdb

from include.contracts.model import Contract, Table
from include.lake.storage import Lake
from include.sources.access import (
    ColumnsMissing,
    Connection,
    Kind,
    LoadLimits,
    SourceDenied,
    SourceLost,
    SourceUnavailable,
    connect,
    connect_replica,
)
from include.sources.databases import (
    open_any,
    open_mysql,
    open_postgres,
    open_sqlite,
)
from include.sources.landing.delivery_folder import open_files
from include.sources.open_object import OpenObject
from include.sources.source_schema import Columns, without

Opener = Callable[
    [Connection, Table, Contract, LoadLimits, duckdb.DuckDBPyConnection], AbstractContextManager[OpenObject]
]


OPENERS: dict[Kind, Opener] = {
    "postgresql": open_postgres,
    "mysql": open_mysql,
    "sqlite": open_sqlite,
    "sqlalchemy": open_any,
}


def open_object(
    stack: ExitStack,
    contract: Contract,
    table: Table,
    load_limits: LoadLimits,
    duck: duckdb.DuckDBPyConnection,
    lake: Lake,
    before: Columns | None,
    environ: Mapping[str, str],
) -> tuple[OpenObject, Connection, str]:
    """The opened object, its server, and a note if the replica did not serve."""

    def enter(connection: Connection) -> OpenObject:
        def attempt(tolerant: Table) -> OpenObject:
            if connection.kind == "files":
                return stack.enter_context(open_files(connection, tolerant, contract, duck, lake.scratch))
            return stack.enter_context(OPENERS[connection.kind](connection, tolerant, contract, load_limits, duck))

        try:
            return attempt(table)
        except ColumnsMissing as missing:
            if before is None:
                raise
            return attempt(without(table, missing, tuple((name, kind) for name, kind, *_ in before)))

    # A standby's snapshot does not say which transactions it sees, and the change log is the source's own.
    replica = None if table.extract.reads_change_log else connect_replica(contract, environ)
    if replica is not None:
        try:
            return enter(replica), replica, ""
        except (SourceUnavailable, SourceLost, SourceDenied) as error:
            note = f"the replica did not serve ({type(error).__name__}): read from the source itself"
        connection = connect(contract, environ)
        return enter(connection), connection, note
    connection = connect(contract, environ)
    return enter(connection), connection, ""
