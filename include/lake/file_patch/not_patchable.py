"""What becomes of a failure while a file is patched: it is storage's, or the file is left to DuckDB."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from thrift.Thrift import TException

from include.lake.storage import lake_errors

# Raised where bytes are not the Parquet that they are taken for. Arrow raises OSError for a damaged page.
_NOT_UNDERSTOOD = (
    pa.ArrowException, TException, OSError, EOFError, struct.error, LookupError, ValueError, TypeError, AttributeError,
    ArithmeticError, RecursionError, MemoryError,
)  # fmt: skip


class NotPatchable(Exception):
    """A Parquet file that is not understood, or not what its footer says: DuckDB rewrites it, or tells why not."""


@contextmanager
def patching() -> Iterator[None]:
    """The one rule for failures of a patch: faults of storage go up, any other failure becomes NotPatchable.

    Storage is read by `read_at` and written by `Assembly` alone, and their failures are LakeErrors. Parquet is decoded
    from memory, so an OSError there is no fault of storage.
    """
    try:
        yield
    except _NOT_UNDERSTOOD as error:
        raise NotPatchable(type(error).__name__) from error


def ensure(holds: bool, what: str) -> None:
    """Raise NotPatchable if something does not hold."""
    if not holds:
        raise NotPatchable(what)


def read_at(file: pa.NativeFile, start: int, size: int) -> bytes:
    """Bytes of a stored file. Raises LakeError: storage failed; NotPatchable: the file has no such bytes."""
    with lake_errors("reading a file of a table"):
        is_inside = 0 <= start <= start + size <= file.size()
        data = bytes(file.read_at(size, start)) if is_inside else b""
    ensure(is_inside and len(data) == size, "the file is shorter than it says")
    return data
