"""The pages of the review queue: comparisons for everybody who may see the registries, values and decisions by role."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Airflow reads its settings when it is first imported.
os.environ.setdefault("AIRFLOW_HOME", str(Path(tempfile.gettempdir()) / "lienthong-airflow-tests"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from fastapi.testclient import TestClient

from include.audit import ledger
from include.identity.reviews import pair_id
from include.lake.people import people_table
from include.lake.people_tables import LINKS
from include.pipelines.pages import QualityPages
from tests.integration.identity.registers import Country


@dataclass(frozen=True)
class Role:
    """A visitor; `reads` are the registries whose values they may read."""

    name: str
    reads: tuple[str, ...] = ()
    sees: tuple[str, ...] = ("population", "insurance")

    def may_see(self, registry: str) -> bool:
        return registry in self.sees

    def may_read_values(self, contract) -> bool:
        return contract.registry in self.reads


@pytest.fixture
def pair(nation: Country) -> tuple[str, str]:
    """A citizen and a stranger's membership, that the model was not sure of."""
    citizens = sorted(nation.citizens.values(), key=lambda row: row.person)
    member = next(row for row in nation.members.values() if row.person > citizens[0].person)
    ends = (f'insurance.member:["{member.number}"]', f'population.citizen:["{citizens[0].number}"]')
    names = ("left_id", "right_id", "pass", "weight", "probability", "decision", "why", "holds")
    row = dict(zip(names, (*ends, "model", 4.0, 0.7, "review", "", False), strict=True))
    uri = people_table(nation.place.lake, "links")
    write_deltalake(uri, pa.Table.from_pylist([row], LINKS), mode="append")
    return ends


@pytest.fixture
def browse(nation: Country) -> Callable[..., TestClient]:
    from plugins.pages.access import signed_in
    from plugins.pages.app import pages_app

    def browse(**role) -> TestClient:
        app = pages_app(QualityPages(nation.place))
        app.dependency_overrides[signed_in] = lambda: Role(**{"name": "lan", **role})
        return TestClient(app, headers={"accept-language": "en"}, follow_redirects=False)

    return browse


def values(nation: Country, ends: tuple[str, str]) -> tuple[str, str]:
    member, citizen = (json.loads(end.partition(":")[2])[0] for end in ends)
    return nation.members[member].full_name, nation.citizens[citizen].full_name


def test_a_viewer_sees_where_records_agree_and_what_it_weighs_but_no_value(nation, pair, browse):
    assert pair_id(*pair) in browse().get("/persons").text
    text = browse().get(f"/persons/{pair_id(*pair)}").text
    assert "insurance.member" in text
    assert "<svg" in text
    assert "differs" in text
    assert not any(name in text for name in values(nation, pair))
    assert "may not decide" in text
    assert browse().post(f"/persons/{pair_id(*pair)}", data={"decision": "same"}).status_code == 403
    assert browse().post(f"/persons/{pair_id(*pair)}/values", data={"purpose": "x"}).status_code == 403


def test_values_are_shown_by_role_with_an_entry_in_the_ledger_first(nation, pair, browse):
    address, (member, citizen) = f"/persons/{pair_id(*pair)}/values", values(nation, pair)
    text = browse(reads=("population",)).post(address, data={"purpose": "review"}).text
    assert citizen in text
    assert member not in text, "the other registry is not this role's to read"
    entry = ledger.read(nation.place.lake).to_pylist()[-1]
    assert (entry["kind"], entry["actor"]) == ("export", "lan")
    assert json.loads(entry["payload"]) == {
        "pair_id": pair_id(*pair), "purpose": "review", "registries": ["population"],
    }  # fmt: skip
    assert browse(reads=("population",)).post(address, data={"purpose": " "}).status_code == 400


def test_a_decision_is_kept_in_the_visitors_name(nation, pair, browse):
    client = browse(reads=("population", "insurance"))
    answer = client.post(f"/persons/{pair_id(*pair)}", data={"decision": "different", "note": "strangers"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/persons")
    (row,) = nation.place.lake.table("people", "reviews").to_pyarrow_table().to_pylist()
    assert (row["decision"], row["by"], row["note"]) == ("different", "lan", "strangers")
    assert client.get(f"/persons/{pair_id(*pair)}").status_code == 404
    assert "No pair waits" in client.get("/persons").text


def test_who_may_not_see_a_registry_does_not_learn_of_the_pair(pair, browse):
    client = browse(sees=("population",))
    assert pair_id(*pair) not in client.get("/persons").text
    assert client.get(f"/persons/{pair_id(*pair)}").status_code == 404
