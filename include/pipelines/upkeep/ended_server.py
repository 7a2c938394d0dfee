"""End of a server's rows: what it delivered leaves the published tables, in a steward's name."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from include.audit import ledger
from include.contracts.model import Contract, Table, needs_two
from include.lake.delta import RunCommit, last_commit, reader_of, stage_nothing
from include.lake.publishing import publish
from include.lake.rejected import close_rejected
from include.lake.storage import Lake
from include.pipelines import run_folder
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import DecidedRun, Matter, approved_by_all, digest_of, reason_given
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.row_history import keep_history
from include.pipelines.step_results import Provenance, Published, Publishing
from include.pipelines.sync import Approval, record_standing, relationships_step
from include.pipelines.unfinished_runs import record_unfinished_runs

SOURCE = "ended"
"""What the run log calls the source of such a run."""


def end_server(
    context: PipelineContext, registry: str, server: str, run_id: str, *, approval: Approval
) -> tuple[Published, ...]:
    """Take the rows of a server that is read no more out of every table of its registry: a commit of each.

    Its rejected rows are closed as withdrawn. The change feed and 30 days of versions keep what left; keys of the
    server are free for others. Said again, it goes on where it was cut off.

    Raises:
        Misuse: the server is still read, or has no published rows.
        NotASteward: that name may not decide.
        SecondApprovalWanted: another steward must approve first.
    """
    contract = context.contract(registry)
    _ensure_ended(context, contract, server)
    reason_given(approval.approval_note)
    former = contract.slices_of_former(server)
    for table in former:
        record_unfinished_runs(context, table, but=run_id)
    slices = [table for table in former if _has_rows(context.lake, table)]
    if not slices:
        raise Misuse(f"{registry} has no published rows of a server `{server}`: `lienthong status {registry}`")
    with no_values_escape(f"ending the rows of {server} in {registry}"):
        ended = tuple(_end(context, contract, table, run_id, approval) for table in slices)
        relationships_step(registry, run_id, context=context)
        return ended


def _ensure_ended(context: PipelineContext, contract: Contract, server: str) -> None:
    if not contract.is_federated:
        raise Misuse(f"{contract.registry} is read from one server, {contract.server.name}: retire its tables instead")
    known = next((one for one in contract.servers if one.name == server), None)
    if known is not None and known.is_read(context.now()):
        raise Misuse(
            f"{server} is a server of {contract.registry} that is still read: say in {contract.path} since when it is "
            "not (`ended`, among its customProperties), then end its rows"
        )


def _has_rows(lake: Lake, table: Table) -> bool:
    uri = lake.registry_table(table.registry, table.name)
    return lake.is_table(uri) and bool(lake.table(uri).file_uris())


def _end(context: PipelineContext, contract: Contract, table: Table, run_id: str, approval: Approval) -> Published:
    """A full run of the slice with nothing delivered, which a steward approved."""
    started, at, lake = time.perf_counter(), context.now(), context.lake
    state = last_commit(lake, table)
    provenance = Provenance(contract.version, context.contract_definition_digest(contract), "", 0, SOURCE, "")
    matter = _matter(context, contract, table, state, provenance.contract_digest)
    note = approval.approval_note
    word = approved_by_all(context, matter, DecidedRun(run_id), by=approval.approved_by, note=note, ended=table.server)
    publishing = Publishing(
        registry=table.registry, table=table.name, run_id=run_id, mode="full", started_at=at.isoformat(),
        extracted=0, accepted=0, rejected=0, superseded=0, bound={}, seconds=0.0, began_upon=reader_of(state),
        approved_by=", ".join(word.names), approval_note=word.note, provenance=provenance,
    )  # fmt: skip
    run_folder.save_result(context, table, "publishing", publishing)
    metadata = {name: str(value) for name, value in asdict(provenance).items()} | {
        "extracted": "0", "accepted": "0", "rejected": "0", "superseded": "0", "cursor": "", "since": "",
        "snapshot_at": at.isoformat(), "table_digest": context.definition_digest(table), "source_columns": "[]",
        "began_upon": reader_of(state), "approved_by": publishing.approved_by, "ledger_head": str(ledger.head(lake)),
    }  # fmt: skip
    # Whatever the contract says of deletions: a steward ends these rows, no source does.
    ended = replace(table, extract=replace(table.extract, deletes="reconcile", deleted_when=""))
    staged = stage_nothing(lake, ended, lake.staging_path(table.registry, table.name, run_id))
    commit = publish(lake, ended, run_id=run_id, at=at, staged=staged, metadata=metadata)
    if commit.overtaken_by:
        raise Misuse(f"a run has published rows of {table.qualified_name} meanwhile: look, and try again")
    close_rejected(lake, ended, run_id=run_id, at=at, mode="full", staged=staged)
    record_standing(context, table)
    done = publishing.become(
        Published, version=commit.version, deleted=commit.deleted, retained=commit.retained, inserted=commit.inserted,
        updated=commit.updated, live_rows=commit.live_rows, seconds=round(time.perf_counter() - started, 3),
    )  # fmt: skip
    record_run(context, done.row(provenance))
    keep_history(context, table, run_id)
    lake.delete_tree(lake.staging_path(table.registry, table.name, run_id))
    return done


def _matter(
    context: PipelineContext, contract: Contract, table: Table, state: RunCommit | None, contract_digest: str
) -> Matter:
    """Ending the rows of a slice, as its newest commit left them."""
    upon = (state.run_id, state.version) if state else ()
    digest = digest_of(table.qualified_name, SOURCE, upon, contract_digest)
    note_uri = f"{context.lake.staging_path(table.registry, table.name, f'end-{digest[:16]}')}/_first.json"
    return Matter(f"registry/{table.qualified_name.replace('.', '/')}", (contract,), needs_two(table), digest, note_uri)
