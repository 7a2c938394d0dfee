"""The Delta tables of a row history: their columns, the order of their rows, and the instants their commits state.

A history goes on in one table as long as the published table only gains columns. One that is made anew with another
key, or a column of another type, begins the next *part*: what was published before stays in its own types.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from deltalake import DeltaTable, Transaction

from include.contracts.model import Table
from include.lake.storage import SERVER, Lake, literal, quote

ZONE = "history"
CHANGE, VERSION, AT = "_change", "_version", "_at"
OWN = (
    pa.field(CHANGE, pa.string()),
    pa.field(VERSION, pa.int64()),
    pa.field(AT, pa.timestamp("us", tz="UTC")),
)
OWN_NAMES = ", ".join(field.name for field in OWN)
# Delta application transactions: committed with the rows they speak of, and kept by checkpoints when the log is cut.
SINCE = "_since"  # the history is complete from this instant on
UNTIL = "_until"  # the instant of the newest commit of the table that is recorded, never earlier than one before it
_OF_TABLE = "_of_table"  # the last version of the table that is recorded, by the table's Delta id
_COLUMN = "_column"  # by name, the instant from which the table has a column that it got later
_GAP = "_gap"  # by number, `from` and `until`
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = timedelta(milliseconds=1)  # by which commits are dated


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of which nothing is known: from `start` until before `end`."""

    start: datetime
    end: datetime


def history_uri(lake: Lake, table: Table, part: int = 0) -> str:
    """Where a part of a table's history is (a slice's is its table's), counted from 0."""
    return lake.path(part_name(table.registry, table.base_name, part))


def part_name(registry: str, table: str, part: int) -> str:
    """The path in the lake of a part of a table's history, counted from 0."""
    return f"{ZONE}/{registry}/{table}" + (f".{part + 1}" if part else "")


def history_parts(lake: Lake, table: Table) -> list[DeltaTable]:
    """The open parts of a history, the oldest first; none if there is no history."""
    return [lake.table(lake.path(name)) for name in history_tables(lake, table.registry, table.base_name)]


def history_tables(lake: Lake, registry: str, table: str) -> list[str]:
    """The paths in the lake of the parts of a table's history, the oldest first; none if there is no history."""
    found: list[str] = []
    while lake.is_table(lake.path(name := part_name(registry, table, len(found)))):
        found.append(name)
    return found


def order(direction: str) -> str:
    """The order in which the changes of a row came: a table that is made anew counts its versions from 0 again."""
    return ", ".join(f"{term} {direction}" for term in (AT, VERSION, f"{CHANGE} = 'insert'"))


def key_columns(table: Table) -> list[str]:
    """The columns that tell the rows of a table apart by its contract."""
    return [*table.primary_key, *([SERVER] if table.key_scope == "server" else [])]


def description(table: Table) -> str:
    """The description of a new part, which keeps its key."""
    return json.dumps({"key": key_columns(table)})


def key(table: Table, current: DeltaTable) -> str:
    """The quoted columns that tell the rows of a part apart."""
    return ", ".join(quote(name) for name in _key_of(table, current))


def goes_on(table: Table, published: DeltaTable, current: DeltaTable) -> bool:
    """Whether a part can take the rows of a table that was made anew: the same key, and no type that differs."""
    types = {field.name: field.type for field in current.schema().fields}
    has_key = set(key_columns(table)) <= types.keys() and _key_of(table, current) == key_columns(table)
    return has_key and all(types.get(field.name, field.type) == field.type for field in published.schema().fields)


def _key_of(table: Table, current: DeltaTable) -> list[str]:
    if kept := current.metadata().description:
        return [str(name) for name in json.loads(kept)["key"]]
    here = {field.name for field in current.schema().fields}
    return [name for name in key_columns(table) if name in here]


def columns_at(current: DeltaTable, at: datetime) -> list[str]:
    """The columns that the published table had at an instant."""
    names = [field.name for field in current.schema().fields if field.name not in {one.name for one in OWN}]
    return [name for name in names if (instant_of(current, f"{_COLUMN}/{name}") or at) <= at]


def new_columns(current: DeltaTable, published: DeltaTable, at: datetime) -> list[Transaction]:
    """States the instant from which the published table has columns that the part has not yet."""
    here = {field.name for field in current.schema().fields}
    return [stated(f"{_COLUMN}/{field.name}", at) for field in published.schema().fields if field.name not in here]


def sql_instant(at: datetime) -> str:
    """An instant as an SQL literal."""
    return f"TIMESTAMPTZ {literal(at.astimezone(UTC).isoformat())}"


def recorded_version(current: DeltaTable, published: DeltaTable) -> int | None:
    """The last version of the published table that is recorded; None if the table of that Delta id never was."""
    version = current.transaction_version(f"{_OF_TABLE}/{published.metadata().id}")
    return None if version is None else int(version)


def recorded(published: DeltaTable) -> Transaction:
    """States that the open version of the published table is recorded."""
    return Transaction(f"{_OF_TABLE}/{published.metadata().id}", int(published.version()))


def instant_of(current: DeltaTable, name: str) -> datetime | None:
    """The instant that the newest commit to state one states under a name."""
    microseconds = current.transaction_version(name)
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def stated(name: str, at: datetime) -> Transaction:
    """States an instant under a name."""
    return Transaction(name, (at - _EPOCH) // timedelta(microseconds=1))


def gaps(current: DeltaTable) -> list[Gap]:
    """The gaps of a history, in their order."""
    found: list[Gap] = []
    while start := instant_of(current, f"{_GAP}/{len(found)}/from"):
        found.append(Gap(start, instant_of(current, f"{_GAP}/{len(found)}/until") or start))
    return found


def one_more_gap(current: DeltaTable, gap: Gap) -> list[Transaction]:
    """States a gap after those that are stated."""
    number = len(gaps(current))
    return [stated(f"{_GAP}/{number}/from", gap.start), stated(f"{_GAP}/{number}/until", gap.end)]
