"""Rejected rows judged again: after a rule was mended, after a newer version came, after a replay was killed."""

from __future__ import annotations

import copy
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from include.lake.delta.commit_metadata import OF_THE_SOURCE, RunCommit, last_commit
from include.lake.delta.version_history import versions
from include.lake.run_log import log_tables
from include.pipelines.context import PipelineContext
from include.pipelines.decisions.ledger_entries import Look
from include.pipelines.rejected.replaying import list_rejected, replay, show_rejected
from include.pipelines.sync import assess_and_publish_steps
from include.pipelines.sync.registry_sync import sync_registry
from tests.integration.test_unseen_registry import COLUMNS, CONTRACT, ROWS, lienthong
from tests.repeats import held_by

pytestmark = pytest.mark.slow

CAPITAL = "enterprise.capital-not-negative"
PATTERN = "enterprise.code.pattern"
TITLE = "enterprise.title.required"
OWN = "integration/test_replay.py"


class House:
    """A registry in SQLite, its contract and its lake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "schemas" / "registries").mkdir(parents=True)
        self.contract = CONTRACT % {"type": "custom", "server": "", "object": "doanh_nghiep"}
        self.write_contract(("rejectedPercent: 60", "rejectedPercent: 90, rowCountChangePercent: 90"))
        with sqlite3.connect(folder / "source.db") as source:
            source.execute(f"CREATE TABLE doanh_nghiep ({', '.join(COLUMNS)})")
            source.executemany("INSERT INTO doanh_nghiep VALUES (?, ?, ?, ?, ?)", ROWS)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "LAKE_URI": str(self.folder / "lake"),
            "SCHEMAS_DIR": str(self.folder / "schemas"),
            "LIENTHONG_TMP": str(self.folder / "tmp"),
            "AIRFLOW_CONN_BUSINESS_DB": f"sqlite:///{self.folder}/source.db",
        }

    @property
    def context(self) -> PipelineContext:
        return PipelineContext.from_environment(self.environ)

    def copied_to(self, folder: Path) -> House:
        """Source, contract and lake as they are, to go on from."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        other = copy.copy(self)
        other.folder = folder
        return other

    def write_contract(self, *changes: tuple[str, str]) -> None:
        for old, new in changes:
            assert old in self.contract
            self.contract = self.contract.replace(old, new)
        (self.folder / "schemas" / "registries" / "business.odcs.yaml").write_text(self.contract, encoding="utf-8")

    def allow_debt(self) -> None:
        """The rule was wrong: a capital of -5 is fine."""
        self.write_contract(("capital_vnd < 0", "capital_vnd < -9"))

    def change(self, sql: str, *values: Any) -> None:
        with sqlite3.connect(self.folder / "source.db") as source:
            source.execute(sql, values)

    def sync(self, run_id: str, **more: Any) -> dict[str, Any]:
        (table,) = sync_registry("business", run_id=run_id, context=self.context, **more).tables
        assert table.verdict in ("published", "unchanged"), table
        return table.to_dict()

    def replay(self, run_id: str, **more: Any) -> dict[str, Any]:
        (table,) = replay(self.context, "business", run_id=run_id, **more).tables
        return table.to_dict()

    def published(self) -> dict[str, int]:
        rows = DeltaTable(self.folder / "lake/registry/business/enterprise").to_pyarrow_table().to_pylist()
        return {row["code"][-3:]: row["capital_vnd"] for row in rows}

    def lives(self) -> dict[str, str]:
        rows = DeltaTable(self.folder / "lake/rejected/business/enterprise").to_pyarrow_table().to_pylist()
        return {f"{row['ma_dn'][-3:]}/{row['_run_id']}": row["_life"] for row in rows if row["_life"]}

    def state(self) -> RunCommit:
        state = last_commit(self.context.lake, self.context.table("business", "enterprise")[1])
        assert state is not None
        return state

    def state_of(self, run_id: str) -> dict[str, str]:
        """What that run's commit says."""
        found = versions(self.context.lake, self.context.table("business", "enterprise")[1])
        return dict(next(entry.metadata for entry in found if entry.metadata.get("run_id") == run_id))

    def show(self, rule: str, *, with_values: bool) -> list[dict[str, Any]]:
        rule_id = f"business.{rule}"
        look = Look("tester", "test") if with_values else None
        return show_rejected(self.context, "business", "enterprise", rule_id=rule_id, limit=9, look=look)

    def open_rules(self) -> dict[str, int]:
        return {e.rule_id.removeprefix("business."): e.rows for e in list_rejected(self.context, "business")}


@pytest.fixture
def house(tmp_path) -> House:
    return House(tmp_path)


@pytest.fixture(scope="module")
def first_sync(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("first"))
    house.sync("r1")
    return house


@pytest.fixture
def synced(first_sync: House, tmp_path: Path) -> House:
    """A house after its first sync, in a folder of its own."""
    return first_sync.copied_to(tmp_path)


def test_rows_that_a_mended_rule_lets_pass_are_published(synced):
    before = synced.state().metadata
    assert synced.published() == {"001": 100, "005": 10}
    assert synced.open_rules() == {CAPITAL: 1, PATTERN: 1, TITLE: 1, "enterprise.founded_on.unreadable": 1}
    synced.allow_debt()
    told = synced.replay("r2")
    figures = {name: told[name] for name in ("verdict", "mode", "extracted", "accepted", "rejected", "inserted")}
    assert figures == {
        "verdict": "published", "mode": "replay", "extracted": 3, "accepted": 1, "rejected": 2, "inserted": 1,
    }  # fmt: skip
    assert synced.published() == {"001": 100, "005": 10, "002": -5}
    assert synced.lives() == {"002/r1": "replayed", "003/r1": "open", "004/r1": "open"}
    after = synced.state().metadata
    assert after["mode"] == "replay"
    kept = [name for name in OF_THE_SOURCE if name != "table_digest"]
    assert {name: after.get(name) for name in kept} == {name: before.get(name) for name in kept}
    assert (before["table_digest"] != "", after["table_digest"]) == (True, ""), "its rows are of two contracts"
    runs = log_tables.read(synced.context.lake, "runs").to_pylist()
    assert ("r2", "replay", "published") in [(r["run_id"], r["mode"], r["verdict"]) for r in runs]


def test_a_second_replay_finds_what_is_still_open_and_changes_nothing(synced):
    synced.allow_debt()
    synced.replay("r2")
    lives, published = synced.lives(), synced.published()
    assert synced.replay("r3")["extracted"] == 2
    assert (synced.lives(), synced.published()) == (lives, published)


@held_by(f"{OWN}::test_by_the_command_line")
def test_only_the_rows_of_one_rule_are_judged(synced):
    synced.allow_debt()
    told = synced.replay("r2", rule_id=f"business.{TITLE}")
    assert (told["extracted"], told["accepted"]) == (1, 0)
    assert synced.open_rules()[CAPITAL] == 1


def test_a_row_that_is_still_open_has_the_reasons_of_today(synced):
    synced.write_contract((r"'^\d{10}$'", r"'^\d+$'"))
    synced.replay("r2")
    assert PATTERN not in synced.open_rules()
    assert synced.open_rules()[TITLE] == 1


def test_a_row_that_came_again_is_not_judged_again(synced):
    synced.change("UPDATE doanh_nghiep SET von = 7, cap_nhat = '2025-01-05 00:00:00' WHERE ma_dn = '0100000002'")
    synced.sync("r2")
    assert synced.published()["002"] == 7
    assert synced.lives()["002/r1"] == "superseded"
    synced.allow_debt()
    assert synced.replay("r3")["extracted"] == 2
    assert synced.published()["002"] == 7


def test_a_row_that_left_the_source_is_withdrawn(synced):
    synced.change("DELETE FROM doanh_nghiep WHERE ma_dn = '0100000002'")
    synced.sync("r2", is_full=True)
    assert synced.lives()["002/r1"] == "withdrawn"


@pytest.mark.parametrize(
    "step",
    [  # its commit is there, and nobody closed the rows that it published
        "close_rejected",
        *(
            pytest.param(step, marks=held_by(f"{OWN}::test_a_replay_that_was_killed_and_is_repeated_gives_the_same"))
            for step in ("preview", "publish", "record_run")
        ),
    ],
)
def test_a_replay_that_was_killed_and_is_repeated_gives_the_same(synced, monkeypatch, step):
    synced.allow_debt()
    with monkeypatch.context() as patch:

        def killed(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(assess_and_publish_steps, step, killed)
        with pytest.raises(KeyboardInterrupt):
            synced.replay("r2")
    told = synced.replay("r2")
    assert (told["verdict"], told["accepted"]) == ("published", 1)
    assert synced.published() == {"001": 100, "005": 10, "002": -5}
    assert synced.lives() == {"002/r1": "replayed", "003/r1": "open", "004/r1": "open"}
    assert synced.replay("r2")["version"] == told["version"]


def test_nothing_to_replay(house):
    told = house.replay("r1")
    assert (told["verdict"], told["extracted"]) == ("unchanged", 0)


def test_what_is_shown_of_a_row(synced):
    (row,) = synced.show(CAPITAL, with_values=False)
    assert (row["_row"], row["_run_id"], row["_life"]) == (1, "r1", "open")
    assert "ten" not in row
    assert "_key" not in row
    (row,) = synced.show(CAPITAL, with_values=True)
    assert row["von"] == "-5"


def test_a_rule_that_is_none_is_misuse_and_names_those_that_are_near(synced):
    for arguments in (("replay", "business"), ("show", "business", "enterprise")):
        done = lienthong(synced.folder, "rejected", *arguments, "--rule", f"business.{CAPITAL}s", **synced.environ)
        assert done.returncode == 2, done.stdout
        told = " ".join(done.stderr.split())
        assert f"no rule `business.{CAPITAL}s`" in told
        assert f"did you mean `business.{CAPITAL}`" in told
    synced.write_contract(("id: capital-not-negative", "id: capital-in-order"))
    assert synced.show(CAPITAL, with_values=False), "of a rule that the contract has no more rows may be open"


def test_by_the_command_line(house):
    def run(*arguments: str) -> Any:
        done = lienthong(house.folder, *arguments, "--json", **house.environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    run("sync", "business")
    assert {(e["rule_id"], e["life"]) for e in run("rejected", "list", "business")} >= {(f"business.{CAPITAL}", "open")}
    house.allow_debt()
    (told,) = run("rejected", "replay", "business", "--rule", f"business.{CAPITAL}")["tables"]
    assert (told["mode"], told["accepted"], told["rejected"]) == ("replay", 1, 0)
    every = run("rejected", "list", "business", "--all")
    assert ("replayed", 1) in {(e["life"], e["rows"]) for e in every}
    assert len(run("rejected", "show", "business", "enterprise")) == 2
