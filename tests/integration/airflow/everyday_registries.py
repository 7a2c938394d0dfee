"""Registries of payments: read date by date, with a killed task, closed, refused, and bereft of the scheduler."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

from tests.integration.airflow.house import NIGHTS
from tests.integration.everyday.ledger_source import CONTRACT, PaymentSource

_PROMISED = f"slaProperties: [{{property: frequency, value: 1, unit: d, schedule: '{NIGHTS}'}}]\nschema:"
REGISTRIES = ("calendar", "struck", "closed", "refused", "downed")


def write_contract(root: Path, registry: str, **spared: str) -> None:
    """The contract of payments for a registry; `spared` are the custom properties of its server."""
    properties = json.dumps([{"property": name, "value": value} for name, value in spared.items()])
    server = f"servers: [{{server: {registry}_db, type: custom, customProperties: {properties}}}]"
    text = CONTRACT.replace("id: payments", f"id: {registry}").replace("schema:", _PROMISED)
    text = text.replace("servers: [{server: payments_db, type: custom}]", server)
    (root / "schemas" / "registries" / f"{registry}.odcs.yaml").write_text(text, encoding="utf-8")


def furnish(root: Path) -> dict[str, PaymentSource]:
    """A contract and a source for each story."""
    sources = {}
    for seed, registry in enumerate(REGISTRIES):
        # The task that is to be killed reads for some seconds.
        write_contract(root, registry, **({"rowsPerSecond": "10", "poolSlots": "3"} if registry == "struck" else {}))
        sources[registry] = PaymentSource(f"sqlite:///{root}/{registry}.db", seed=seed, rows=50)
    for _ in range(3):
        sources["calendar"].clock += timedelta(days=1)
        sources["calendar"].insert(10)
    with sqlite3.connect(root / "refused.db") as database:
        database.execute("DROP TABLE phieu_thu")
    database.close()
    return sources
