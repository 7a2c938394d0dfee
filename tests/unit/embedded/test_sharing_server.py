"""The embedded sharing server and portal start on an empty lake, know no source and no key; commands find them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from include.embedded.servers.processes import stop
from include.embedded.servers.sharing import (
    PORTAL,
    SHARING,
    answers,
    sharing_url,
    start_portal,
    start_sharing,
)
from include.embedded.site import REPOSITORY, Site, complete, keep


def test_they_serve_the_lake_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    site = Site(tmp_path, tmp_path / "var")
    lake = {"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "tmp")}
    keep(site, {**lake, "AIRFLOW_CONN_LAND": "postgresql://x:secret@y/z", "LIENTHONG_PSEUDONYM_KEY": "5f" * 32})
    start_sharing(site)
    start_portal(site)
    try:
        assert answers(site, PORTAL)
        assert answers(site, SHARING)
        shell: dict[str, str] = {}
        complete(shell, tmp_path)
        assert shell["LIENTHONG_SHARING_URL"] == sharing_url(site)
        environments = [
            one.info["environ"]
            for one in psutil.process_iter(["environ"])
            if (one.info["environ"] or {}).get("LIENTHONG_SERVER", "").endswith(str(site.var))
        ]
        assert len(environments) == 2
        for environment in environments:
            assert environment["LAKE_URI"] == lake["LAKE_URI"]
            assert environment["LIENTHONG_SHARING_URL"] == sharing_url(site)
            assert not [
                name for name in environment if name.startswith("AIRFLOW_CONN") or name == "LIENTHONG_PSEUDONYM_KEY"
            ]
        start_sharing(site)  # they run: nothing happens
        start_portal(site)
    finally:
        assert stop(site, [PORTAL, SHARING]) == [PORTAL, SHARING]
    assert not (tmp_path / "lake" / "audit").exists()  # it wrote nothing that nobody asked for
