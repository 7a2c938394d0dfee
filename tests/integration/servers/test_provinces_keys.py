"""The same key from two servers: never lost, never doubled, and never the newest in silence."""

from __future__ import annotations

import pytest
from deltalake import DeltaTable

from include.lake.delta import last_commit
from include.lake.storage import LakeKeyBroken
from include.pipelines.rejected import list_rejected
from include.pipelines.sync import Approval
from include.pipelines.upkeep import restore_step
from tests.integration.servers.provinces import WIDE, Provinces, sync, verdicts
from tests.repeats import held_by

SOFT = "integration/servers/test_provinces_keys.py::test_what_another_server_had_is_taken_in_however_the_table_is_read"


def test_the_same_key_from_two_servers_is_a_finding_and_heals_when_one_lets_it_go(tmp_path):
    land = Provinces.at(tmp_path, 2)
    sync(land, "first")
    land.put("land-02", ["land-01/3"], area="99.00")
    run = sync(land, "second")
    (reason,) = list_rejected(land.context, "land")
    assert (reason.table, reason.rule_id, reason.rows) == ("parcel@land-02", "land.parcel.server", 1)
    assert verdicts(run)["land-02"] in ("published", "unchanged")
    assert land.published() == land.content() - {("land-02", "land-01/3", "99.00")}
    sync(land, "third", servers=["land-02"])
    assert land.published() == land.content() - {("land-02", "land-01/3", "99.00")}
    land.remove("land-01", ["land-01/3"])
    for run_id in ("fourth", "fifth"):  # servers are read at once: land-02 may be looked at before land-01 is done
        sync(land, run_id)
    assert land.published() == land.content()
    assert not list_rejected(land.context, "land")


@pytest.mark.parametrize(
    "extract",
    [
        pytest.param({"deletes": "reconcile", "deleteLimitPercent": 100}, marks=held_by(SOFT)),
        pytest.param({"cursor": ["updated_at"], "lag": "PT0S", "deletes": "none"}, marks=held_by(SOFT)),
        {
            "cursor": ["updated_at"],
            "lag": "PT0S",
            "deletes": "soft",
            "deletedWhen": "owner = 'gone'",
            "deleteLimitPercent": 100,
        },
    ],
    ids=["no cursor", "none", "soft"],
)
def test_what_another_server_had_is_taken_in_however_the_table_is_read(tmp_path, extract):
    land = Provinces.at(tmp_path, 2, rows=6, extract=extract, tolerance=WIDE)
    sync(land, "first")
    land.put("land-02", ["land-01/3"], area="99.00")
    land.put("land-02", ["land-02/newer"])
    sync(land, "second")
    waiting = ("land-02", "land-01/3", "99.00")
    assert waiting not in land.published()
    versions_before = DeltaTable(f"{land.lake}/registry/land/parcel").version()
    sync(land, "third", servers=["land-02"])
    assert DeltaTable(f"{land.lake}/registry/land/parcel").version() == versions_before
    if extract["deletes"] == "soft":
        with land.database("land-01") as database:
            database.execute(
                "UPDATE parcel SET owner = 'gone', updated_at = ? WHERE parcel_id = 'land-01/3'", (land.tick(),)
            )
    elif extract["deletes"] == "none":  # then only going back takes a key out of a table
        return
    else:
        land.remove("land-01", ["land-01/3"])
    for server in ("land-01", "land-02"):
        sync(land, f"healed-{server}", servers=[server])
    assert waiting in land.published()
    assert not list_rejected(land.context, "land")


def test_an_approval_is_of_what_the_steward_saw_and_not_of_what_is_read_anew(tmp_path):
    """Another server takes one of the new keys meanwhile, so the rows are read again; by now the source lost most."""
    limits = {"rejectedPercent": 90, "rowCountChangePercent": 20}
    extract = {"cursor": ["updated_at"], "lag": "PT0S", "deletes": "reconcile", "deleteLimitPercent": 5}
    land = Provinces.at(tmp_path, 2, rows=20, tolerance=limits, extract=extract)
    sync(land, "first")
    before = land.content(["land-02"])
    land.put("land-02", [f"k/{n}" for n in range(8)])
    assert verdicts(sync(land, "held", servers=["land-02"])) == {"land-02": "held"}
    land.put("land-01", ["k/1"])
    sync(land, "other", servers=["land-01"])
    land.remove("land-02", land.keys("land-02")[:-1])
    run = sync(land, "held", servers=["land-02"], approval=Approval("Lan", "8 new rows, fine"))
    assert verdicts(run) == {"land-02": "held"}
    assert before <= land.published()


def test_a_version_that_would_double_a_key_is_not_brought_back(tmp_path):
    land = Provinces.at(tmp_path, 2)
    sync(land, "first")
    context = land.context
    state = last_commit(context.lake, context.table("land", "parcel@land-01")[1])
    land.remove("land-01", ["land-01/2"])
    sync(land, "second", servers=["land-01"])
    land.put("land-02", ["land-01/2"])
    sync(land, "third", servers=["land-02"])
    before = land.published()
    with pytest.raises(LakeKeyBroken, match="1 keys that another server has published"):
        restore_step(
            "land", "parcel@land-01", "back", version=state.version, approval=Approval("Lan", "x"), context=context
        )
    assert land.published() == before == land.content()


def test_a_key_may_stand_once_in_each_server_where_the_contract_says_so(tmp_path):
    land = Provinces.at(tmp_path, 2, keyScope="server")
    land.put("land-02", ["land-01/3"], area="99.00")
    sync(land, "first")
    assert land.published() == land.content()
    assert ("land-01/3", 2) in [(k, [key for _, key, _ in land.published()].count(k)) for k in ["land-01/3"]]
