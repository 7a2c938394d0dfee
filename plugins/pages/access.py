"""Access rights of a signed-in user, by Airflow's auth manager.

A registry's figures need read access to its DAG; values of rows, also to the connection of the source that they came
from, since such users could read the source itself: Op and Admin, not User or Viewer. Of a registry on several servers
that is the slice's server; of a whole table, and of a person's records, every server. The ledger's state needs the
audit log, the report the DAG that writes it. So a role of auditors needs the audit log, that DAG and those of the
registries, and no connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails, DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import Depends, HTTPException, status

from include.contracts.model import Contract, Server
from plugins.airflow_connections import PREFIX

REPORT_DAG = "report_quality"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in user."""

    name: str
    user: Any

    def may_see(self, registry: str) -> bool:
        """Whether the registry's figures may be shown."""
        details = DagDetails(id=f"sync_{registry}")
        return bool(get_auth_manager().is_authorized_dag(method="GET", details=details, user=self.user))

    def may_read_values(self, contract: Contract, server: str = "") -> bool:
        """Whether values of the registry's rows may be shown: those that came from a server, else from any of them.

        Of a server that the contract no longer has they need the rights to all that it has.
        """
        asked = [one for one in contract.servers if one.name == server] or contract.servers
        return self.may_see(contract.registry) and all(map(self._may_read_source, asked))

    def _may_read_source(self, server: Server) -> bool:
        details = ConnectionDetails(conn_id=connection_id(server))
        return bool(get_auth_manager().is_authorized_connection(method="GET", details=details, user=self.user))

    def may_see_report(self) -> bool:
        """Whether the report on all registries may be read."""
        details = DagDetails(id=REPORT_DAG)
        return bool(get_auth_manager().is_authorized_dag(method="GET", details=details, user=self.user))

    def may_see_anything(self) -> bool:
        """Whether any DAG may be seen at all."""
        return bool(get_auth_manager().is_authorized_dag(method="GET", user=self.user))

    def may_see_ledger(self) -> bool:
        """Whether the audit log, and so the ledger's state, may be seen."""
        return bool(
            get_auth_manager().is_authorized_dag(method="GET", access_entity=DagAccessEntity.AUDIT_LOG, user=self.user)
        )

    def may_verify(self) -> bool:
        """Whether the user may verify the ledger from the page, which loads the server: operators only."""
        return self.may_see_ledger() and bool(get_auth_manager().is_authorized_connection(method="GET", user=self.user))


def connection_id(server: Server) -> str:
    """The id of a server's connection in Airflow."""
    return server.connection_variable.removeprefix(PREFIX).lower()


def signed_in(user: GetUserDep) -> Visitor:
    """The visitor of Airflow's token; raises 401 without one, 403 for an invalid one."""
    visitor = Visitor(user.get_name(), user)
    if not visitor.may_see_anything():
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    return visitor


SignedIn = Annotated[Visitor, Depends(signed_in)]
