"""The first step of a sync: read one table of a source, whole and in one state, into the landing zone."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from include.contracts import Contract, Table
from include.lake.storage import Lake, LakeError
from include.sources.landing.landed import FILE, Extract, earlier, record
from include.sources.landing.source import open_source


def extract(
    contract: Contract,
    table: Table,
    *,
    lake: Lake,
    run_id: str,
    at: datetime,
    environ: Mapping[str, str] = os.environ,
    since_columns: Sequence[Sequence[str]] | None = None,
) -> Extract:
    """Land every row and column of the table's source object, as received.

    Called again with the same `run_id` it returns the extract that is there and reads nothing. The other arguments are
    those of `open_source`.

    Raises:
        SourceError: one of its classes; `is_retryable` says whether the same call may succeed later.
        LakeError: the lake is full, unreachable or refuses.
    """
    folder = lake.landing_path(table.registry, table.name, run_id)
    done = earlier(lake, folder)
    if done is not None:
        return done
    started = time.perf_counter()
    try:
        with open_source(contract, table, lake=lake, at=at, environ=environ, since_columns=since_columns) as source:
            landed = source.land(f"{folder}/{FILE}")
            extracted = source.extract(landed, run_id=run_id, seconds=round(time.perf_counter() - started, 3))
    except Exception:
        with suppress(LakeError):
            lake.delete_tree(folder)  # nothing is complete without its record; leave no rows that nobody will read
        raise
    record(lake, folder, extracted)
    return extracted
