"""A contract names files inside the folder of its own drop. Older tests only named files that were there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from include.contracts.model import Column, Contract, Server, Table
from include.sources.access.connection import Connection
from include.sources.access.errors import DropBroken, SourceMissing
from include.sources.landing.delivery_folder import locate
from tests.extracts import contract_of, lake_at, take

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


@pytest.mark.parametrize("how", ["a file", "its folder", "the manifest", "a link to a link"])
def test_a_link_that_leads_out_of_the_folder_is_refused(how: str, tmp_path: Path) -> None:
    drop, secret = tmp_path / "drop", tmp_path / "secret"
    (drop / "inside").mkdir(parents=True)
    secret.mkdir()
    (secret / "shop.csv").write_text("a\nsecret\n")
    (secret / "manifest.json").write_text('{"files": [{"name": "shop.csv", "rows": 1}]}')
    (drop / "shop.csv").write_text("a\nmine\n")
    name = "shop.csv"
    if how == "the manifest":
        (drop / "manifest.json").symlink_to(secret / "manifest.json")
    elif how == "its folder":
        (drop / "linked").symlink_to(secret)
        name = "linked/shop.csv"
    else:
        (drop / "shop.csv").unlink()
        (drop / "other").symlink_to(secret / "shop.csv")
        (drop / "shop.csv").symlink_to(drop / "other" if how == "a link to a link" else secret / "shop.csv")
    with pytest.raises((DropBroken, SourceMissing), match=r"leads out of the drop|no file of the drop"):
        take(contract_of(name, ["a"]), f"file://{drop}", lake_at(tmp_path))


def test_a_link_inside_the_folder_and_a_linked_folder_of_the_drop_are_read(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "of-today.csv").write_text("a\nmine\n")
    (tmp_path / "drop" / "shop.csv").symlink_to("of-today.csv")
    (tmp_path / "mounted").symlink_to(tmp_path / "drop")
    assert take(contract_of("shop.csv", ["a"]), f"file://{tmp_path}/mounted", lake_at(tmp_path)).rows == 1
