"""What steps tell each other and the audit trail of one run and table: plain names and figures, never a row."""

from __future__ import annotations

from typing import Any

from include.contracts import Contract, Table
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.errors import KNOWN_ERRORS
from include.sources.landing import Extract

Facts = dict[str, Any]

FIGURES = ("extracted", "accepted", "rejected", "superseded", "deleted", "retained")


def provenance(context: PipelineContext, contract: Contract, landed: Extract) -> Facts:
    """What the rows were made of, and by which contract."""
    return {
        "contract_version": contract.version,
        "contract_digest": context.contract_definition_digest(contract),
        "extract_digest": landed.digest,
        "bytes": landed.bytes,
        "source": landed.source,
        "protection": landed.protection,
    }


def failed(context: PipelineContext, table: Table, run_id: str, error: Exception) -> Facts:
    """A failure, put on record as far as the lake allows."""
    facts: Facts = {
        "registry": table.registry,
        "table": table.name,
        "run_id": run_id,
        "verdict": "failed",
        "mode": "failed",
        "version": None,
        **dict.fromkeys(FIGURES, 0),
        "held": False,
        "findings": [],
        "reasons": [],
        "seconds": 0.0,
        "started_at": context.now().isoformat(),
        "error": str(error),
        "error_type": type(error).__name__,
    }
    try:
        record_run(context, facts)
    except KNOWN_ERRORS:
        facts["error"] += " (and the lake could not record it)"
    return facts
