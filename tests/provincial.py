"""A registry on five servers, two days on: one up to date, one missing, one that never came, one ended, one let go."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.sync.registry_sync import sync_registry
from tests.once import once, shared_site

FIRST = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
NOW = FIRST + timedelta(days=2)
SERVERS = {
    "land-01": "area: '01'",
    "land-38": "area: '38'",
    "land-48": "area: '48'",
    "land-51": "area: '51'",
    "land-66": "area: '66'",
}
NEVER = "land-48"
ROWS = {
    # Two areas that are no number; `H-1` is what the first server has published.
    "land-01": [("H-1", "10"), ("H-2", "20"), ("H-3", "ten"), ("H-4", "wide"), ("H-5", "50")],
    "land-38": [("T-1", "10"), ("T-2", "none"), ("T-3", "30")],
    "land-51": [("Q-1", "10"), ("H-1", "20")],
    "land-66": [("D-1", "10")],
}
LIVE = {"land-01": 3, "land-38": 2, "land-51": 1, "land-66": 1}
OPEN = {"land-01": 2, "land-38": 1, "land-51": 1, "land-66": 0}
SPENT = ("H-3", "H-4", "T-2")  # keys of rejected rows, which no figure shows

_CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: land
version: 1.0.0
status: active
name: Land
dataProduct: Đất đai
servers:
{servers}
slaProperties:
  - {{property: deadline, value: 4, unit: h, schedule: "0 2 * * *"}}
  - {{property: deliveredServers, value: {delivered}, unit: percent}}
schema:
  - name: parcel
    properties:
      - {{name: code, logicalType: string, primaryKey: true, required: true}}
      - {{name: area, logicalType: number, physicalType: "decimal(10,2)", required: true}}
    customProperties:
      - {{property: tolerance, value: {{rejectedPercent: 90, rowCountChangePercent: 90}}}}
  - name: book
    properties:
      - {{name: code, logicalType: string, primaryKey: true, required: true}}
    customProperties:
      - {{property: tolerance, value: {{rejectedPercent: 90, rowCountChangePercent: 90}}}}
"""


@dataclass(frozen=True)
class At(PipelineContext):
    """A context with a clock of its own."""

    at: datetime = FIRST

    def now(self) -> datetime:
        return self.at


def write_contract(folder: Path, *servers: str, ended: str = "", delivered: float = 100) -> None:
    lines = []
    for server in servers:
        custom = [f"{{property: assignments, value: [{{{SERVERS[server]}, from: 2025-07-01}}]}}"]
        custom += ["{property: ended, value: 2026-03-02}"] if server == ended else []
        lines.append(f"  - {{server: {server}, type: custom, customProperties: [{', '.join(custom)}]}}")
    text = _CONTRACT.format(servers="\n".join(lines), delivered=delivered)
    path = folder / "schemas" / "registries" / "land.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def at(folder: Path, when: datetime) -> At:
    environ = {
        "LAKE_URI": str(folder / "lake"),
        "LIENTHONG_TMP": str(folder / "tmp"),
        "LIENTHONG_VAR": str(folder / "var"),
        **{f"AIRFLOW_CONN_LAND_{name[-2:]}": f"sqlite:///{folder}/{name}.db" for name in ROWS},
        f"AIRFLOW_CONN_LAND_{NEVER[-2:]}": f"sqlite:///{folder}/away/{NEVER}.db",
    }
    return At(Lake.from_environment(environ), folder / "schemas", environ, when)


def make_provinces(folder: Path) -> At:
    """The lake after both days, the last run of which found nothing new, and its context at the end of the second.

    Synced once for all processes of the run; in `folder` is a copy, that may be changed.
    """
    shutil.copytree(once("provinces", _sync_provinces), folder, dirs_exist_ok=True)
    return at(folder, NOW + timedelta(hours=1))


def _sync_provinces() -> Path:
    folder = shared_site("provinces").var
    folder.mkdir()
    for name, rows in ROWS.items():
        with sqlite3.connect(folder / f"{name}.db") as source:
            source.execute("CREATE TABLE parcel (code, area)")
            source.execute("CREATE TABLE book (code)")
            source.executemany("INSERT INTO parcel VALUES (?, ?)", rows)
            source.executemany("INSERT INTO book VALUES (?)", [(f"B-{code}",) for code, _ in rows if code != "H-1"])
    write_contract(folder, *SERVERS)
    sync_registry("land", run_id="20260301T200000Z-00000001", context=at(folder, FIRST))
    write_contract(folder, *(name for name in SERVERS if name != "land-66"), ended="land-51")
    again = NOW - timedelta(minutes=30)
    sync_registry("land", run_id="20260303T193000Z-00000002", servers=["land-01"], context=at(folder, again))
    sync_registry("land", run_id="20260303T200000Z-00000003", servers=["land-01"], context=at(folder, NOW))
    return folder
