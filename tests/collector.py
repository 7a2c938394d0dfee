"""A collector at the other end of the network: takes OTLP over HTTP, decodes it by its protocol, keeps every byte."""

from __future__ import annotations

import gzip
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from include.embedded.site import free_port, is_free

Point = tuple[dict[str, Any], Any]


@dataclass
class Collector:
    """What came: requests of metrics and of traces, and their bytes."""

    url: str
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    received: bytes = b""

    @property
    def variables(self) -> dict[str, str]:
        """The environment that leads to it."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url}

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for request in self.traces
            for of_resource in request.resource_spans
            for scope in of_resource.scope_spans
            for span in scope.spans
        ]

    @property
    def points(self) -> dict[str, list[Point]]:
        """Of every metric its data points: attributes, and a value or a histogram."""
        found: dict[str, list[Point]] = defaultdict(list)
        for metric in self.descriptors:
            data = getattr(metric, metric.WhichOneof("data"))
            for point in data.data_points:
                value = point if metric.WhichOneof("data") == "histogram" else getattr(point, point.WhichOneof("value"))
                found[metric.name].append((attributes_of(point), value))
        return found

    @property
    def descriptors(self) -> list[Any]:
        return [
            metric
            for request in self.metrics
            for of_resource in request.resource_metrics
            for scope in of_resource.scope_metrics
            for metric in scope.metrics
        ]

    def sums(self, name: str, *by: str) -> dict[tuple[str, ...], int]:
        """A counter, summed up over all exports, by attributes."""
        found: dict[tuple[str, ...], int] = defaultdict(int)
        for attributes, value in self.points[name]:
            found[tuple(attributes.get(one, "") for one in by)] += value
        return dict(found)


def attributes_of(of: Any) -> dict[str, Any]:
    """The attributes of a span or data point."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens on this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers["content-encoding"] == "gzip":
                body = gzip.decompress(body)
            kinds = {"/v1/metrics": ExportMetricsServiceRequest, "/v1/traces": ExportTraceServiceRequest}
            request = kinds[self.path].FromString(body)
            collector.received += body
            (collector.metrics if self.path == "/v1/metrics" else collector.traces).append(request)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def passed_on_by_rotel(to: Collector) -> Iterator[dict[str, str]]:
    """The environment that leads to a collector of others, Rotel, which hands all it takes to `to` before it ends."""
    port = free_port()
    command = [
        str(files("rotel") / "rotel-agent"), "start", "--otlp-http-endpoint", f"127.0.0.1:{port}",
        "--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}", "--exporter", "otlp", "--otlp-exporter-endpoint", to.url,
        "--otlp-exporter-protocol", "http",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            until = time.monotonic() + 30
            while is_free(port):
                assert process.poll() is None, "it ended"
                assert time.monotonic() < until, "it does not listen"
                time.sleep(0.05)
            yield {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        finally:
            process.terminate()
            said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
