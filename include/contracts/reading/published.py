"""Contract of the published tables, derived from the contract of the source.

A registry's contract names the source's tables and columns (`physicalName`) and says how to read them
(`transformLogic`). In the lake they bear the published names, so a tool that reads `physicalName` looks for columns
that are not there. This is the same contract as a consumer needs it: published names only, the lake as its one
server. Any ODCS tool can test the published tables with it, e.g. `datacontract test`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from include.contracts.yaml_files import read_yaml

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
    contract["servers"] = [{"server": "lake", **place, "format": "delta"}]
    for table in contract.get("schema") or []:
        _drop(table, *_OF_THE_SOURCE, "customProperties")
        columns = table.get("properties") or []
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


def _drop(element: dict[str, Any], *keys: str) -> None:
    for key in keys:
        element.pop(key, None)
