"""Registries that are published, unchanged, held and declined, approved by one, by two, unanswered, lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.integration.airflow.house import House

SECRET_NAME = "Nguyễn Thị Bí Mật"
GOOD = [("1", SECRET_NAME, "30"), ("2", "Lê Văn Hai", "41"), ("3", "Phạm Ba", "52")]
BAD = [("1", SECRET_NAME, "30"), ("2", None, "41"), ("3", None, "abc"), ("4", SECRET_NAME, "abc")]
TABLE = """
  - name: {table}
    properties:
      - {{name: person_id, logicalType: string, primaryKey: true, required: true}}
      - {{name: full_name, logicalType: string, required: true, classification: confidential}}
      - {{name: age, logicalType: integer}}
    customProperties:
      - {{property: tolerance, value: {{rejectedPercent: 10, rowCountChangePercent: 500}}}}
"""
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {registry}
version: 1.0.0
status: active
name: {registry}
servers:
  - {{server: {registry}, {server}}}
slaProperties:
  - {{property: latency, value: {minutes}, unit: m}}
schema:
"""
CONSUMER = """
from airflow.sdk import dag, task

from plugins.lake_assets import table_asset

@dag(schedule=[table_asset("steady", "person")], catchup=False)
def after_steady():
    @task
    def note():
        pass
    note()

after_steady()
"""
SERVERS = {"lost": "type: postgres, host: localhost, port: 5432, database: lost, schema: public"}
REGISTRIES = {"steady": 240, "declined": 240, "approved": 240, "foureyes": 240, "unanswered": 1, "lost": 240}
FOUR_EYES = "      - {property: approval, value: {fourEyes: true}}\n"
TEAM = """
team:
  members:
    - {username: lan, name: Nguyễn Lan, role: data steward}
    - {username: an, name: Trần An, role: data steward}
    - {username: minh, name: Lê Minh, role: data steward, dateOut: "2020-01-01"}
"""


def fill(path: Path, **tables: list[tuple[str | None, ...]]) -> None:
    """Write a registry's SQLite file anew."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        for table, rows in tables.items():
            database.execute(f"CREATE TABLE {table} (person_id TEXT, full_name TEXT, age TEXT)")
            database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)
    database.close()


def begin_unanswered(house: House) -> None:
    """Let one steward's time begin to run out, before all else: nobody need wait for it later."""
    house.until(lambda: "sync_unanswered" in {dag["dag_id"] for dag in house.api.dags()})
    house.api.unpause("sync_unanswered")
    house.start("unanswered", "first")


def furnish(root: Path) -> dict[str, str]:
    """A contract and a source for each story, and a DAG that waits for a table; returns the connections."""
    (root / "dags" / "after_steady.py").write_text(CONSUMER)
    for registry, minutes in REGISTRIES.items():
        head = CONTRACT.format(registry=registry, server=SERVERS.get(registry, "type: custom"), minutes=minutes)
        tables = "".join(
            TABLE.format(table=name) for name in ("person", *(["other"] if registry == "declined" else []))
        )
        decisions = FOUR_EYES + TEAM if registry == "foureyes" else ""
        (root / "schemas" / "registries" / f"{registry}.odcs.yaml").write_text(head + tables + decisions)
    (root / "schemas" / "registries" / "broken.odcs.yaml").write_text("apiVersion: v3.2.0\nkind: Misspelt\n")
    fill(root / "steady.sqlite", person=GOOD)
    fill(root / "declined.sqlite", person=GOOD, other=GOOD)
    fill(root / "approved.sqlite", person=BAD)
    fill(root / "foureyes.sqlite", person=BAD)
    fill(root / "unanswered.sqlite", person=BAD)
    return {f"AIRFLOW_CONN_{name.upper()}": f"sqlite:///{root / name}.sqlite" for name in REGISTRIES if name != "lost"}
