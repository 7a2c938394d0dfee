"""An engine's error becomes one of ours by its kind; its text, which may quote a row, goes no further."""

from __future__ import annotations

import errno
import traceback

import duckdb
import pytest
from deltalake.exceptions import CommitFailedError, DeltaError

from include.lake.storage.errors import (
    LakeConflict,
    LakeDenied,
    LakeError,
    LakeFull,
    LakeUnreachable,
    classify,
    lake_errors,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "x"), LakeFull),
        (OSError(errno.EFBIG, "x"), LakeFull),
        (OSError(errno.EACCES, "x"), LakeDenied),
        (OSError(errno.EROFS, "x"), LakeDenied),
        (OSError(errno.ESTALE, "x"), LakeUnreachable),
        (DeltaError("Generic LocalFileSystem error: No space left on device (os error 28)"), LakeFull),
        (DeltaError("Error performing PUT: 403 Forbidden: <Code>AccessDenied</Code>"), LakeDenied),
        (DeltaError("error sending request: Connection refused (os error 111)"), LakeUnreachable),
        (OSError("AWS Error NETWORK_CONNECTION during PutObject operation: curlCode: 7"), LakeUnreachable),
        (CommitFailedError("Transaction failed: concurrent update"), LakeConflict),
        (DeltaError("Delta transaction failed, version 3 already exists."), LakeConflict),
        (duckdb.IOException('Could not write file "/x": No space left on device'), LakeFull),
        (duckdb.IOException("HTTP GET error ... (HTTP 403)"), LakeDenied),
        (duckdb.OutOfMemoryException("failed to offload data block (max_temp_directory_size)"), LakeFull),
        (duckdb.ConversionException("Could not convert string 'forbidden 403' to INT32"), LakeError),
        (ValueError("anything"), LakeError),
    ],
)
def test_the_kind_of_a_failure(error, kind):
    assert classify(error) is kind


def test_the_text_of_an_engine_stays_behind():
    with pytest.raises(LakeError) as caught, lake_errors("comparing population.citizen"):
        duckdb.execute("SELECT CAST('Nguyễn Thị Bí Mật' AS INTEGER)")
    shown = "".join(traceback.format_exception(caught.value))
    assert "Bí Mật" not in shown
    assert "while comparing population.citizen" in str(caught.value)
    assert "ConversionException" in str(caught.value)


def test_other_exceptions_pass():
    with pytest.raises(KeyError), lake_errors("x"):
        raise KeyError("bug")
