"""Errors of reading a source, one class per failure.

Every message states the remedy, and none holds a value of the registry or a credential. Database engines quote values
in their messages, so their text is only used to classify the failure and never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from include.known_error import KnownError


class SourceError(KnownError):
    """Base of source errors. `is_retryable`: the same call may succeed later without intervention."""

    is_retryable: ClassVar[bool] = False


class SourceUnavailable(SourceError):
    """The source does not answer: it is down, starting, unreachable, or out of connections."""

    is_retryable = True


class SourceLost(SourceError):
    """The connection to the source was lost during the extract."""

    is_retryable = True


class SourceDenied(SourceError):
    """The source refuses access: wrong user or password, or no right to read."""


class RowsHidden(SourceDenied):
    """A row-level policy of the source hides rows from this user."""


class SourceMissing(SourceError):
    """A database, table or column that the contract reads does not exist."""


class ColumnsMissing(SourceMissing):
    """The source object lacks `columns` that the contract reads; `found` are the columns it has.

    `found` of a file may be values: no message may quote it. `hints` are, for each missing column, what may be said of
    a similar one (or empty).
    """

    def __init__(
        self, message: str, *, columns: Sequence[str], found: Sequence[str], hints: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.columns, self.found = tuple(columns), tuple(found)
        self.hints = tuple(hints) or ("",) * len(self.columns)


class SourceDrifted(SourceError):
    """The source schema has drifted and the contract's policy is `drift: freeze`."""


class SourceClosed(SourceError):
    """The source may not be read at this hour; `opens_at` is the next instant at which it may."""

    is_retryable = True

    def __init__(self, message: str, *, opens_at: datetime) -> None:
        super().__init__(message)
        self.opens_at = opens_at


class SourceSecretMissing(SourceError):
    """The connection of the registry is not configured, or not readable as a URI."""


class DropBroken(SourceError):
    """A file drop is incomplete, altered, or not in the format that the contract states."""


_LOST_SIGNS = (
    "server closed the connection",
    "terminating connection",
    "connection not open",
    "no connection to the server",
    "connection has been closed",
    "could not receive data",
    "connection reset",
    "broken pipe",
    "lost connection",
    "gone away",
    "connection was killed",
    "conflict with recovery",
    "statement timeout",
    "idle-in-transaction timeout",
    "max_statement_time",
    "maximum statement execution time",
    "query execution was interrupted",
    "shutting down",
    "shutdown in progress",
    "unexpected eof",
    "eof detected",
    "database disk image is malformed",
    "disk i/o error",
    "failed to fetch result row",
)
_SILENT_SIGNS = (r"during query \(timed out\)", r"during query \(the read operation timed out\)")
_HIDDEN_SIGNS = ("row-level security",)
_BUSY_SIGNS = (
    "connection refused",
    "could not connect",
    "can't connect",
    "connection failed",
    "failed to connect",
    "unable to connect",
    "unable to open",
    "no such file or directory",
    "could not translate host name",
    "name or service not known",
    "failed to resolve",
    "unknown server host",
    "timed out",
    "timeout expired",
    "starting up",
    "too many clients",
    "too many connections",
    "connection slots are reserved",
    "no route to host",
    "database is locked",
    "lock timeout",
    "lock wait timeout",
)
_DENIED_SIGNS = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "authentication failed",
    "access denied",
    "permission denied",
    "insufficient privilege",
    "command denied",
    "role .* does not exist",
    "is not permitted to log in",
    "login failed",
    "attempt to write a readonly",
    "not authorized",
)
_MISSING_SIGNS = (
    "unknown database",
    r"database \S* ?does not exist",
    "does not exist",
    "doesn't exist",
    "no such table",
    "no such column",
    "undefined table",
    "undefined column",
)

_REMEDY: dict[type[SourceError], str] = {
    SourceDenied: "the source refuses: check the user and password in {variable}, and that this user may read {object} "
    "(GRANT SELECT)",
    RowsHidden: "a row-level security policy of the source hides rows of {object} from the user in {variable} (rights "
    "changed, or were never whole): rows that are hidden would look deleted, so nothing was read. Ask the source's "
    "administrator for a user that sees every row: ALTER ROLE ... BYPASSRLS, or the table's owner, or SELECT on a view "
    "that the owner makes of it (without security_invoker)",
    SourceMissing: "the source has no such database or table: check the database in {variable}, and "
    "{object}'s physicalName in the contract",
    SourceLost: "the source was lost half-way while {object} was read (dropped connection, restart or time limit): "
    "run it again; nothing was published. If it happens each time, ask the source's administrator about time limits",
    SourceUnavailable: "the source does not answer, or is locked: check that it is running, and the host and "
    "port in {variable}; the run can be repeated",
}


def kind_of(text: str, *, code: str = "") -> type[SourceError] | None:
    """The error class for a database's message and SQLSTATE; None if it matches none."""
    by_code: dict[str, type[SourceError]] = {
        "28": SourceDenied,
        "42501": SourceDenied,
        "3D000": SourceMissing,
        "42P01": SourceMissing,
        "42703": SourceMissing,
        "3F000": SourceMissing,
        "57P01": SourceLost,
        "57P02": SourceLost,
        "57014": SourceLost,
        "57P03": SourceUnavailable,
        "55P03": SourceUnavailable,
        "53300": SourceUnavailable,
    }
    for prefix, kind in by_code.items():
        if code.startswith(prefix):
            return kind
    shortened = text.partition("\n\nLINE ")[0]
    lowered = re.sub(
        r'query ".*": ', "", shortened, flags=re.DOTALL
    ).lower()  # the quoted statement may contain any of the words
    for signs, kind in (
        (_HIDDEN_SIGNS, RowsHidden),
        (_SILENT_SIGNS, SourceUnavailable),
        (_DENIED_SIGNS, SourceDenied),
        (_MISSING_SIGNS, SourceMissing),
        (_LOST_SIGNS, SourceLost),
        (_BUSY_SIGNS, SourceUnavailable),
    ):
        if any(re.search(sign, lowered) for sign in signs):
            return kind
    return None


def source_error(kind: type[SourceError], *, variable: str, object_name: str) -> SourceError:
    """The error to raise, with its remedy. `object_name` is the table's name in the contract."""
    return kind(f"{object_name}: " + _REMEDY[kind].format(variable=variable, object=object_name))


def unknown_error(error: BaseException, *, object_name: str, code: str = "") -> SourceError:
    """Error for an unclassified failure, with its class and code only, since its text may quote values."""
    named = f"{type(error).__module__.split('.')[0]}.{type(error).__name__}" + (f", code {code}" if code else "")
    return SourceError(
        f"{object_name}: the source could not be read ({named}); look in the source's own log at this time. "
        "The engine's text is withheld because it may quote personal data"
    )
