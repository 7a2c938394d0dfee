"""What Airflow calls the tables of the lake: one asset per published table, named by its place in the lake."""

from __future__ import annotations

from airflow.sdk import Asset


def table_asset(registry: str, table: str) -> Asset:
    """The asset of a published table: `registry/<registry>/<table>`, grouped by registry in the UI."""
    name = f"registry/{registry}/{table}"
    return Asset(name=name, uri=f"lake://{name}", group=registry)
