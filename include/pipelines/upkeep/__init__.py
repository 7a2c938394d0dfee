"""Care of published tables: maintenance, and their versions (history, read, restore)."""

from include.pipelines.upkeep.maintenance import maintain_lake
from include.pipelines.upkeep.versions import list_versions, read_version, restore_step
