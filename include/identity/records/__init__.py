"""Person records of all registries in one table: link roles, prepared comparison columns, blocking."""

from include.identity.records.blocking import NUMBER_RULES, SIDES, block, steps
from include.identity.records.person_records import collect
from include.identity.records.prepared import Prepared, prepare
from include.identity.records.record_schema import RECORDS
from include.identity.records.roles import LinkedTable, LinkRolesIncomplete, linked_tables
