"""Change log of PostgreSQL: a logical replication slot for each table, read by SQL functions that do not consume it.

The slot keeps the log from the position that the table's commit holds. It is only moved on to a committed position,
by the run after that commit.

The log may show a transaction before a snapshot does: its commit record is written first, and with synchronous
replication long before. So the snapshot is taken first and the log is read after it, and the new position passes no
transaction that the snapshot does not see. Before the snapshot each run writes a mark of its own into the log; a log in
which the mark of the last position is missing has another past: the server was restored from a copy.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.rows import dict_row

from include.contracts.model import Contract, Table
from include.sources.access import LOCK_SECONDS, Connection, SourceUnavailable, load_limits_of
from include.sources.change_log.change_position import (
    GIVEN_UP_BYTES,
    MEGABYTE,
    ChangeLogLost,
    ChangePosition,
)
from include.sources.change_log.pgoutput import Begin, Changed, Decoder, Message, Truncated, Undecodable
from include.sources.change_log.postgres_snapshot import Snapshot
from include.sources.change_log.postgres_table import LoggedTable, logged_table
from include.sources.change_log.refused import ChangeLogRefused
from include.sources.change_log.touched_keys import TouchedKeys
from include.sources.databases import CONNECT_SECONDS, POSTGRES_SETTINGS, explain

KIND = "postgresql"
MARK = "lienthong"
_WAIT_SECONDS = 60  # for transactions that are open when a slot begins
_ROWS_AT_ONCE = 500
_IN_USE, _CANCELED, _NO_MORE_SLOTS = "55006", "57014", "53400"
_NUMBERS = """
SELECT pg_current_wal_insert_lsn() - '0/0' AS inserted, pg_current_wal_flush_lsn() - '0/0' AS flushed
"""
_SLOT = """
SELECT plugin::text, database::text, current_database()::text AS here, wal_status::text,
       confirmed_flush_lsn - '0/0' AS confirmed,
       pg_current_wal_insert_lsn() - coalesce(restart_lsn, pg_current_wal_insert_lsn()) AS kept_bytes
FROM pg_replication_slots WHERE slot_name = %s
"""
_CHANGES = """
SELECT data FROM pg_logical_slot_peek_binary_changes(
    %(slot)s, %(upto)s::pg_lsn, NULL, 'proto_version', '1', 'publication_names', %(publication)s, 'messages', 'true')
WHERE get_byte(data, 0) IN (66, 77, 84) OR substring(data FROM 2 FOR 4) = ANY (%(relations)s)
"""


class PostgresLog:
    """The change log of one table, opened before the snapshot from which its rows are read.

    `position` is the one to commit with those rows: of a new log once it began (None if it could not; then `note` says
    why), else once the log was read. `kept_bytes` is what the slot kept of the log when the run began.
    """

    def __init__(
        self,
        session: psycopg.Connection[dict[str, Any]],
        table: Table,
        logged: LoggedTable,
        slot: str,
        since: ChangePosition | None,
        at: str,
    ) -> None:
        self.position: ChangePosition | None = None
        self.note, self.kept_bytes = "", 0
        self._session, self._table, self._logged, self._slot = session, table, logged, slot
        self._since, self._at = since, at
        self._mark = secrets.token_bytes(8)
        if since is None:
            self._begin_anew()
        else:
            self._go_on(since)

    @property
    def columns(self) -> tuple[str, ...]:
        """The key's columns as the source spells them."""
        return self._logged.columns

    def read(self, snapshot: str, keys: TouchedKeys) -> None:
        """Write the keys of all rows that changed since the last position, as far as the snapshot sees them.

        Raises:
            ChangeLogLost: the log has another past, or does not say which rows changed.
        """
        if self._since is None:
            raise ValueError("a log that has just begun holds no change to read")
        sees, since = Snapshot.parse(snapshot).sees, self._since
        flushed = self._numbers()["flushed"]
        end = min(self._before_mark, flushed)
        decoder = Decoder(self._logged.columns)
        is_wanted, is_known = False, False
        padded = [column in self._logged.padded for column in self._logged.columns]
        for data in self._changes(upto=flushed):
            for found in decoder.decode(data):
                if isinstance(found, Begin):
                    is_visible = sees(found.xid)
                    is_wanted = is_visible and found.commit_lsn >= since.offset
                    end = end if is_visible else min(end, found.commit_lsn)
                elif isinstance(found, Message):
                    is_known = is_known or _history(found.lsn, found.content) == since.history
                elif isinstance(found, Truncated):
                    if is_wanted and set(found.relations) & set(self._logged.relations):
                        raise ChangeLogLost("the table was emptied at the source (TRUNCATE)")
                elif isinstance(found, Changed) and is_wanted:
                    for key in found.keys:
                        keys.add(tuple(v.rstrip(" ") if fill else v for v, fill in zip(key, padded, strict=True)))
        if not is_known:
            raise ChangeLogLost("the source's log has another past: the server was restored from a copy")
        self.position = self._position_at(max(end, since.offset))

    def _changes(self, *, upto: int) -> Iterator[bytes]:
        asked = {
            "slot": self._slot,
            "upto": _lsn(upto),
            "publication": self._logged.publication,
            "relations": [oid.to_bytes(4, "big") for oid in self._logged.relations],
        }
        with self._session.cursor() as cursor:
            for row in cursor.stream(_CHANGES, asked, binary=True, size=_ROWS_AT_ONCE):
                yield row["data"]

    def _go_on(self, since: ChangePosition) -> None:
        """Check that the slot leads from the position to the present, and mark the log."""
        if since.kind != KIND or since.log != self._slot:
            raise ChangeLogLost("the last position is of another log")
        slot = self._session.execute(_SLOT, (self._slot,)).fetchone()
        if slot is None:
            raise ChangeLogLost(
                "the replication slot is gone: it was dropped, or another server answers than the one that had it"
            )
        if slot["database"] != slot["here"] or slot["plugin"] != "pgoutput":
            raise ChangeLogLost("the replication slot is not of this database")
        self.kept_bytes = int(slot["kept_bytes"])
        if slot["wal_status"] == "lost" or slot["confirmed"] is None:
            raise ChangeLogLost("the source has removed the log that the slot kept (max_slot_wal_keep_size)")
        if int(slot["confirmed"]) > since.offset:
            raise ChangeLogLost("the replication slot has moved past the last position")
        if since.offset > self._numbers()["inserted"]:
            raise ChangeLogLost("the source's log ends before the last position: the server was restored from a copy")
        if since.definition != self._logged.definition:
            raise ChangeLogLost(
                "rows may have changed beside the log: the table was rewritten or emptied, or its partitions, its "
                "replica identity, the types of its columns or its publication were altered"
            )
        limit = self._table.extract.change_log_limit_mb * MEGABYTE
        if self.kept_bytes > limit:
            self._drop()
            raise ChangeLogLost(
                f"the source had kept {self.kept_bytes / MEGABYTE:,.0f} MB of its log for this table, more than the "
                f"contract's limit of {limit / MEGABYTE:,.0f} MB: the slot was dropped"
            )
        if self.kept_bytes > limit / 2:
            self.note = (
                f"warning: the source keeps {self.kept_bytes / MEGABYTE:,.0f} MB of its log for this table; beyond "
                f"{limit / MEGABYTE:,.0f} MB the slot is dropped"
            )
        if since.offset - int(slot["confirmed"]) >= GIVEN_UP_BYTES:
            self._session.execute("SELECT pg_replication_slot_advance(%s, %s)", (self._slot, _lsn(since.offset)))
        self._set_mark()

    def _begin_anew(self) -> None:
        """Make the slot anew, and wait until all transactions have ended that began before it."""
        until = time.monotonic() + _WAIT_SECONDS
        self._drop()
        try:
            self._session.execute(f"SET statement_timeout = '{_WAIT_SECONDS}s'")
            made = self._session.execute(
                "SELECT lsn - '0/0' AS lsn FROM pg_create_logical_replication_slot(%s, 'pgoutput')", (self._slot,)
            ).fetchone()
        except psycopg.Error as error:
            if error.sqlstate != _CANCELED:
                raise
            self._give_up()
            return
        finally:
            self._session.execute("RESET statement_timeout")
        # A transaction whose commit record the slot has passed may not be seen by a snapshot yet.
        first = self._snapshot().xmax
        while self._snapshot().xmin < first:
            if time.monotonic() > until:
                self._give_up()
                return
            time.sleep(0.05)
        self._set_mark()
        self.position = self._position_at(int(made["lsn"]) if made else 0)

    def _give_up(self) -> None:
        self._drop()
        self.note = (
            f"the source's log could not be begun, as a transaction of the source stayed open for {_WAIT_SECONDS} s: "
            "the next run reads the whole table too"
        )

    def _drop(self) -> None:
        query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
        self._session.execute(query, (self._slot,))

    def _set_mark(self) -> None:
        """Commit this run's mark into the log. A position before it can be known again by it.

        Its commit writes out the log of all before it, which would be read later where commits do not wait for that.
        """
        self._before_mark = self._numbers()["inserted"]
        query = "SELECT pg_logical_emit_message(true, %s, %s::bytea) - '0/0' AS lsn"
        row = self._session.execute(query, (MARK, self._mark)).fetchone() or {}
        self._history = _history(int(row["lsn"]), self._mark)

    def _position_at(self, offset: int) -> ChangePosition:
        return ChangePosition(KIND, self._slot, offset, self._history, self._logged.definition, self._at)

    def _snapshot(self) -> Snapshot:
        row = self._session.execute("SELECT pg_current_snapshot()::text AS snapshot").fetchone() or {}
        return Snapshot.parse(row["snapshot"])

    def _numbers(self) -> dict[str, int]:
        row = self._session.execute(_NUMBERS).fetchone() or {}
        return {name: int(value) for name, value in row.items()}


@contextmanager
def open_postgres_log(
    connection: Connection, contract: Contract, table: Table, *, lake_uri: str, since: ChangePosition | None, at: str
) -> Iterator[PostgresLog]:
    """The change log of a table from a position on, or begun anew.

    Raises:
        ChangeLogRefused: the source does not log the table as needed.
        ChangeLogLost: the log does not lead from the position to the present; it must be begun anew.
        SourceError: the source does not answer, or refuses.
    """
    url = connection.engine_url.set(drivername="postgresql").render_as_string(hide_password=False)
    options = {"connect_timeout": CONNECT_SECONDS, "application_name": "lienthong", "client_encoding": "UTF8"}
    given = {name: value for name, value in options.items() if name not in connection.engine_url.query}
    session = None
    try:
        session = psycopg.connect(url, autocommit=True, row_factory=dict_row, **given)  # type: ignore[arg-type]
        timeout = load_limits_of(contract.server).statement_milliseconds
        limits = [f"statement_timeout = {timeout}"] if timeout else []
        session.execute("SET synchronous_commit = local")  # waits for the disk, and for no standby
        for setting in ("TimeZone = 'UTC'", f"lock_timeout = '{LOCK_SECONDS}s'", *limits, *POSTGRES_SETTINGS):
            session.execute(f"SET {setting}")
        logged = logged_table(session, contract, table)
        yield PostgresLog(session, table, logged, slot_name(table, lake_uri), since, at)
    except Undecodable as error:
        raise ChangeLogLost(str(error)) from None
    except psycopg.Error as error:
        raise _explained(error, connection, table) from None
    finally:
        if session is not None:
            with suppress(psycopg.Error):
                session.close()


def slot_name(table: Table, lake_uri: str) -> str:
    """Name of a table's slot: its own in each lake, so that a copy of the lake takes nothing from this one."""
    digest = hashlib.sha256(f"{lake_uri}\n{table.qualified_name}".encode()).hexdigest()[:6]
    plain = re.sub(r"[^a-z0-9_]", "_", f"lienthong_{table.registry}_{table.base_name}".lower())
    return f"{plain[:56]}_{digest}"


def _explained(error: psycopg.Error, connection: Connection, table: Table) -> Exception:
    name = table.qualified_name
    if error.sqlstate == _IN_USE:
        return SourceUnavailable(f"{name}: another run reads the table's log at this moment: run it again")
    if error.sqlstate == _NO_MORE_SLOTS:
        return ChangeLogRefused(
            f"{name}: all replication slots of the server are taken: its administrator must raise "
            "max_replication_slots (one for each table with `changes: log`) and restart it, or drop slots that nobody "
            "reads"
        )
    return explain(error, connection, table)


def _history(lsn: int, mark: bytes) -> str:
    return f"{lsn:X} {mark.hex()}"


def _lsn(offset: int) -> str:
    return f"{offset >> 32:X}/{offset & 0xFFFFFFFF:X}"
