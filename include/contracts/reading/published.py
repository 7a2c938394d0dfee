"""Contract of the published tables, derived from the contract of the source.

A registry's contract names the source's tables and columns (`physicalName`) and says how to read them
(`transformLogic`). In the lake they bear the published names, so a tool that reads `physicalName` looks for columns
that are not there. This is the same contract as a consumer needs it: published names only, the lake as its one
server. Any ODCS tool can test the published tables with it, e.g. `datacontract test`.

The tables of a registry on several servers have one column more, which says who delivered the row.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from include.contracts.reading.servers import source_places
from include.contracts.yaml_files import read_yaml

_SERVER_COLUMN = {
    "name": "_server",
    "businessName": "Máy chủ nguồn",
    "description": "Name of the registry's server that delivered the row; the table is partitioned by it.",
    "logicalType": "string",
    "required": True,
    "classification": "internal",
    "partitioned": True,
    "partitionKeyPosition": 1,
}
_OF_THE_SOURCE = ("physicalName", "physicalType", "transformLogic", "transformDescription", "transformSourceObjects")


def published_contract(path: Path, lake_uri: str, *, plain: Callable[[str], str]) -> dict[str, Any]:
    """The ODCS document for the published tables of a registry, ready for `yaml.safe_dump`.

    Args:
        path: the registry's contract, `<registry>.odcs.yaml`.
        lake_uri: the root of the lake, a folder or `s3://bucket/prefix`.
        plain: gives the query of a rule without the macros that only the lake's engine has.

    Raises:
        ContractError: the file cannot be read or is not YAML.
    """
    contract = copy.deepcopy(read_yaml(path).data)
    registry = path.name.removesuffix(".odcs.yaml")
    location = f"{lake_uri.rstrip('/')}/registry/{registry}/{{model}}"
    place = {"type": "local", "path": location}
    if lake_uri.startswith("s3://"):
        place = {"type": "s3", "location": location}
    has_servers = len(source_places(contract)) > 1
    contract["servers"] = [{"server": "lake", **place, "format": "delta"}]
    for table in contract.get("schema") or []:
        columns = table.get("properties") or []
        if has_servers:
            columns.append(_server_column(table, columns))
        _drop(table, *_OF_THE_SOURCE, "customProperties")
        for rule in [rule for element in (table, *columns) for rule in element.get("quality") or []]:
            if "query" in rule:
                rule["query"] = plain(rule["query"])
        for column in columns:
            _drop(column, *_OF_THE_SOURCE)
            custom = [entry for entry in column.pop("customProperties", []) if entry.get("property") != "empty"]
            if custom:
                column["customProperties"] = custom
    return contract


def published_yaml(path: Path, lake_uri: str, *, plain: Callable[[str], str]) -> str:
    """`published_contract` as YAML."""
    contract = published_contract(path, lake_uri, plain=plain)
    return yaml.safe_dump(contract, allow_unicode=True, sort_keys=False, width=120)


def _server_column(table: dict[str, Any], columns: list[dict[str, Any]]) -> dict[str, Any]:
    """The column of a row's server, which is part of the key where a key may stand once in each server."""
    custom = {entry.get("property"): entry.get("value") for entry in table.get("customProperties") or []}
    keys = [column for column in columns if column.get("primaryKey")]
    if custom.get("keyScope") != "server" or not keys:
        return dict(_SERVER_COLUMN)
    if not any(column.get("primaryKeyPosition") for column in keys):
        for position, column in enumerate(keys, 1):
            column["primaryKeyPosition"] = position
    last = max(column.get("primaryKeyPosition", 0) for column in keys)
    return {**_SERVER_COLUMN, "primaryKey": True, "primaryKeyPosition": last + 1}


def _drop(element: dict[str, Any], *keys: str) -> None:
    for key in keys:
        element.pop(key, None)
