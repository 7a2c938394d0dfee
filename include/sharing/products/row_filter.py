"""Row filter of a product: a plain SQL predicate over one row's columns.

The text of an agreement is written by officials and runs with the lake's rights. So it is parsed, checked against an
allow-list of nodes, and generated anew: the text itself never reaches an engine.
"""

from __future__ import annotations

import duckdb
from sqlglot import exp

from include.contracts.model import RESERVED_PREFIX, Table
from include.contracts.sql import SqlRefused, rewritten, understood
from include.lake.storage import quote
from include.sharing.products.filter_clock import InstantInTuple, by_hanoi

_ALLOWED = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Tuple, exp.Neg,
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is,
    exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In, exp.Like, exp.ILike, exp.Escape,
    exp.Substring, exp.Trim, exp.Add, exp.Sub, exp.Mul, exp.Cast, exp.DataType, exp.DataTypeParam,
)  # fmt: skip
_FUNCTIONS = {"starts_with", "substr", "left", "right", "lower", "upper", "length", "year", "month", "coalesce", "date"}


class FilterRefused(ValueError):
    """A row filter that is not a plain predicate over the table's columns; the message gives the reason."""

    def __init__(self, reason: str, vietnamese: str = "không phải là một điều kiện đơn giản") -> None:
        super().__init__(reason)
        self.vietnamese = vietnamese


def compile_filter(text: str, table: Table) -> str:
    """DuckDB SQL for the predicate `text` over `table`; `true` for an empty one.

    The day and the year of an instant are those in Viet Nam, whatever the session's time zone.

    Raises:
        FilterRefused: it is not one plain predicate over the table's columns.
    """
    if not text.strip():
        return "true"
    try:
        tree = understood(text)
        names = {column.name.lower(): column.name for column in table.columns}
        for node in tree.walk():
            _check(node, names)
        predicate = rewritten(text)
    except SqlRefused as refused:
        raise FilterRefused(str(refused)) from None
    _check_types(predicate, table)
    instants = {column.name.lower() for column in table.columns if column.sql_type == "TIMESTAMPTZ"}
    try:
        by_clock = by_hanoi(predicate, instants)
    except InstantInTuple:
        raise FilterRefused(
            "compares several values at once, an instant among them: write one comparison for each",
            "so sánh nhiều giá trị cùng lúc, trong đó có thời điểm: viết từng phép so sánh",
        ) from None
    if by_clock != predicate:
        _check_types(by_clock, table)
    return by_clock


def compared_columns(text: str) -> frozenset[str]:
    """Names of the columns that a compiled filter compares; not those that it only asks whether they are there."""
    if not text.strip():
        return frozenset()
    found = (node for node in understood(text).find_all(exp.Column) if not isinstance(node.parent, exp.Is))
    return frozenset(node.name.lower() for node in found)


def _check(node: exp.Expr, names: dict[str, str]) -> None:
    if isinstance(node, exp.Column):
        _check_column(node, names)
    elif isinstance(node, exp.Anonymous) and node.name.lower() in _FUNCTIONS:
        return
    elif type(node) not in _ALLOWED or (isinstance(node, exp.In) and not _is_list(node)):
        spelled = _spelled(node)
        raise FilterRefused(f"uses {spelled}, which a row filter may not", "dùng phép tính hoặc hàm không được phép")


def _check_column(node: exp.Column, names: dict[str, str]) -> None:
    if node.table or node.args.get("join_mark"):
        raise FilterRefused(
            "names a column with a table or schema before it: write the column alone",
            "ghi tên bảng trước tên cột: chỉ ghi tên cột",
        )
    if node.name.startswith(RESERVED_PREFIX) or node.name.lower() not in names:
        known = ", ".join(names.values())
        raise FilterRefused(
            f"names `{node.name}`, which is not a column of the table ({known})",
            f"bảng không có cột `{node.name}`; các cột hiện có: {known}",
        )


def _is_list(node: exp.In) -> bool:
    return not any(node.args.get(part) for part in ("query", "unnest", "field"))


def _spelled(node: exp.Expr) -> str:
    if isinstance(node, exp.Query):
        return "a query"
    if isinstance(node, exp.Func):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        return f"the function {name.lower()}()"
    return f"`{type(node).__name__.upper()}`"


def _check_types(predicate: str, table: Table) -> None:
    """Bind the predicate against the table's columns in DuckDB, without rows, files or network."""
    columns = ", ".join(f"CAST(NULL AS {column.sql_type}) AS {quote(column.name)}" for column in table.columns)
    connection = duckdb.connect(config={"enable_external_access": False, "autoload_known_extensions": False})
    try:
        (kind,) = connection.execute(f"DESCRIBE SELECT ({predicate}) AS p FROM (SELECT {columns})").fetchall()
    except duckdb.Error:
        raise FilterRefused(
            "compares values of types that do not fit (a date is written DATE '2025-07-01')",
            "so sánh các giá trị khác kiểu (ngày được ghi là DATE 'năm-tháng-ngày')",
        ) from None
    finally:
        connection.close()
    if kind[1] != "BOOLEAN":
        raise FilterRefused(
            "is a value, not a condition that is true or false", "là một giá trị, không phải điều kiện đúng hoặc sai"
        )
