"""The contract as frozen objects: tables, columns, rules, policies, types, stewards."""

from include.contracts.model.contract import Contract, Sla, Variant
from include.contracts.model.digest import row_digest
from include.contracts.model.policies import (
    DERIVED,
    HISTORY_COLUMNS,
    VIETNAMESE,
    Refuse,
    approval,
    empty_inputs,
    engine,
    extract_policy,
    key_scope,
    legal_references,
    link_role,
    row_history,
    rows_from_list,
    sla,
    tolerance,
)
from include.contracts.model.servers import Assignment, Role, Server
from include.contracts.model.stewardship import (
    OFFICES,
    OWNER,
    PROTECTION_OFFICER,
    ROLE,
    Steward,
    check_team,
    needs_two,
    normalised_name,
    odd_teams,
    offices,
    stewards,
)
from include.contracts.model.table import (
    AT,
    DRIFT_FLAG,
    POSITION,
    RESERVED_PREFIX,
    Bound,
    Classification,
    Column,
    Drift,
    Engine,
    ExtractPolicy,
    KeyScope,
    LinkRole,
    Relationship,
    RowsFromList,
    Rule,
    Scope,
    Severity,
    Table,
    Tolerance,
)
from include.contracts.model.types import RuleArguments, TypeOptions, arrow_type, integer_range, sql_type, why_no_number
