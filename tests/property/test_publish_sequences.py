"""Whatever sequence of extracts comes, the published table is what the runs say (invariants 1 and 2).

The model is a dictionary. After every run: the live rows are the accepted ones and the retained ones; replaying the
change feed from version 0 gives the content; the figures add up; the same extract again changes nothing.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.lake.publish import Commit
from include.lake.rejected import append_rejected
from include.lake.root import Lake
from tests.unit.lake.staging import PERSON, START, content, run, stage

KEYS = st.sampled_from("abcdef")
NAMES = st.sampled_from([None, "", "An", "Ân", "x\x00y"])
OUTCOMES = st.sampled_from(["accepted", "accepted", "accepted", "rejected", "warned"])


@dataclass(frozen=True)
class Extract:
    """One extract: at most one row a key would be accepted, others may be there too."""

    rows: tuple[tuple[str, Any, Any], ...]
    outcomes: tuple[str, ...]
    merge_rows: int

    @property
    def accepted(self) -> dict[str, tuple[Any, ...]]:
        return {row[0]: row for row, o in zip(self.rows, self.outcomes, strict=True) if o in ("accepted", "warned")}

    def numbers(self, outcome: str) -> list[int]:
        return [number for number, o in enumerate(self.outcomes) if o == outcome]


@st.composite
def extracts(draw: st.DrawFn) -> Extract:
    winners = draw(st.dictionaries(KEYS, st.tuples(NAMES, st.none() | st.integers(0, 2)), max_size=6))
    rows, outcomes = [], []
    for key, values in winners.items():
        rows.append((key, *values))
        outcomes.append(draw(OUTCOMES))
    for key in draw(st.lists(KEYS, max_size=2)):
        rows.append((key, "older", None))
        outcomes.append("superseded" if key in winners else "rejected")
    return Extract(tuple(rows), tuple(outcomes), draw(st.sampled_from([0, 1, 400_000])))


@dataclass
class Model:
    """What the published table must hold."""

    live: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    def run(self, extract: Extract) -> dict[str, int]:
        accepted = extract.accepted
        held = {row[0] for row in extract.rows}
        retained = {key: row for key, row in self.live.items() if key in held and key not in accepted}
        figures = {
            "inserted": len(accepted.keys() - self.known),
            "deleted": len(self.live.keys() - held),
            "retained": len(retained),
        }
        self.live = accepted | retained
        self.known |= accepted.keys()
        return {**figures, "live_rows": len(self.live)}


def replayed(lake: Lake) -> list[tuple[Any, ...]]:
    """The content as somebody knows it who only follows the change feed."""
    delta = lake.table(lake.registry_table("population", "citizen"))
    changes = pa.table(delta.load_cdf(starting_version=0).read_all()).to_pylist()
    rows: dict[str, dict[str, Any]] = {}
    # Within a version what goes is read before what comes.
    for change in sorted(
        changes, key=lambda c: (c["_commit_version"], c["_change_type"] in ("insert", "update_postimage"))
    ):
        if change["_change_type"] in ("insert", "update_postimage"):
            assert change["personal_id"] not in rows, "a key comes only after it went"
            rows[change["personal_id"]] = change
        else:
            gone = rows.pop(change["personal_id"])
            assert (gone["full_name"], gone["age"]) == (change["full_name"], change["age"]), "what goes is what was"
    live = [(r["personal_id"], r["full_name"], r["age"]) for r in rows.values() if r["_deleted_at"] is None]
    return sorted(live, key=repr)


def publish(lake: Lake, number: int, extract: Extract) -> Commit:
    outcomes = {name: extract.numbers(name) for name in ("rejected", "superseded", "warned")}
    staged = stage(lake, PERSON, f"r{number}", extract.rows, **outcomes)
    kept = append_rejected(lake, PERSON, run_id=f"r{number}", at=START, staged=staged, extract_uri=staged.extract)
    assert kept == len(outcomes["rejected"]) + len(outcomes["superseded"])
    return run(lake, PERSON, number, extract.rows, merge_rows=extract.merge_rows, **outcomes)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(extracts(), min_size=1, max_size=5))
def test_any_sequence_of_extracts(sequence: list[Extract]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.from_environment({"LAKE_URI": f"{folder}/lake", "LIENTHONG_TMP": f"{folder}/scratch"})
        model = Model()
        for number, extract in enumerate(sequence):
            commit = publish(lake, number, extract)
            expected = model.run(extract)
            assert {name: getattr(commit, name) for name in expected} == expected
            assert content(lake, PERSON) == sorted(model.live.values(), key=repr)
            assert replayed(lake) == content(lake, PERSON)
        again = publish(lake, len(sequence), sequence[-1])
        assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)
        assert content(lake, PERSON) == sorted(model.live.values(), key=repr)
        extracted = sum(len(extract.rows) for extract in [*sequence, sequence[-1]])
        accepted = sum(len(extract.accepted) for extract in [*sequence, sequence[-1]])
        kept = pa.table(lake.table("rejected/population/citizen").to_pyarrow_table()).num_rows
        assert extracted == accepted + kept
