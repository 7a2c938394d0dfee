"""Who is asking, and what Airflow's auth manager lets them see.

A registry's figures: whoever may read its DAG. The values of rejected rows: whoever may also read the connection of
its source, because they could read the source itself; that is Op and Admin, not User or Viewer. The ledger's state:
whoever may read the audit log. The report: whoever may read the DAG that writes it. So a role of auditors needs the
audit log, that DAG and those of the registries, and no connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import ConnectionDetails, DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import Depends, HTTPException, status

from include.contracts import Contract

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

    def may_read_values(self, contract: Contract) -> bool:
        """Whether values of the registry's rejected rows may be shown."""
        details = ConnectionDetails(conn_id=contract.server.name)
        is_allowed = get_auth_manager().is_authorized_connection(method="GET", details=details, user=self.user)
        return self.may_see(contract.registry) and bool(is_allowed)

    def may_see_report(self) -> bool:
        """Whether the report, which tells of all registries, may be read: with the DAG that writes it."""
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
        """Whether the ledger may be verified from the page: work for the server, so for those who run it."""
        return self.may_see_ledger() and bool(get_auth_manager().is_authorized_connection(method="GET", user=self.user))


def signed_in(user: GetUserDep) -> Visitor:
    """The visitor behind Airflow's token; without one the answer is 401 (403 for a broken one)."""
    visitor = Visitor(user.get_name(), user)
    if not visitor.may_see_anything():
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    return visitor


SignedIn = Annotated[Visitor, Depends(signed_in)]
