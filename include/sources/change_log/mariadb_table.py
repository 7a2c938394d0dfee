"""How MariaDB logs a table: its binlog, engine and keys, refused where changes would not be in the log."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pymysql

from include.contracts.model import Contract, Table
from include.sources.change_log.refused import ChangeLogRefused
from include.sources.databases import meanings
from include.sources.source_schema import key_columns

# What each setting of the server must be, in lower case.
_SETTINGS = {
    "log_bin": "1",
    "binlog_format": "row",
    "binlog_row_image": "full",
    "binlog_row_metadata": "full",
    "log_bin_compress": "0",
}
_WRITTEN = "log_bin, binlog_format = ROW, binlog_row_image = FULL, binlog_row_metadata = FULL and no log_bin_compress"
_KEY_TYPES = {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "char", "varchar", "date", "datetime"}
_PLAIN = re.compile(r"[\w$-]+", re.ASCII)
_CHARSETS = {"utf8mb4", "utf8mb3", "utf8", "ascii"}
_TABLE = """
SELECT table_schema AS `schema`, table_name AS name, table_type AS type, lower(engine) AS engine
FROM information_schema.tables WHERE table_schema = coalesce(%s, database()) AND table_name = %s
"""
_COLUMNS = """
SELECT column_name AS name, lower(data_type) AS type, character_set_name AS charset, is_nullable = 'YES' AS nullable
FROM information_schema.columns WHERE table_schema = %s AND table_name = %s
"""
_UNIQUE = """
SELECT index_name AS name, if(sub_part IS NULL, column_name, '') AS col FROM information_schema.statistics
WHERE table_schema = %s AND table_name = %s AND non_unique = 0
"""
_CASCADES = """
SELECT constraint_name AS name FROM information_schema.referential_constraints
WHERE constraint_schema = %s AND table_name = %s
  AND (delete_rule NOT IN ('RESTRICT', 'NO ACTION') OR update_rule NOT IN ('RESTRICT', 'NO ACTION'))
"""
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BinlogTable:
    """A table as the binlog names it, and the key's columns as the source spells them."""

    schema: str
    name: str
    columns: tuple[str, ...]

    def may_be_meant(self, statement: str, database: str) -> bool:
        """Whether a statement that defines something, logged in a database, may be about the table.

        The log states names as the session wrote them; only a plain one is the same in every character set. Bytes
        that are not UTF-8 come with a backslash.
        """
        name, schema, lowered = self.name.lower(), self.schema.lower(), statement.lower()
        if name in lowered:
            return True
        is_elsewhere = schema != database.lower() and schema not in lowered and _PLAIN.fullmatch(schema)
        is_of_another = _PLAIN.fullmatch(name) and statement.isascii() and "\\x" not in statement
        return not (is_elsewhere or is_of_another)


def binlog_table(session: pymysql.Connection, contract: Contract, table: Table) -> BinlogTable:
    """How the table is logged.

    Raises:
        ChangeLogRefused: the server or the table does not allow it; with what helps.
    """
    name = table.qualified_name
    _check_server(session, name)
    found: Rows = []
    for schema, source_name in meanings(table.source_name or table.name, contract.server.schema or None):
        found = found or ask(session, _TABLE, schema, source_name)
    if not found:
        raise ChangeLogRefused(f"{name}: the source has no table of that name: correct physicalName in the contract")
    of, quoted = (found[0]["schema"], found[0]["name"]), f"`{found[0]['schema']}`.`{found[0]['name']}`"
    if found[0]["type"] != "BASE TABLE" or found[0]["engine"] != "innodb":
        raise ChangeLogRefused(
            f"{name}: `changes: log` follows a table of the engine InnoDB, and {quoted} is none (a view, or of another "
            "engine): name such a table in physicalName, or leave `changes: log` out of the contract"
        )
    if cascades := ask(session, _CASCADES, *of):
        raise ChangeLogRefused(
            f"{name}: the foreign key {cascades[0]['name']} deletes or changes rows of {quoted} with those that it "
            "refers to (CASCADE, SET NULL), and the server does not log that: its owner must make it RESTRICT, or "
            "leave `changes: log` out of the contract"
        )
    return BinlogTable(*of, _key_columns(session, of, table, quoted))


def ask(session: pymysql.Connection, query: str, *values: Any) -> Rows:
    """Rows of a query, by name."""
    with session.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute(query, values or None)
        return list(cursor.fetchall())


def _check_server(session: pymysql.Connection, name: str) -> None:
    if "mariadb" not in str(ask(session, "SELECT version() AS version")[0]["version"]).lower():
        raise ChangeLogRefused(
            f"{name}: `changes: log` is for PostgreSQL and MariaDB: MySQL does not say up to where in its log a "
            "snapshot reaches. Leave it out of the contract"
        )
    listed = ", ".join(f"@@global.{setting} AS {setting}" for setting in _SETTINGS)
    settings = ask(session, f"SELECT {listed}")[0]  # the names are ours
    wrong = [setting for setting, value in _SETTINGS.items() if str(settings[setting]).lower() != value]
    if wrong:
        raise ChangeLogRefused(
            f"{name}: the server's log does not hold what `changes: log` needs ({', '.join(wrong)}): its administrator "
            f"must set {_WRITTEN}, and restart it; or leave `changes: log` out of the contract"
        )
    try:
        status = ask(session, "SHOW MASTER STATUS")[0]
    except pymysql.err.OperationalError:
        raise ChangeLogRefused(
            f"{name}: the user of the connection may not read the log: the administrator must run GRANT BINLOG "
            "MONITOR, REPLICATION SLAVE ON *.* TO ..."
        ) from None
    if status["Binlog_Do_DB"] or status["Binlog_Ignore_DB"]:
        raise ChangeLogRefused(
            f"{name}: the server leaves databases out of its log (binlog_do_db, binlog_ignore_db): its administrator "
            "must take these settings out, or leave `changes: log` out of the contract"
        )
    with suppress(pymysql.err.OperationalError):  # who may not ask is told in the guide to read the primary server
        is_replica = bool(ask(session, "SHOW ALL SLAVES STATUS"))
        logs_all = ask(session, "SELECT @@global.log_slave_updates AS logs")[0]["logs"]
        if is_replica and not logs_all:
            raise ChangeLogRefused(
                f"{name}: the server is a replica that does not log what it replicates: let the connection name the "
                "primary server, or its administrator set log_slave_updates"
            )


def _key_columns(session: pymysql.Connection, of: tuple[str, str], table: Table, quoted: str) -> tuple[str, ...]:
    """The key's columns as the source spells them; they must tell every row of the source from all others."""
    name, columns = table.qualified_name, {row["name"].lower(): row for row in ask(session, _COLUMNS, *of)}
    found = [columns.get(column.lower()) for column in key_columns(table)]
    keys = [row for row in found if row is not None]
    for row in keys:
        if row["type"] not in _KEY_TYPES or (row["charset"] or "ascii").lower() not in _CHARSETS:
            raise ChangeLogRefused(
                f"{name}: the key column {row['name']} of {quoted} has a type or character set whose values the log "
                "writes otherwise than the table: leave `changes: log` out of the contract"
            )
    indexes: dict[str, set[str]] = {}
    for row in ask(session, _UNIQUE, *of):
        indexes.setdefault(row["name"], set()).add(row["col"].lower())
    never_null = {row["name"].lower() for row in keys if not row["nullable"]}
    if len(keys) < len(found) or not any(index <= never_null for index in indexes.values()):
        listed = ", ".join(f"`{column}`" for column in key_columns(table))
        raise ChangeLogRefused(
            f"{name}: several rows of {quoted} may have one key, or a row none, so the log cannot say which row "
            f"changed. Its owner must run: CREATE UNIQUE INDEX ... ON {quoted} ({listed}); with columns that are NOT "
            "NULL; or leave `changes: log` out of the contract"
        )
    return tuple(row["name"] for row in keys)
