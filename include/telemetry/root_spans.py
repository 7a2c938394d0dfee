"""Root span of a run whose steps are processes of their own, exported by the process that sees the run end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from include.telemetry.steps import sdk


def record_root_span(
    name: str, traceparent: str, attributes: Mapping[str, str], *, started_at: datetime, ended_at: datetime
) -> None:
    """Hand over a span with the ids of `traceparent` (W3C Trace Context), below which the steps' spans already are.

    It is exported in the background.
    """
    telemetry = sdk()
    if telemetry is None:
        return
    from opentelemetry.trace import get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    ids = get_current_span(found).get_span_context()
    if ids.is_valid:
        start, end = (int(at.timestamp() * 1e9) for at in (started_at, ended_at))
        telemetry.root_span(name, ids, {f"lienthong.{of}": value for of, value in attributes.items()}, start, end)
