"""Schema drift: differences of a source object's columns to the last extract, handled by the contract's policy.

Four policies (`extract.drift`): `freeze` stops with SourceDrifted. `evolve` takes the new schema. `discard_value` keeps
the former one: new columns do not land, and a value that does not fit the former type is NULL. `discard_row` lands
everything and marks, in the column DRIFT_FLAG, each row with a value in a new column or one that does not fit. Under
the last three, a removed column is NULL in every row, unless key or cursor are made of it: then the sync stops.

A column that was dropped and added again, or has another type, may hold other values in every row without a change of
the cursor: the whole table is then read again. PostgreSQL numbers its columns and never reuses a number; elsewhere a
column that changed its position among the others is taken for a new one.

Column names of a file may be values (a first line that is no header, a key of an object): one that the contract does
not read is reported by its position, whether it is new, gone or of another type.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from include.contracts.model import DRIFT_FLAG, Table
from include.lake.storage import quote
from include.sources.access import SourceDrifted
from include.sources.source_schema.column_types import SourceType
from include.sources.source_schema.required_columns import cursor_columns, key_columns, needed

Columns = tuple[tuple[str, ...], ...]
"""(name, type) of each column, optionally followed by its identity in the source and the type it was read as."""
Kind = Literal["added", "gone", "again", "widened", "narrowed", "changed", "renamed"]
_LIKE = 0.6
_GONE = "gone"


class _Known(NamedTuple):
    """A recorded column. `read_as` is its type when rows were last read, where a policy keeps a former `type`."""

    name: str
    type: str
    identity: str = ""
    read_as: str = ""

    @property
    def record(self) -> tuple[str, ...]:
        """The shortest tuple of `Columns` for it."""
        read_as = self.read_as if self.read_as != self.type else ""
        return (self.name, self.type, self.identity, read_as)[: 4 if read_as else 3 if self.identity else 2]


def _known(columns: Columns) -> dict[str, _Known]:
    found = (_Known(*column) for column in columns)
    return {one.name: one._replace(read_as=one.read_as or one.type) for one in found}


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: `was` and `now` are types; for `renamed` (a guess), `now` is the new name.

    `position` is set if the name that the column has now must not be shown, `former` (its place among the columns
    known before) if the one that it had must not be; else they are 0.
    """

    kind: Kind
    column: str
    was: str
    now: str
    position: int = 0
    former: int = 0

    def __str__(self) -> str:
        added = f"at position {self.position}" if self.position else f"'{self.column}'"
        kept = f"the column at position {self.position}" if self.position else f"'{self.column}'"
        renamed = f"the one at position {self.position}" if self.position else f"'{self.now}'"
        gone = f"at position {self.former} of those known before" if self.former else f"'{self.column}'"
        return {
            "added": f"new column {added} ({self.now})",
            "gone": f"column {gone} ({self.was}) is gone",
            "again": f"column '{self.column}' was dropped and added again, or moved",
            "renamed": f"column {gone} ({self.was}) is gone, perhaps renamed to {renamed}",
        }.get(self.kind, f"type of {kept} {self.kind}: {self.was} became {self.now}")


def find_drift(table: Table, before: Columns | None, now: Columns, *, is_file: bool = False) -> tuple[Drift, ...]:
    """Differences of the source object's columns to `before`; none if that is None.

    A possibly renamed column is reported as `renamed` and, by its new name, as `added`. Names in a file that the
    contract does not read are reported by position.
    """
    if before is None:
        return ()
    was, here = {c[0]: c[1] for c in before}, {c[0]: c[1] for c in now}
    gone = [name for name in was if name not in here]
    added = [name for name in here if name not in was]
    hidden, hidden_before = (_untold(table, names) if is_file else {} for names in (here, was))
    found = [
        Drift(_change(was[name], here[name]), name, was[name], here[name], hidden.get(name, 0))
        for name in was
        if name in here and was[name] != here[name]
    ]
    if not is_file:  # sources with columns in any order
        found += [Drift("again", name, was[name], here[name]) for name in _again(_known(before), _known(now))]
    heirs = _heirs(gone, added, was, here)
    found += [
        Drift("renamed", name, was[name], heirs[name], hidden.get(heirs[name], 0), hidden_before.get(name, 0))
        if name in heirs
        else Drift("gone", name, was[name], "", former=hidden_before.get(name, 0))
        for name in gone
    ]
    return (*found, *(Drift("added", name, "", here[name], hidden.get(name, 0)) for name in added))


def _again(was: dict[str, _Known], here: dict[str, _Known]) -> list[str]:
    """Columns of an unchanged type that were dropped and added again, by their identity, else by their position."""
    common = [name for name in was if name in here]
    if all(_object_of(was[name]) and _object_of(was[name]) == _object_of(here[name]) for name in common):
        others = [name for name in common if was[name].identity != here[name].identity]
    else:
        others = _moved(common, [name for name in here if name in was])
    return [name for name in others if was[name].type == here[name].type]


def _moved(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """The smallest set of names that explains the new order, preferring those at the end, where columns are added."""
    place = {name: number for number, name in enumerate(before)}
    sorted_to = next((n for n in range(1, len(now)) if place[now[n]] < place[now[n - 1]]), len(now))
    blocks = SequenceMatcher(None, before, now, autojunk=False).get_matching_blocks()
    kept = {name for block in blocks for name in before[block.a : block.a + block.size]}
    elsewhere = [name for name in before if name not in kept]
    return [*now[sorted_to:]] if len(now) - sorted_to <= len(elsewhere) else elsewhere


def _object_of(column: _Known) -> str:
    """The object part of an identity `object.column`; empty if there is none."""
    return column.identity.partition(".")[0]


def reads_anew(table: Table, before: Columns | None, now: Columns) -> str:
    """Reason to read all rows again, whatever their cursor; empty if there is none."""
    if before is None:
        return ""
    was, here = _known(before), _known(now)
    gone = _Known("", "", read_as=_GONE)
    others = {name for name in was if here.get(name, gone).read_as != was[name].read_as} | {*_again(was, here)}
    read = {name.lower() for name in needed(table)}
    affected = [name for name in was if name in others and name.lower() in read]
    if not affected:
        return ""
    return f"in the source {', '.join(affected)} is gone, was dropped and added again, moved, or has another type"


def _change(was: str, now: str) -> Kind:
    return SourceType.parse(was).change_to(SourceType.parse(now))


def _untold(table: Table, names: Iterable[str]) -> dict[str, int]:
    """Positions of the columns whose names the contract does not read: in a file they may be values."""
    read = {name.lower() for name in needed(table)}
    return {name: position for position, name in enumerate(names, start=1) if name.lower() not in read}


def _heirs(gone: Sequence[str], added: Sequence[str], was: dict[str, str], here: dict[str, str]) -> dict[str, str]:
    """For each removed column, the added one with its type and a similar name or its position."""
    heirs: dict[str, str] = {}
    places, new_places = list(was), list(here)
    for name in gone:
        free = [other for other in added if other not in heirs.values() and here[other] == was[name]]
        like = {other: SequenceMatcher(None, name.lower(), other.lower()).ratio() for other in free}
        best = max(like, key=lambda other: like[other], default=None)
        same_place = [other for other in free if new_places.index(other) == places.index(name)]
        if best is not None and like[best] >= _LIKE:
            heirs[name] = best
        elif same_place:
            heirs[name] = same_place[0]
    return heirs


def refuse(table: Table, drift: Sequence[Drift]) -> None:
    """Raise SourceDrifted if the contract's policy stops at this drift."""
    if not drift:
        return
    affected = "; ".join(str(one) for one in drift)
    if table.extract.drift == "freeze":
        raise SourceDrifted(
            f"{table.qualified_name}: its source is not what it was: {affected}. Nothing was published. Ask the "
            "registry's owner what it means; then correct the contract and raise its version, which takes the source "
            "as it is now, or let the contract say `extract: {drift: evolve}` (or discard_row, discard_value)"
        )
    lost = {one.column for one in drift if one.kind in {"gone", "renamed"}}
    for what, columns in (("key", key_columns(table)), ("cursor", cursor_columns(table))):
        if missing := [name for name in columns if name in lost]:
            raise SourceDrifted(
                f"{table.qualified_name}: {affected}. The {what} is made of {', '.join(missing)}, so `drift: "
                f"{table.extract.drift}` cannot go on without it. Nothing was published. Correct physicalName or "
                "transformLogic in the contract, or ask the registry's owner"
            )


@dataclass(frozen=True, slots=True)
class DriftedSchema:
    """Schema that lands under a drift policy, and the columns for the next run's comparison."""

    policy: str
    drift: tuple[Drift, ...]
    next_columns: Columns
    read: frozenset[str]

    @classmethod
    def of(cls, table: Table, before: Columns | None, now: Columns, *, is_file: bool) -> DriftedSchema:
        """Schema under the table's policy. `before`: None on a first run or to accept any. Raises as `refuse`."""
        drift = find_drift(table, before, now, is_file=is_file)
        refuse(table, drift)
        read = {name.lower() for name in needed(table)}
        policy = table.extract.drift
        lost = {one.column for one in drift if one.kind in {"gone", "renamed"} and one.column.lower() in read}
        was, here = _known(before or ()), _known(now)
        if before is not None and policy.startswith("discard"):
            here = {n: one._replace(type=was[n].type) for n, one in here.items() if n in was}
            lost = was.keys() - here.keys()
        known = (*here.values(), *(was[name]._replace(read_as=_GONE) for name in was if name in lost))
        kept = tuple(one.record for one in known)
        return cls(policy, drift, kept, frozenset(read))

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the run log."""
        return tuple(str(one) for one in self.drift)

    @property
    def not_landed(self) -> set[str]:
        """Names of source columns that are left out."""
        return {one.column for one in self.drift if one.kind == "added"} if self.policy == "discard_value" else set()

    def query(
        self, query: str, landed: Sequence[tuple[str, str, str]], *, is_whole: bool, is_text: bool = False
    ) -> str:
        """Query that lands, made of the query that reads. `landed`: (source name, landed name, DuckDB type) as read.

        `is_whole`: all columns are requested, so removed ones and the flag are added. `is_text`: this source lands
        everything as text.
        """
        changed = {one.column: one for one in self.drift if one.kind in {"widened", "changed"}}
        added = {one.column for one in self.drift if one.kind == "added"}
        listed, flags = [], []
        for source_name, name, sql_type in landed:
            column = quote(name)
            if source_name in changed:
                former = SourceType.parse(changed[source_name].was)
                if self.policy == "discard_value":
                    value = column if is_text else f"TRY_CAST({column} AS {former.sql_type})"
                    listed.append(f"CASE WHEN {former.fits(column, sql_type)} THEN {value} END AS {column}")
                    continue
                flags.append(f"NOT {former.fits(column, sql_type)}")
            elif source_name in added:
                if self.policy == "discard_value":
                    continue
                flags.append(f"{column} IS NOT NULL")
            listed.append(column)
        if is_whole:
            for one in self.drift:
                if one.kind in {"gone", "renamed"} and one.column.lower() in self.read:
                    kind = "VARCHAR" if is_text else SourceType.parse(one.was).sql_type
                    listed.append(f"CAST(NULL AS {kind}) AS {quote(one.column)}")
            if self.policy == "discard_row" and flags:
                listed.append(f"coalesce({' OR '.join(flags)}, false) AS {quote(DRIFT_FLAG)}")
        return f"SELECT {', '.join(listed)} FROM ({query})"
