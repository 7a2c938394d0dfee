"""`lienthong check`: contracts and agreements held against the standard, the engine and the live source."""

from __future__ import annotations

from include.pipelines.checks.contract_check import check_schemas, check_sources

__all__ = [
    "check_schemas",
    "check_sources",
]
