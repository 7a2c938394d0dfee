"""What each table of a registry is like now: its last delivery, age, rows and verdict, for each server."""

from include.pipelines.status.measuring import measure_tables, record_status
from include.pipelines.status.registry_status import (
    RegistryStatus,
    ServerStatus,
    TableStatus,
    delivered_in,
    status_of,
)
