"""Ages of ids: which of two was minted first, and since when at the latest, by the order in which runs committed.

A worker's clock may be wrong, so it decides neither alone: what a run that committed later tells of the time holds for
all that came before it.
"""

from __future__ import annotations

from datetime import timedelta

import duckdb
import pyarrow as pa

from include.lake.people import people_view
from include.lake.run_log import link_runs
from include.lake.storage import Lake, create_temp_table

LONG_STANDING = timedelta(days=30)
_RUNS = pa.schema([("run_id", pa.string()), ("place", pa.int64()), ("began", pa.timestamp("us", tz="UTC"))])


def view_ages(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    """Make the views `events` and `minted` (see `age_ids`) of a lake."""
    people_view(lake, connection, "events")
    runs = [run for run in link_runs(lake) if run.verdict == "published"]
    rows = [{"run_id": run.run_id, "place": place, "began": run.began} for place, run in enumerate(runs)]
    create_temp_table(connection, "published_run", pa.Table.from_pylist(rows, _RUNS))
    age_ids(connection)


def age_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the view `minted` (person_id, place, minted_at) of the relations `events` and `published_run`.

    `place` numbers all ids from the oldest on: by the commit of the run that minted them, ids of one run by themselves.
    No id is younger than `minted_at`: the earliest instant that its run, or one that committed after it, began by its
    own clock. A run that the log does not have came before all that it has.
    """
    connection.execute(
        """CREATE OR REPLACE TEMP VIEW minted AS
        WITH run AS (
            SELECT run_id, place, min(began) OVER (ORDER BY place ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
                   AS began FROM published_run
        ), born AS (
            SELECT person_id, min(place) AS run, min(least("at", began)) AS minted_at
            FROM events LEFT JOIN run USING (run_id) WHERE kind = 'minted' GROUP BY person_id
        )
        SELECT person_id, row_number() OVER (ORDER BY run NULLS FIRST, minted_at, person_id) AS place, minted_at
        FROM born"""
    )


def is_long_standing(minted_at: str) -> str:
    """Whether an id was minted more than LONG_STANDING before `$at`, as SQL.

    One minted after `$at`, by a clock that is ahead, has no known age and is taken to be long-standing.
    """
    days = LONG_STANDING.days
    return f"({minted_at} NOT BETWEEN $at::TIMESTAMPTZ - INTERVAL {days} DAY AND $at::TIMESTAMPTZ)"
