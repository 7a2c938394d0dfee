"""Only stewards decide, and two of them where the contract asks: by hand, whichever command the decision comes by.

The rules alone are in `tests/unit/pipelines/test_approvals.py`; the same through Airflow in
`airflow/test_airflow_sync.py`.
"""

from __future__ import annotations

import pytest

from include.lake.run_log import log_tables
from include.pipelines.audit_log import verify_lake
from include.pipelines.decisions.authority import NotASteward
from include.pipelines.decisions.ledger_entries import Answer
from include.pipelines.decisions.table_gate import approve_step, refuse_step
from include.pipelines.errors import Misuse, SecondApprovalWanted
from include.pipelines.step_results import Assessed
from include.pipelines.sync.assess_and_publish_steps import Approval, publish_step
from include.pipelines.upkeep.versions import restore_step
from tests.integration.test_decisions import TABLE, Strict
from tests.integration.test_unseen_registry import lienthong

pytestmark = pytest.mark.slow

TEAM = """
team:
  members:
    - {username: thu, name: Lê Thu, role: data steward}
    - {username: an, name: Trần An, role: data steward}
    - {username: old, role: data steward, dateOut: "2020-01-01"}
"""


@pytest.fixture
def two(tmp_path) -> Strict:
    """A house whose contract names stewards, and asks for two of them."""
    house = Strict(tmp_path)
    tolerance = "      - {property: tolerance"
    house.write_contract((tolerance, f"      - {{property: approval, value: {{fourEyes: true}}}}\n{tolerance}"))
    house.contract += TEAM
    house.write_contract()
    return house


def test_whoever_is_no_steward_approves_nothing_whichever_way(two):
    held = two.try_sync("r1")
    for name in ("Trần Minh", "old", "lienthong"):
        for decide in (
            lambda name=name: two.try_sync("r2", approval=Approval(name)),
            lambda name=name: two.replay("r3", approval=Approval(name)),
            lambda name=name: publish_step(Assessed.from_dict(held), name, context=two.context),
            lambda name=name: approve_step(Assessed.from_dict(held), name, "why", context=two.context),
            lambda name=name: refuse_step(
                Assessed.from_dict(held), Answer("declined", name, "", "1"), context=two.context
            ),
            lambda name=name: restore_step(*TABLE, "b", version=0, approval=Approval(name), context=two.context),
        ):
            with pytest.raises(NotASteward, match=f"`{name}` is no steward of business"):
                decide()
    with pytest.raises(Misuse, match="is held back by its gate"):
        publish_step(Assessed.from_dict({**held, "held": False, "findings": []}), context=two.context)
    assert two.decisions() == []
    runs = log_tables.read(two.context.lake, "runs").to_pylist()
    assert [(run["run_id"], run["verdict"]) for run in runs] == [("r1", "held")], "nothing was read, nothing failed"
    done = lienthong(
        two.folder, "sync", "business", "--resume", "--approve-as", "Trần Minh", "--note", "why", **two.environ
    )
    assert done.returncode == 2
    assert "Who may decide: thu (Lê Thu), an (Trần An). They stand under `team.members`" in " ".join(
        done.stderr.split()
    )


def test_two_stewards_by_hand_approve_the_same_rows_and_no_others(two):
    held = two.try_sync("r1", approval=Approval("Lê Thu", "known gap"))
    assert held["verdict"] == "held"
    assert held["waits"].startswith("the approval of `thu` is on record")
    assert two.try_sync("r1", approval=Approval("thu"))["waits"].startswith("`thu` has approved this already")
    with pytest.raises(SecondApprovalWanted):
        publish_step(Assessed.from_dict(held), "thu", context=two.context)
    two.change("UPDATE doanh_nghiep SET von = '-300' WHERE ma_dn = '0100000001'")
    other = two.try_sync("r2", approval=Approval("an", "other rows"))
    assert other["waits"].startswith("the approval of `an` is on record"), "the rows are not those that were approved"
    assert two.try_sync("r3")["verdict"] == "held"
    two.write_contract(("rejectedPercent: 1", "rejectedPercent: 2"))
    assert two.try_sync("r4", approval=Approval("thu"))["waits"], "another contract"
    two.write_contract(("rejectedPercent: 2", "rejectedPercent: 1"))
    done = two.try_sync("r5", approval=Approval("thu", "seen"))
    assert (done["verdict"], done["approved_by"]) == ("published", "an, thu")
    assert done["approval_note"] == "an: other rows; thu: seen"
    told = [(actor, p["run_id"], p["of_two"]) for _, actor, p in two.decisions()]
    assert told == [("thu", "r1", 1), ("an", "r2", 1), ("thu", "r4", 1), ("thu", "r5", 2)]
    assert verify_lake(two.context).ok


def test_two_stewards_go_back_to_a_version(two):
    two.try_sync("r1", approval=Approval("thu"))
    two.try_sync("r1", approval=Approval("an"))
    two.change("DELETE FROM doanh_nghiep WHERE ma_dn = '0100000005'")
    for name in ("thu", "an"):
        two.try_sync("r2", is_full=True, approval=Approval(name))
    assert two.state().version == 1
    with pytest.raises(SecondApprovalWanted, match="another steward must approve the same"):
        restore_step(*TABLE, "b1", version=0, approval=Approval("thu", "faulty"), context=two.context)
    done = lienthong(
        two.folder, "restore", *TABLE, "--version", "0", "--approve-as", "thu", "--note", "faulty", **two.environ
    )
    assert (done.returncode, two.state().version) == (1, 1), done.stderr
    back = restore_step(*TABLE, "b2", version=0, approval=Approval("an", "so it is"), context=two.context)
    assert (back.version, back.approved_by) == (2, "thu, an")
    assert back.approval_note == "thu: faulty; an: so it is"
    assert two.state().metadata["approved_by"] == "thu, an"
