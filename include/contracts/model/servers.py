"""Source servers of a registry, and what each of them answers for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from include.contracts.words import day_of

Role = Literal["primary", "history"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a server answers for: a province or agency by its code (`area`), from one day to before another.

    `role`: it keeps the area's current records (`primary`), or those from before another server took over (`history`).
    """

    area: str
    valid_from: date | None = None
    valid_until: date | None = None
    role: Role = "primary"

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at an instant, by the Vietnamese day."""
        return (self.valid_from or date.min) <= day_of(at) < (self.valid_until or date.max)


@dataclass(frozen=True, slots=True)
class Server:
    """Source server of a registry. `options` holds the ODCS server fields that are not named here.

    `variant` names how its tables differ at the source, `assignments` what it answers for. One that has `ended` is not
    read from that day on; its rows stay.
    """

    name: str
    type: str
    path: str = ""
    format: str = ""
    delimiter: str = ""
    encoding: str = ""
    schema: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    variant: str = ""
    assignments: tuple[Assignment, ...] = ()
    ended: date | None = None

    @property
    def connection_variable(self) -> str:
        """The environment variable that holds the connection URI: `AIRFLOW_CONN_<SERVER>`."""
        name = "".join(ch if ch.isalnum() else "_" for ch in self.name)
        return f"AIRFLOW_CONN_{name.upper()}"

    def is_read(self, at: datetime) -> bool:
        """Whether the server is still read at an instant, by the Vietnamese day."""
        return self.ended is None or day_of(at) < self.ended
