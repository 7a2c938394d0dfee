"""Airflow's sign-in by FAB, where stewards are known by the names that contracts give them.

A question names the users who may answer by the ids that the auth manager gives; FAB's are the numbers of its own
table, and a contract names people.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager


class StewardFabAuthManager(FabAuthManager):
    """FAB's, but for who may answer a question: users by their username."""

    def is_authorized_hitl_task(self, *, assigned_users: set[str], user: Any) -> bool:
        """Whether the user is one of those who are asked."""
        return str(user.get_name()) in assigned_users
