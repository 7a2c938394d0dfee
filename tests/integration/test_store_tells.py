"""In production the store tells the Delta Sharing server what a ministry read, by the settings of the compose file."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from include.embedded.production import production_stack
from include.embedded.production.production_settings import Production
from include.embedded.servers.processes import stop
from include.lake.storage import Lake
from tests.repeats import repeats

from .test_stack import furnish
from .test_store_doors import OWN, SHARED, Store, read


def wait_for_reads(lake: Lake, journals: Path, *, within: float = 120) -> None:
    """Until a read is in the server's journals, which it brings into the lake as it ends; in a long run until it is in
    the lake: the store tries again every 5 s, the server brings in every 30 s.
    """
    until = time.monotonic() + within
    while not (lake.is_table("audit", "reads") if repeats(0, 1) else is_kept(journals)):
        assert time.monotonic() < until, "no read was put on record"
        time.sleep(0.2)


def is_kept(journals: Path) -> bool:
    return any(file.stat().st_size for file in journals.glob("*.jsonl"))


@pytest.mark.slow
def test_a_ministry_s_read_at_the_store_is_on_record(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish(tmp_path)
    monkeypatch.delenv("LIENTHONG_VAR", raising=False)
    site = production_stack.site_of(tmp_path)
    stack = Production.at(site, production_stack.ports_of(site))
    try:
        production_stack.start_store(stack)
        store = Store(stack)
        store.owner().create_dir("lake")
        with store.owner().open_output_stream(OWN) as file:
            file.write(SHARED)
        assert read(store.ministry(), OWN) == SHARED
        production_stack.start_sharing(stack)
        lake = Lake.from_environment(stack.environment("airflow-worker") | {"LIENTHONG_TMP": str(tmp_path / "tmp")})
        wait_for_reads(lake, Path(stack.environment("sharing")["LIENTHONG_TMP"]) / "reads")
        stop(site, [production_stack.SHARING])  # which brings in what came since
        found = lake.table("audit/reads").to_pyarrow_table().to_pylist()
    finally:
        stop(site, [production_stack.SHARING, production_stack.STORE], seconds=5)
    assert {(row["recipient"], row["action"], row["product"], row["verdict"]) for row in found} == {
        ("nso", "store", "doctor", "offered"),
    }  # fmt: skip
