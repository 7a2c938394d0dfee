"""Care of published tables: maintenance, and their versions (history, read, restore), the end of a server's rows."""

from include.pipelines.upkeep.ended_server import end_server
from include.pipelines.upkeep.maintenance import maintain_lake
from include.pipelines.upkeep.version_reading import read_version
from include.pipelines.upkeep.versions import list_versions, restore_step
