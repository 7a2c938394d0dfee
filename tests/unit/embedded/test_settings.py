"""In another shell the stack's settings are found, for its own lake and no other."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from include.embedded.site import Site, complete, keep, keep_sharing_url

SOURCE = "postgresql://postgres@127.0.0.1:5544/population"
KEY = "5f" * 32


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.delenv("LIENTHONG_VAR", raising=False)
    site = Site.at(tmp_path)
    environment = {
        "LAKE_URI": str(site.var / "lake"),
        "AIRFLOW_CONN_POPULATION": SOURCE,
        "LIENTHONG_PSEUDONYM_KEY": KEY,
    }
    keep(site, {**environment, "PATH": "/bin", "AIRFLOW__API__SECRET_KEY": "not by hand"})
    return site


def test_what_the_stack_was_started_with_is_found(site: Site) -> None:
    shell = {"PATH": "/usr/bin"}
    complete(shell, site.root)
    lake = str(site.var / "lake")
    kept = {"LAKE_URI": lake, "AIRFLOW_CONN_POPULATION": SOURCE, "LIENTHONG_PSEUDONYM_KEY": KEY}
    assert shell == {"PATH": "/usr/bin", **kept}


def test_what_the_shell_says_itself_counts(site: Site) -> None:
    shell = {"LAKE_URI": f"file://{site.var}/lake", "AIRFLOW_CONN_POPULATION": "mysql://elsewhere/population"}
    complete(shell, site.root)
    assert shell["AIRFLOW_CONN_POPULATION"] == "mysql://elsewhere/population"
    assert shell["LIENTHONG_PSEUDONYM_KEY"] == KEY


@pytest.mark.parametrize("lake", ["/srv/lake", "s3://lake/vn"])
def test_another_lake_gets_neither_the_simulated_sources_nor_the_key(site: Site, lake: str) -> None:
    shell = {"LAKE_URI": lake}
    complete(shell, site.root)
    assert shell == {"LAKE_URI": lake}


def test_without_a_stack_nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIENTHONG_VAR", raising=False)
    shell: dict[str, str] = {}
    complete(shell, tmp_path)
    assert shell == {}
    assert not list(tmp_path.iterdir())


def test_only_the_owner_can_read_them(site: Site) -> None:
    assert stat.S_IMODE((site.var / "run" / "settings.json").stat().st_mode) == 0o600


def test_the_address_of_the_sharing_server_outlives_a_start_of_airflow(site: Site) -> None:
    keep_sharing_url(site, "http://127.0.0.1:8765")
    keep(site, {"LAKE_URI": str(site.var / "lake")})
    environment: dict[str, str] = {}
    complete(environment, site.root)
    assert environment["LIENTHONG_SHARING_URL"] == "http://127.0.0.1:8765"
