"""The schemas of the simulated country's first four registries, with land on one server that has all provinces."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.once import VARIABLE, once

ROOT = Path(__file__).parents[1]
REGISTRIES = ("finance", "insurance", "land", "population")


def schemas_with_whole_land() -> Path:
    """The folder, one for all processes of the run; to be read only. The connection is AIRFLOW_CONN_LAND."""
    return once("schemas", lambda: with_whole_land(Path(os.environ[VARIABLE]) / "schemas"))


def with_whole_land(folder: Path) -> Path:
    """A copy of the schemas with these registries only; `land` has one server, called `land`, and no variants."""
    shutil.copytree(ROOT / "schemas", folder)
    for file in (folder / "registries").iterdir():
        if file.name not in {f"{registry}.odcs.yaml" for registry in REGISTRIES}:
            file.unlink()
    contract = folder / "registries" / "land.odcs.yaml"
    before, servers, after = _around_servers(contract.read_text(encoding="utf-8"))
    lake = servers.partition("  - server: lake\n")
    contract.write_text(f"{before}servers:\n  - {{server: land, type: custom}}\n{lake[1]}{lake[2]}{after}", "utf-8")
    return folder


def _around_servers(text: str) -> tuple[str, str, str]:
    before, _, rest = text.partition("servers:\n")
    servers, _, after = rest.partition("slaProperties:\n")
    first, _, others = after.partition("  - property: frequency\n")
    assert "deliveredServers" in first
    return before, servers, f"slaProperties:\n  - property: frequency\n{others}"
