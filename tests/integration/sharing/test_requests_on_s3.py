"""On a real S3 server the portal asks and answers with the rights that it has there, and writes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import write_deltalake

from include.audit.verification import verify
from include.lake.storage import Lake, LakeDenied, lake_errors
from include.pipelines.requests import ask_for, refuse
from include.sharing.requests import Refusal
from tests.small_population import STEWARD, At
from tests.unit.requests.conftest import an_ask, context

from .recipients import LAKE_URI, PORTAL, options

__all__ = ["context"]


def test_the_portal_keeps_requests_with_its_own_key(context: At, lake: Lake, endpoint: str, tmp_path: Path) -> None:
    given = options(PORTAL.access_key, PORTAL.secret_key, endpoint)
    own = Lake(LAKE_URI, tuple(sorted(given.items())), tmp_path / "portal")
    portal = At(own, context.schemas, {}, context.clock)
    asked = ask_for(portal, "nso", "population.citizen", an_ask())
    assert refuse(portal, asked.request_id, STEWARD, Refusal("state_secret", "Điều 7", "x")).number == 2
    assert verify(lake, now=context.now()).ok
    table = lake.table("audit/requests").to_pyarrow_table()
    assert sorted(table["act"].to_pylist()) == ["asked", "refused"]
    with pytest.raises(LakeDenied), lake_errors("writing where the portal may not"):
        write_deltalake(own.path("registry", "population", "citizen"), table, storage_options=own.storage_options())
