"""Switch of telemetry: the variables `OTEL_*` of the OpenTelemetry specification, as the SDK reads them too."""

from __future__ import annotations

import os

PROTOCOL = "http/protobuf"
SERVICE = "lienthong"
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SECONDS = 1.0
"""How long an export may take, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise: no run waits longer at its end."""


def is_on() -> bool:
    """Whether metrics or traces go anywhere."""
    return has("metrics") or has("traces")


def has(signal: str) -> bool:
    """Whether `metrics`, or `traces`, have an endpoint and are not switched off."""
    get = os.environ.get
    if get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or not endpoint(signal):
        return False
    return get(f"OTEL_{signal.upper()}_EXPORTER", "").strip().lower() != "none"


def endpoint(signal: str) -> str:
    """The collector's address for a signal; empty if there is none."""
    own = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "").strip()
    return own or os.environ.get(_ENDPOINT, "").strip()


def protocol(signal: str) -> str:
    """The protocol that is asked for."""
    own = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", "").strip()
    return own or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip() or PROTOCOL


def seconds(signal: str) -> float:
    """How long one export of a signal may take."""
    own = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_TIMEOUT", "").strip()
    stated = own or os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT", "").strip()
    try:
        return float(stated) if stated else _SECONDS
    except ValueError:
        return _SECONDS
