"""Command line `lienthong` for the steps that Airflow runs.

Exit status: 0 published (rejected rows within tolerance included) or nothing to do, 1 the gate held a table back or a
run failed, 2 misuse.
"""

from __future__ import annotations

# Importing a module of commands puts its commands into the application.
from include.cli import history, indicators, link, machine, registries, rejected, requests, sharing, status

from include.cli import audit  # isort: skip  (its commands come last in the help)
from include.cli.application import app, main

__all__ = [
    "app",
    "audit",
    "history",
    "indicators",
    "link",
    "machine",
    "main",
    "registries",
    "rejected",
    "requests",
    "sharing",
    "status",
]
