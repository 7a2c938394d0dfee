"""What Airflow calls the tables of the lake: one asset per published table, named by its place in the lake."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from airflow.sdk import Asset

from include.contracts.load import contract_paths, load_contract
from include.contracts.problems import ContractError


def table_asset(registry: str, table: str) -> Asset:
    """The asset of a published table: `registry/<registry>/<table>`, grouped by registry in the UI."""
    name = f"registry/{registry}/{table}"
    return Asset(name=name, uri=f"lake://{name}", group=registry)


def product_asset(recipient: str, product: str) -> Asset:
    """The asset of a shared table: `shared/<recipient>/<product>`, grouped by recipient in the UI."""
    name = f"shared/{recipient}/{product}"
    return Asset(name=name, uri=f"lake://{name}", group=recipient)


def published_assets(schemas: Path) -> list[Asset]:
    """The assets of every table that a sound contract describes."""
    found: list[Asset] = []
    for registry, path in contract_paths(schemas).items():
        with suppress(ContractError):
            found += [table_asset(registry, table.name) for table in load_contract(path).tables]
    return found
