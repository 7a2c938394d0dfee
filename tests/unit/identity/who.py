"""A small world of records for the tests of ids: who was who before, who goes with whom now, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import duckdb

from include.identity.persons.id_ages import age_ids
from include.identity.persons.stable_ids import Resolved, assign_ids, name_events, resolve_id

DAY_ONE = datetime(2026, 1, 1, 2, tzinfo=UTC)

_TABLES = """
    CREATE TABLE previous (record_id VARCHAR, person_id VARCHAR, since_run VARCHAR);
    CREATE TABLE events (event_id VARCHAR, "at" TIMESTAMPTZ, run_id VARCHAR, kind VARCHAR, person_id VARCHAR,
                       other_id VARCHAR, cause VARCHAR);
    CREATE TABLE cluster (record_id VARCHAR, cluster VARCHAR);
    CREATE TABLE edge (left_id VARCHAR, right_id VARCHAR, pass VARCHAR, weight DOUBLE, decision VARCHAR);
    CREATE TABLE changed (record_id VARCHAR);
    CREATE TABLE review (left_id VARCHAR, right_id VARCHAR, decision VARCHAR);
    CREATE TABLE published_run (run_id VARCHAR, place BIGINT, began TIMESTAMPTZ);
    CREATE VIEW index AS FROM previous;
"""


class Registers:
    """Runs of linking over records named by single letters; a day lies between two runs."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute(_TABLES)
        self.runs = 0

    def link(
        self,
        clusters: Iterable[Iterable[str]],
        *,
        edges: Iterable[tuple[str, str, str, float]] = (),
        changed: Iterable[str] = (),
        different: Iterable[tuple[str, str]] = (),
        is_new_model: bool = False,
        clock: timedelta = timedelta(0),
    ) -> list[tuple[str, str, str | None, str]]:
        """One run: these records belong together. Gives its events as (kind, person, other, cause).

        `clock`: by how much the worker's clock is ahead.
        """
        self.runs += 1
        for table in ("cluster", "edge", "changed", "review"):
            self.connection.execute(f"DELETE FROM {table}")
        self._fill("cluster", [(record, min(group)) for group in map(list, clusters) for record in group])
        self._fill("edge", [(*edge, "link") for edge in edges])
        self._fill("changed", [(record,) for record in changed])
        self._fill("review", [(*pair, "different") for pair in different])
        run_id, at = f"run{self.runs:04}", DAY_ONE + timedelta(days=self.runs) + clock
        age_ids(self.connection)
        assign_ids(self.connection, run_id=run_id)
        name_events(self.connection, run_id=run_id, at=at, is_new_model=is_new_model)
        self.connection.execute("DELETE FROM previous")
        self.connection.execute("INSERT INTO previous SELECT record_id, person_id, since_run FROM assigned")
        self.connection.execute("INSERT INTO events SELECT * FROM event")
        self._fill("published_run", [(run_id, self.runs, at)])
        return self.connection.execute("SELECT kind, person_id, other_id, cause FROM event ORDER BY ALL").fetchall()

    def begin_as(self, other: Registers) -> None:
        """The same persons and events as another's."""
        self.runs = other.runs
        for table in ("previous", "events", "published_run"):
            self._fill(table, other.connection.execute(f"FROM {table}").fetchall())

    @property
    def who(self) -> Mapping[str, str]:
        """The person of each record."""
        return dict(self.connection.execute("SELECT record_id, person_id FROM previous").fetchall())

    @property
    def groups(self) -> set[frozenset[str]]:
        """The records of each person."""
        found: dict[str, set[str]] = {}
        for record, person in self.who.items():
            found.setdefault(person, set()).add(record)
        return {frozenset(group) for group in found.values()}

    def resolve(self, person_id: str) -> Resolved:
        return resolve_id(self.connection, person_id)

    def _fill(self, table: str, rows: list[tuple]) -> None:
        if rows:
            self.connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
