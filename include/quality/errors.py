"""Errors between extract and gate, one class per failure.

DuckDB quotes data in its messages (`Could not convert string '...'`). Its text is only used to classify the failure,
and never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb

from include.known_error import KnownError
from include.lake.storage import lake_errors

DATA_ERRORS = (duckdb.DataError, duckdb.InvalidInputException)
_BIND_ERRORS = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.NotImplementedException)
_UNKNOWN_COLUMN = re.compile(r'Referenced (?:column|table) "((?:[^"]|"")+)" not found')
_UNKNOWN_NAME = re.compile(r"Function with name \"?(\w+)\"? does not exist|Table with name \"?(\w+)\"? does not exist")


class QualityError(KnownError):
    """Base of errors of judging rows; the message states the remedy and holds no value of a registry."""


class ConformError(QualityError):
    """A contract column cannot be computed from the extract."""


class RuleUnusable(QualityError):
    """A rule of the contract cannot be run on the conformed rows."""


class ConservationBroken(QualityError):
    """Rows were lost or duplicated: extracted is not accepted + rejected + superseded."""


class EvaluationsDisagree(QualityError):
    """The split and Great Expectations count a rule differently, so nothing may be published."""


class MemoryExhausted(QualityError):
    """The engine's memory limit was reached where it cannot spill to disk."""


def run(
    connection: duckdb.DuckDBPyConnection, sql: str, *, doing: str, blame: Callable[[], QualityError | None]
) -> None:
    """Run a statement. If it fails because of the data or the contract, raise the error that `blame` determines.

    Raises:
        QualityError: the result of `blame`, or MemoryExhausted.
        LakeError: the lake or the scratch folder failed.
    """
    with lake_errors(doing):
        try:
            connection.execute(sql)
        except duckdb.OutOfMemoryException as error:
            if "max_temp_directory_size" in str(error) or "offload" in str(error):
                raise
            raise MemoryExhausted(
                f"while {doing}: the engine reached its memory limit: run fewer tables at once, or give it more memory"
            ) from None
        except (*DATA_ERRORS, *_BIND_ERRORS):
            culprit = blame()
            if culprit is None:
                raise
            raise culprit from None


def why_unbound(error: duckdb.Error) -> str:
    """Name of the missing column or function in a binder error (names from the contract, never a value)."""
    text = str(error)
    if found := _UNKNOWN_COLUMN.search(text):
        return f'it speaks of "{found[1]}", which is not there'
    if found := _UNKNOWN_NAME.search(text):
        return f"there is no function or list named {found[1] or found[2]}"
    if isinstance(error, duckdb.ParserException):
        return "it is not a SQL expression"
    return "its types or functions do not fit together"
