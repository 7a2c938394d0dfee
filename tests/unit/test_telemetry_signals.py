"""Metrics and traces are apart: what becomes of one never decides over the other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.telemetry import steps

SIGNALS = ("metrics", "traces")


@contextmanager
def collector(refused: str) -> Iterator[tuple[str, list[str]]]:
    """The address of a collector that has no pipeline for one signal, and which signals it took."""
    taken: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            signal = self.path.rpartition("/")[2]
            if signal != refused:
                taken.append(signal)
            self.send_response(404 if signal == refused else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", taken
        server.shutdown()


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(steps, "_sdk", None)
    return monkeypatch


@pytest.mark.parametrize("refused", SIGNALS)
def test_a_collector_that_takes_one_signal_gets_all_of_it(switched, caplog, refused):
    (other,) = {*SIGNALS} - {refused}
    with collector(refused) as (url, taken), caplog.at_level(logging.WARNING):
        switched.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        sdk = steps.sdk()
        assert sdk is not None
        for _ in range(3):
            with sdk.span("step", None):
                sdk.record("lienthong.step.duration", 1, {"step": "step"})
            sdk.flush()
    assert taken == [other] * 3
    (said,) = (record.getMessage() for record in caplog.records)
    assert said.startswith(f"telemetry is lost ({refused}): the collector at {url} takes none")


@pytest.mark.parametrize("refused", SIGNALS)
def test_a_protocol_that_is_not_spoken_ends_its_own_signal(switched, caplog, refused):
    (other,) = {*SIGNALS} - {refused}
    with collector("") as (url, taken), caplog.at_level(logging.WARNING):
        switched.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        switched.setenv(f"OTEL_EXPORTER_OTLP_{refused.upper()}_PROTOCOL", "grpc")
        sdk = steps.sdk()
        assert sdk is not None
        with sdk.span("step", None):
            sdk.record("lienthong.step.duration", 1, {"step": "step"})
        sdk.flush()
    assert taken == [other]
    (said,) = (record.getMessage() for record in caplog.records)
    assert said.startswith(f"telemetry is off ({refused}): OTEL_EXPORTER_OTLP_PROTOCOL is grpc")
