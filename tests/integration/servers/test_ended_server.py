"""The rows of a server that left the contract: they stay until a steward ends them, with a reason on record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from deltalake import DeltaTable

from include.audit import ledger
from include.pipelines.audit_log import verify_lake
from include.pipelines.decisions import NotASteward
from include.pipelines.errors import Misuse, SecondApprovalWanted
from include.pipelines.rejected import list_rejected
from include.pipelines.step_results import Published
from include.pipelines.sync import Approval
from include.pipelines.upkeep import end_server, list_versions
from tests.integration.servers.provinces import WIDE, Provinces, sync, verdicts
from tests.repeats import held_by

ENDED = "integration/servers/test_ended_server.py::test_a_steward_ends_the_rows_of_a_removed_server_and_of_no_other"
NONE: dict[str, Any] = {"cursor": ["updated_at"], "lag": "PT0S", "deletes": "none"}


def end(
    land: Provinces, server: str, run_id: str, *, by: str = "anybody", note: str = "merged"
) -> tuple[Published, ...]:
    return end_server(land.context, "land", server, run_id, approval=Approval(by, note))


@pytest.mark.parametrize("extract", [None, pytest.param(NONE, marks=held_by(ENDED))], ids=["reconcile", "none"])
def test_a_steward_ends_the_rows_of_a_removed_server_and_of_no_other(tmp_path, extract):
    land = Provinces.at(tmp_path, 3, tolerance=WIDE, **({"extract": extract} if extract else {}))
    land.put("land-03", ["land-03/bad"], area="no number")
    sync(land, "first")
    assert {row.rows for row in list_rejected(land.context, "land")} == {1}
    land.write_contract(land.names[:2])
    sync(land, "second")
    before = land.files()
    (done,) = end(land, "land-03", "third")
    assert (done.table, done.deleted, done.live_rows) == ("parcel@land-03", 12, 0)
    after = land.files()
    assert "land-03" not in after
    assert {name: after[name] for name in ("land-01", "land-02")} == {n: before[n] for n in ("land-01", "land-02")}
    assert land.published() == land.content(land.names[:2])
    assert not list_rejected(land.context, "land")
    feed = DeltaTable(f"{land.lake}/registry/land/parcel").load_cdf(starting_version=done.version).read_all()
    assert set(feed["_change_type"].to_pylist()) == {"delete"}
    assert len(feed) == 12
    with pytest.raises(Misuse, match="no published rows of a server `land-03`"):
        end(land, "land-03", "fourth")
    assert verify_lake(land.context).ok


def test_it_is_on_record_before_the_rows_leave_and_in_the_tables_history(tmp_path):
    land = Provinces.at(tmp_path, 3)
    sync(land, "first")
    land.write_contract(land.names[:2])
    end(land, "land-03", "second", note="moved to land-02")
    rows = ledger.read(land.context.lake).to_pylist()
    of_run = [(row["kind"], json.loads(row["payload"])) for row in rows if "land-03" in row["subject"] + row["payload"]]
    kinds = [kind for kind, said in of_run if said.get("run_id") == "second" or said.get("ended")]
    assert kinds.index("approval") < kinds.index("run")
    newest = list_versions(land.context, "land", "parcel", limit=1)[0]
    assert (newest.run_id, newest.deleted, newest.approved_by) == ("second@land-03", 12, "anybody")


def test_its_keys_are_free_for_another_server_and_it_can_come_back(tmp_path):
    land = Provinces.at(tmp_path, 3)
    sync(land, "first")
    land.put("land-02", ["land-03/1"], area="99.00")
    sync(land, "second", servers=["land-02"])
    assert ("land-02", "land-03/1", "99.00") not in land.published()
    land.write_contract(land.names[:2])
    end(land, "land-03", "third")
    sync(land, "fourth", servers=["land-02"])
    assert land.published() == land.content(land.names[:2])
    land.remove("land-02", ["land-03/1"])
    land.write_contract()
    sync(land, "fifth", servers=["land-02"])
    sync(land, "sixth", servers=["land-03"])
    assert land.published() == land.content()


def test_cut_off_after_its_commit_it_is_on_record_when_it_is_said_again(tmp_path, monkeypatch):
    land = Provinces.at(tmp_path, 3)
    sync(land, "first")
    land.write_contract(land.names[:2])

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("include.pipelines.upkeep.ended_server.close_rejected", killed)
    with pytest.raises(KeyboardInterrupt):
        end(land, "land-03", "second")
    monkeypatch.undo()
    assert land.published() == land.content(land.names[:2])
    with pytest.raises(Misuse, match="no published rows"):
        end(land, "land-03", "third")
    recorded = [row["subject"] for row in ledger.read(land.context.lake).to_pylist() if row["kind"] == "run"]
    assert "registry/land/parcel@land-03" in recorded[-1:]
    assert verify_lake(land.context).ok


@pytest.mark.parametrize(
    ("server", "by", "note", "error", "match"),
    [
        ("land-02", "c06", "merged", Misuse, "still read: say in .* since when it is not"),
        ("land-03", "somebody", "merged", NotASteward, "no steward of land"),
        ("land-03", "c06", " ", Misuse, "say why"),
        ("land-3", "c06", "merged", Misuse, "no published rows of a server `land-3`"),
        ("../land-03", "c06", "merged", Misuse, "no published rows of a server"),
        ("land-03", "c06", "merged", SecondApprovalWanted, "another steward must approve"),
    ],
)
def test_what_must_not_be_changes_nothing(left, server, by, note, error, match):
    asked, before = left.contract["schema"][0]["customProperties"], left.published()
    if error is SecondApprovalWanted:
        asked.append({"property": "approval", "value": {"fourEyes": True}})
        left.write_contract(left.names[:2])
    with pytest.raises(error, match=match):
        end(left, server, "second", by=by, note=note)
    assert left.published() == before


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """Three servers, of which the contract names two by now."""
    land = Provinces.at(tmp_path_factory.mktemp("left"), 3)
    names = ("c06", "c07")
    land.contract["team"] = {"members": [{"username": name, "role": "data steward"} for name in names]}
    land.write_contract()
    sync(land, "first")
    land.write_contract(land.names[:2])
    return land


def test_a_server_that_has_ended_in_the_contract_may_be_ended_in_the_lake(tmp_path):
    land = Provinces.at(tmp_path, 2)
    sync(land, "first")
    ended = [{"property": "ended", "value": "2025-12-31"}]
    land.write_contract(**{"land-02": {"customProperties": ended}})
    assert set(verdicts(sync(land, "second"))) == {"land-01"}
    end(land, "land-02", "third")
    assert land.published() == land.content(["land-01"])


def test_a_clock_a_day_ahead_hides_nothing_from_its_server_or_from_another(tmp_path):
    """Its cursor is of its own clock; once that is set right, rows under the cursor are found by the checksum."""
    land = Provinces.at(tmp_path, 2, tolerance=WIDE)
    sync(land, "first")
    land.moment += 24 * 3600
    land.put("land-02", ["land-02/ahead"])
    land.moment -= 24 * 3600
    land.put("land-01", ["land-01/on-time"])
    sync(land, "second")
    assert land.published() == land.content()
    land.put("land-02", ["land-02/set-right", "land-02/1"], area="7.00")
    land.put("land-01", ["land-01/on-time-too"])
    sync(land, "third")
    assert land.published() == land.content()
    land.remove("land-02", ["land-02/2"])
    sync(land, "fourth", servers=["land-02"])
    assert land.published() == land.content()
