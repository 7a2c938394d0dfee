"""Person records of all registries in one table: link roles, prepared comparison columns, blocking."""

from __future__ import annotations

from include.identity.records.blocking import NUMBER_RULES, SIDES, block, steps
from include.identity.records.person_records import collect
from include.identity.records.prepared import Prepared, prepare
from include.identity.records.record_schema import RECORDS
from include.identity.records.roles import LinkRolesIncomplete, linked_tables

__all__ = [
    "NUMBER_RULES",
    "RECORDS",
    "SIDES",
    "LinkRolesIncomplete",
    "Prepared",
    "block",
    "collect",
    "linked_tables",
    "prepare",
    "steps",
]
