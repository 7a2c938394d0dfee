"""The table that every way reads: payments with 9 columns, without faults, and a contract with ten rules."""

from __future__ import annotations

from pathlib import Path

TABLE = "payments"
COLUMNS = ("id", "person_id", "full_name", "sex", "ward_code", "paid_on", "amount_vnd", "note", "updated_at")
BY_CURSOR = "{cursor: [updated_at]}"
# Where it is, the connection says.
_POSTGRES = "type: postgres, host: 127.0.0.1, port: 5432, database: bench, schema: public"
BY_CHANGE_LOG = "{changes: log, deletes: reconcile, changeLogLimitMegabytes: 20000}"
CONTRACT = r"""
apiVersion: v3.2.0
kind: DataContract
id: bench
version: 1.0.0
status: active
servers: [{server: bench, {server}}]
schema:
  - name: payments
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - name: person_id
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: '^[0-9]{12}$'}
      - name: full_name
        logicalType: string
        required: true
      - name: sex
        logicalType: string
        enum: [{value: 'M'}, {value: 'F'}]
      - {name: ward_code, logicalType: string, logicalTypeOptions: {minLength: 5, maxLength: 5}}
      - {name: paid_on, logicalType: date, required: true}
      - {name: amount_vnd, logicalType: integer, logicalTypeOptions: {minimum: 0}}
      - {name: note, logicalType: string}
      - {name: updated_at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: UTC}, required: true}
    quality:
      - id: paid-before-update
        type: sql
        query: SELECT COUNT(*) FROM {object} WHERE paid_on > CAST(updated_at AS DATE)
        mustBe: 0
    customProperties:
      - {property: extract, value: {extract}}
      - {property: tolerance, value: {rowCountChangePercent: 100}}
"""
# DuckDB's SQL, whatever the source: it writes into each of them.
ROWS = """
SELECT CAST(g AS INTEGER) AS id,
       lpad(CAST(g * 7919 % 1000000000000 AS VARCHAR), 12, '0') AS person_id,
       'Nguyen Van ' || (g % 100000) AS full_name,
       CASE WHEN g % 2 = 0 THEN 'M' ELSE 'F' END AS sex,
       lpad(CAST(g % 32000 AS VARCHAR), 5, '0') AS ward_code,
       CAST(DATE '2020-01-01' + CAST(g % 1500 AS INTEGER) AS DATE) AS paid_on,
       CAST(g * 13 % 50000000 AS BIGINT) AS amount_vnd,
       'payment ' || (g % 977) AS note,
       TIMESTAMP '2025-01-01' + to_seconds(g * 7919 % 31536000) AS updated_at
FROM range(1, {rows} + 1) AS t(g)
"""
# PostgreSQL's SQL: a share of the rows, spread at random, changes after all that changed before; some are deleted.
CHANGE = """
UPDATE payments
SET amount_vnd = amount_vnd + 1,
    updated_at = (SELECT greatest(max(updated_at), TIMESTAMP '2026-01-01') FROM payments) + INTERVAL '1 day'
WHERE random() < {share}
"""
DELETION = """
DELETE FROM payments
WHERE id IN (SELECT 1 + (random() * (SELECT max(id) - 1 FROM payments))::int FROM generate_series(1, {rows}))
"""


def write_contract(folder: Path, extract: str = BY_CURSOR) -> Path:
    """The contract in a folder of contracts below `folder`; returns the folder of contracts."""
    schemas = folder / "schemas"
    (schemas / "registries").mkdir(parents=True, exist_ok=True)
    text = CONTRACT.replace("{extract}", extract).replace(
        "{server}", _POSTGRES if extract == BY_CHANGE_LOG else "type: custom"
    )
    (schemas / "registries" / "bench.odcs.yaml").write_text(text, encoding="utf-8")
    return schemas
