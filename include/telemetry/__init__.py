"""Telemetry: metrics and traces of steps by OpenTelemetry, logs as JSON lines; nothing is imported unless asked for.

`OTEL_EXPORTER_OTLP_ENDPOINT` switches metrics and traces on. They hold names of registries, tables, servers, steps and
rules, run ids and counts, and no value of a registry. A collector that is away neither fails nor holds up a run.
"""

from include.telemetry.json_logs import JSON_LOGS, is_json_asked, log_as_json
from include.telemetry.metrics import METRICS, Metric
from include.telemetry.recording import (
    record_linking,
    record_read,
    record_run_figures,
    record_table,
    record_table_rows,
)
from include.telemetry.root_spans import record_root_span
from include.telemetry.steps import exported_at_the_end, step
from include.telemetry.switch import is_on
