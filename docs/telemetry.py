"""The page on metrics and spans: those that the code records."""

from __future__ import annotations

from collections.abc import Iterator

from include.telemetry import METRICS

_HEAD = """# Metrics and spans

What Liên Thông tells an OpenTelemetry collector; how to switch it on, and which alerts are worth having:
[watch with OpenTelemetry](../how-to/watch-with-opentelemetry.md).

Attributes hold names of registries, tables, servers, agreements, steps and rules, and verdicts; no value of a registry,
no recipient and no person. `table` is without `@server`, which is `server`.

A counter or histogram says what one process counted since it last told (delta temporality, unless
`OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` says otherwise): a collector adds the processes up. A gauge is the
last value of its table."""
_SPANS = """
## Spans

A run is one trace: by the command line below a span of the command (`sync population`), in Airflow below one of the DAG
run (`sync_population`), or below Airflow's own if `AIRFLOW__TRACES__OTEL_ON` is set. Each step of each table is a span,
named after the two: `extract population.citizen`, `publish land.parcel@land-38`. Its attributes are `lienthong.run_id`,
`lienthong.step`, `lienthong.registry`, `lienthong.table`, `lienthong.server`, `lienthong.agreement_id`,
`lienthong.outcome`, the counts of the step's result (`lienthong.extracted`, `lienthong.accepted`, `lienthong.rejected`,
`lienthong.superseded`, `lienthong.deleted`, `lienthong.version`, `lienthong.live_rows`), and for a step that failed
`lienthong.error_type`, the name of the error's class; its text is in the log alone."""
_COLUMNS = "| metric | in Prometheus | kind | unit | attributes | what |"


def page() -> Iterator[str]:
    """The lines of the page."""
    yield from (_HEAD, "", _COLUMNS, "| --- " * _COLUMNS.count(" |") + "|")
    for metric in METRICS.values():
        attributes = ", ".join(f"`{name}`" for name in metric.attributes)
        yield (
            f"| `{metric.name}` | `{metric.prometheus_name}` | {metric.kind} | {metric.unit} | {attributes} "
            f"| {metric.description} |"
        )
    yield _SPANS
