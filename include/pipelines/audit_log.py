"""Audit log: records of runs in the run log and the ledger, verification of the ledger, signed checkpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from include.audit import ledger
from include.audit.ledger import Checkpoint, Head, Kind, Record, canonical, public_key, signing_key, write_checkpoint
from include.audit.verification import (
    ReportChecked,
    Verification,
    check_report,
    commit_records,
    digests_of,
    note_verification,
    verify,
    verify_copy,
)
from include.contracts.model import AT, Table
from include.lake import run_log
from include.lake.run_log import RunRow
from include.lake.storage import LakeDenied
from include.pipelines.context import PipelineContext
from include.pipelines.errors import no_values_escape
from include.telemetry import record_run_figures, step

ACTOR = "lienthong"
EVIDENCE_OF_RUNS = ("audit/runs", "audit/checks", "audit/table_checks")
_KEPT = (
    "run_id",
    "verdict",
    "mode",
    "extracted",
    "accepted",
    "rejected",
    "superseded",
    "deleted",
    "retained",
    "version",
)


def record_run(
    context: PipelineContext, row: RunRow, *, bound: Mapping[str, str] | None = None, written: Iterable[str] = ()
) -> None:
    """Put what a run did to one table on record: in `audit/runs`, and in the ledger with its commits and files.

    `written` are single files (paths in the lake) that the run has just written for readers; `bound` are digests, by
    path, of those that an earlier step wrote, as they were then. Of a run that is over, what it landed is bound as
    well. What a person decided about it stands in the ledger before: see `include.pipelines.decisions.ledger_entries`.
    """
    if run_log.append_run(context.lake, row):
        record_run_figures(row)
    registry, table, run_id = str(row.registry), str(row.table), row.run_id
    subject = f"registry/{registry}/{table}"
    payload = {name: getattr(row, name) for name in _KEPT} | {"contract_digest": row.contract_digest}
    landed = context.lake.files_below(context.lake.landing_path(registry, table, str(run_id)))
    files = [*written, *(landed if row.is_over else ())]
    # A page that another run has written since is that run's to bind: the last entry of a file is of its last writer.
    present = digests_of(context.lake, bound or ())
    own = {path: digest for path, digest in (bound or {}).items() if present.get(path) == digest}
    payload["bound"] = {**own, **digests_of(context.lake, files)}
    mark = f"run/{subject}/{run_id}/{row.verdict}"
    if row.verdict != "published":  # which it comes to once; it can be held, declined and held again otherwise
        mark += "/" + hashlib.sha256(canonical(payload).encode()).hexdigest()[:16]
    records = [Record("run", subject, payload, once=(mark, 1))]
    published = subject.partition(AT)[0]  # all slices of a table are in one
    tables = [published, f"rejected/{registry}/{table}", *EVIDENCE_OF_RUNS, ledger.LEDGER]
    ledger.append(context.lake, [*records, *commit_records(context.lake, tables)], at=context.now(), actor=ACTOR)


def run_mark(table: Table, run_id: str, verdict: str) -> str:
    """The ledger's idempotency key of a run's verdict on a table."""
    return f"run/registry/{table.registry}/{table.name}/{run_id}/{verdict}"


def record_commits(context: PipelineContext, subjects: Iterable[str], records: Iterable[Record] = ()) -> None:
    """Put the given records and the new commits of the tables `subjects` (paths in the lake) into the ledger."""
    made = commit_records(context.lake, [*subjects, ledger.LEDGER])
    ledger.append(context.lake, [*records, *made], at=context.now(), actor=ACTOR)


def record_files(context: PipelineContext, kind: Kind, subject: str, written: Iterable[str], **said: Any) -> None:
    """Put into the ledger that single files (paths in the lake) were written for readers, with the digest of each."""
    record = Record(kind, subject, {**said, "bound": digests_of(context.lake, written)})
    ledger.append(context.lake, [record], at=context.now(), actor=ACTOR)


def record_expired(context: PipelineContext, subject: str, folders: Sequence[str]) -> None:
    """Put into the ledger that these folders of files are about to be taken away, because their time is over."""
    if folders:
        ledger.append(
            context.lake, [Record("maintenance", subject, {"unbound": sorted(folders)})], at=context.now(), actor=ACTOR
        )


@step("verify")
def verify_lake(
    context: PipelineContext,
    *,
    key_file: Path | None = None,
    kept: Sequence[Path] = (),
    receipts: Sequence[Head] = (),
    with_files: bool = False,
) -> Verification:
    """Check the ledger of the lake, all that readers read, its checkpoints, those `kept` elsewhere, and receipts.

    `with_files` also compares every data file with the digest that the ledger has of it.
    """
    with no_values_escape("verifying the ledger"):
        key = public_key(key_file) if key_file else None
        found = verify(
            context.lake,
            public_key=key,
            checkpoints=_read(kept),
            receipts=receipts,
            with_files=with_files,
            now=context.now(),
        )
        # For the pages in Airflow; whoever may only read the lake verifies all the same.
        if found.records or not found.ok:
            with suppress(LakeDenied):
                note_verification(context.lake, found, at=context.now())
        return found


def verify_folder(
    folder: Path, *, key_file: Path | None = None, kept: Sequence[Path] = (), receipts: Sequence[Head] = ()
) -> Verification:
    """The same for a copy of `audit/`, by somebody who has only that and a public key."""
    with no_values_escape("verifying a copy of the ledger"):
        key = public_key(key_file) if key_file else None
        return verify_copy(folder, public_key=key, checkpoints=_read(kept), receipts=receipts)


def verify_report(context: PipelineContext, file: Path) -> ReportChecked:
    """Whether a file of a report is as it was made, by the ledger; else where it differs."""
    with no_values_escape("checking a report"):
        return check_report(context.lake, ledger.read(context.lake), file.name, file.read_bytes())


def _read(kept: Sequence[Path]) -> list[Checkpoint]:
    return [Checkpoint.from_json(path.read_text(encoding="utf-8")) for path in kept]


def sign_checkpoint(context: PipelineContext) -> Checkpoint | None:
    """Write down where the ledger stands, signed with LIENTHONG_SIGNING_KEY if it is set; None for an empty ledger."""
    with no_values_escape("signing a checkpoint"):
        return write_checkpoint(context.lake, signing_key(context.environ), at=context.now())
