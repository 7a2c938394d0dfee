"""`lienthong check`: contracts and agreements held against the standard, the engine and the live source."""

from include.pipelines.checks.contract_check import check_schemas, check_sources
