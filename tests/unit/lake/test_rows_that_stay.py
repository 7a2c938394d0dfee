"""The contract holds for rows that stay: they lose what left it and bear the rules that they break, and are counted.

Older tests emptied a column, and judged by other rules, only rows that the run received.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from include.contracts.model import ExtractPolicy, Rule
from include.lake.delta import last_commit
from include.lake.publishing.rule_counts import RULE_COUNTS
from include.lake.storage.errors import LakeError
from include.lake.storage.lake import Lake
from include.lake.upsert import Judgement
from tests.unit.lake.staging import PERSON, contract_table, run
from tests.unit.lake.test_publish import published, rows

AN, BINH, CHI = ("a", "An", 1), ("b", "Bình", 2), ("c", "Chi", 3)
NARROW = contract_table(*PERSON.columns[:2])
BROKEN = "CASE WHEN full_name = 'An' THEN ['strict'] END"


def judgement(digest: str, warnings: str = BROKEN) -> Judgement:
    return Judgement(digest, warnings, lambda connection: None, lambda connection, rows: None)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


def counts(lake: Lake) -> dict[str, int]:
    return json.loads(last_commit(lake, PERSON).metadata[RULE_COUNTS])["counts"]


@pytest.mark.parametrize("merge_rows", [400_000, 0], ids=["merged", "moved"])
@pytest.mark.parametrize(
    ("deletes", "sent", "outcomes", "retained"),
    [
        ("reconcile", [("a", None), ("b", None), CHI[:2]], {"rejected": [0, 1]}, 2),
        ("none", [CHI[:2]], {}, 0),
        ("none", [("a", None), CHI[:2]], {"rejected": [0]}, 1),
        ("soft", [CHI[:2]], {}, 0),
        ("soft", [("b", None), CHI[:2]], {"rejected": [0]}, 1),
    ],
)  # fmt: skip
def test_whoever_stays_is_as_the_contract_says(
    lake: Lake, deletes: Any, sent: list, outcomes: dict, retained: int, merge_rows: int
) -> None:
    policy = ExtractPolicy(deletes=deletes, deleted_when="full_name = 'gone'" if deletes == "soft" else "")
    run(lake, replace(PERSON, extract=policy), 1, [AN, BINH, CHI], metadata={"table_digest": "1"})
    table = replace(NARROW, extract=policy)
    how: dict[str, Any] = {"merge_rows": merge_rows, "metadata": {"table_digest": "2"}, "judgement": judgement("2")}
    commit = run(lake, table, 2, sent, **how, **outcomes)
    assert (commit.updated, commit.retained, commit.deleted, commit.live_rows) == (3, retained, 0, 3)
    assert {key: (row["full_name"], row["age"], row["_warnings"]) for key, row in rows(lake).items()} == {
        "a": ("An", None, ["strict"]), "b": ("Bình", None, None), "c": ("Chi", None, None),
    }  # fmt: skip
    assert counts(lake) == {"strict": 1}
    again = run(lake, table, 3, sent, **how, **outcomes)
    assert (again.updated, again.retained) == (0, retained)
    assert counts(lake) == {"strict": 1}
    run(lake, table, 4, [("a", "Ánh")], mode="incremental", **how)
    assert (rows(lake)["a"]["_warnings"], counts(lake)) == (None, {})


def test_unique_rules_are_counted_for_rows_that_stay_until_none_breaks_them(lake: Lake) -> None:
    none = replace(PERSON, extract=ExtractPolicy(deletes="none"))
    run(lake, none, 1, [("a", "An", 1), ("b", "An", 2), ("c", "An", 3)], metadata={"table_digest": "1"})
    rule = Rule("one", "citizen", ("full_name",), "unique", "set", "error", "uniqueness", "")
    strict = replace(none, rules=(rule,))
    how: dict[str, Any] = {"metadata": {"table_digest": "2"}, "judgement": judgement("2", "NULL")}
    run(lake, strict, 2, [], **how)
    assert counts(lake) == {"one": 3}
    for number, (key, left) in enumerate([("a", {"one": 2}), ("b", {})], start=3):
        run(lake, strict, number, [(key, f"other {key}", 1)], mode="incremental", **how)
        assert counts(lake) == left


def test_a_replay_under_another_contract_leaves_a_table_of_no_one_contract(lake: Lake) -> None:
    """The next sync reads all of it, also by the former contract."""
    run(lake, PERSON, 1, [AN], metadata={"table_digest": "1"})
    for number, digest, said in ((2, "1", "1"), (3, "2", ""), (4, "1", "")):
        row = (f"r{number}", "Bình", 2)
        run(lake, PERSON, number, [row], mode="replay", metadata={"table_digest": "1"}, judgement=judgement(digest))
        assert last_commit(lake, PERSON).metadata["table_digest"] == said


def test_a_rule_that_stops_on_a_row_that_stays_is_named(lake: Lake) -> None:
    none = replace(PERSON, extract=ExtractPolicy(deletes="none"))
    run(lake, none, 1, [AN], metadata={"table_digest": "1"})
    stops = replace(
        judgement("2", "[full_name::INTEGER::VARCHAR]"), blame=lambda *_: LakeError("rule x cannot be used")
    )
    with pytest.raises(LakeError, match="rule x cannot be used"):
        run(lake, none, 2, [BINH], metadata={"table_digest": "2"}, judgement=stops)
    assert published(lake).version() == 0
