"""Errors of the lake, one class per failure, and the classification of engine errors.

Engines quote data in their messages (a failed cast shows the value). So the text of an engine's error is only used to
classify it, and never passed on.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake.exceptions import (
    CommitFailedError,
    DeltaError,
    SchemaMismatchError,
    TableNotFoundError,
)
from obstore.exceptions import BaseError as ObjectStoreError

from include.known_error import KnownError

_LIBRARY = Path(__file__).resolve().parents[2]


class LakeError(KnownError):
    """Base of lake errors; the message states the remedy and holds no value of a registry."""


class LakeUnreachable(LakeError):
    """The lake's store does not answer, or its bucket or mount is missing. Retryable."""


class LakeDenied(LakeError):
    """The lake's store refuses access: credentials or file permissions."""


class LakeFull(LakeError):
    """No space left (or a quota or file-size limit reached), in the lake or in the scratch folder."""


class LakeDamaged(LakeError):
    """A file of the lake is not valid Parquet."""


class LakeConflict(LakeError):
    """Another writer committed to the same table meanwhile. Retryable, from the start of the step."""


class LakeOutdated(LakeError):
    """The table was restored meanwhile, so the rows read do not follow on its version. Run again from the extract."""


class LakeSchemaConflict(LakeError):
    """A published table's schema cannot evolve to the contract's without breaking readers."""


class LakeKeyBroken(LakeError):
    """Accepted rows have a null or a duplicate primary key."""


class LakeTableMissing(LakeError):
    """There is no table of that name in the lake."""


class LakePathRefused(LakeError, ValueError):
    """A path that would leave the lake."""


_FULL_CODES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED_CODES = {errno.EACCES, errno.EPERM, errno.EROFS}
_GONE_CODES = {
    errno.EIO,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.ENOTDIR,
    errno.ECONNREFUSED,
    errno.ETIMEDOUT,
    errno.EHOSTUNREACH,
}

# In this order: a longer message about a failed connection or write may contain that the disk is full.
_FULL_SIGNS = (
    "no space left",
    "os error 28",
    "os error 27",
    "os error 122",
    "file too large",
    "disk quota exceeded",
    "disk full",
    "max_temp_directory_size",
    "failed to offload",
    "insufficientstorage",
)
_DENIED_SIGNS = (
    "permission denied",
    "permissiondenied",
    "operation not permitted",
    "read-only file system",
    "os error 13",
    "os error 1)",
    "os error 30",
    "accessdenied",
    "access denied",
    "access_denied",
    "forbidden",
    "http 403",
    "status code 403",
    "invalidaccesskeyid",
    "signaturedoesnotmatch",
    "signature_does_not_match",
    "does not match the signature",
    "unauthenticated",
    "unauthorized",
    "expiredtoken",
    "invalid_access_key_id",
)
_GONE_SIGNS = (
    "connection refused",
    "could not connect",
    "couldn't connect",
    "could not establish connection",
    "could not resolve",
    "couldn't resolve",
    "error sending request",
    "dns error",
    "timed out",
    "timeout",
    "curlcode",
    "connection error",
    "network_connection",
    "nosuchbucket",
    "no_such_bucket",
    "the specified bucket does not exist",
    "broken pipe",
    "connection reset",
    "http 5",
    "503 service",
    "500 internal",
    "not a directory",
    "os error 20)",
    "os error 5)",
    "stale file handle",
    "transport endpoint",
)

_DAMAGED_SIGNS = ("parquet", "magic bytes", "failed to read file", "could not read enough bytes", "footer length")
_CONFLICT_SIGNS = ("already exists", "transaction failed", "concurrent", "conflict")

_DUCKDB_STORE_ERRORS = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException)
_ENGINE_ERRORS = (duckdb.Error, DeltaError, TableNotFoundError, ObjectStoreError, pa.ArrowException, OSError)

_REMEDY = {
    LakeFull: "the disk or quota of the lake, or of the scratch folder (LIENTHONG_TMP), is full: make room, then run "
    "again; nothing half-written is visible to readers",
    LakeDenied: "the lake refuses access: check AWS_ACCESS_KEY_ID / AWS_SECRET_ACCESS_KEY and the bucket's policy, or "
    "the owner and mode of the folder",
    LakeUnreachable: "the lake does not answer: check LAKE_URI, AWS_ENDPOINT_URL, the bucket's name and the network, "
    "then run again; nothing was published",
    LakeConflict: "another run committed to the same table meanwhile: run this table again (one writer per table is "
    "the rule; in Airflow the table's pool keeps it)",
    LakeDamaged: "a Parquet file of the lake is damaged, or of a kind that cannot be read: put the file back from a "
    "backup, or restore the table to an earlier version (`lienthong restore`), then run again; nothing was published",
    LakeTableMissing: "there is no such table: sync the registry first, or check the name",
    LakeSchemaConflict: "the rows do not fit the table's columns: compare the contract with the published schema",
}


def classify(error: BaseException) -> type[LakeError]:
    """The error class for an engine's error; `LakeError` itself if it matches no other."""
    if isinstance(error, TableNotFoundError):
        return LakeTableMissing
    if isinstance(error, SchemaMismatchError):
        return LakeSchemaConflict
    # DuckDB's Parquet reader raises its base error class.
    is_damage = type(error) is duckdb.Error or (
        isinstance(error, duckdb.Error) and any(sign in str(error).lower() for sign in _DAMAGED_SIGNS)
    )
    if isinstance(error, duckdb.Error) and not isinstance(error, _DUCKDB_STORE_ERRORS):
        # Its text is about rows or SQL, so words in it do not classify the store's failure.
        return LakeDamaged if is_damage else LakeError
    code = error.errno if isinstance(error, OSError) else None
    text = str(error).lower()
    for codes, signs, kind in (
        (_FULL_CODES, _FULL_SIGNS, LakeFull),
        (_DENIED_CODES, _DENIED_SIGNS, LakeDenied),
        (_GONE_CODES, _GONE_SIGNS, LakeUnreachable),
    ):
        if code in codes or any(sign in text for sign in signs):
            return kind
    if isinstance(error, CommitFailedError) or any(sign in text for sign in _CONFLICT_SIGNS):
        return LakeConflict
    return LakeDamaged if is_damage else LakeError


@contextmanager
def lake_errors(doing: str) -> Iterator[None]:
    """Turn engine errors inside the block into lake errors. `doing` completes "while ..." and must hold no value."""
    try:
        yield
    except LakeError:
        raise
    except _ENGINE_ERRORS as error:
        kind = classify(error)
        remedy = _REMEDY.get(kind) or (
            f"{type(error).__module__.split('.')[0].strip('_')} raised {type(error).__name__} at {_place(error)}; its "
            "text is withheld because it may quote personal data. Run again; if it comes back, report this line"
        )
        raise kind(f"while {doing}: {remedy}") from None


def _place(error: BaseException) -> str:
    """The innermost line of this project in the error's traceback."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(_LIBRARY)]
    if not frames:
        return "an unknown place"
    return f"include/{Path(frames[-1].filename).relative_to(_LIBRARY)}:{frames[-1].lineno}"
