"""Three syncs of one registry at once, from machines that share nothing but the lake: none reports a failure."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.audit.verification.verify_lake import verify
from include.lake.run_log import log_tables
from tests.forking import CLI, Forked
from tests.integration.everyday.ledger_source import PaymentSource, context_of
from tests.repeats import held_by, repeats

pytestmark = pytest.mark.slow
DAYS = repeats(2, 8)
OWN = "integration/everyday/test_three_at_once.py::test_none_of_three_syncs_fails"


def sync_three_times(tmp_path: Path, environ: dict[str, str], *options: str) -> list[dict[str, Any]]:
    """Begin three syncs at the same instant, each with a scratch folder of its own; what each says in the end."""
    begun = [
        Forked(
            CLI, "sync", "payments", "--json", *options,
            env={**os.environ, **environ, "LIENTHONG_TMP": str(tmp_path / f"machine-{number}")},
        )
        for number in range(3)
    ]  # fmt: skip
    said = []
    for process in begun:
        out = process.communicate()
        assert process.wait() == 0, out
        said.append(json.loads(out))
    return said


@pytest.mark.parametrize("store", ["folder", pytest.param("S3", marks=held_by(OWN))])
def test_none_of_three_syncs_fails(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    uri = f"sqlite:///{tmp_path}/payments.db"
    source, context = PaymentSource(uri, seed=3, rows=300), context_of(tmp_path, uri)
    environ = {**context.environ, "SCHEMAS_DIR": str(context.schemas)}
    if store == "S3":
        environ |= request.getfixturevalue("s3").environ("three-at-once")
        context = type(context)(context.lake.from_environment(environ), context.schemas, environ)
    _days(tmp_path, source, context, environ)


def _days(tmp_path: Path, source: PaymentSource, context: Any, environ: dict[str, str]) -> None:
    for day in range(DAYS):
        said = sync_three_times(tmp_path, environ, *(["--full"] if day == min(2, DAYS - 1) else []))
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
