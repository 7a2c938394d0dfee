"""Connections of sources as Airflow resolves them in a task: secrets backend, environment, metadata database.

The library reads `AIRFLOW_CONN_<SERVER>` from an environment and knows no Airflow; here such a name is answered by
Airflow's connection `<server>`, in lower case.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.pipelines import PipelineContext

PREFIX = "AIRFLOW_CONN_"


class AirflowConnections(Mapping[str, str]):
    """An environment in which `AIRFLOW_CONN_<SERVER>` is also there if Airflow knows the connection from elsewhere.

    Each is asked for once. Iterating gives the environment's own names, as Airflow does not list its connections.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._found: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        if not name.startswith(PREFIX):
            return self._environ[name]
        if name not in self._found:
            self._found[name] = self._resolved(name)
        if (found := self._found[name]) is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)

    def _resolved(self, name: str) -> str | None:
        """The connection as a URI; a variable as it is written, unless a secrets backend comes before it."""
        if (own := self._environ.get(name)) and not _has_secrets_backend():
            return own
        from airflow.sdk import Connection
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            uri: str = Connection.get(name.removeprefix(PREFIX).lower()).get_uri()
        except AirflowNotFoundException:
            return None
        return uri


def task_context() -> PipelineContext:
    """The pipelines' context inside a task that reads a source, or looks which sources are connected."""
    from include.pipelines import PipelineContext

    return PipelineContext.from_environment(AirflowConnections())


def _has_secrets_backend() -> bool:
    from airflow.sdk.configuration import conf

    return bool(conf.get("workers", "secrets_backend", fallback="") or conf.get("secrets", "backend", fallback=""))
