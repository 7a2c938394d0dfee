"""Contracts: ODCS YAML turned into frozen, validated objects. A `Contract` that loads is free of mistakes.

Packages from the bottom up: `yaml_files`, `sql`, `rules`, `checks`. Nothing here opens a database or the lake.
"""

from include.contracts.digest import row_digest
from include.contracts.finding import Finding, allowed_text, finding_text
from include.contracts.language import BilingualText, Language, allowed, constant, figure, of_environment, pick
from include.contracts.load import (
    ReadContract,
    contract_paths,
    examine_contract,
    load_contract,
    load_contracts,
    readable_contracts,
)
from include.contracts.model import (
    DRIFT_FLAG,
    RESERVED_PREFIX,
    Bound,
    Column,
    Contract,
    LinkRole,
    Relationship,
    Rule,
    Scope,
    Server,
    Severity,
    Sla,
    Table,
)
from include.contracts.published import published_yaml
from include.contracts.stewardship import ROLE, Steward, as_said, needs_two, odd_teams, stewards
from include.contracts.types import arrow_type, integer_range
