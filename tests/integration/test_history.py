"""A table as of a version or a date, and going back: one commit on record, from which the next sync goes on."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from include.audit.ledger import entries
from include.lake.delta.commit_metadata import OF_THE_SOURCE
from include.lake.delta.maintenance import maintain_table
from include.lake.delta.version_history import VersionGone
from include.lake.run_log import log_tables
from include.pipelines.audit_log import verify_lake
from include.pipelines.decisions.ledger_entries import Look
from include.pipelines.errors import Misuse
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.upkeep.version_reading import read_version
from include.pipelines.upkeep.versions import list_versions, restore_step
from tests.integration.test_replay import House
from tests.integration.test_unseen_registry import lienthong

pytestmark = pytest.mark.slow

STEWARD = Approval("Trần An", "faulty delivery")


@pytest.fixture
def house(three_versions: House, tmp_path: Path) -> House:
    return three_versions.copied_to(tmp_path)


@pytest.fixture(scope="module")
def three_versions(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Three versions: 001 has 100, then 200, then 300; in the second 002 is published, in the third 005 has left."""
    house = House(tmp_path_factory.mktemp("three"))
    house.sync("r1")
    house.change("UPDATE doanh_nghiep SET von = '200', cap_nhat = '2025-02-01 00:00:00' WHERE ma_dn = '0100000001'")
    house.change("UPDATE doanh_nghiep SET von = '2', cap_nhat = '2025-02-01 00:00:00' WHERE ma_dn = '0100000002'")
    house.sync("r2", is_full=True)
    house.change("UPDATE doanh_nghiep SET von = '300', cap_nhat = '2025-03-01 00:00:00' WHERE ma_dn = '0100000001'")
    house.change("DELETE FROM doanh_nghiep WHERE ma_dn = '0100000005'")
    house.sync("r3", is_full=True, approval=STEWARD)
    assert house.published() == {"001": 300, "002": 2}
    return house


def read(house: House, **what) -> dict[str, int]:
    found = read_version(house.context, "business", "enterprise", look=Look("tester", "test"), **what)
    places = [found.columns.index(name) for name in ("code", "capital_vnd")]
    return {row[places[0]][-3:]: row[places[1]] for row in found.rows}


def test_every_version_says_what_it_did(house):
    listed = list_versions(house.context, "business", "enterprise", limit=9)
    assert [(e.version, e.run_id, e.inserted, e.updated, e.deleted, e.live_rows) for e in listed] == [
        (2, "r3", 0, 1, 1, 2),
        (1, "r2", 1, 1, 0, 3),
        (0, "r1", 2, 0, 0, 2),
    ]
    assert listed[0].approved_by == "Trần An"


def test_a_table_as_of_a_version_or_an_instant(house, tmp_path):
    assert read(house) == {"001": 300, "002": 2}
    assert read(house, version=1) == {"001": 200, "002": 2, "005": 10}
    listed = list_versions(house.context, "business", "enterprise", limit=9)
    assert read(house, at=listed[1].at) == read(house, version=1)
    assert read(house, at=listed[0].at[:10]) == read(house)
    assert read(house, version=1, where="capital_vnd > 9", limit=1) == {"001": 200}
    written = read_version(house.context, "business", "enterprise", version=0, out=tmp_path / "then.csv")
    assert (written.written, len((tmp_path / "then.csv").read_text().splitlines())) == (2, 3)


@pytest.mark.parametrize("name", ["then.csv", "then.parquet"])
def test_a_file_of_rows_is_its_owners_alone_and_none_if_nothing_was_written(house, tmp_path, name):
    """Its mode was that of any file: older tests read what it held."""
    out = tmp_path / name
    with pytest.raises(Misuse, match="does not fit"):
        read_version(house.context, "business", "enterprise", where="capital_vnd = 'x'", out=out)
    assert not out.exists()
    out.touch(0o644)
    for version in (0, 1):  # the second one over the first
        read_version(house.context, "business", "enterprise", version=version, out=out)
        assert (out.stat().st_mode & 0o777, [*tmp_path.glob("*then*")]) == (0o600, [out])
    with pytest.raises(Misuse, match="folder of yours"):
        read_version(house.context, "business", "enterprise", out=tmp_path / "nowhere" / name)


def test_what_cannot_be_read(house):
    before = (house.context.now() - timedelta(days=9)).isoformat()
    for what, words in (
        ({"version": 3}, "versions 0 to 2"),
        ({"at": before}, "first published at"),
        ({"at": "yesterday"}, "no instant"),
        ({"version": 1, "at": before}, "not both"),
        ({"where": "(SELECT 1) = 1"}, "subquery"),
        ({"where": "nobody = 1"}, "`nobody`"),
        ({"where": "capital_vnd = 'x'"}, "does not fit"),
    ):
        with pytest.raises((VersionGone, Misuse), match=words):
            read(house, **what)


def test_going_back_is_one_commit_on_record_and_the_next_sync_goes_on_from_there(house):
    first = house.state_of("r1")
    done = restore_step("business", "enterprise", "back", version=0, approval=STEWARD, context=house.context)
    figures = {name: getattr(done, name) for name in ("mode", "version", "inserted", "updated", "deleted", "live_rows")}
    assert figures == {"mode": "restore", "version": 3, "inserted": 1, "updated": 1, "deleted": 1, "live_rows": 2}
    assert house.published() == {"001": 100, "005": 10}
    said = house.state().metadata
    assert (said["mode"], said["run_id"], said["restored_version"], said["approved_by"]) == (
        "restore", "back", "0", "Trần An",
    )  # fmt: skip
    assert {name: said.get(name) for name in OF_THE_SOURCE} == {name: first.get(name) for name in OF_THE_SOURCE}
    runs = log_tables.read(house.context.lake, "runs").to_pylist()
    (run,) = [run for run in runs if run["run_id"] == "back"]
    assert (run["mode"], run["verdict"], run["approval_note"]) == ("restore", "published", "faulty delivery")
    kinds = [r["kind"] for r in entries.read(house.context.lake).to_pylist() if '"back"' in r["payload"]]
    assert {"run", "approval", "commit"} <= set(kinds)
    assert verify_lake(house.context).ok
    house.sync("r4", approval=STEWARD)
    assert house.published() == {"001": 300, "002": 2}


def test_the_former_version_is_there_again_row_by_row(house):
    uri = house.context.lake.registry_table("business", "enterprise")
    restore_step("business", "enterprise", "back", version=1, approval=STEWARD, context=house.context)
    now, then = (DeltaTable(uri, version=version).to_pyarrow_table().sort_by("code") for version in (3, 1))
    assert now == then
    changes = pa.table(DeltaTable(uri).load_cdf(starting_version=3).read_all()).to_pylist()
    net = {r["code"][-3:]: r["capital_vnd"] for r in changes if r["_change_type"] == "insert"}
    assert net["001"] == 200
    assert net["005"] == 10


def test_rejected_rows_that_an_undone_run_closed_are_open_again(house):
    assert house.lives()["002/r1"] == "superseded"
    done = restore_step("business", "enterprise", "back", version=0, approval=STEWARD, context=house.context)
    assert done.reopened >= 1
    assert house.lives()["002/r1"] == "open"
    house.sync("r4", approval=STEWARD)
    assert house.lives()["002/r1"] == "superseded"


def test_the_same_restore_again_does_nothing(house):
    told = [
        restore_step("business", "enterprise", "back", version=0, approval=STEWARD, context=house.context)
        for _ in range(2)
    ]
    figures = ("version", "inserted", "updated", "deleted", "live_rows", "undone", "reopened")
    assert {name: getattr(told[0], name) for name in figures} == {name: getattr(told[1], name) for name in figures}


def test_a_version_whose_files_are_gone_is_refused_with_what_is_left(house):
    maintain_table(house.context.lake, "registry/business/enterprise", retention=timedelta(0))
    with pytest.raises(VersionGone, match=r"oldest version that can still be had is 2"):
        read(house, version=0)
    with pytest.raises(VersionGone, match="backup"):
        restore_step("business", "enterprise", "back", version=0, approval=STEWARD, context=house.context)
    assert house.published() == {"001": 300, "002": 2}


def test_by_the_command_line(tmp_path):
    house = House(tmp_path)
    house.write_contract(("{name: title,", "{name: title, classification: confidential,"))
    house.sync("r1")
    with sqlite3.connect(tmp_path / "source.db") as source:
        source.execute("UPDATE doanh_nghiep SET von = '7', cap_nhat = '2025-02-01' WHERE ma_dn = '0100000001'")
    house.sync("r2", is_full=True)

    def run(*arguments: str):
        done = lienthong(tmp_path, *arguments, "--json", **house.environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    told = run("read", "business", "enterprise", "--version", "0")
    assert (told["version"], told["rows"][0]["capital_vnd"], "title" in told["rows"][0]) == (0, 100, False)
    assert "title" in told["hidden"]
    done = run("restore", "business", "enterprise", "--version", "0", "--approve-as", "Trần An", "--note", "faulty")
    assert (done["mode"], done["version"]) == ("restore", 2)
    assert [e["mode"] for e in run("history", "business", "enterprise")] == ["restore", "full", "full"]
    refused = lienthong(tmp_path, "restore", "business", "enterprise", "--version", "0", **house.environ)
    assert refused.returncode == 2


def test_a_condition_tells_no_more_than_the_columns_that_are_shown(tmp_path):
    house = House(tmp_path)
    house.write_contract(("{name: title,", "{name: title, classification: confidential,"))
    house.sync("r1")
    read = partial(read_version, house.context, "business", "enterprise")
    assert read(where="capital_vnd > 50").rows
    with pytest.raises(Misuse, match="`title`, which holds personal values: add --values"):
        read(where="title LIKE 'C%'")
    assert read(where="title LIKE 'C%'", look=Look.of("lan", "a check")).rows
