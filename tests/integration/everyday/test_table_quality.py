"""Whatever run comes after whatever other, the figures on record are those of the table: counted again, row by row.

The first load was always right; no older test compared the figures of a later run with a count over the table. What
published rows break is asked of the rules: `_warnings` of rows that stayed told what another contract had said.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from include.lake.delta.commit_metadata import last_commit
from include.lake.publishing import publication as publish
from include.lake.publishing.rule_counts import RULE_COUNTS, stored_counts
from include.lake.storage.lake import Lake
from include.lake.upsert import file_rewrite
from include.pipelines.context import PipelineContext
from include.pipelines.rejected.replaying import replay
from include.pipelines.sync import assess_and_publish_steps
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.sync.read_plan import Window
from include.pipelines.sync.registry_sync import sync_registry
from include.pipelines.upkeep.versions import restore_step
from tests.integration.everyday.ledger_source import DAY_ONE, PaymentSource, context_of
from tests.repeats import held_by, repeats

RUNS = repeats(5, 10)
STEWARD = Approval("Lê Thu", "a test")
RULES = """
    quality:
      - {id: odd, type: sql, query: "SELECT COUNT(*) FROM {object} WHERE amount_vnd % 2 = 1", mustBe: 0,
         severity: warning, dimension: accuracy}
      - {id: same-amount, metric: duplicateValues, arguments: {properties: [amount_vnd]}, mustBe: 0,
         severity: warning, dimension: uniqueness}
      - {id: small, type: sql, query: "SELECT COUNT(*) FROM {object} WHERE amount_vnd < 500000000",
         mustBeLessThan: 90, unit: percent, severity: warning, dimension: coverage}
      - {id: many, metric: rowCount, mustBeGreaterThan: 1, dimension: completeness}
"""
PAYMENT = "payments.payment"
OWN = "integration/everyday/test_table_quality.py"
OTHER_SEEDS = held_by(f"{OWN}::test_after_every_run_the_figures_on_record_are_those_of_the_table")


class House:
    """A source, a lake, and a number for the next run."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.source = PaymentSource(f"sqlite:///{folder}/payments.db", seed=seed, rows=60)
        self.context = context_of(folder, self.source.uri)
        self.contract = self.context.schemas / "registries" / "payments.odcs.yaml"
        self.rewrite("    customProperties:", RULES.strip("\n") + "\n    customProperties:")
        self.rewrite(
            "rejectedPercent: 60, rowCountChangePercent: 80", "rejectedPercent: 100, rowCountChangePercent: 999"
        )
        self.rewrite("deleteLimitPercent: 60", "deleteLimitPercent: 100")
        self.rng = random.Random(seed)
        self.runs = 0

    def rewrite(self, old: str, new: str) -> None:
        text = self.contract.read_text(encoding="utf-8")
        assert old in text, old
        self.contract.write_text(text.replace(old, new, 1), encoding="utf-8")

    def next_run(self) -> str:
        self.runs += 1
        self.context = dataclasses.replace(self.context)  # everything is read from disk anew
        return f"20260301T{self.runs:06}Z-00000000"

    def sync(self, **how: Any) -> dict[str, Any]:
        run = sync_registry("payments", run_id=self.next_run(), approval=STEWARD, context=self.context, **how)
        return run.tables[0].to_dict()

    def replay(self) -> dict[str, Any]:
        run_id = self.next_run()  # first: it reads the contract anew
        (facts,) = replay(self.context, "payments", run_id=run_id, approval=STEWARD).tables
        return facts.to_dict()

    def backfill(self) -> dict[str, Any]:
        day = DAY_ONE - timedelta(days=30)
        return self.sync(window=Window(day, day + timedelta(days=60)))

    def restore(self) -> dict[str, Any]:
        newest = self.delta().version()
        version = self.rng.randrange(newest) if newest else 0
        if version == newest:
            return self.sync()
        how: dict[str, Any] = {"version": version, "approval": STEWARD, "context": self.context}
        return restore_step("payments", "payment", self.next_run(), **how).to_dict()

    def other_rule(self) -> dict[str, Any]:
        """A rule that rejects is mended, or becomes stricter: everything is read again."""
        sound = "{minimum: 0}" in self.contract.read_text(encoding="utf-8")
        self.rewrite("{minimum: 0}" if sound else "{minimum: -1}", "{minimum: -1}" if sound else "{minimum: 0}")
        return self.replay() if self.rng.random() < 0.5 else self.sync()

    def delta(self) -> DeltaTable:
        return self.context.lake.table(self.context.lake.registry_table("payments", "payment"))


def on_record(lake: Lake) -> dict[str, tuple[int, int]]:
    """By rule, violations and rows of the newest figures of the table."""
    rows = lake.table(lake.audit_table("table_checks")).to_pyarrow_table().to_pylist()
    newest = max(rows, key=lambda row: row["version"])["run_id"]
    return {
        row["rule_id"].removeprefix(f"{PAYMENT}."): (row["violations"], row["rows"])
        for row in rows if row["run_id"] == newest
    }  # fmt: skip


def counted(house: House) -> dict[str, tuple[int, int]]:
    """The same, of the rows themselves."""
    lake = house.context.lake
    published = house.delta().to_pyarrow_table().to_pylist()
    kept = lake.table(lake.rejected_table("payments", "payment")).to_pyarrow_table().to_pylist()
    opened = [row for row in kept if row["_life"] == "open"]
    rules = house.context.table("payments", "payment")[1].rules
    broken = Counter(rule for row in opened for rule in {reason["rule_id"] for reason in row["_reasons"]})
    table = house.delta().to_pyarrow_table()
    found = {}
    for rule in rules:
        if rule.scope != "table":
            is_warning = rule.severity == "warning"
            rows = duckdb.from_arrow(table).project("*, NULL::VARCHAR[] AS _unreadable")
            standing = len(rows.filter(rule.violation)) if rule.scope == "row" else 0
            rows_of_rule = len(published) + (0 if is_warning else len(opened))
            found[rule.rule_id] = (standing + (0 if is_warning else broken[rule.rule_id]), rows_of_rule)
    amounts = Counter(row["amount_vnd"] for row in published)
    found[f"{PAYMENT}.same-amount"] = (sum(amounts[row["amount_vnd"]] > 1 for row in published), len(published))
    found[f"{PAYMENT}.small"] = (sum(row["amount_vnd"] < 500_000_000 for row in published), len(published))
    found[f"{PAYMENT}.many"] = (len(published), len(published))
    return {rule_id.removeprefix(f"{PAYMENT}."): counts for rule_id, counts in found.items()}


@pytest.mark.parametrize(
    ("seed", "way"),
    [
        (2, "patched"),
        *(pytest.param(*case, marks=OTHER_SEEDS) for case in ((1, "merged"), (3, "merged"), (4, "patched"))),
    ],
)
def test_after_every_run_the_figures_on_record_are_those_of_the_table(
    seed: int, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "patched":
        monkeypatch.setattr(publish, "MERGE_TABLE_BYTES", -1)
        monkeypatch.setattr(file_rewrite, "_MOST_PATCHED", 1.0)
    house = House(tmp_path, seed)
    ways: tuple[Callable[[], dict[str, Any]], ...] = (
        house.sync, house.sync, house.sync, lambda: house.sync(is_full=True), house.replay, house.backfill,
        house.restore, house.other_rule,
    )  # fmt: skip
    facts, opened = house.sync(), set[int]()
    for _ in range(RUNS):
        assert facts["verdict"] in ("published", "unchanged"), facts
        if (facts.get("mode"), facts["verdict"]) != ("replay", "unchanged"):  # it found no row, and judged none
            assert on_record(house.context.lake) == counted(house), (house.runs, facts["mode"])
        opened.add(counted(house)["amount_vnd.minimum"][0])
        if house.rng.random() < 0.8:
            house.source.live_day()
            house.source.spoil(2)
        facts = house.rng.choice(ways)()
    assert len(opened) > 1, "rows were rejected, and taken in"


def test_the_warnings_of_a_table_are_brought_up_to_date_and_not_counted_again(tmp_path: Path) -> None:
    house = House(tmp_path, 5)
    house.sync()
    house.source.update(9)
    assert house.sync()["updated"] > 0
    state = last_commit(house.context.lake, house.context.table("payments", "payment")[1])
    assert state is not None
    assert RULE_COUNTS in state.metadata
    assert sum(counts for counts, _ in on_record(house.context.lake).values()) > 60


AMOUNT = "      - {name: amount_vnd, physicalName: so_tien, logicalType: integer, logicalTypeOptions: {minimum: 0}}"
UNIQUE = """
      - {id: same-%(name)s, metric: duplicateValues, arguments: {properties: [%(name)s]}, mustBe: 0,
         severity: warning, dimension: uniqueness}"""


@pytest.mark.parametrize(
    "names",
    [
        ("number_of_ours", "d", "n", "net", "w", "c"),
        pytest.param(("D",), marks=held_by(f"{OWN}::test_a_column_of_a_unique_rule_may_have_any_name")),
    ],
    ids="-".join,
)
def test_a_column_of_a_unique_rule_may_have_any_name(names: tuple[str, ...], tmp_path: Path) -> None:
    """All in one table: the amount, divided otherwise for each, so that each repeats other values."""
    house = House(tmp_path, 7)
    for place, name in enumerate(names):
        divided = f"logicalType: integer, transformLogic: so_tien::BIGINT // {40**place}"
        house.rewrite(AMOUNT, f"{AMOUNT}\n      - {{name: {name}, physicalName: so_tien, {divided}}}")
        house.rewrite("\n    quality:", f"\n    quality:{UNIQUE % {'name': name}}")
    house.sync()
    for amount in (80, None, 80):  # some rows that share a value, and others that do not
        house.source.clock += timedelta(days=1)
        house.source.insert(2, amount=amount)
        house.source.update(3)
        assert house.sync()["inserted"] > 0
        rows, told = house.delta().to_pyarrow_table().to_pylist(), on_record(house.context.lake)
        for name in names:
            values = Counter(row[name] for row in rows)
            repeated = sum(rows for rows in values.values() if rows > 1)
            assert told[f"same-{name}"] == (repeated, values.total()), name


def test_counts_of_unique_rules_that_were_stored_in_the_former_way_are_made_anew(tmp_path: Path) -> None:
    house = House(tmp_path, 8)
    house.sync()
    table = house.context.table("payments", "payment")[1]
    state = last_commit(house.context.lake, table)
    assert state is not None
    stored = json.loads(state.metadata[RULE_COUNTS])
    assert stored_counts(state, table) == stored["counts"]
    former = [[rule_id, "unique 2", *columns] for rule_id, *columns in stored["of"][1:]]
    metadata = {**state.metadata, RULE_COUNTS: json.dumps({**stored, "of": former})}
    assert stored_counts(dataclasses.replace(state, metadata=metadata), table) is None


def test_a_run_that_was_killed_before_its_figures_leaves_them_to_whoever_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, 6)
    house.sync()
    house.source.spoil(5)
    with monkeypatch.context() as patched:

        def killed(context: PipelineContext, table: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(assess_and_publish_steps, "record_standing", killed)
        with pytest.raises(KeyboardInterrupt):
            house.sync()
    assert on_record(house.context.lake) != counted(house)
    assert house.sync()["verdict"] == "unchanged"
    assert on_record(house.context.lake) == counted(house)
