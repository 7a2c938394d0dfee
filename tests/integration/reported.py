"""The synced country with its report, made once for all processes of the run."""

from __future__ import annotations

from dataclasses import replace

from include.lake.storage import Lake
from include.pipelines.reporting.report import ReportMade, report_step
from include.pipelines.sync.relationships import relationships_step
from tests.integration.conftest import SyncedCountry
from tests.once import once, shared_site


def with_report(country: SyncedCountry) -> tuple[SyncedCountry, ReportMade]:
    """The country with a lake that has relationships and a report too, to be read only, and what was made."""
    folder = shared_site("reported").var

    def make() -> ReportMade:
        own = country.copied_to(folder)
        for registry, run in own.runs.items():
            relationships_step(registry, run["run_id"], context=own.context)
        return report_step(context=own.context, folder=folder / "report")

    made = once("reported", make)
    environ = {**country.context.environ, "LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp")}
    context = replace(country.context, lake=Lake.from_environment(environ), environ=environ)
    return replace(country, context=context), made
