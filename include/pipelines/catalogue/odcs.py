"""The contract of a product in the Open Data Contract Standard: what its recipient reads, column by column."""

from __future__ import annotations

import pyarrow as pa
import yaml

from include.contracts.model import Contract, Table
from include.sharing.agreements import Agreement, Product
from include.sharing.products import product_key, product_schema

API_VERSION = "v3.2.0"


def product_contract(contract: Contract, table: Table, agreement: Agreement, product: Product) -> str:
    """ODCS YAML of a product, for `datacontract lint` and every other tool of the standard."""
    keys = product_key(product, table)
    shared = {column.name: column for column in product.given}
    known = {column.name: column for column in table.columns}
    properties = []
    for field in product_schema(product, table):
        entry: dict[str, object] = {"name": field.name, **_types(field.type)}
        if field.name in known:
            column = known[field.name]
            entry |= {"businessName": column.business_name} if column.business_name else {}
            entry |= {"description": column.description} if column.description else {}
            entry["classification"] = column.classification
        if field.name in keys:
            entry |= {"primaryKey": True, "primaryKeyPosition": keys.index(field.name) + 1, "required": True}
        if field.name in shared:
            entry["customProperties"] = [{"property": "protection", "value": shared[field.name].protection}]
        properties.append(entry)
    document: dict[str, object] = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"{agreement.recipient}-{product.name}",
        "name": product.name,
        "version": agreement.version,
        "status": "active",
        "domain": product.registry,
        "dataProduct": product.title or product.name,
        "description": {
            "purpose": agreement.purpose,
            "usage": f"{agreement.title}: {'; '.join(agreement.legal_basis)}",
            **({"limitations": contract.limitations} if contract.limitations else {}),
        },
        "schema": [
            {
                "name": product.name,
                "logicalType": "object",
                "physicalType": "table",
                "businessName": product.title or table.business_name or table.name,
                **({"description": table.description} if table.description else {}),
                "properties": properties,
            }
        ],
        "support": [{"channel": "provider", "url": f"mailto:{agreement.provider_contact}"}],
        "slaProperties": [
            *_updates(contract.sla.schedule),
            {"property": "endOfSupport", "value": agreement.last_day.isoformat()},
        ],
        "customProperties": [
            {"property": "agreement", "value": agreement.agreement_id},
            {"property": "source", "value": table.qualified_name},
            {"property": "sharedAs", "value": f"{agreement.agreement_id}.{product.registry}.{product.name}"},
        ],
    }
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)


def frequency(cron: str) -> str:
    """The EU's code of a schedule: hourly, daily, weekly, monthly, else irregular."""
    if cron in ("@hourly", "@daily", "@weekly", "@monthly"):
        return cron[1:].upper()
    minute, hour, day, month, weekday = (cron.split() + ["?"] * 5)[:5]
    if not (minute.isdecimal() and hour.isdecimal() and month == "*"):
        return "IRREG"
    if day == "*":
        return "DAILY" if weekday == "*" else "WEEKLY" if weekday.isalnum() else "IRREG"
    return "MONTHLY" if weekday == "*" and day.isdecimal() else "IRREG"


def _updates(cron: str) -> list[dict[str, object]]:
    """How often the product is renewed: in days where that is one number, else the schedule itself; none without."""
    if not cron:
        return []
    days = {"DAILY": 1, "WEEKLY": 7}.get(frequency(cron))
    value: dict[str, object] = {"value": cron} if days is None else {"value": days, "unit": "d"}
    return [{"property": "frequency", **value, "schedule": cron, "scheduler": "cron"}]


def _types(kind: pa.DataType) -> dict[str, object]:
    if pa.types.is_decimal(kind):
        return {"logicalType": "number", "physicalType": f"decimal({kind.precision},{kind.scale})"}
    if pa.types.is_integer(kind):
        return {
            "logicalType": "integer",
            "physicalType": {8: "byte", 16: "short", 32: "int"}.get(kind.bit_width, "long"),
        }
    if pa.types.is_floating(kind):
        return {"logicalType": "number", "physicalType": "double" if kind.bit_width == 64 else "float"}
    if pa.types.is_timestamp(kind):
        return {"logicalType": "timestamp", "physicalType": "timestamp" if kind.tz else "timestamp_ntz"}
    for is_kind, name in ((pa.types.is_boolean, "boolean"), (pa.types.is_date, "date")):
        if is_kind(kind):
            return {"logicalType": name, "physicalType": name}
    return {"logicalType": "string", "physicalType": "string"}
