"""A register of citizens in PostgreSQL or MariaDB that changes in every way, and its contract with `changes: log`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext, new_run_id
from include.pipelines.sync.registry_sync import sync_registry

_CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: citizens
version: 1.0.0
status: active
servers: [{{server: citizens_db, {server}}}]
schema:
  - name: citizen
    %s
    customProperties:
      - {{property: extract, value: {{{extract}}}}}
      - {{property: tolerance, value: {{rejectedPercent: 100, rowCountChangePercent: 100}}}}
"""
CITIZENS = (
    _CONTRACT
    % """physicalName: cong_dan
    properties:
      - {{name: number, physicalName: so_dinh_danh, logicalType: {key_type}, primaryKey: true}}
      - {{name: name, physicalName: ho_ten, logicalType: string, required: true}}
      - {{name: amount, physicalName: so_tien, logicalType: integer, logicalTypeOptions: {{minimum: 0}}}}"""
)
MANY_KEYS = (
    _CONTRACT
    % """physicalName: nhieu_khoa
    properties:
      - {{name: number, physicalName: a, logicalType: string, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: day, physicalName: b, logicalType: date, primaryKey: true, primaryKeyPosition: 2}}
      - {{name: moment, physicalName: c, primaryKey: true, primaryKeyPosition: 3, logicalType: {key_type}}}
      - {{name: share, physicalName: d, logicalType: number, physicalType: "decimal(10,2)", primaryKey: true,
          primaryKeyPosition: 4}}
      - {{name: name, physicalName: e, logicalType: string, primaryKey: true, primaryKeyPosition: 5}}
      - {{name: amount, physicalName: f, logicalType: integer}}"""
)
POSTGRES = "type: postgres, host: db.example.vn, port: 5432, database: citizens, schema: public"
MARIADB = "type: mysql, host: db.example.vn, port: 3306, database: citizens"
Session = psycopg.Connection[Any]
BY_LOG = "changes: log, deletes: reconcile, deleteLimitPercent: 100"


def context_of(
    folder: Path,
    uri: str,
    *,
    extract: str = BY_LOG,
    server: str = POSTGRES,
    key_type: str = "integer",
    contract: str = CITIZENS,
) -> PipelineContext:
    """A context with the contract and a lake in the folder."""
    registries = folder / "schemas" / "registries"
    registries.mkdir(parents=True, exist_ok=True)
    text = contract.format(extract=extract, server=server, key_type=key_type)
    (registries / "citizens.odcs.yaml").write_text(text, encoding="utf-8")
    environ = {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp"), "AIRFLOW_CONN_CITIZENS_DB": uri}
    return PipelineContext(Lake.from_environment(environ), folder / "schemas", environ)


def synced(context: PipelineContext, *, is_full: bool = False) -> dict[str, Any]:
    """What a sync says of the table."""
    run_id = new_run_id(context.now())
    found = sync_registry("citizens", run_id=run_id, is_full=is_full, context=context).to_dict()["tables"][0]
    print(found.get("error") or found["why"])  # shown by a test that fails
    return found


def content(source: Session, condition: str = "so_tien >= 0") -> list[tuple[Any, ...]]:
    """The rows of a PostgreSQL source, by number: of those that the contract accepts, what must be published."""
    return source.execute(
        f"SELECT so_dinh_danh, ho_ten, so_tien FROM cong_dan WHERE {condition} ORDER BY 1".encode()
    ).fetchall()


def published(context: PipelineContext) -> list[tuple[Any, ...]]:
    """The published rows, by number."""
    table = context.lake.table(context.lake.registry_table("citizens", "citizen"))
    rows = table.to_pyarrow_table(columns=["number", "name", "amount"]).to_pylist()
    return sorted((row["number"], row["name"], row["amount"]) for row in rows)


def position(context: PipelineContext) -> str:
    """The position in the log that the table's last commit holds."""
    from include.lake.delta import last_commit

    _, table = context.table("citizens", "citizen")
    state = last_commit(context.lake, table)
    return state.metadata.get("change_position", "") if state else ""
