"""Linking run: collect records, score, cluster, keep ids, make golden records, gate, commit.

A run works in its folder of the lake and touches nothing that is read until `commit_link_step`. There the index comes
first: it decides that the run happened. What a killed run could not finish the next one finishes before it begins.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from datetime import datetime

from include.audit import ledger
from include.audit.ledger import Record
from include.identity.linking import RUNS, Figures, Work, forget_compared, run_folder
from include.identity.persons import decided, queue
from include.identity.records import collect, linked_tables
from include.lake.people import extend, keep_former, people_state, upsert_people
from include.lake.run_log import LINKING_LOG, LinkRunRow, append_link_run, last_link_run
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import (
    Answer,
    approve,
    approved_by_all,
    by_a_steward,
    note_refusal,
    steward_named,
)
from include.pipelines.engine_choice import cluster_for_all
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.people.link_gate import decided_run, held, matter_of
from include.pipelines.people.link_results import SUBJECT, LinkResult, PersonsLinked, PersonsUnchanged
from include.pipelines.people.linkage_model import digest, golden_rules, model_for_records
from include.pipelines.unfinished_runs import record_unfinished_runs
from include.sources.access import has_connection
from include.telemetry import record_linking, step

# In the order of their commits: the index decides, the records come last because the next run compares with them.
TABLES = ("index", "events", "links", "golden", "findings", "records")
_PLAN, _COMMITTING = "_plan.json", "_committing.json"
_KEPT = (
    "run_id",
    "verdict",
    "mode",
    "model_version",
    "records",
    "persons",
    "links",
    "minted",
    "merged",
    "split",
    "retired",
)


@step("link")
def link_step(run_id: str, *, is_full: bool = False, context: PipelineContext | None = None) -> LinkResult:
    """Find out what linking the published tables anew would change, and whether a steward must approve it.

    Returns:
        Counts, the estimated accuracy, `findings` of the gate and `held`; the verdict is `unchanged` if nothing that
        linking depends on changed since the last run, else `linked`. The same run again reads its plan.

    Raises:
        Misuse: no published table has link roles, or ENGINE asks for what is not there.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape("linking persons"):
        spark = cluster_for_all(context)
        finish_unfinished(context, but=run_id)
        for linked_table in linked_tables(context.contracts.values()):
            record_unfinished_runs(context, linked_table.table)
        folder, started = run_folder(context.lake, run_id), time.perf_counter()
        if context.lake.exists(f"{folder}/{_PLAN}"):
            return _read(context, f"{folder}/{_PLAN}")
        work = Work(context.lake, context.contracts, folder, run_id, context.now())
        base = people_state(context.lake, "index")
        records = collect(context.lake, context.contracts.values(), context.schemas, work.records_uri)
        if not records:
            context.lake.delete_tree(folder)
            raise Misuse("no published table speaks of persons: sync a registry whose contract gives link roles first")
        model, (golden, golden_digest) = model_for_records(context, work.records_uri, work.at), golden_rules(context)
        reviews, reviewed = decided(context.lake, work.reviews_uri)
        last = last_link_run(context.lake)
        basis = {
            "model": digest(model), "golden": golden_digest, "contracts": _digest_of_contracts(context),
            "records": work.digest_of_records(), "reviews": reviewed,
        }  # fmt: skip
        if last is not None and last.basis == basis and not is_full:
            context.lake.delete_tree(folder)
            return _unchanged(context, run_id, last)
        is_new_model = last is not None and (last.basis or {})["model"] != basis["model"]
        linked = work.link(
            model, golden, last=_figures(last), is_new_model=is_new_model, is_full=is_full, spark=spark
        )  # fmt: skip
        result = PersonsLinked(
            run_id=run_id, verdict="linked", basis=basis, base_run=base.run_id if base else "",
            model_version=model.version, reviews=reviews, started_at=work.at.isoformat(), **linked.to_dict(),
            held=bool(linked.findings), seconds=round(time.perf_counter() - started, 3),
        )  # fmt: skip
        if result.held:
            append_link_run(context.lake, replace(result, verdict="held").row)
            _record(context, replace(result, verdict="held").row)
        context.lake.write_text(f"{folder}/{_PLAN}", json.dumps(result.to_dict(), ensure_ascii=False))
        return result


def awaited_tables(*, context: PipelineContext | None = None) -> list[str]:
    """Before persons are linked for the first time: the tables with link roles that were never published.

    Linked one registry after the other, persons would be given ids that the next registry shows to be one person's. A
    registry that has no connection here is not waited for.
    """
    context = context or PipelineContext.from_environment()
    with no_values_escape("looking for the first time to link"):
        if last_link_run(context.lake) is not None:
            return []
        tables = [
            linked.table
            for linked in linked_tables(c for c in context.contracts.values() if has_connection(c, context.environ))
        ]
        registry_table = context.lake.registry_table
        return [t.qualified_name for t in tables if not context.lake.is_table(registry_table(t.registry, t.name))]


@step("commit")
def commit_link_step(
    linked: LinkResult,
    approved_by: str | None = None,
    approval_note: str | None = None,
    *,
    context: PipelineContext | None = None,
) -> LinkResult:
    """Commit what `link_step` planned: index, events, links, golden records, findings, records; then the evidence.

    Raises:
        Misuse: the run is held back and nobody approved, or another run has linked since.
    """
    context = context or PipelineContext.from_environment()
    if isinstance(linked, PersonsUnchanged):
        return linked
    if linked.held and not approved_by:
        raise Misuse("this run of linking is held back by its gate: a steward must approve it first")
    with no_values_escape("committing linked persons"):
        folder = run_folder(context.lake, linked.run_id)
        by, note = (approved_by or "", approval_note or "") if linked.held else ("", "")
        if not context.lake.exists(f"{folder}/{_PLAN}"):  # a run that was committed to its end, and is repeated
            return replace(linked, verdict="published", approved_by=by, approval_note=note)
        _refuse_if_overtaken(context, linked)
        if linked.held:
            word = approved_by_all(context, matter_of(context, linked), decided_run(linked), by=by, note=note)
            by, note = ", ".join(word.names), word.note
        linked = replace(linked, approved_by=by, approval_note=note)
        context.lake.write_text(f"{folder}/{_COMMITTING}", json.dumps(linked.to_dict(), ensure_ascii=False))
        return _commit(context, folder, linked)


def refuse_link_step(linked: PersonsLinked, answer: Answer, *, context: PipelineContext | None = None) -> PersonsLinked:
    """A steward declined to commit what the gate held back, or nobody answered: on record; every id as it was."""
    context = context or PipelineContext.from_environment()
    with no_values_escape("refusing linked persons"):
        matter = matter_of(context, linked)
        answer = by_a_steward(context, matter, answer)
        note_refusal(context, SUBJECT, replace(decided_run(linked), held_digest=matter.digest), answer)
        refused = replace(linked, verdict=answer.verdict, refused_by=answer.by, refusal_note=answer.note)
        append_link_run(context.lake, refused.row)
        _record(context, refused.row)
        return refused


@step("link_persons")
def link_persons(
    run_id: str,
    *,
    is_full: bool = False,
    approved_by: str | None = None,
    approval_note: str = "",
    context: PipelineContext | None = None,
) -> LinkResult:
    """Both steps; the verdict is `held` where the gate asks and nobody approves."""
    context = context or PipelineContext.from_environment()
    if approved_by:
        concerned = {found.table.registry for found in linked_tables(context.contracts.values())}
        steward_named([context.contracts[registry] for registry in concerned], approved_by, at=context.now())
    linked = link_step(run_id, is_full=is_full, context=context)
    if isinstance(linked, PersonsLinked):
        if linked.held:
            matter = matter_of(context, linked)
            word = (
                approve(context, matter, decided_run(linked), by=approved_by, note=approval_note)
                if approved_by
                else None
            )
            if word is None or word.missing:
                return held(linked, word)
        linked = commit_link_step(linked, approved_by, approval_note, context=context)
    return linked


def finish_unfinished(context: PipelineContext, *, but: str = "") -> list[str]:
    """Bring runs that were killed while they committed to their end; returns their ids."""
    finished = []
    for folder in context.lake.list(context.lake.path(*RUNS)):
        run_id = folder.rpartition("run=")[2]
        if run_id != but and context.lake.exists(f"{folder}/{_COMMITTING}"):
            linked = _read(context, f"{folder}/{_COMMITTING}")
            _refuse_if_overtaken(context, linked)
            _commit(context, folder, linked)
            finished.append(run_id)
    return finished


def _commit(context: PipelineContext, folder: str, linked: PersonsLinked) -> PersonsLinked:
    """Every table in its order, the evidence, and the folder goes. Repeated, it finds what it did and does the rest."""
    lake, run_id = context.lake, linked.run_id
    metadata = {
        "at": linked.started_at, "mode": linked.mode, "model_version": linked.model_version,
        "approved_by": linked.approved_by or "", "ledger_head": str(ledger.head(lake)),
    }  # fmt: skip
    at = datetime.fromisoformat(linked.started_at)
    keep_former(lake, f"{folder}/index.parquet", run_id=run_id, at=at, metadata=metadata)
    versions = {}
    for name in TABLES:
        uri = f"{folder}/{name}.parquet"
        if name == "events":
            versions[name] = extend(lake, name, uri, run_id=run_id, metadata=metadata).version
        else:
            after = linked.base_run if name == "index" else None
            done = upsert_people(lake, name, uri, run_id=run_id, metadata=metadata, after=after)
            versions[name] = done.version
    waiting, _ = queue(lake, at=context.now(), limit=1)
    linked = replace(linked, verdict="published", waiting=waiting, versions=versions)
    append_link_run(lake, linked.row)
    _record(context, linked.row)
    forget_compared(lake, but=run_id)
    lake.delete_tree(folder)
    return linked


def _record(context: PipelineContext, row: LinkRunRow) -> None:
    """One record of the run in the ledger, and its commits; what a person decided stands there before."""
    payload = {name: getattr(row, name) for name in _KEPT} | {"basis": row.basis}
    record = Record("run", SUBJECT, payload, once=(f"run/{SUBJECT}/{row.run_id}/{row.verdict}", 1))
    subjects = [f"{SUBJECT}/{name}" for name in (*TABLES, "former")] if row.verdict == "published" else []
    record_commits(context, [*subjects, f"audit/{LINKING_LOG}"], [record])
    record_linking(registry=SUBJECT, table="index", verdict=row.verdict, mode=row.mode or "")


def _digest_of_contracts(context: PipelineContext) -> str:
    contracts = "".join(contract.digest for _, contract in sorted(context.contracts.items()))
    return hashlib.sha256(contracts.encode()).hexdigest()


def _figures(last: LinkRunRow | None) -> Figures | None:
    """The figures that the gate compares with."""
    if last is None:
        return None
    counts = (getattr(last, name) for name in ("records", "persons", "candidates", "largest"))
    return Figures(tuple(last.tables or ()), *counts)


def _unchanged(context: PipelineContext, run_id: str, last: LinkRunRow) -> PersonsUnchanged:
    """Nothing to do: the figures of the last run stand."""
    found = PersonsUnchanged.since(last, run_id)
    _record(context, found.row)
    return found


def _refuse_if_overtaken(context: PipelineContext, linked: PersonsLinked) -> None:
    state = people_state(context.lake, "index")
    if state is not None and state.run_id not in (linked.base_run, linked.run_id):
        raise Misuse("another run has linked persons since this one looked: run `lienthong link` again")


def _read(context: PipelineContext, uri: str) -> PersonsLinked:
    return PersonsLinked.from_dict(json.loads(context.lake.read_text(uri)))
