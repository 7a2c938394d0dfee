"""`lienthong check` and `plan`: contracts and agreements held against the standard, the engine, sources and the lake."""

from include.pipelines.checks.contract_check import check_schemas, check_sources
from include.pipelines.checks.sync_plan import plan_registry
