"""Check of a contract's SQL expressions: each is bound by DuckDB, with the macros, over no rows.

What a source's columns will be is not known here: of an expression over them only that is told which no types of theirs
could mend. Rules and conditions over published columns are bound over the types that the contract states.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from include import vietnam
from include.contracts.checks import why_no_zone, why_not_compiled
from include.contracts.model import Column, Table
from include.contracts.reading import ReadContract
from include.contracts.rules import columns_read
from include.contracts.sql import PlainDuckDB, Told, Unbound, explained, is_arity
from include.contracts.yaml_files import Place, Problem
from include.lake.storage import quote, restrict_access

# What a landed column may be, text first; "NULL" is a type that every function takes.
_LANDED = (
    "VARCHAR", '"NULL"', "BIGINT", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "DOUBLE", "DECIMAL(18,3)", "BOOLEAN", "BLOB",
    "TIMESTAMP_NS",
)  # fmt: skip
_MOST_TRIED = 3  # of more columns, not every combination of types
_LOCAL = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE")
_STEP = re.compile(r"\b_vn_\w+", re.IGNORECASE)


@contextmanager
def expression_checker(schemas: Path) -> Iterator[ExpressionChecker]:
    """An engine with the macros and code lists of a schemas folder, and nothing else to read."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=config) as engine:
        vietnam.register(engine, schemas)
        restrict_access(engine)
        yield ExpressionChecker(engine)


class ExpressionChecker:
    """Binds what contracts say in SQL."""

    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        self._engine = engine

    def problems(self, read: ReadContract) -> list[Problem]:
        """Every mistake in the SQL of a contract and of its variants, by line."""
        found = []
        for table in read.contract.tables:
            told = [*self._columns(table.columns, table, read), *self._conditions(table, read)]
            found += [read.file.problem(place, *what) for place, what in told]
        for variant in read.variants.values():
            for own, table in zip(read.contract.tables, variant.contract.tables, strict=True):
                other = [column for column in table.columns if column not in own.columns]
                found += [variant.file.problem(place, *what) for place, what in self._columns(other, table, variant)]
        return found

    def type_over(self, text: str, names: Sequence[str], types: Sequence[str]) -> tuple[Told | None, str]:
        """The type of an expression over columns of these types; what is wrong, if they do not bind."""
        failure = self._bind(text, _relation(names, types))
        if failure is not None:
            return explained(failure, "it"), ""
        return None, self._types(text, names, types)[0]

    def _columns(self, columns: Sequence[Column], table: Table, read: ReadContract) -> Iterator[tuple[Place, Told]]:
        for column in columns:
            place = read.places[f"{table.name}.{column.name}"]
            if _is_sql(column.expression):
                for told in self._expression(column):
                    yield (*place, "transformLogic"), told
            if _is_sql(column.empty_when):
                for told in self._over_source(column.empty_when, "BOOLEAN", "`empty` `when`"):
                    yield (*read.places[f"{table.name}.{column.name}:empty"], "when"), told

    def _conditions(self, table: Table, read: ReadContract) -> Iterator[tuple[Place, Told]]:
        for rule in table.rules:
            if rule.violation and rule.rule_id in read.places:
                for told in self._over_published(rule.violation, table, "the rule"):
                    yield (*read.places[rule.rule_id], "query"), told
        link = table.custom.get("link")
        when = str(link.get("when") or "") if isinstance(link, dict) else ""
        for of, key, condition in (("extract", "deletedWhen", table.extract.deleted_when), ("link", "when", when)):
            if _is_sql(condition):
                for told in self._over_published(condition, table, "it"):
                    yield (*read.places[f"{table.name}:{of}"], key), told

    def _expression(self, column: Column) -> Iterator[Told]:
        told = list(self._over_source(column.expression, column.sql_type, "it"))
        yield from told
        if told or column.sql_type != "TIMESTAMPTZ":
            return
        if not column.options.get("defaultTimezone") and self._is_local(column.expression):
            remedy = "state the clock it is read by, e.g. `defaultTimezone: Asia/Ho_Chi_Minh`, or `timezone: false`"
            yield "it gives a local time, and the column states no `defaultTimezone`", remedy

    def _is_local(self, text: str) -> bool:
        """Whether text becomes a day or a time without an offset."""
        names = _names(text)
        return self._types(text, names, ["VARCHAR"] * len(names))[0] in _LOCAL

    def _over_source(self, text: str, sql_type: str, what: str) -> Iterator[Told]:
        """Mistakes of an expression over source columns that no types of these could mend."""
        if told := list(self._literals(text)):
            yield from told
            return
        names = _names(text)
        failure, bound = self._bound_somehow(text, names)
        if failure is not None:
            yield explained(failure, what)
            return
        given = self._types(text, names, bound)
        if len(given) != 1 or given[0].startswith("STRUCT("):
            yield f"{what} gives more than one value", "write one expression"
        elif _never_becomes(given[0], sql_type) and self._never_else(text, names, sql_type):
            yield f"{what} gives {given[0]}, which is no {sql_type}", "correct logicalType, or the expression"

    def _never_else(self, text: str, names: Sequence[str], sql_type: str) -> bool:
        given = {self._types(text, names, types)[0] for types in _assignments(len(names))}
        return all(_never_becomes(kind, sql_type) for kind in given if kind)

    def _over_published(self, text: str, table: Table, what: str) -> Iterator[Told]:
        """Mistakes of a condition over published columns, whose types are known."""
        relation = _relation([c.name for c in table.columns], [c.sql_type for c in table.columns])
        failure = None if (told := list(self._literals(text))) else self._bind(text, relation)
        yield from [explained(failure, what)] if failure else told

    def _bound_somehow(self, text: str, names: Sequence[str]) -> tuple[Unbound | None, Sequence[str]]:
        """Why text does not bind, if no types of the columns do; else None and the first types that do."""
        first: Unbound | None = None
        for types in _assignments(len(names)):
            failure = self._bind(text, _relation(names, types))
            if failure is None:
                return None, types
            if not failure.is_of_types:
                return failure, types
            first = first or failure
        if first is not None and len(names) > _MOST_TRIED and not is_arity(first.text):
            return None, ["VARCHAR"] * len(names)  # perhaps a combination that was not tried
        return first, ()

    def _bind(self, text: str, relation: str) -> Unbound | None:
        # In WHERE the engine refuses aggregates and windows, which would join rows. It binds, and computes no constant.
        try:
            self._engine.execute(f"DESCRIBE SELECT 1 FROM {relation} AS source WHERE (\n{text}\n) IS NULL")
        except duckdb.Error as error:
            return Unbound(error)
        return None

    def _types(self, text: str, names: Sequence[str], types: Sequence[str]) -> tuple[str, ...]:
        """The types of what it gives: one, unless it is written wrongly; none where these types do not bind."""
        relation = _relation([*names, "_second", "_third"], [*types, "VARCHAR", "VARCHAR"])
        try:
            rows = self._engine.execute(f"DESCRIBE SELECT (\n{text}\n) FROM {relation} AS source").fetchall()
        except duckdb.Error:
            return ("",)
        return tuple(str(row[1]) for row in rows)

    def _literals(self, text: str) -> Iterator[Told]:
        """Patterns, zones and formats that are written in an expression, where the engine looks only as rows come."""
        if found := _STEP.search(text):
            yield f"`{found[0]}` is a step of another macro", "use the macros that begin with vn_"
        for told in map(self._why_wrong, _tree(text).walk()):
            if told is not None:
                yield told

    def _why_wrong(self, node: exp.Expr) -> Told | None:
        name = node.name.lower() if isinstance(node, exp.Anonymous) else node.key
        if "regexp" in name or name == "similarto":
            pattern = self._constant(_second(node))
            return None if pattern is None else why_not_compiled(pattern)
        if name in ("timezone", "attimezone"):
            zone = self._constant(node.expressions[0] if name == "timezone" else node.args.get("zone"))
            return None if zone is None else why_no_zone(zone)
        if name in ("try_strptime", "strptime", "strtotime"):
            form = self._constant(_second(node))
            return None if form is None else _why_no_strptime(form)
        return None

    def _constant(self, written: exp.Expr | None) -> str | None:
        """The text of an argument that is made of no column."""
        if written is None or written.find(exp.Column):
            return None
        try:
            row = self._engine.execute(f"SELECT CAST({written.sql(dialect=PlainDuckDB)} AS VARCHAR)").fetchone()
        except duckdb.Error:
            return None
        return str(row[0]) if row and row[0] is not None else None


def _assignments(columns: int) -> Iterator[tuple[str, ...]]:
    """Types for so many columns: every combination of a few, of many those in which all are alike."""
    if columns <= _MOST_TRIED:
        return itertools.product(_LANDED, repeat=columns)
    return iter([(kind,) * columns for kind in _LANDED])


def _relation(names: Sequence[str], types: Sequence[str]) -> str:
    columns = [f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in zip(names, types, strict=True)]
    return f"(SELECT {', '.join(columns) or 'NULL AS _none'})"


def _names(text: str) -> tuple[str, ...]:
    """The source columns that an expression reads; two that differ in case are one to the engine."""
    read = columns_read(Column("", "", "string", "VARCHAR", expression=text))
    return tuple({name.lower(): name for name in reversed(read)}.values())


def _never_becomes(given: str, wanted: str) -> bool:
    """Whether one is a moment and the other a number or a truth: the engine converts neither way."""
    is_moment = [kind.startswith(("DATE", "TIMESTAMP")) for kind in (given, wanted)]
    return is_moment[0] != is_moment[1] and not {given, wanted} & {"VARCHAR", '"NULL"', ""}


def _is_sql(text: str) -> bool:
    """Whether there is an expression; what cannot be parsed is told as the contract is read."""
    try:
        return bool(text) and bool(_tree(text))
    except SqlglotError:
        return False


def _tree(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, dialect=PlainDuckDB)


def _second(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.Anonymous):
        return node.expressions[1] if len(node.expressions) > 1 else None
    return node.args.get("expression") or node.args.get("format")


def _why_no_strptime(form: str) -> Told | None:
    if "%" not in form:
        return f"strptime reads nothing by `{form}`", "write it in strptime's notation, e.g. '%d/%m/%Y'"
    if "%y" in form.replace("%%", ""):
        remedy = "ask for four digits, or state the window of years with CASE and read it by %Y"
        return "`%y` guesses the century of a year of two digits", remedy
    return None
