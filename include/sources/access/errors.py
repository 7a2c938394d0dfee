"""What can go wrong while reading a source, one class per failure.

Every message says what to do, and none holds a value of the registry or a credential. Database engines quote values in
their messages, so their text is read here to tell the kind of failure and never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar


class SourceError(Exception):
    """A source could not be read. `is_retryable`: the same call may succeed later with nothing changed by hand."""

    is_retryable: ClassVar[bool] = False


class SourceUnavailable(SourceError):
    """The source does not answer: down, starting, unreachable, or out of connections."""

    is_retryable = True


class SourceLost(SourceError):
    """The source answered, and was lost half-way through the extract."""

    is_retryable = True


class SourceDenied(SourceError):
    """The source answers and says no: wrong user or password, or no right to read."""


class RowsHidden(SourceDenied):
    """The source answers, and would leave rows out that a row-level policy hides from this user."""


class SourceMissing(SourceError):
    """The database, table or column that the contract reads is not there."""


class ColumnsMissing(SourceMissing):
    """The source object is there, without some `columns` that the contract reads; `found` are those that it has."""

    def __init__(self, message: str, *, columns: Sequence[str], found: Sequence[str]) -> None:
        super().__init__(message)
        self.columns, self.found = tuple(columns), tuple(found)


class SourceDrifted(SourceError):
    """The source object no longer looks as it did, and the contract wants to be asked (`drift: freeze`)."""


class SourceClosed(SourceError):
    """The source may not be read at this hour; `opens_at` is when it may."""

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
    """The failure behind a database's own words and SQLSTATE; None when it is none of the known ones."""
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
    told = text.partition("\n\nLINE ")[0]
    lowered = re.sub(r'query ".*": ', "", told, flags=re.DOTALL).lower()  # our own SQL may hold any word
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
    """The error to raise, with its remedy. `object_name` is what the contract calls the table."""
    return kind(f"{object_name}: " + _REMEDY[kind].format(variable=variable, object=object_name))


def unknown_error(error: BaseException, *, object_name: str, code: str = "") -> SourceError:
    """A failure of no known kind: only its class and code are told, since its text may quote values."""
    named = f"{type(error).__module__.split('.')[0]}.{type(error).__name__}" + (f", code {code}" if code else "")
    return SourceError(
        f"{object_name}: the source could not be read ({named}); look in the source's own log at this time. "
        "The engine's text is withheld because it may quote personal data"
    )
