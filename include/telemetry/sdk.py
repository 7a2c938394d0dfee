"""OpenTelemetry of one process: providers, instruments, and exporters that give up soon. The only file that imports it.

A process that was forked gets providers of its own, and exports nothing of its parent's.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import metric_exporter, trace_exporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    get_current_span,
    get_tracer_provider,
    set_span_in_context,
)

from include.telemetry.metrics import METRICS, SECONDS, Metric
from include.telemetry.switch import SERVICE, endpoint, seconds

TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
TRIED_AGAIN_AFTER = 60.0
"""Seconds without a try after the collector did not answer."""
_MARGIN = 0.3  # seconds to encode and to connect
_log = logging.getLogger(__name__)
_exporting = threading.local()
_ids: ContextVar[tuple[int, int] | None] = ContextVar("ids of the next span", default=None)


class Sdk:
    """The providers of this process, for `metrics`, `traces` or both."""

    def __init__(self, signals: Collection[str]) -> None:
        resource = Resource({"service.name": SERVICE, "service.version": _version()})
        # Without the id of a process: each lives for one step, and what it counts is the same series.
        resource = resource.merge(OTELResourceDetector().detect())
        self._tracers = self._meters = None
        if "traces" in signals:
            self._tracers = TracerProvider(resource=resource, id_generator=_Ids(), shutdown_on_exit=False)
            self._tracers.add_span_processor(BatchSpanProcessor(BriefSpanExporter()))
        if "metrics" in signals:
            reader = PeriodicExportingMetricReader(BriefMetricExporter())
            self._meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._instruments = {name: self._made(metric) for name, metric in METRICS.items()} if self._meters else {}

    def record(self, name: str, value: float, attributes: Mapping[str, str]) -> None:
        """Add to a counter, or record the value of a histogram or gauge."""
        if (instrument := self._instruments.get(name)) is not None:
            wanted = METRICS[name].attributes
            instrument(value, {of: said for of, said in attributes.items() if said and of in wanted})

    @contextmanager
    def span(self, name: str, parent: Span | None) -> Iterator[Span | None]:
        """A span below `parent`, else below that of the Airflow task in which this runs, else the root of a trace."""
        if self._tracers is None:
            yield None
            return
        context = _inside(parent) if parent is not None else _task_context()
        tracer = self._tracers.get_tracer(SERVICE)
        with tracer.start_as_current_span(name, context, record_exception=False, set_status_on_exception=False) as span:
            yield span

    def root_span(self, name: str, carrier: SpanContext, attributes: Mapping[str, str], start: int, end: int) -> None:
        """Export a span with the ids of `carrier`, from and until these nanoseconds since 1970."""
        if self._tracers is None:
            return
        token = _ids.set((carrier.trace_id, carrier.span_id))
        try:
            tracer = self._tracers.get_tracer(SERVICE)
            tracer.start_span(name, Context(), attributes=attributes, start_time=start).end(end)
        finally:
            _ids.reset(token)

    def flush(self) -> None:
        """Export what is waiting, metrics and traces at once; what cannot be delivered soon is lost."""
        waiting: list[tuple[str, Callable[[], object]]] = []
        if self._meters is not None:
            waiting.append(("metrics", self._meters.force_flush))
        if self._tracers is not None:
            waiting.append(("traces", self._tracers.force_flush))
        threads = [threading.Thread(target=export, daemon=True) for _, export in waiting]
        end = time.monotonic() + max((seconds(signal) for signal, _ in waiting), default=0) + _MARGIN
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _made(self, metric: Metric) -> Callable[[float, Mapping[str, str]], None]:
        assert self._meters is not None  # noqa: S101 - the caller looked
        meter = self._meters.get_meter(SERVICE)
        how: dict[str, Any] = {"unit": metric.unit, "description": metric.description}
        if metric.kind == "counter":
            return meter.create_counter(metric.name, **how).add
        if metric.kind == "histogram":
            return meter.create_histogram(metric.name, **how, explicit_bucket_boundaries_advisory=SECONDS).record
        return meter.create_gauge(metric.name, **how).set


class Breaker:
    """Whether the collector takes one signal: what is wrong is logged once, and for a minute none of it is sent.

    Each signal has its own, as a collector may well take metrics and no traces.
    """

    def __init__(self, signal: str) -> None:
        self._signal, self._process, self._is_said, self._until = signal, os.getpid(), False, 0.0

    def may_try(self) -> bool:
        """Whether to send something now: this is no fork of the process, and the collector took the last."""
        return os.getpid() == self._process and time.monotonic() >= self._until

    def failed(self, why: str) -> None:
        """Something could not be delivered."""
        self._until = time.monotonic() + TRIED_AGAIN_AFTER
        if not self._is_said:
            self._is_said = True
            parts = urlsplit(endpoint(self._signal))
            where = f"{parts.scheme}://{parts.hostname}:{parts.port}" if parts.port else parts.hostname
            _log.warning(
                "telemetry is lost (%s): the collector at %s takes none within %g s (OTEL_EXPORTER_OTLP_ENDPOINT, "
                "OTEL_EXPORTER_OTLP_TIMEOUT; OTEL_%s_EXPORTER=none sends none). Nothing else depends on it, so all "
                "goes on. %s",
                self._signal, where, seconds(self._signal), self._signal.upper(), why,
            )  # fmt: skip


class BriefSpanExporter(SpanExporter):
    """Spans by OTLP over HTTP, within the stated seconds or not at all."""

    def __init__(self) -> None:
        self._breaker = Breaker("traces")
        self._inner = trace_exporter.OTLPSpanExporter(timeout=seconds("traces"))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """As of any exporter."""
        if not self._breaker.may_try():
            return SpanExportResult.FAILURE
        with _quietly() as said:
            result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._breaker.failed(said[-1] if said else "")
        return result

    def shutdown(self) -> None:
        """As of any exporter."""
        self._inner.shutdown()  # type: ignore[no-untyped-call]


class BriefMetricExporter(MetricExporter):
    """Metrics by OTLP over HTTP, within the stated seconds or not at all; what is counted is told as differences."""

    def __init__(self) -> None:
        delta: dict[type, AggregationTemporality] = {
            Counter: AggregationTemporality.DELTA,
            Histogram: AggregationTemporality.DELTA,
        }
        inner = metric_exporter.OTLPMetricExporter(
            timeout=seconds("metrics"), preferred_temporality=None if os.environ.get(TEMPORALITY) else delta
        )
        super().__init__(inner._preferred_temporality, inner._preferred_aggregation)
        self._breaker, self._inner = Breaker("metrics"), inner

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """As of any exporter."""
        if not self._breaker.may_try():
            return MetricExportResult.FAILURE
        with _quietly() as said:
            result = self._inner.export(metrics_data, timeout_millis)
        if result is not MetricExportResult.SUCCESS:
            self._breaker.failed(said[-1] if said else "")
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing waits here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """As of any exporter."""
        self._inner.shutdown()


class _Ids(RandomIdGenerator):
    """Random ids, unless those of the next span are set."""

    def generate_trace_id(self) -> int:
        wanted = _ids.get()
        return wanted[0] if wanted else super().generate_trace_id()

    def generate_span_id(self) -> int:
        wanted = _ids.get()
        return wanted[1] if wanted else super().generate_span_id()


def _inside(parent: Span) -> Context:
    return set_span_in_context(parent, Context())


def _task_context() -> Context:
    """The context of the span in which this runs; without Airflow's own tracing as if that had been sampled.

    Airflow gives every run a trace id, also while it exports no spans, and then marks it as not sampled.
    """
    current = get_current_span()
    given = current.get_span_context()
    if not given.is_valid or hasattr(get_tracer_provider(), "sampler"):
        return set_span_in_context(current, Context())
    sampled = SpanContext(given.trace_id, given.span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return _inside(NonRecordingSpan(sampled))


@contextmanager
def _quietly() -> Iterator[list[str]]:
    """What the exporters say of failed attempts in this thread goes into the list, not into the log."""
    _exporting.said = []
    try:
        yield _exporting.said
    finally:
        del _exporting.said


def _is_heard(record: logging.LogRecord) -> bool:
    said: list[str] | None = getattr(_exporting, "said", None)
    if said is not None:
        said.append(record.getMessage())
    return said is None


for _module in (trace_exporter, metric_exporter):
    logging.getLogger(_module.__name__).addFilter(_is_heard)


def _version() -> str:
    try:
        return version(SERVICE)
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0"
