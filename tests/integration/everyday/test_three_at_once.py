"""Three syncs of one registry at once, from machines that share nothing but the lake: none reports a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.audit.verification.verify_lake import verify
from include.lake.run_log import log_tables
from tests.integration.everyday.ledger_source import PaymentSource, context_of
from tests.integration.lake.weed import serve

pytestmark = pytest.mark.slow
DAYS = 5


def sync_three_times(tmp_path: Path, environ: dict[str, str], *options: str) -> list[dict[str, Any]]:
    """Begin three syncs at the same instant, each with a scratch folder of its own; what each says in the end."""
    command = [sys.executable, "-m", "include.cli", "sync", "payments", "--json", *options]
    begun = [
        subprocess.Popen(
            command,
            env={**os.environ, **environ, "LIENTHONG_TMP": str(tmp_path / f"machine-{number}")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    said = []
    for process in begun:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
        said.append(json.loads(out))
    return said


@pytest.mark.parametrize("store", ["folder", "S3"])
def test_none_of_three_syncs_fails(store: str, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=3, rows=300), context_of(tmp_path, uri)
    environ = {**context.environ, "SCHEMAS_DIR": str(context.schemas)}
    if store == "folder":
        _days(tmp_path, source, context, environ)
        return
    with serve(tmp_path / "s3") as s3:
        environ |= s3.environ()
        _days(
            tmp_path, source, type(context)(context.lake.from_environment(environ), context.schemas, environ), environ
        )


def _days(tmp_path: Path, source: PaymentSource, context: Any, environ: dict[str, str]) -> None:
    for day in range(DAYS):
        said = sync_three_times(tmp_path, environ, *(["--full"] if day == 2 else []))
        assert {one["verdict"] for one in said} <= {"published", "unchanged"}, said
        rows = context.lake.table("registry/payments/payment").to_pyarrow_table()
        columns = (rows[name].to_pylist() for name in ("number", "payer", "amount_vnd"))
        assert sorted(zip(*columns, strict=True)) == [row[:3] for row in source.content()]
        source.clock += timedelta(days=1)
        for change in (source.update, source.delete, source.insert):
            change(20)
    runs = log_tables.read(context.lake, "runs").to_pylist()
    assert [row["error"] for row in runs if row["verdict"] == "failed"] == []
    assert verify(context.lake).ok
