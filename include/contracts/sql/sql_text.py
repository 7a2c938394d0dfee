"""SQL of contracts and users: parsed, checked node by node against an allow-list, and generated anew.

Contracts, agreements and the command line contain SQL that runs with the lake's rights. Their text never reaches an
engine that has data. The SQL that does is generated here, from a tree of allowed nodes only, and only if the engine's
own parser reads the original and the generated text as the same.
"""

from __future__ import annotations

import difflib
import json
import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import duckdb
from sqlglot import Token, TokenType, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

from include.contracts.sql.characters import why_odd
from include.contracts.sql.functions import AGGREGATES, ELSEWHERE, FUNCTIONS, NOT_OF_THE_ROW

LONGEST = 20_000  # characters
DEEPEST = 60  # nested brackets; SQL parsers are recursive
_KINDS = (
    exp.Column, exp.Identifier, exp.Literal, exp.ByteString, exp.Boolean, exp.Null, exp.Paren, exp.Tuple, exp.Anonymous,
    exp.Dot, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.NullSafeEQ,
    exp.NullSafeNEQ, exp.Between, exp.In, exp.Like, exp.ILike, exp.Escape, exp.SimilarTo, exp.Collate,
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.DPipe,
    exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseNot, exp.BitwiseLeftShift, exp.BitwiseRightShift,
    exp.Case, exp.If, exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam, exp.ColumnDef, exp.Interval, exp.Var,
    exp.Extract, exp.Substring, exp.Trim, exp.StrPosition, exp.AtTimeZone,
    exp.Array, exp.Bracket, exp.Slice, exp.Lambda, exp.Struct, exp.PropertyEQ, exp.Kwarg, exp.JSONExtract,
    exp.JSONExtractScalar, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey, exp.JSONPathSubscript,
)  # fmt: skip
_T = exp.DataType.Type
_TYPES = {
    _T.BOOLEAN, _T.TINYINT, _T.SMALLINT, _T.INT, _T.BIGINT, _T.INT128, _T.UTINYINT, _T.USMALLINT, _T.UINT, _T.UBIGINT,
    _T.UINT128, _T.FLOAT, _T.DOUBLE, _T.DECIMAL, _T.VARCHAR, _T.TEXT, _T.CHAR, _T.DATE, _T.TIME, _T.TIMETZ,
    _T.TIMESTAMP, _T.TIMESTAMPTZ, _T.TIMESTAMPNTZ, _T.TIMESTAMP_S, _T.TIMESTAMP_MS, _T.TIMESTAMP_NS, _T.DATETIME,
    _T.INTERVAL, _T.UUID, _T.BINARY, _T.VARBINARY, _T.BLOB, _T.BIT, _T.JSON, _T.ARRAY, _T.LIST, _T.STRUCT, _T.MAP,
}  # fmt: skip
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
# The engine takes these for functions unless a column has the name.
_WITHOUT_BRACKETS = {name for name in NOT_OF_THE_ROW if name.startswith(("current_", "local", "session_"))}
_ONE_VALUE = "write an expression that gives one value per row"
_REMEDY = 'write one SQL expression over the columns of the row, e.g. vn_name("ho_ten")'
_CLASSES = frozenset({"FUNCTION", "COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "CAST", "CASE",
                      "BETWEEN", "COLLATE", "LAMBDA"})  # fmt: skip
_ONE_AT_A_TIME = threading.Lock()
_LISTED = "what may be used stands in docs/reference/sql.md"


class SqlRefused(ValueError):
    """SQL that is refused: the message says what is wrong, `remedy` what to write instead."""

    def __init__(self, message: str, remedy: str = _REMEDY) -> None:
        self.remedy = remedy
        super().__init__(message)


class PlainDuckDB(DuckDB):
    """sqlglot dialect of DuckDB that keeps every function's name."""

    class Parser(DuckDB.Parser):  # type: ignore[misc, valid-type]  # made by a metaclass
        """Parser in which only constructs with their own grammar (CAST, EXTRACT) differ from function calls."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parser
            for name, parser in DuckDB.Parser.FUNCTION_PARSERS.items()
            if name in ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM")
        }
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CASE": DuckDB.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]}

    class Generator(DuckDB.Generator):  # type: ignore[misc, valid-type]
        """Generator of readable SQL."""

        def not_sql(self, expression: exp.Not) -> str:
            """SQL of NOT; `x IS NOT NULL` for NOT (x IS NULL)."""
            inner = expression.this
            if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
                return f"{self.sql(inner, 'this')} IS NOT NULL"
            return str(super().not_sql(expression))


@lru_cache(maxsize=8192)
def rewritten(text: str) -> str:
    """The validated expression, generated anew from `text`.

    Raises:
        SqlRefused: not one expression of allowed nodes, or not reproducible unchanged.
    """
    tree = understood(text)
    if isinstance(tree, exp.Query | exp.DDL | exp.DML | exp.Command):
        raise SqlRefused("is a statement or holds a subquery")
    check_tree(tree)
    again = written(tree)
    given, got = map(_only_value, as_engine_reads(f"SELECT (\n{text}\n)", f"SELECT ({again})"))
    if meaning(given) != meaning(got):
        raise otherwise()
    return again


def check_where(query: str, tree: exp.Expr) -> None:
    """Raise SqlRefused if the condition of a query, whose tree is given, has a node that is not allowed."""
    check_tree(tree.args["where"].this)
    given, got = as_engine_reads(query, written(tree))
    if meaning(given["where_clause"]) != meaning(got["where_clause"]):
        raise otherwise()


def understood(text: str) -> exp.Expr:
    """The tree of one expression or query.

    Raises:
        SqlRefused: it is none, has forbidden characters, or is too long or too deep.
    """
    if odd := why_odd(text):
        raise SqlRefused(*odd)
    if len(text) > LONGEST:
        raise SqlRefused(f"is longer than {LONGEST:,} characters", "keep long lists of codes in schemas/reference")
    dialect = PlainDuckDB()
    try:
        tokens = dialect.tokenize(text)
        _check_depth(tokens)
        trees = dialect.parser().parse(tokens, text)
    except (SqlglotError, RecursionError):
        raise SqlRefused("is not SQL") from None
    if len(trees) != 1 or trees[0] is None:
        raise SqlRefused("is not SQL: it is more than one statement" if len(trees) > 1 else "is not SQL")
    return trees[0]


def written(tree: exp.Expr) -> str:
    """SQL of the tree on one line: every name quoted, without comments."""
    try:
        return tree.sql(dialect=PlainDuckDB, identify=True, comments=False, normalize_functions=False)
    except RecursionError:
        raise SqlRefused("is nested too deeply", "split it into several columns") from None


def text_literal(text: str) -> str:
    """A SQL literal of the text."""
    return "'" + text.replace("'", "''") + "'"


def names_in(sql: str) -> tuple[str, ...]:
    """Names of columns in a result of `rewritten`, each once, without parameters of lambdas."""
    tree = understood(sql)
    bound = {parameter.name.lower() for found in tree.find_all(exp.Lambda) for parameter in found.expressions}
    named = (column.parts[0].name for column in tree.find_all(exp.Column))
    return tuple(dict.fromkeys(name for name in named if name.lower() not in bound))


def check_tree(tree: exp.Expr) -> None:
    """Raise SqlRefused for the first node that is not allowed."""
    if tree.find(exp.Query, exp.Subquery):
        raise SqlRefused("is a statement or holds a subquery")
    for node in tree.walk():
        check_node(node)


def check_node(node: exp.Expr) -> None:
    """Raise SqlRefused if a node of an expression over one row is not allowed."""
    if isinstance(node, exp.Anonymous):
        _check_function(node)
    elif isinstance(node, exp.DataType):
        _check_type(node)
    elif isinstance(node, exp.Column) and not node.table and node.name.lower() in _WITHOUT_BRACKETS:
        raise SqlRefused(f"speaks of `{node.name}`, which is not of the row", ELSEWHERE["sysdate"])
    elif type(node) not in _KINDS or (isinstance(node, exp.In) and _is_of_rows(node)):
        raise not_listed(node)


def _check_depth(tokens: Sequence[Token]) -> None:
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > DEEPEST:
            raise SqlRefused(f"is nested more than {DEEPEST} deep", "split it into several columns")


def _check_function(node: exp.Anonymous) -> None:
    name = node.name.lower()
    if name in FUNCTIONS:
        return
    if name in ("columns", "unpack"):
        raise SqlRefused("gives more than one value", "write one expression")
    if name in AGGREGATES:
        raise SqlRefused(
            f"calls `{name}`, an aggregate of many rows", "write an expression that gives one value per row"
        )
    if name in NOT_OF_THE_ROW:
        raise SqlRefused(f"speaks of `{name}`, which is not of the row", ELSEWHERE["sysdate"])
    if name.startswith("_vn_"):
        raise SqlRefused(f"speaks of `{name}`, which is a step of another macro", "use the macros that begin with vn_")
    near = difflib.get_close_matches(name, FUNCTIONS, n=1, cutoff=0.7)
    instead = ELSEWHERE.get(name) or (f"did you mean `{near[0]}`?" if near else "")
    remedy = f"use {instead}" if name in ELSEWHERE else instead or _LISTED
    raise SqlRefused(f"speaks of `{node.name}`: there is no such function here", remedy)


def _check_type(node: exp.DataType) -> None:
    if node.this in _TYPES:
        return
    name = node.sql(dialect=PlainDuckDB)
    near = difflib.get_close_matches(name.upper(), [kind.value for kind in _TYPES], n=1)
    raise SqlRefused(f"speaks of `{name}`: there is no such type", f"did you mean `{near[0]}`?" if near else _LISTED)


def _is_of_rows(node: exp.In) -> bool:
    return any(node.args.get(part) for part in ("query", "unnest", "field"))


def otherwise() -> SqlRefused:
    """Refusal of a text whose two readings differ."""
    return SqlRefused("is read in another way by the engine than it looks", f"write it more plainly: {_LISTED}")


def not_listed(node: exp.Expr) -> SqlRefused:
    """Refusal of a node that no list has."""
    match node:
        case exp.Window():
            return SqlRefused("holds a window function", _ONE_VALUE)
        case exp.Columns() | exp.Star():
            return SqlRefused("gives more than one value", "write one expression")
        case exp.Placeholder() | exp.Parameter() | exp.SessionParameter():
            return SqlRefused("holds a parameter", "write the value itself")
        case exp.RegexpLike():
            return SqlRefused("holds `~`", "write regexp_full_match, or regexp_matches for a part of the text")
        case exp.Pow():
            return SqlRefused("holds `^` or `**`", "write power(x, y)")
        case exp.Alias():
            return SqlRefused(
                "is not SQL: it gives a name to a value", f"{_REMEDY}; names of the source in double quotes"
            )
        case _:
            return SqlRefused(f"holds {type(node).__name__.upper()}, which may not stand there", _LISTED)


def as_engine_reads(*statements: str) -> list[dict[str, Any]]:
    """The engine's parse tree of each statement, which is one query."""
    # As literals, since DuckDB imports pandas to read a parameter: a quarter of a second at the start of every command.
    asked = ", ".join(f"json_serialize_sql({text_literal(statement)})" for statement in statements)
    with _ONE_AT_A_TIME:
        found = _engine(os.getpid()).execute(f"SELECT {asked}").fetchone()
    read = [json.loads(tree) for tree in found or ()]
    if any(tree["error"] or len(tree["statements"]) != 1 for tree in read):
        raise SqlRefused("is not SQL")
    return [tree["statements"][0]["node"] for tree in read]


def _only_value(select: dict[str, Any]) -> Any:
    """The expression of a `SELECT (...)` without other clauses; else None."""
    is_one = select.get("type") == "SELECT_NODE" and len(select["select_list"]) == 1
    if not is_one or select["from_table"]["type"] != "EMPTY":
        raise SqlRefused("is a statement or holds a subquery")
    return select["select_list"][0]


def meaning(node: Any, classes: frozenset[str] = _CLASSES) -> Any:
    """Normalised parse tree, without text positions and with one form of equivalent nodes.

    Raises:
        SqlRefused: a node is of none of the engine's classes that may stand there.
    """
    if isinstance(node, list):
        return [meaning(item, classes) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("class", "CASE") not in classes:
        raise SqlRefused(f"holds a {str(node['class']).lower()} to the engine, which may not stand there", _LISTED)
    normalised = {name: meaning(value, classes) for name, value in node.items() if name != "query_location"}
    children = normalised.get("children") or []
    if normalised.get("type") == "OPERATOR_NOT" and children[0].get("type") == "OPERATOR_IS_NULL":
        return {**children[0], "type": "OPERATOR_IS_NOT_NULL"}
    name = normalised.get("function_name")
    if name == "+" and len(children) == 1:
        return children[0]
    if name == "position":
        return {**normalised, "function_name": "strpos", "schema": ""}
    if normalised.get("class") == "CAST" and normalised["cast_type"]["id"] == "DOUBLE":
        given = normalised["child"]
        if given.get("class") == "CONSTANT":  # the number of an INTERVAL, also as text
            return {**normalised, "child": str(given["value"].get("value"))}
    return normalised


@lru_cache(maxsize=1)
def _engine(process: int) -> duckdb.DuckDBPyConnection:
    """One DuckDB connection per process, which only parses."""
    return duckdb.connect(config={"threads": 1, "enable_external_access": False, "lock_configuration": True})
