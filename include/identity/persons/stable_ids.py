"""Stable ids: which person each record belongs to, given to whom it belonged before.

An id is random, minted once and never used for another person. Of the persons whose records come together the oldest
id stays, by the order in which runs committed; where a person's records part, the larger part keeps the id. Whatever
changes is an event with its cause, and following the events any id that ever was leads to the person of today. Records
and clusters are read, ids and events written, as Parquet files of the run: a run that is repeated uses the ids it
minted the first time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from include.identity.persons.id_ages import view_ages
from include.lake.people import people_view
from include.lake.storage import Lake, lake_errors, literal, scan

ID_LENGTH = 32
# Which pass is named as the cause where several bring two persons together: the most certain.
_CERTAINTY = (
    "list_position(['review','personal_id','old_id','insurance_number','health_card','tax_code','model'], pass)"
)


@dataclass(frozen=True, slots=True)
class Assigned:
    """Where the run's index and events lie, and what changed. `moved`: records that changed from one id to another."""

    index_uri: str
    events_uri: str
    records: int
    persons: int
    minted: int
    merged: int
    split: int
    retired: int
    moved: int


def assign(
    lake: Lake,
    *,
    clusters_uri: str,
    records_uri: str,
    edges_uri: str,
    folder: str,
    run_id: str,
    at: datetime,
    changed_uri: str = "",
    reviews_uri: str = "",
    is_new_model: bool = False,
) -> Assigned:
    """Give every record of `clusters_uri` the id of its person, by what `people/index` and `people/events` say now.

    Writes `index.parquet` and `events.parquet` into `folder`. `edges_uri`, `changed_uri` (record_id of new and changed
    records), `reviews_uri` and `is_new_model` only serve to name the causes.
    """
    with lake.connect(memory_limit="2GB") as connection, lake_errors("giving persons their ids"):
        people_view(lake, connection, "index", called="previous")
        view_ages(lake, connection)
        connection.execute(f"CREATE TEMP VIEW cluster AS FROM {scan(clusters_uri)}")
        connection.execute(f"CREATE TEMP VIEW edge AS FROM {scan(edges_uri)}")
        nobody = "(SELECT NULL::VARCHAR AS record_id WHERE false)"
        connection.execute(f"CREATE TEMP VIEW changed AS FROM {scan(changed_uri) if changed_uri else nobody}")
        no_pair = "(SELECT NULL::VARCHAR AS left_id, NULL::VARCHAR AS right_id, NULL::VARCHAR AS decision WHERE false)"
        connection.execute(f"CREATE TEMP VIEW review AS FROM {scan(reviews_uri) if reviews_uri else no_pair}")
        assign_ids(connection, run_id=run_id)
        name_events(connection, run_id=run_id, at=at, is_new_model=is_new_model)
        index_uri, events_uri = f"{folder}/index.parquet", f"{folder}/events.parquet"
        lake.make_folder(folder)
        origin = f'SELECT record_id, registry, "table" FROM {scan(records_uri)}'
        _save(
            connection,
            'SELECT record_id, person_id, registry, "table", since_run '
            f"FROM assigned JOIN ({origin}) USING (record_id)",
            index_uri,
        )
        _save(connection, "FROM event", events_uri)
        counts = dict(connection.execute("SELECT kind, count(*) FROM event GROUP BY ALL").fetchall())
        records, persons, moved = connection.execute(
            "SELECT count(*), count(DISTINCT person_id), count(*) FILTER (was IS NOT NULL AND was <> person_id) "
            "FROM assigned"
        ).fetchall()[0]
    figures = {kind: int(counts.get(kind, 0)) for kind in ("minted", "merged", "split", "retired")}
    return Assigned(index_uri, events_uri, int(records), int(persons), moved=int(moved), **figures)


def assign_ids(connection: duckdb.DuckDBPyConnection, *, run_id: str) -> None:
    """Make the table `assigned` (record_id, person_id, since_run, was) in a connection.

    Reads the relations `previous` (record_id, person_id, since_run), `minted`, `cluster` (record_id, cluster).
    Leaves `overlap` (person, cluster, how many records), `heir` (the cluster a person's larger part is in), `winner`
    and `person_of` (the id of each cluster) for `name_events`.
    """
    run = literal(run_id)
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE overlap AS
        SELECT person_id, cluster, count(*) AS records, min(since_run) AS since, min(record_id) AS first
        FROM previous JOIN cluster USING (record_id) GROUP BY person_id, cluster""")
    # The larger part keeps the id; of equal parts the one with the record that was there first.
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE heir AS
        SELECT person_id, arg_min(cluster, ROW(-records, since, first)) AS cluster FROM overlap GROUP BY person_id""")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE winner AS
        SELECT cluster, arg_min(person_id, ROW(place, person_id)) AS person_id
        FROM heir LEFT JOIN minted USING (person_id) GROUP BY cluster""")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE unclaimed AS
        SELECT cluster, row_number() OVER () - 1 AS number
        FROM (SELECT DISTINCT cluster FROM cluster) ANTI JOIN winner USING (cluster)""")
    wanted = connection.execute("SELECT count(*) FROM unclaimed").fetchall()[0][0]
    connection.register("fresh ids", pa.table({"number": pa.array(np.arange(wanted)), "person_id": mint(wanted)}))
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE person_of AS
        SELECT cluster, person_id, false AS is_new FROM winner
        UNION ALL SELECT cluster, person_id, true FROM unclaimed JOIN "fresh ids" USING (number)""")
    connection.unregister("fresh ids")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE assigned AS
        SELECT record_id, n.person_id, p.person_id AS was,
               CASE WHEN p.person_id = n.person_id THEN p.since_run ELSE {run} END AS since_run
        FROM cluster JOIN person_of n USING (cluster) LEFT JOIN previous p USING (record_id)""")


def name_events(connection: duckdb.DuckDBPyConnection, *, run_id: str, at: datetime, is_new_model: bool) -> None:
    """The table `event`: what `assign_ids` changed, and why, by `edge`, `changed` and `review`. No value of anybody."""
    lost = "no longer linked: the model changed" if is_new_model else "no longer linked"
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE merge AS
        SELECT h.person_id, w.person_id AS other_id FROM heir h JOIN winner w USING (cluster)
        WHERE h.person_id <> w.person_id""")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE parting AS
        SELECT o.person_id, n.person_id AS other_id, o.cluster, h.cluster AS kept
        FROM overlap o JOIN heir h USING (person_id) JOIN person_of n ON n.cluster = o.cluster
        WHERE o.cluster <> h.cluster""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE event AS
        WITH side AS (
            SELECT record_id, person_id FROM previous
            WHERE person_id IN (SELECT person_id FROM merge UNION SELECT other_id FROM merge)
        ), bridge AS (
            SELECT l.person_id AS a, r.person_id AS b, arg_min(pass, ROW({_CERTAINTY}, -weight)) AS pass
            FROM edge JOIN side l ON left_id = l.record_id JOIN side r ON right_id = r.record_id
            WHERE decision = 'link' AND l.person_id <> r.person_id GROUP BY ALL
        ), part AS (
            SELECT record_id, person_id FROM previous WHERE person_id IN (SELECT person_id FROM parting)
        ), ruled AS (
            SELECT DISTINCT l.person_id FROM review JOIN part l ON left_id = l.record_id
            JOIN part r ON right_id = r.record_id AND r.person_id = l.person_id WHERE decision = 'different'
        ), altered AS (
            SELECT DISTINCT person_id FROM part
            WHERE record_id IN (FROM changed) OR record_id NOT IN (SELECT record_id FROM cluster)
        ), found AS (
            SELECT 'minted' AS kind, person_id, NULL AS other_id,
                   CASE WHEN cluster IN (SELECT cluster FROM overlap) THEN 'split from another person'
                        ELSE 'new record' END AS cause
            FROM person_of WHERE is_new
            UNION ALL
            SELECT 'merged', m.person_id, other_id, coalesce('linked by ' || pass, 'linked through other records')
            FROM merge m LEFT JOIN bridge
              ON (a = m.person_id AND b = other_id) OR (b = m.person_id AND a = other_id)
            UNION ALL
            SELECT 'split', person_id, other_id,
                   CASE WHEN person_id IN (FROM ruled) THEN 'review' WHEN person_id IN (FROM altered)
                        THEN 'a record changed' ELSE {literal(lost)} END
            FROM (SELECT DISTINCT person_id, other_id FROM parting)
            UNION ALL
            SELECT 'retired', person_id, NULL, 'no record is left'
            FROM (SELECT DISTINCT person_id FROM previous) ANTI JOIN overlap USING (person_id)
        )
        SELECT md5(concat_ws('/', {literal(run_id)}, kind, person_id, other_id)) AS event_id,
               CAST({literal(at.isoformat())} AS TIMESTAMPTZ) AS "at", {literal(run_id)} AS run_id,
               kind, person_id, other_id, min(cause) AS cause
        FROM found GROUP BY ALL""")


def mint(count: int) -> pa.Array:
    """So many new ids: random UUIDs (version 4), as 32 hexadecimal digits."""
    random = np.frombuffer(bytearray(secrets.token_bytes(16 * count)), dtype=np.uint8).reshape(count, 16)
    random[:, 6] = random[:, 6] & 0x0F | 0x40
    random[:, 8] = random[:, 8] & 0x3F | 0x80
    offsets = np.arange(count + 1, dtype=np.int64) * ID_LENGTH
    text = random.tobytes().hex().encode()
    return pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where an id leads: `person_id` is today's, `way` every id passed, the asked one first.

    `standing`: `living`, `retired` (no registry has a record of the person any more) or `unknown`.
    """

    person_id: str
    standing: str
    way: tuple[str, ...]


def resolve(lake: Lake, person_id: str) -> Resolved:
    """Follow an id, however old, to the person of today."""
    with lake.connect(memory_limit="1GB") as connection, lake_errors("following an id"):
        people_view(lake, connection, "index")
        people_view(lake, connection, "events")
        return resolve_id(connection, person_id)


def resolve_id(connection: duckdb.DuckDBPyConnection, person_id: str) -> Resolved:
    """The same over the relations `index` and `events` of a connection."""
    way = [row[0] for row in connection.execute(_WAY, {"id": person_id}).fetchall()]
    last = way[-1]
    living, known = connection.execute(
        "SELECT EXISTS (FROM index WHERE person_id = $id), EXISTS (FROM events WHERE person_id = $id)", {"id": last}
    ).fetchall()[0]
    return Resolved(last, "living" if living else "retired" if known else "unknown", tuple(way))


# An id merges once: it is gone then, and never minted again. So the way has no fork and no circle.
_WAY = """
    WITH RECURSIVE way(person_id, step) AS (
        SELECT $id, 0
        UNION ALL
        SELECT e.other_id, step + 1 FROM way w JOIN events e ON e.person_id = w.person_id AND e.kind = 'merged'
    )
    SELECT person_id FROM way ORDER BY step
"""


def _save(connection: duckdb.DuckDBPyConnection, query: str, uri: str) -> None:
    connection.execute(f"COPY ({query}) TO {literal(uri)} (FORMAT parquet, COMPRESSION zstd)")
