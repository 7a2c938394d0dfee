"""A registry of reports that agencies owe, and the two shipped indicators that name them, for the quarterly report."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

SCHEMAS = Path(__file__).parents[3] / "schemas"
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: programme
version: 1.0.0
status: active
servers: [{server: programme, type: custom}]
schema:
  - name: report_obligation
    properties:
      - {name: obligation, logicalType: string, primaryKey: true, required: true}
      - {name: agency_code, logicalType: string}
      - {name: due_at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Asia/Ho_Chi_Minh}}
  - name: submission
    properties:
      - {name: obligation, logicalType: string, primaryKey: true, required: true}
      - {name: received_at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Asia/Ho_Chi_Minh}}
"""
INDICATORS = ("reports-missing", "reports-upcoming")
OBLIGATIONS = [("a", "G03", "2018-03-20 17:00:00"), ("b", "G09", "2018-03-20 17:00:00"),
               ("c", "H56", "2018-04-20 17:00:00")]  # fmt: skip


def furnish(root: Path) -> dict[str, str]:
    """Contract, indicators, heading and source; returns the connection."""
    schemas = root / "schemas"
    (schemas / "registries" / "programme.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    for folder in ("indicators", "reports"):
        (schemas / folder).mkdir()
    for name in INDICATORS:
        shutil.copy(SCHEMAS / "indicators" / f"{name}.yaml", schemas / "indicators")
    heading = (SCHEMAS / "reports" / "government.yaml").read_text(encoding="utf-8")
    lists = f"first: [{INDICATORS[0]}]\nannexes: [{INDICATORS[0]}]\nplots: []\n"
    (schemas / "reports" / "government.yaml").write_text(heading[: heading.index("first:")] + lists, encoding="utf-8")
    with sqlite3.connect(root / "programme.db") as database:
        database.execute("CREATE TABLE report_obligation (obligation TEXT, agency_code TEXT, due_at TEXT)")
        database.executemany("INSERT INTO report_obligation VALUES (?, ?, ?)", OBLIGATIONS)
        database.execute("CREATE TABLE submission (obligation TEXT, received_at TEXT)")
        database.execute("INSERT INTO submission VALUES ('a', '2018-03-19 08:00:00')")
    return {"AIRFLOW_CONN_PROGRAMME": f"sqlite:///{root / 'programme.db'}"}
