"""Care of published tables: maintenance, and their versions (history, read, restore)."""

from __future__ import annotations

from include.pipelines.upkeep.maintenance import maintain_lake
from include.pipelines.upkeep.versions import list_versions, read_version, restore_step

__all__ = [
    "list_versions",
    "maintain_lake",
    "read_version",
    "restore_step",
]
