"""The first linking waits for the registries that are connected here, and for no other."""

from __future__ import annotations

from pathlib import Path

from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.people import awaited_tables
from tests.ascii_tables import SCHEMAS


def test_a_registry_without_a_connection_is_not_waited_for(tmp_path: Path) -> None:
    """Finance is a folder that its contract names, so it needs no variable."""
    environ = {"AIRFLOW_CONN_DOSSIERS_38": "sqlite:///dossiers.sqlite"}
    context = PipelineContext(Lake(str(tmp_path / "lake"), scratch=tmp_path / "tmp"), SCHEMAS, environ)
    assert awaited_tables(context=context) == ["dossiers.dossier", "finance.taxpayer"]
