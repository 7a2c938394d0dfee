"""Every rule of every registry, tried on real rows: a sound row passes, a row made to break the rule does not.

The rows go the whole way (transformLogic, macros, split), so an expression that reads a value wrongly shows too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import duckdb
import pytest

from include.contracts.model import Rule, Table
from include.contracts.reading.load import load_contracts
from include.vietnam import expand_macros
from tests.ascii_tables import SCHEMAS, Outcome, outcome_of, write_extract
from tests.unit.schemas import examples, system_examples

SOUND = examples.SOUND | system_examples.SOUND
BREAKS = examples.BREAKS | system_examples.BREAKS
ODD_BUT_RIGHT = examples.ODD_BUT_RIGHT | system_examples.ODD_BUT_RIGHT


@cache
def tables() -> dict[str, Table]:
    return {t.qualified_name: t for c in load_contracts(SCHEMAS).values() for t in c.tables}


def written_rules(table: Table) -> dict[str, Rule]:
    """The rules that stand in the contract's `quality` lists, by their id there."""
    named = {rule.rule_id.removeprefix(f"{table.qualified_name}."): rule for rule in table.rules}
    return {name: rule for name, rule in named.items() if "." not in name}


def rows_with(name: str, changes: list[dict[str, str | None]]) -> list[dict[str, str | None]]:
    """The sound row of a table once for each change, each with a key of its own."""
    if name in examples.SOUND:
        return examples.rows_with(name, changes)
    keys = system_examples.KEYS[name]
    return [
        {
            **SOUND[name],
            **{column: form.format(n=number + 1, mst=examples.tax_code(number + 1)) for column, form in keys.items()},
            **change,
        }
        for number, change in enumerate(changes)
    ]


def sound_rows(name: str) -> list[dict[str, str | None]]:
    """Changes that break nothing: those that look odd, and last what leaves the row as it is."""
    return [*ODD_BUT_RIGHT.get(name, []), {"so_cmnd": None} if "so_cmnd" in SOUND[name] else {}]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    """What becomes of a table's sound rows and, behind them, of one row for each rule: judged once for both tests."""

    @cache
    def split(name: str) -> Outcome:
        folder = tmp_path_factory.mktemp("rows")
        rows = rows_with(name, [*sound_rows(name), *BREAKS[name].values()])
        extract = write_extract(rows, folder / "extract.parquet", list(SOUND[name]))
        return outcome_of(tables()[name], extract, folder)

    return split


@pytest.mark.parametrize("name", sorted(SOUND))
def test_every_table_has_a_sound_row_and_every_row_rule_an_example(name: str) -> None:
    assert set(tables()) == set(SOUND)
    rules = {rule for rule, r in written_rules(tables()[name]).items() if r.scope == "row"}
    assert set(BREAKS[name]) == rules


@pytest.mark.parametrize("name", sorted(SOUND))
def test_sound_rows_are_accepted_without_a_warning_and_odd_ones_are_not_rejected(
    name: str, split: Callable[[str], Outcome]
) -> None:
    sound, outcome = sound_rows(name), split(name)
    assert {row: (sound[row], rules) for row, rules in outcome.rejected.items() if row < len(sound)} == {}
    assert not outcome.superseded & {*range(len(sound))}
    shared = {"member-personal-id-not-shared", "serial-not-shared"}  # the rows differ in little, so they share values
    assert set(outcome.warnings.get(len(sound) - 1, [])) <= shared


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_a_row_made_to_break_a_rule_breaks_it(name: str, split: Callable[[str], Outcome]) -> None:
    """Also: the query an outsider runs (plain SQL, no macro of ours) counts the same rows as the split."""
    table = tables()[name]
    rules = written_rules(table)
    outcome = split(name)
    for row, rule_id in enumerate(BREAKS[name], start=len(sound_rows(name))):
        told = outcome.rejected if rules[rule_id].severity == "error" else outcome.warnings
        if rules[rule_id].severity == "error" or row not in outcome.rejected:
            assert rule_id in told.get(row, []), f"{outcome.rejected.get(row)} {outcome.warnings.get(row)}"
    counted = outcome.violations()
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(f"CREATE VIEW published AS FROM read_parquet('{outcome.split.staged.conformed}')")
        for rule_id, rule in rules.items():
            if rule.scope != "row" or not rule.query:
                continue
            found = db.execute(expand_macros(rule.query).replace("{object}", "published")).fetchone()
            assert found == (counted.get(rule_id),), rule_id
