"""`lienthong check` and `plan`: contracts and agreements held against standard, engine, sources and lake."""

from include.pipelines.checks.contract_check import check_schemas, check_sources
from include.pipelines.checks.sync_plan import plan_registry
