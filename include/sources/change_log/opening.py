"""Opening of a table's change log, by the kind of its source, whose reader is imported only then."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from include.contracts.model import Contract, Table
from include.sources.access import check_hours, connect, load_limits_of
from include.sources.change_log.change_position import ChangePosition
from include.sources.change_log.refused import ChangeLogRefused
from include.sources.change_log.touched_keys import TouchedKeys


class ChangeLog(Protocol):
    """A table's change log, opened before the rows are read; see `PostgresLog`."""

    position: ChangePosition | None
    note: str
    kept_bytes: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The key's columns as the source spells them."""

    def read(self, snapshot: str, keys: TouchedKeys) -> None:
        """Write the keys of rows that changed since the last position, and set the new one."""


def open_change_log(
    contract: Contract,
    table: Table,
    *,
    lake_uri: str,
    environ: Mapping[str, str],
    since: ChangePosition | None,
    at: datetime,
) -> AbstractContextManager[ChangeLog]:
    """The change log of a table on the source itself, never its replica: from a position on, or begun anew (None).

    Raises:
        SourceClosed: outside the allowed hours.
        ChangeLogRefused: the source has no log, or does not log the table as needed.
        ChangeLogLost: the log does not lead from the position to the present; it must be begun anew.
        SourceError: the source does not answer, or refuses.
    """
    check_hours(contract, load_limits_of(contract.server), at)
    connection, read_at = connect(contract, environ), at.isoformat()
    if connection.kind == "postgresql":
        from include.sources.change_log.postgres_log import open_postgres_log

        return open_postgres_log(connection, contract, table, lake_uri=lake_uri, since=since, at=read_at)
    if connection.kind == "mysql":
        from include.sources.change_log.mariadb_log import open_mariadb_log

        return open_mariadb_log(connection, contract, table, since=since, at=read_at)
    raise ChangeLogRefused(
        f"{table.qualified_name}: `changes: log` is for sources in PostgreSQL and MariaDB, and {connection.variable} "
        "is none: leave it out of the contract"
    )
