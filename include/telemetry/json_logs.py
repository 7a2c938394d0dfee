"""Logs of commands and servers as JSON lines, by the switch that Airflow has for its own."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime

from include.telemetry.steps import RUN_ID

JSON_LOGS = "AIRFLOW__LOGGING__JSON_LOGS"


class JsonLines(logging.Formatter):
    """One JSON object a line: `timestamp`, `level`, `event`, `logger`, the run's id, and the facts of a step.

    Of an exception the type alone: its text may quote a row.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **({"run_id": run_id} if (run_id := RUN_ID.get()) else {}),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            said["error_type"] = record.exc_info[0].__name__
        return json.dumps(said, ensure_ascii=False, default=str)


def is_json_asked() -> bool:
    """Whether the switch is on."""
    return os.environ.get(JSON_LOGS, "").strip().lower() in ("true", "1", "t")


def log_as_json() -> None:
    """Write logs from `info` on to standard error as JSON lines, if the switch is on; else leave them as they are."""
    if not is_json_asked():
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
