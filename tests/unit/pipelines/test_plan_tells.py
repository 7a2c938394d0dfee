"""`plan` tells which rows no run but a full one can find; older tests planned only tables whose keys are compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.console import output, show_plan
from include.lake.storage.lake import Lake
from include.pipelines.checks import plan_registry
from include.pipelines.context import PipelineContext

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: r
version: 1.0.0
status: active
servers: [{server: r, type: custom}]
schema:
  - name: t
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: moved_at, logicalType: timestamp, required: true}
    customProperties:
      - {property: extract, value: {EXTRACT}}
"""


@pytest.mark.parametrize(
    ("extract", "uri", "is_told"),
    [
        ("cursor: [moved_at], lag: PT1S, deletes: none", "sqlite:////x.db", True),
        ("cursor: [moved_at], deletes: soft, deletedWhen: id < 0", "sqlite:////x.db", True),
        ("cursor: [moved_at], lag: P1D, deletes: none", "sqlite:////x.db", False),  # no transaction is that long
        ("cursor: [moved_at], lag: PT1S", "sqlite:////x.db", False),  # keys are compared
        ("deletes: none", "sqlite:////x.db", False),  # everything is read
        ("cursor: [moved_at], lag: PT1S, deletes: none", "file:///drop", False),  # the same
    ],
)
def test_what_a_cursor_cannot_find_is_told(tmp_path: Path, extract: str, uri: str, is_told: bool) -> None:
    (tmp_path / "registries").mkdir()
    (tmp_path / "registries/r.odcs.yaml").write_text(CONTRACT.replace("EXTRACT", extract), encoding="utf-8")
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "scratch")
    (plan,) = plan_registry(PipelineContext(lake, tmp_path, {"AIRFLOW_CONN_R": uri}), "r")
    assert bool(plan.cannot_find) == is_told
    with output.capture() as shown:
        show_plan("r", [plan.to_dict()])
    assert ("not found until a `--full` run" in " ".join(shown.get().split())) == is_told
    assert plan.to_dict()["is_breaking"] is False
