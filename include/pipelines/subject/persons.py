"""The person who is asked about: from any id that she ever had, or a record's, to her records of today and before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from include.identity.persons import resolve
from include.lake.people import people_view, record_id
from include.lake.run_log import link_runs
from include.lake.storage import Lake, lake_errors
from include.pipelines.errors import Misuse
from include.pipelines.subject.model import HeldRecord


class PersonUnknown(Misuse):
    """No person ever had that id."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person with all ids that lead to her, and her records. One that another person has now is that person's.

    Of a record that linking never saw there is that record alone, and no id: `standing` is `unlinked`.
    """

    person_id: str
    way: tuple[str, ...]
    standing: str
    ids: tuple[str, ...]
    records: tuple[HeldRecord, ...]


def find_person(lake: Lake, asked: str) -> Person:
    """The person of an id, or of a record: `registry.table:` and its key, a JSON list, or its value if it has one.

    Raises:
        PersonUnknown: there is no such person or record.
    """
    with lake.connect(memory_limit="1GB") as connection, lake_errors("finding a person"):
        for name in ("index", "former", "events"):
            people_view(lake, connection, name)
        person_id = _of_record(connection, asked) if ":" in asked else asked.strip().lower().replace("-", "")
        found = resolve(lake, person_id)
        if found.standing == "unknown":
            raise PersonUnknown(
                "no person has that id, or ever had it: take it from `lienthong link explain`, or ask by a record, "
                "`registry.table:KEY`"
            )
        ids = [row[0] for row in connection.execute(_ALL_IDS, {"id": found.person_id}).fetchall()]
        rows = connection.execute(_RECORDS, {"id": found.person_id, "ids": ids}).fetchall()
    runs = {run.run_id: run.began for run in link_runs(lake)}
    return Person(found.person_id, found.way, found.standing, tuple(ids), tuple(_record(row, runs) for row in rows))


def record_id_of(asked: str) -> str:
    """The id of the record that is asked about, as linking writes it; empty if it is no record."""
    table, _, key = asked.strip().partition(":")
    try:
        values = json.loads(key) if key.startswith("[") else [key]
    except (ValueError, RecursionError):
        return ""
    if not key or not all(isinstance(value, str) for value in values):
        return ""
    return record_id(table, values)


def _of_record(connection: duckdb.DuckDBPyConnection, asked: str) -> str:
    found = connection.execute(
        """SELECT person_id FROM (
               SELECT person_id, NULL AS left_at FROM index WHERE record_id = $id
               UNION ALL SELECT person_id, left_at FROM former WHERE record_id = $id
           ) ORDER BY left_at DESC NULLS FIRST LIMIT 1""",
        {"id": record_id_of(asked)},
    ).fetchone()
    if found is None:
        raise PersonUnknown(
            "no record has that id, neither in the index of persons nor in a shared version that is kept: write it as "
            '`population.citizen:["..."]`, with the key\'s values as a JSON list'
        )
    return str(found[0])


def _record(row: tuple[str, str, str, str, datetime | None], runs: Mapping[str, datetime]) -> HeldRecord:
    record_id, registry, table, since_run, left_at = row
    return HeldRecord(record_id, registry, table, runs.get(since_run), left_at)


_ALL_IDS = """
    WITH RECURSIVE led(person_id) AS (
        SELECT $id
        UNION
        SELECT e.person_id FROM led l JOIN events e ON e.other_id = l.person_id AND e.kind = 'merged'
    )
    SELECT person_id FROM led ORDER BY person_id = $id DESC, person_id"""

_RECORDS = """
    SELECT record_id, registry, "table", since_run, NULL::TIMESTAMPTZ AS left_at
    FROM index WHERE person_id = $id
    UNION ALL
    SELECT record_id, registry, "table", since_run, left_at FROM (
        SELECT * FROM former ANTI JOIN index USING (record_id)
        QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY left_at DESC) = 1
    ) WHERE person_id IN (SELECT unnest($ids))
    ORDER BY record_id"""
