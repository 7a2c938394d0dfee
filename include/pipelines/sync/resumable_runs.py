"""Resumable runs: the last run that landed a table and did not publish it."""

from __future__ import annotations

from datetime import UTC, datetime

from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse


def resumable_run(context: PipelineContext, registry: str) -> str:
    """The newest run of a registry that was stopped, or held by its gate, between a table's extract and its commit.

    Raises:
        Misuse: every run has ended.
    """
    lake = context.lake
    unfinished = [
        newest
        for table in context.source_tables(registry)
        if (newest := _newest(lake, lake.path("landing", registry, table.name)))
        and lake.exists(f"{newest}/_extracted.json")
        and not lake.exists(f"{newest}/_published.json")
    ]
    if not unfinished:
        raise Misuse(f"no run of {registry} was interrupted: begin a new one, without --resume")
    return max(unfinished, key=lambda folder: _written(lake, folder)).rpartition("run=")[2]


def _newest(lake: Lake, folder: str) -> str | None:
    """The run folder that was written last, by the lake's clock: a run's id is dated by its worker's."""
    return max(lake.list(folder), key=lambda run: _written(lake, run), default=None)


def _written(lake: Lake, folder: str) -> datetime:
    return lake.changed_at(folder) or datetime.min.replace(tzinfo=UTC)
