"""FAB auth manager that identifies stewards by the usernames in contracts.

A question names the users who may answer by the auth manager's user ids; FAB's are row numbers of its own table, while
contracts have usernames.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager


class StewardFabAuthManager(FabAuthManager):
    """FAB's auth manager, with users who may answer a question identified by username."""

    def is_authorized_hitl_task(self, *, assigned_users: set[str], user: Any) -> bool:
        """Whether the user may answer the question."""
        return str(user.get_name()) in assigned_users
