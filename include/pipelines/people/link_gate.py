"""Gate of linking: what stewards decide about a held run, whom it asks, and an approval as it is given."""

from __future__ import annotations

from dataclasses import replace

from include.contracts.model import needs_two
from include.identity.records import linked_tables
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import (
    Asked,
    DecidedRun,
    Matter,
    Word,
    approve,
    digest_of,
    reason_given,
    whom_to_ask,
)
from include.pipelines.errors import no_values_escape
from include.pipelines.people.link_results import SUBJECT, PersonsLinked


def approve_link_step(
    linked: PersonsLinked, approved_by: str, approval_note: str, *, context: PipelineContext | None = None
) -> dict[str, str]:
    """A steward's approval as it is given; returns what `commit_link_step` wants to know."""
    context = context or PipelineContext.from_environment()
    approval_note = reason_given(approval_note)
    with no_values_escape("approving linked persons"):
        approve(context, matter_of(context, linked), decided_run(linked), by=approved_by, note=approval_note)
    return {"approved_by": approved_by, "approval_note": approval_note}


def ask_link_step(linked: PersonsLinked, *, context: PipelineContext | None = None) -> Asked:
    """Whom the gate asks: the stewards of every registry that speaks of persons.

    Raises:
        NotASteward: nobody may answer.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape("asking about linked persons"):
        return whom_to_ask(context, matter_of(context, linked))


def matter_of(context: PipelineContext, linked: PersonsLinked) -> Matter:
    """What is decided when a run of linking is held back; by two stewards if any of its tables asks for two."""
    tables = [found.table for found in linked_tables(context.contracts.values())]
    contracts = tuple(context.contracts[registry] for registry in sorted({table.registry for table in tables}))
    found = [(finding["what"], finding["measured"]) for finding in linked.findings]
    digest = digest_of(SUBJECT, linked.basis, linked.base_run, found)
    note_uri = f"{context.lake.path('staging', SUBJECT, 'held', f'run={digest[:16]}')}/_first.json"
    return Matter(SUBJECT, contracts, any(map(needs_two, tables)), digest, note_uri)


def decided_run(linked: PersonsLinked) -> DecidedRun:
    """The run as the ledger names it in a decision."""
    return DecidedRun(linked.run_id, tuple(finding["what"] for finding in linked.findings))


def held(linked: PersonsLinked, word: Word | None) -> PersonsLinked:
    """The run as it waits, with who must approve beside who did."""
    missing = word.missing if word else None
    return replace(
        linked,
        verdict="held",
        waits=missing.english if missing else None,
        waits_vi=missing.vietnamese if missing else None,
    )
