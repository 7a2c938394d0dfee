"""A contract names files inside the folder of its own drop. Older tests only named files that were there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from include.contracts.model import Column, Contract, Server, Table
from include.sources.connection import Connection
from include.sources.drop import locate
from include.sources.errors import DropBroken

TABLE = Table("shop", "shop", "shop.csv", (Column("a", "a", "string", "VARCHAR"),), ())


@pytest.mark.parametrize("name", ["../other/persons.csv", "a/../../x.csv", "/etc/passwd", "..", "../x#sheet"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    drop = tmp_path / "shop"
    drop.mkdir()
    table = replace(TABLE, source_name=name)
    contract = Contract("shop", "1", tmp_path / "shop.odcs.yaml", "", Server("shop", "local"), (table,))
    for path in (f"{drop}/{{model}}", str(drop)):
        with pytest.raises(DropBroken, match="leads out of the drop's folder"):
            locate(Connection("AIRFLOW_CONN_SHOP", "files", path=path), contract, table)
    within = replace(TABLE, source_name="v1..2.csv")
    assert locate(Connection("AIRFLOW_CONN_SHOP", "files", path=str(drop)), contract, within)[0] == drop
