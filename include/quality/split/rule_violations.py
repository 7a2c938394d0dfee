"""DuckDB SQL of the split: which rows break which rules, in temporary tables keyed by `_row`.

A row rule is one bit of a mask, so that all of them are evaluated in one scan and only failing rows take memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from include.contracts.model import Rule, Table
from include.contracts.rules import SUPERSEDED
from include.lake.delta import all_differ
from include.lake.storage import literal, quote
from include.quality.conversion import RAW_KEY, ROW, UNREADABLE
from include.quality.errors import RuleUnusable, why_unbound
from include.quality.split.context_views import is_deleted, judges_deleted
from include.quality.split.relations import (
    BESIDE,
    CANDIDATES,
    CLASHES,
    CONFORMED,
    ELSEWHERE,
    FLAGGED,
    KEPT,
    PASSING,
    SUPERSEDED_ROWS,
)

BITS = 63
REASON = 'STRUCT(rule_id VARCHAR, "column" VARCHAR, message VARCHAR)'


@dataclass(frozen=True, slots=True)
class RowRules:
    """The row rules of a table in mask order: rule i is bit i % 63 of the mask `_m<i // 63>`.

    `deleted`: SQL condition that a row is deleted at the source; it then breaks no rule with an id in `not_judged`.
    """

    rules: tuple[Rule, ...]
    deleted: str = "false"
    not_judged: frozenset[str] = frozenset()

    @classmethod
    def of(cls, table: Table) -> RowRules:
        """The row rules of that table."""
        rules = tuple(rule for rule in table.rules if rule.scope == "row")
        not_judged = frozenset(rule.rule_id for rule in rules if not judges_deleted(rule, table))
        return cls(rules, is_deleted(table), not_judged)

    @property
    def words(self) -> range:
        """Indices of the masks; at least one."""
        return range(max(1, -(-len(self.rules) // BITS)))

    @property
    def masks(self) -> str:
        """The names of the masks, for a SELECT."""
        return ", ".join(f"_m{word}" for word in self.words)

    def mask(self, word: int) -> str:
        """SQL of a mask over the conformed columns. NULL is not a violation, as in a SQL CHECK."""
        of_word = [(i, rule) for i, rule in enumerate(self.rules) if i // BITS == word]
        always = self._bits((i, rule) for i, rule in of_word if rule.rule_id not in self.not_judged)
        if not self.not_judged:
            return always
        not_judged = self._bits((i, rule) for i, rule in of_word if rule.rule_id in self.not_judged)
        return f"{always} | CASE WHEN {self.deleted} THEN 0::UBIGINT ELSE {not_judged} END"

    def _bits(self, rules: Iterable[tuple[int, Rule]]) -> str:
        """SQL of the bits of rules; those rarely broken are guarded by one condition that covers them all."""
        bits: dict[str, list[str]] = {}
        for i, rule in rules:
            bit = f"CASE WHEN (\n{rule.violation}\n) THEN {1 << (i % BITS)}::UBIGINT ELSE 0::UBIGINT END"
            bits.setdefault(self._gate(rule), []).append(bit)
        plain = bits.pop("", [])
        gated = [f"CASE WHEN {gate} THEN {' | '.join(behind)} ELSE 0::UBIGINT END" for gate, behind in bits.items()]
        return " | ".join([*plain, *gated]) or "0::UBIGINT"

    def _gate(self, rule: Rule) -> str:
        """SQL condition implied by a violation of the rule; empty if it costs as much as the rule itself."""
        if rule.metric == "unreadable":
            return f"{UNREADABLE} IS NOT NULL"
        if rule.metric == "controlCharacters":
            alike = [r for r in self.rules if (r.metric, r.arguments) == (rule.metric, rule.arguments)]
            texts = ", ".join(quote(r.columns[0]) for r in alike)
            return f"regexp_matches(concat({texts}), {literal(rule.arguments['pattern'])})"
        return ""

    def breaks(self, index: int) -> str:
        """SQL condition: a flagged row breaks that rule."""
        return f"_m{index // BITS} & {1 << (index % BITS)}::UBIGINT <> 0"

    def any_of(self, severity: str) -> str:
        """SQL condition: a flagged row breaks a rule of that severity."""
        chosen = [sum(1 << (i % BITS) for i, r in self._with(severity) if i // BITS == word) for word in self.words]
        return " OR ".join(f"_m{word} & {mask}::UBIGINT <> 0" for word, mask in enumerate(chosen) if mask) or "false"

    def reasons(self) -> str:
        """SQL list of the reasons why a flagged row is rejected, in the contract's order."""
        items = ", ".join(f"CASE WHEN {self.breaks(i)} THEN {reason(rule)} END" for i, rule in self._with("error"))
        return f"list_filter(CAST([{items}] AS {REASON}[]), lambda item: item IS NOT NULL)"

    def warnings(self) -> str:
        """SQL list of the ids of warning rules that a flagged row breaks, in the contract's order."""
        items = ", ".join(
            f"CASE WHEN {self.breaks(i)} THEN {literal(rule.rule_id)} END" for i, rule in self._with("warning")
        )
        return f"list_filter(CAST([{items}] AS VARCHAR[]), lambda item: item IS NOT NULL)"

    def _with(self, severity: str) -> Iterable[tuple[int, Rule]]:
        return ((i, rule) for i, rule in enumerate(self.rules) if rule.severity == severity)


def reason(rule: Rule) -> str:
    """SQL of one reason: rule id, columns, and the rule's description. No value of the row."""
    return _struct(rule.rule_id, ", ".join(rule.columns) or None, rule.description or rule.rule_id)


def superseded_reason(table: Table) -> str:
    """SQL of the one reason that every superseded row has."""
    return _struct(f"{table.registry}.{table.base_name}.superseded", ", ".join(table.primary_key), SUPERSEDED.english)


def _struct(rule_id: str, column: str | None, message: str) -> str:
    named = "NULL" if column is None else literal(column)
    values = f'rule_id: {literal(rule_id)}, "column": {named}, message: {literal(message)}'
    return f"CAST({{{values}}} AS {REASON})"


def flag_rows(connection: duckdb.DuckDBPyConnection, rules: RowRules, suspects: str = CONFORMED) -> None:
    """Create table FLAGGED from CONFORMED, and view PASSING.

    `suspects`: a relation with the conformed rows that may share a key or the value of a set rule; all unless given.
    """
    some = " OR ".join(f"_m{word} <> 0" for word in rules.words)
    connection.execute(f"CREATE TEMP TABLE {FLAGGED} AS SELECT {ROW}, {rules.masks} FROM {CONFORMED} WHERE {some}")
    connection.execute(
        f"CREATE TEMP VIEW {PASSING} AS SELECT * FROM {suspects} ANTI JOIN "
        f"(SELECT {ROW} FROM {FLAGGED} WHERE {rules.any_of('error')}) USING ({ROW})"
    )


def find_superseded(connection: duckdb.DuckDBPyConnection, table: Table) -> bool:
    """Create table SUPERSEDED_ROWS, views KEPT and CANDIDATES from PASSING; returns whether a key repeats.

    The same key means: as published and as received. The newest by cursor is kept, then the one greatest over the
    published columns in order, so the order of rows in the extract does not matter. Equal NULLs count as the same key.
    A table without a key supersedes nothing.
    """
    connection.execute(f"CREATE TEMP TABLE {SUPERSEDED_ROWS} ({ROW} BIGINT)")
    repeats = bool(table.primary_key) and not all_differ(connection, "passing", table.primary_key)
    if repeats:
        key = [quote(name) for name in table.primary_key]
        order = [quote(name) for name in dict.fromkeys([*table.extract.cursor, *(c.name for c in table.columns)])]
        newest = ", ".join([*(f"{name} DESC NULLS LAST" for name in order), ROW])
        shared = _keep_shared(connection, "passing", key)
        repeats = bool(connection.execute("FROM shared LIMIT 1").fetchall())
        connection.execute(
            f"INSERT INTO {SUPERSEDED_ROWS} SELECT {ROW} FROM ("
            f"SELECT {ROW}, row_number() OVER (PARTITION BY {', '.join([*key, RAW_KEY])} ORDER BY {newest}) AS place "
            f"FROM {PASSING} WHERE {shared}) WHERE place > 1"
        )
    connection.execute(f"CREATE TEMP VIEW {KEPT} AS SELECT * FROM {PASSING} ANTI JOIN {SUPERSEDED_ROWS} USING ({ROW})")
    connection.execute(f"CREATE TEMP VIEW {CANDIDATES} AS SELECT * FROM {KEPT} WHERE NOT {is_deleted(table)}")
    return repeats


def find_clashes(
    connection: duckdb.DuckDBPyConnection, table: Table, rules: Sequence[Rule], *, key_repeats: bool
) -> None:
    """Create table CLASHES: candidates that share the value of a set rule's columns; needs the relations below.

    KEPT, CANDIDATES, BESIDE, ELSEWHERE.

    `rule` is the rule's index in `rules`. A NULL in one of the columns clashes with nothing, as in SQL's UNIQUE. A
    candidate clashes with a row of the published context too. The rule on the key also judges deleted rows, which leave
    the table by it.
    """
    connection.execute(f"CREATE TEMP TABLE {CLASHES} ({ROW} BIGINT, rule INTEGER)")
    for index, rule in enumerate(rules):
        columns = [quote(name) for name in rule.columns]
        if rule.rule_id == table.key_rule_id:
            members = sharing("kept", columns, also=_keep_shared(connection, "kept", columns)) if key_repeats else ""
        elif rule.rule_id == table.server_rule_id:
            members = f"SELECT {ROW} FROM {CANDIDATES} SEMI JOIN {ELSEWHERE} USING ({', '.join(columns)})"
        else:
            among = sharing("candidates", columns, also=_keep_shared(connection, "candidates", columns))
            members = f"{among} UNION SELECT {ROW} FROM {CANDIDATES} JOIN {BESIDE} USING ({', '.join(columns)})"
        if members:
            connection.execute(f"INSERT INTO {CLASHES} SELECT {ROW}, {index} FROM ({members})")


def sharing(relation: str, columns: Sequence[str], *, also: str = "true") -> str:
    """SQL of the `_row` of all rows of `relation` whose (not null) `columns` occur more than once."""
    listed = ", ".join(columns)
    given = " AND ".join(f"{name} IS NOT NULL" for name in columns)
    return (
        f"SELECT {ROW} FROM (SELECT {ROW}, count(*) OVER (PARTITION BY {listed}) AS members "
        f"FROM {relation} WHERE {given} AND {also}) WHERE members > 1"
    )


def blame_rule(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], relation: str) -> RuleUnusable | None:
    """RuleUnusable for the first rule whose SQL does not bind or fails on a row."""
    for rule in rules:
        if why := _why_unusable(connection, rule.violation, relation):
            return RuleUnusable(f"rule {rule.rule_id} cannot be used: {why}")
    return None


def blame_deleted_when(connection: duckdb.DuckDBPyConnection, table: Table, relation: str) -> RuleUnusable | None:
    """RuleUnusable if the contract's `deletedWhen` does not bind or fails on a row; else None."""
    if not table.extract.deleted_when:
        return None
    why = _why_unusable(connection, is_deleted(table), relation)
    return RuleUnusable(f"{table.qualified_name}: its `deletedWhen` cannot be used: {why}") if why else None


def _why_unusable(connection: duckdb.DuckDBPyConnection, condition: str, relation: str) -> str:
    try:
        connection.execute(f"SELECT count(*) FILTER ((\n{condition}\n)) FROM {relation}")
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError) as error:
        if isinstance(error, duckdb.DataError | duckdb.InvalidInputException):
            return "it stops on a value it cannot read: use TRY_CAST, which gives NULL instead"
        return f"{why_unbound(error)}: correct it to speak of published columns only"
    return ""


def _keep_shared(connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> str:
    """SQL condition that a row's hash over `columns` occurs more than once; creates table `shared` with such hashes.

    A hash takes eight bytes a group; the caller compares the keys themselves.
    """
    hashed = f"hash({', '.join(columns)})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE shared AS SELECT {hashed} AS hashed FROM {relation} "
        "GROUP BY 1 HAVING count(*) > 1"
    )
    return f"{hashed} IN (SELECT hashed FROM shared)"
