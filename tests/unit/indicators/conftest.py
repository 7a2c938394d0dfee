"""A small register of services in a lake of its own, with one indicator over it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.lake.storage import Lake
from include.pipelines import PipelineContext

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {registry}
version: 1.0.0
status: active
servers: [{{server: {registry}, type: custom}}]
schema:
  - name: {table}
    properties:
{columns}
"""
SERVICE = """
      - {name: code, logicalType: string, primaryKey: true}
      - {name: agency, logicalType: string}
      - {name: owner_id, logicalType: string, classification: restricted}
      - {name: online_from, logicalType: date}
      - {name: online_until, logicalType: date}
"""
DOSSIER = """
      - {name: code, logicalType: string, primaryKey: true}
      - {name: service, logicalType: string}
      - {name: received_at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Asia/Ho_Chi_Minh}}
      - {name: fee_vnd, logicalType: integer}
"""
SHARE = """
version: 1.0.0
name: {vi: Dịch vụ có hồ sơ, en: Services with dossiers}
definition: {vi: Tỷ lệ dịch vụ có hồ sơ trong kỳ., en: Share of services with a dossier in the period.}
legalBasis: ["Quyết định 766/QĐ-TTg"]
section: services
unit: percent
digits: 2
period: calendar
rows: |
  WITH active AS (
    SELECT DISTINCT service FROM counter.dossier
    WHERE CAST(received_at AS DATE) >= period_start() AND CAST(received_at AS DATE) < period_end()
  )
  SELECT s.agency, s.owner_id, a.service IS NOT NULL AS is_active
  FROM catalogue.service AS s
  LEFT JOIN active AS a ON a.service = s.code
  WHERE s.online_from < period_end() AND (s.online_until IS NULL OR s.online_until >= period_end())
numerator: is_active
denominator: "true"
breakdown:
  agency: catalogue.service.agency
notAvailable: {vi: Chưa có dịch vụ nào., en: There is no service.}
"""
AT = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)


class FixedContext(PipelineContext):
    """A context whose clock stands still."""

    def now(self) -> datetime:
        return AT


@pytest.fixture
def context(tmp_path: Path) -> PipelineContext:
    schemas = tmp_path / "schemas"
    for folder in ("registries", "reference", "indicators"):
        (schemas / folder).mkdir(parents=True)
    for registry, table, columns in (("catalogue", "service", SERVICE), ("counter", "dossier", DOSSIER)):
        text = CONTRACT.format(registry=registry, table=table, columns=columns)
        (schemas / "registries" / f"{registry}.odcs.yaml").write_text(text, encoding="utf-8")
    (schemas / "reference" / "agencies.csv").write_text(
        "code,name,province_code,valid_from,valid_until\nG03,Bộ Ba,,2000-01-01,\nH56,Tỉnh Năm Sáu,38,2000-01-01,\n",
        encoding="utf-8",
    )
    (schemas / "indicators" / "active-services.yaml").write_text(SHARE, encoding="utf-8")
    return FixedContext(Lake(str(tmp_path / "lake")), schemas, {})


def publish(context: PipelineContext, registry: str, table: str, rows: list[dict[str, Any]]) -> None:
    """Make these rows the published table, as a sync would."""
    types = {
        column.name: {"VARCHAR": pa.string(), "DATE": pa.date32(), "BIGINT": pa.int64()}.get(
            column.sql_type, pa.timestamp("us", tz="UTC")
        )
        for column in context.contract(registry).table(table).columns
    }
    uri = context.lake.registry_table(registry, table)
    data = pa.Table.from_pylist(rows, pa.schema(list(types.items())))
    write_deltalake(uri, data, mode="overwrite")


def service(code: str, agency: str, online_from: str, online_until: str = "") -> dict[str, Any]:
    return {
        "code": code,
        "agency": agency,
        "owner_id": f"0010990000{code}",
        "online_from": date.fromisoformat(online_from),
        "online_until": date.fromisoformat(online_until) if online_until else None,
    }


def dossier(code: str, of: str, at: str, fee_vnd: int = 0) -> dict[str, Any]:
    return {"code": code, "service": of, "received_at": datetime.fromisoformat(at), "fee_vnd": fee_vnd}
