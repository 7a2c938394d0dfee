"""How PostgreSQL logs a table: its relations, replica identity and publication, refused where keys would be lost."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.contracts.model import Contract, Table
from include.sources.change_log.refused import ChangeLogRefused
from include.sources.databases import meanings
from include.sources.source_schema import key_columns

OLDEST_VERSION = 140000  # from 14 on pgoutput passes on messages, by which a log's past is known again
_SERVER = """
SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS is_standby,
       current_setting('wal_level') AS wal_level, current_setting('server_encoding') AS encoding,
       (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) AS may_replicate
"""
_TREE = """
SELECT c.oid::bigint AS oid, c.relkind::text AS kind, c.relpersistence::text AS persistence,
       c.relhassubclass AS has_children, c.relreplident::text AS identity,
       md5(c.oid || ':' || c.relfilenode) AS file,
       (SELECT string_agg(h.inhrelid || ':' || h.inhparent || '.' || h.xmin, ',' ORDER BY h.inhparent)
        FROM pg_inherits h WHERE h.inhrelid = c.oid) AS attached,
       ARRAY(SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid
             WHERE i.indrelid = c.oid AND i.indisvalid
               AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
               AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END) AS logged
FROM pg_class c
WHERE c.oid = %(root)s OR c.oid IN (SELECT relid FROM pg_partition_tree(%(root)s::oid::regclass))
ORDER BY c.oid
"""
_UNIQUE = """
SELECT ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
FROM pg_index i
WHERE i.indrelid = %(root)s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                  AND NOT a.attnotnull)
"""
_COLUMNS = """
WITH RECURSIVE base AS (
    SELECT attname::text AS name, atttypid AS type FROM pg_attribute
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT b.name, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT name, bool_or(type = 'bpchar'::regtype) AS is_padded FROM base GROUP BY name
"""
_TYPES = """
WITH RECURSIVE made(type) AS (
    SELECT atttypid FROM pg_attribute WHERE attrelid = %(root)s AND attnum > 0 AND NOT attisdropped
    UNION SELECT part.type FROM made JOIN pg_type t ON t.oid = made.type CROSS JOIN LATERAL (
        SELECT unnest(ARRAY[t.typelem, t.typbasetype])
        UNION ALL SELECT rngsubtype FROM pg_range WHERE t.oid IN (rngtypid, rngmultitypid)
        UNION ALL SELECT atttypid FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped
    ) part(type)
)
SELECT e.oid || '.' || e.enumlabel AS said FROM made JOIN pg_enum e ON e.enumtypid = made.type
UNION ALL SELECT concat_ws('.', a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attname)
FROM made JOIN pg_type t ON t.oid = made.type JOIN pg_attribute a ON a.attrelid = t.typrelid
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY said
"""
_PUBLICATION = """
SELECT p.oid || '.' || p.xmin AS identity, p.puballtables AS is_all,
       p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS has_every_kind,
       (SELECT string_agg(r.oid || '.' || r.xmin, ',' ORDER BY r.oid) FROM pg_publication_rel r
        WHERE r.prpubid = p.oid AND r.prrelid = ANY (%(tree)s::oid[])) AS members,
       EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = %(root)s) AS has_root,
       EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = ANY (%(tree)s::oid[])
               AND to_jsonb(r) ->> 'prqual' IS NOT NULL) AS is_filtered
FROM pg_publication p WHERE p.pubname = %(name)s
"""


@dataclass(frozen=True, slots=True)
class LoggedTable:
    """A table as PostgreSQL logs it.

    `relations` are the numbers by which the log names it: its own, and those of its partitions. `definition` changes
    whenever rows may have changed beside the log: the table was rewritten, or its partitions, its publication
    or the types of its columns (labels of an enum, members of a composite) were altered.
    `columns` are the key's columns as the source spells them; `padded` those that the log fills up with blanks (CHAR).
    """

    relations: tuple[int, ...]
    columns: tuple[str, ...]
    padded: frozenset[str]
    publication: str
    definition: str


def logged_table(session: psycopg.Connection[dict[str, Any]], contract: Contract, table: Table) -> LoggedTable:
    """How the table is logged.

    Raises:
        ChangeLogRefused: the server, the table or the publication does not allow it; with the statement that helps.
    """
    name = table.qualified_name
    _check_server(session, name)
    root, quoted = _root(session, contract, table)
    tree = session.execute(_TREE, {"root": root}).fetchall()
    own = next(row for row in tree if row["oid"] == root)
    if own["kind"] not in ("r", "p") or own["persistence"] != "p":
        raise ChangeLogRefused(
            f"{name}: `changes: log` follows a table that is logged, and {quoted} is none (a view, a foreign, unlogged "
            "or temporary table): name the table in physicalName, or leave `changes: log` out"
        )
    if own["kind"] == "r" and own["has_children"]:
        raise ChangeLogRefused(
            f"{name}: {quoted} has tables that inherit from it, whose rows have keys of their own: leave `changes: "
            "log` out of the contract, or make it a partitioned table"
        )
    leaves = [row for row in tree if row["kind"] != "p"]
    if any(leaf["kind"] != "r" or leaf["persistence"] != "p" for leaf in leaves):
        raise ChangeLogRefused(
            f"{name}: a partition of {quoted} is not logged (a foreign or unlogged table): leave `changes: log` out of "
            "the contract"
        )
    columns, padded = _key_columns(session, root, table, quoted)
    for leaf in leaves:
        if leaf["identity"] != "f" and not set(columns) <= set(leaf["logged"]):
            listed = ", ".join(columns)
            raise ChangeLogRefused(
                f"{name}: the log does not say of which key a deleted row of {quoted} was. Its owner must run: "
                f"ALTER TABLE {quoted} REPLICA IDENTITY FULL; (of each partition), or ... REPLICA IDENTITY USING INDEX "
                f"with a unique index that has the columns {listed}"
            )
    publication = f"lienthong_{contract.registry}"
    members = _publication(session, publication, tree, root, name, quoted)
    said = [members, *(f"{row['file']}.{row['identity']}" for row in tree)]
    said += [row["attached"] for row in tree if row["attached"]]
    said += [row["said"] for row in session.execute(_TYPES, {"root": root}).fetchall()]
    definition = hashlib.sha256("\n".join(said).encode()).hexdigest()
    return LoggedTable(tuple(row["oid"] for row in tree), columns, padded, publication, definition)


def _check_server(session: psycopg.Connection[dict[str, Any]], name: str) -> None:
    found = session.execute(_SERVER).fetchone() or {}
    if found["version"] < OLDEST_VERSION:
        raise ChangeLogRefused(f"{name}: `changes: log` needs PostgreSQL 14 or later: leave it out of the contract")
    if found["is_standby"]:
        raise ChangeLogRefused(
            f"{name}: `changes: log` is read from the primary server, and this is a standby: correct the connection"
        )
    if found["wal_level"] != "logical":
        raise ChangeLogRefused(
            f"{name}: the server's log does not hold what `changes: log` needs: its administrator must set "
            "wal_level = logical and restart it, or leave `changes: log` out of the contract"
        )
    if found["encoding"] == "SQL_ASCII":
        raise ChangeLogRefused(
            f"{name}: the database does not say in which encoding its texts are (SQL_ASCII), so keys in its log cannot "
            "be read: leave `changes: log` out of the contract"
        )
    if not found["may_replicate"]:
        raise ChangeLogRefused(
            f"{name}: the user of the connection may not read the log: the administrator must run ALTER ROLE ... "
            "REPLICATION"
        )


def _root(session: psycopg.Connection[dict[str, Any]], contract: Contract, table: Table) -> tuple[int, str]:
    """Number and quoted name of the table's relation."""
    for schema, name in meanings(table.source_name or table.name, contract.server.schema or None):
        quoted = sql.Identifier(*filter(None, (schema, name))).as_string(session)
        row = session.execute("SELECT to_regclass(%s)::oid::bigint AS oid", (quoted,)).fetchone()
        if row and row["oid"] is not None:
            return int(row["oid"]), quoted
    raise ChangeLogRefused(
        f"{table.qualified_name}: the source has no table of that name: correct physicalName in the contract"
    )


def _key_columns(
    session: psycopg.Connection[dict[str, Any]], root: int, table: Table, quoted: str
) -> tuple[tuple[str, ...], frozenset[str]]:
    """The key's columns as the source spells them, and which are padded; no two rows of the source may have one key."""
    found = session.execute(_COLUMNS, (root,)).fetchall()
    names = sorted(row["name"] for row in found)
    by_lower = {name.lower(): name for name in reversed(names)}
    columns = tuple(c if c in names else by_lower.get(c.lower(), c) for c in key_columns(table))
    unique = [set(next(iter(row.values()))) for row in session.execute(_UNIQUE, {"root": root}).fetchall()]
    if not any(index and index <= set(columns) for index in unique):
        listed = ", ".join(sql.Identifier(column).as_string(session) for column in columns)
        raise ChangeLogRefused(
            f"{table.qualified_name}: several rows of {quoted} may have one key, or a row none, so the log cannot say "
            f"which row changed. Its owner must run: CREATE UNIQUE INDEX ON {quoted} ({listed}); with columns that are "
            "NOT NULL; or leave `changes: log` out of the contract"
        )
    return columns, frozenset(row["name"] for row in found if row["is_padded"])


def _publication(
    session: psycopg.Connection[dict[str, Any]],
    publication: str,
    tree: Sequence[dict[str, Any]],
    root: int,
    name: str,
    quoted: str,
) -> str:
    """Identity of the publication and of the table's place in it: it changes if either was altered."""
    asked = {"name": publication, "root": root, "tree": [row["oid"] for row in tree]}
    found = session.execute(_PUBLICATION, asked).fetchone()
    if found is None:
        raise ChangeLogRefused(
            f"{name}: the source has no publication `{publication}`: the table's owner must run CREATE PUBLICATION "
            f"{publication} FOR TABLE {quoted};"
        )
    if not (found["is_all"] or found["has_root"]):
        raise ChangeLogRefused(
            f"{name}: the publication `{publication}` does not name the table: its owner must run ALTER PUBLICATION "
            f"{publication} ADD TABLE {quoted};"
        )
    if found["is_filtered"]:
        raise ChangeLogRefused(
            f"{name}: the publication `{publication}` leaves rows of the table out (WHERE): its owner must run ALTER "
            f"PUBLICATION {publication} SET TABLE ... and name {quoted} without a condition"
        )
    if not found["has_every_kind"]:
        raise ChangeLogRefused(
            f"{name}: the publication `{publication}` leaves kinds of changes out: its owner must run ALTER "
            f"PUBLICATION {publication} SET (publish = 'insert, update, delete, truncate');"
        )
    return f"{found['identity']}/{found['members'] or 'all'}"
