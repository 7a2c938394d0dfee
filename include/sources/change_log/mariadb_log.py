"""Change log of MariaDB: its row binlog, read from the position that a table's commit holds.

The new position is that of a consistent snapshot (`binlog_snapshot_position`), taken before the rows are read: the
server gives both in one step, so every transaction before the position is seen by whoever reads later. A row that
changes in between is read as it is then, and once more by the next run.

The server removes its log by its own settings, whoever has read it. A log file begins with the instant at which it was
made, and a server makes a new one whenever it starts: so a server restored from a copy is told by it.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import pymysql
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication import event as events
from pymysqlreplication import row_event as rows

from include.contracts.model import Contract, Table
from include.sources.access import Connection, pymysql_tls, without_tls
from include.sources.change_log.change_position import ChangeLogLost, ChangePosition
from include.sources.change_log.mariadb_table import BinlogTable, ask, binlog_table
from include.sources.change_log.refused import ChangeLogRefused
from include.sources.change_log.touched_keys import TouchedKeys
from include.sources.databases import CONNECT_SECONDS, explain

KIND = "mariadb"
_SILENT_SECONDS = 60
_DENIED = (1044, 1045, 1142, 1227)
_GONE = 1236  # the server cannot read its log from there
_INCIDENT, _COMPRESSED = 26, range(165, 172)
_ROWS = (rows.WriteRowsEvent, rows.UpdateRowsEvent, rows.DeleteRowsEvent)
_EVENTS = (
    *_ROWS, events.QueryEvent, events.RotateEvent, events.FormatDescriptionEvent, events.XAPrepareEvent,
    events.BeginLoadQueryEvent, events.ExecuteLoadQueryEvent, events.NotImplementedEvent, events.XidEvent,
)  # fmt: skip
_HARMLESS = {"", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}
_DEFINES = {
    "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "GRANT", "REVOKE", "ANALYZE", "OPTIMIZE", "REPAIR", "FLUSH", "SET",
}  # fmt: skip
_COMMENT = re.compile(r"/\*(?!!|M!).*?\*/|(?:--\s|#)[^\n]*", re.DOTALL)


class MariaDbLog:
    """The change log of one table; see `ChangeLog`. It is opened before the table's rows are read."""

    def __init__(
        self,
        session: pymysql.Connection,
        settings: Mapping[str, Any],
        logged: BinlogTable,
        since: ChangePosition | None,
        at: str,
    ) -> None:
        self.note, self.kept_bytes = "", 0
        self._session, self._settings, self._logged, self._since, self._at = session, settings, logged, since, at
        self._files = {row["Log_name"]: int(row["File_size"]) for row in ask(session, "SHOW BINARY LOGS")}
        if since is not None:
            self._check(since)
        self._file, self._offset = self._snapshot_position()
        self._files = {row["Log_name"]: int(row["File_size"]) for row in ask(session, "SHOW BINARY LOGS")}
        self.position: ChangePosition | None = None
        if since is None:
            self.position = self._position_of(self._made_at(self._file, self._offset))

    @property
    def columns(self) -> tuple[str, ...]:
        """The key's columns as the source spells them."""
        return self._logged.columns

    def read(self, snapshot: str, keys: TouchedKeys) -> None:
        """Write the keys of all rows that changed between the last position and the new one.

        Raises:
            ChangeLogLost: the log has another past, or does not say which rows changed.
        """
        since = self._since
        if since is None:
            raise ValueError("a log that has just begun holds no change to read")
        order = {name: number for number, name in enumerate(self._files)}
        end = (order[self._file], self._offset)
        made: dict[str, int] = {}  # when each file was made
        with self._stream(since.log, since.offset) as stream:
            for event in stream:
                if isinstance(event, events.FormatDescriptionEvent):
                    made[stream.log_file] = event.timestamp
                    if stream.log_file == since.log and _history(since.log, event.timestamp) != since.history:
                        raise ChangeLogLost("the source's log has another past: the server was restored from a copy")
                here = (order.get(stream.log_file, len(order)), stream.log_pos)
                if here <= end:
                    self._take(event, keys)
                if here >= end and self._file in made:
                    break
        if self._file not in made:
            raise ChangeLogLost("the source's log cannot be read up to the present")
        self.position = self._position_of(made[self._file])

    def _take(self, event: Any, keys: TouchedKeys) -> None:
        """Write the keys of an event; the log is lost if it changed rows and does not say which."""
        if isinstance(event, _ROWS):
            for row in event.rows:
                self._take_row(row, keys)
        elif isinstance(event, events.QueryEvent):
            query = event.query if isinstance(event.query, str) else bytes(event.query).decode("utf-8", "replace")
            plain = _COMMENT.sub(" ", query).lstrip("( \t\r\n")
            word = re.split(r"[^A-Za-z!/*]", plain, maxsplit=1)[0].upper()
            if word in _DEFINES:
                if self._logged.may_be_meant(query, event.schema.decode("utf-8", "replace")):
                    raise ChangeLogLost("the table was altered, emptied, renamed or made anew at the source")
            elif word not in _HARMLESS:
                raise ChangeLogLost("a change was logged as a statement, or in two phases (XA), not by its rows")
        elif isinstance(event, events.XAPrepareEvent | events.BeginLoadQueryEvent | events.ExecuteLoadQueryEvent):
            raise ChangeLogLost("a change was logged as a statement, or in two phases (XA), not by its rows")
        elif isinstance(event, events.NotImplementedEvent) and event.event_type in (_INCIDENT, *_COMPRESSED):
            raise ChangeLogLost("the source's log holds a gap, or compressed changes")

    def _take_row(self, row: Mapping[str, Any], keys: TouchedKeys) -> None:
        images = [row[name] for name in ("values", "before_values", "after_values") if name in row]
        for image in images:
            key = tuple(_text(image.get(column)) for column in self._logged.columns)
            if None in key:
                raise ChangeLogLost("a key in the log is not whole")
            keys.add(tuple(map(str, key)))

    def _check(self, since: ChangePosition) -> None:
        if since.kind != KIND or since.log not in self._files:
            raise ChangeLogLost(
                "the source has removed the log from the last position on (binlog_expire_logs_seconds), or another "
                "server answers than the one that had it"
            )
        if self._files[since.log] < since.offset:
            raise ChangeLogLost("the source's log ends before the last position: the server was restored from a copy")

    def _snapshot_position(self) -> tuple[str, int]:
        """File and offset up to which a snapshot taken now sees all transactions."""
        with self._session.cursor() as cursor:
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            cursor.execute("SHOW STATUS LIKE 'binlog_snapshot_%'")
            found = {str(name).lower(): value for name, value in cursor.fetchall()}
            cursor.execute("COMMIT")
        return str(found["binlog_snapshot_file"]), int(found["binlog_snapshot_position"])

    def _made_at(self, file: str, offset: int) -> int:
        """The instant at which a file of the log was made."""
        with self._stream(file, offset) as stream:
            for event in stream:
                if isinstance(event, events.FormatDescriptionEvent):
                    return int(event.timestamp)
        raise ChangeLogLost("the source's log cannot be read")

    def _position_of(self, made_at: int) -> ChangePosition:
        return ChangePosition(KIND, self._file, self._offset, _history(self._file, made_at), "", self._at)

    @contextmanager
    def _stream(self, file: str, offset: int) -> Iterator[BinLogStreamReader]:
        """Events from a position to the end of the log. Texts of other columns than the key may be of any kind."""
        with closing(
            BinLogStreamReader(
                connection_settings=dict(self._settings),
                server_id=2**31 + secrets.randbelow(2**31 - 1),  # no replica of the server may have the same
                resume_stream=True,
                log_file=file,
                log_pos=offset,
                only_events=_EVENTS,
                only_schemas=[self._logged.schema],
                only_tables=[self._logged.name],
                filter_non_implemented_events=False,
                ignore_decode_errors=True,
                enable_logging=False,
            )
        ) as stream:
            yield stream


@contextmanager
def open_mariadb_log(
    connection: Connection, contract: Contract, table: Table, *, since: ChangePosition | None, at: str
) -> Iterator[MariaDbLog]:
    """The change log of a table from a position on, or begun anew.

    Raises:
        ChangeLogRefused: the source does not log the table as needed.
        ChangeLogLost: the log does not lead from the position to the present; it must be begun anew.
        SourceError: the source does not answer, or refuses.
    """
    url = connection.engine_url
    _, settings = url.get_dialect()().create_connect_args(without_tls(url))
    limits = {"connect_timeout": CONNECT_SECONDS, "read_timeout": _SILENT_SECONDS, "charset": "utf8mb4"}
    settings = {**settings, **limits, **pymysql_tls(url)}
    if url.password:
        settings["password"] = str(url.password).encode()  # PyMySQL would take text for Latin-1
    try:
        with closing(pymysql.connect(**settings, autocommit=True)) as session:
            logged = binlog_table(session, contract, table)
            settings["database"] = "information_schema"  # of the reader's own queries
            yield MariaDbLog(session, settings, logged, since, at)
    except pymysql.err.MySQLError as error:
        code = error.args[0] if error.args else 0
        if code == _GONE:
            raise ChangeLogLost("the source's log can no longer be read from the last position") from None
        if code in _DENIED:
            raise ChangeLogRefused(
                f"{table.qualified_name}: the user of the connection may not read the log: the administrator must run "
                "GRANT BINLOG MONITOR, REPLICATION SLAVE ON *.* TO ..."
            ) from None
        raise explain(error, connection, table) from None


def _history(file: str, made_at: int) -> str:
    return f"{file} {made_at}"


def _text(value: object) -> str | None:
    """A key's value as text, in the engine's format; None if it is of no type that a key may have."""
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, str | int | dt.date) else None
