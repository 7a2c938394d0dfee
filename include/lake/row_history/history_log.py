"""The Delta table of a row history: its columns, the order of its rows, and the instants its commits state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from deltalake import DeltaTable, Transaction

from include.contracts.model import Table
from include.lake.storage import SERVER, Lake, LakeTableMissing, literal, quote

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
_GAP = "_gap"  # by number, `from` and `until`
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = timedelta(milliseconds=1)  # by which commits are dated


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of which nothing is known: from `start` until before `end`."""

    start: datetime
    end: datetime


def history_uri(lake: Lake, table: Table) -> str:
    """Where the history of a table is, that of a slice's table included."""
    return lake.path(ZONE, table.registry, table.base_name)


def open_history(lake: Lake, table: Table) -> DeltaTable | None:
    """The open table of a history; None if there is none."""
    try:
        return lake.table(history_uri(lake, table))
    except LakeTableMissing:
        return None


def order(direction: str) -> str:
    """The order in which the changes of a row came: a table that is made anew counts its versions from 0 again."""
    return ", ".join(f"{term} {direction}" for term in (AT, VERSION, f"{CHANGE} = 'insert'"))


def key(table: Table, current: DeltaTable) -> str:
    """The quoted columns that tell the rows of a table apart, as far as its history has them yet."""
    here = {field.name for field in current.schema().fields}
    names = [*table.primary_key, *([SERVER] if table.key_scope == "server" else [])]
    return ", ".join(quote(name) for name in names if name in here)


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
