"""Airflow assets of the lake's tables, named by lake path."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Asset

from include.contracts.model import Contract
from include.contracts.reading import contract_paths
from plugins.dag_settings import sound_contract


def table_asset(registry: str, table: str) -> Asset:
    """The asset of a published table: `registry/<registry>/<table>`, grouped by registry in the UI."""
    name = f"registry/{registry}/{table}"
    return Asset(name=name, uri=f"lake://{name}", group=registry)


def product_asset(recipient: str, product: str) -> Asset:
    """The asset of a shared table: `shared/<recipient>/<product>`, grouped by recipient in the UI."""
    name = f"shared/{recipient}/{product}"
    return Asset(name=name, uri=f"lake://{name}", group=recipient)


def published_assets(schemas: Path) -> list[Asset]:
    """The assets of the tables of all valid contracts."""
    return [table_asset(c.registry, table.name) for c in sound_contracts(schemas) for table in c.tables]


def linked_assets(schemas: Path) -> list[Asset]:
    """The assets of all tables with link roles."""
    return [
        table_asset(contract.registry, table.name)
        for contract in sound_contracts(schemas)
        for table in contract.tables
        if any(column.link for column in table.columns)
    ]


def sound_contracts(schemas: Path) -> list[Contract]:
    """The contracts without mistakes."""
    return [contract for path in contract_paths(schemas).values() if (contract := sound_contract(path))]


def people_asset(table: str) -> Asset:
    """The asset of a table of the zone `people/`."""
    return Asset(name=f"people/{table}", uri=f"lake://people/{table}", group="people")
