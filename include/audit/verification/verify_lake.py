"""Verification of the ledger, and of everything that readers read against it.

It checks the chain itself (every entry's hash), the Delta logs of the tables and of the ledger, the files that readers
open, and the checkpoints. What each can and cannot show is in docs/explanation/the-ledger.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from include.audit.ledger import CHECKPOINTS, LEDGER, SCHEMA, Checkpoint, Head, key_id, read_checkpoints
from include.audit.verification import chain
from include.audit.verification.delta_log import versions
from include.audit.verification.file_digests import compare_bound, compare_files
from include.audit.verification.findings import Discrepancy, Verification
from include.audit.verification.recorded_state import RecordedState, RecordedTable
from include.audit.verification.row_digests import EVIDENCE, compare_rows
from include.audit.verification.tables import compare_log_files, compare_tables, read_logs
from include.lake.storage import Lake, LakeDenied, LakeError, LakeTableMissing, LakeUnreachable


class NoLedger(LakeError):
    """There is no ledger at the given place."""


def verify(
    lake: Lake,
    *,
    public_key: Ed25519PublicKey | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    receipts: Sequence[Head] = (),
    with_files: bool = False,
    now: datetime | None = None,
) -> Verification:
    """Check the ledger of a lake against itself, against all that readers read, and against checkpoints and receipts.

    `checkpoints` are copies kept elsewhere, in addition to those in `audit/checkpoints/`; `receipts` are heads of the
    ledger noted by readers of a table (each commit carries one). With `public_key`, there must be a checkpoint and each
    must be signed by it; without, signatures are not checked. A concurrent run may show as a commit without a record:
    verify when nothing runs. `with_files` also reads every data file of the tables; those of log tables, reports and
    pages are always read. Files of older versions may be removed after their retention, counted from `now`.
    """
    # The logs first: records appended meanwhile then only exceed the logs, and no commit lacks its record.
    logs = read_logs(lake)
    now = now or datetime.now(UTC)
    itself = _verify_ledger(lake, LEDGER, CHECKPOINTS, public_key, checkpoints, receipts)
    recorded, findings = RecordedState.of(itself.entries), [*itself.discrepancies]
    for table in recorded.tables.get(LEDGER, {}).values():
        findings += compare_log_files(lake, table, set(versions(lake, lake.path(LEDGER))))
    compared = compare_tables(lake, logs, recorded, now=now)
    findings += compared.discrepancies
    files = 0
    for log in logs.values():
        if with_files or log.subject.startswith(EVIDENCE):
            table = recorded.tables.get(log.subject, {}).get(log.table_id) or RecordedTable(log.subject, log.table_id)
            checked = compare_files(lake, table, log.live or (), now=now)
            files += checked.files
            named = [*_of(compared.discrepancies, log.subject), *checked.discrepancies]
            findings += compare_rows(lake, table, log.live or ()) if named and log.subject.startswith(EVIDENCE) else ()
            findings += checked.discrepancies
    single = compare_bound(lake, recorded, with_large=with_files)
    return Verification(
        records=itself.entries.num_rows,
        commits=compared.commits,
        commits_past_checking=compared.past_checking,
        vouched_until=itself.vouched_until,
        signed_until=itself.signed_until,
        files=files + single.files,
        discrepancies=(*findings, *single.discrepancies),
    )


def _of(discrepancies: Sequence[Discrepancy], subject: str) -> list[Discrepancy]:
    return [discrepancy for discrepancy in discrepancies if discrepancy.subject == subject]


def verify_copy(
    folder: Path,
    *,
    public_key: Ed25519PublicKey | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    receipts: Sequence[Head] = (),
) -> Verification:
    """Check a copy of `audit/` (or of `audit/ledger`) without the lake, with a public key.

    Without the tables' logs, only the chain, the ledger's own log and the checkpoints are checked. Raises NoLedger.
    """
    for ledger_folder in (folder / "audit" / "ledger", folder / "ledger", folder):
        if (ledger_folder / "_delta_log").is_dir():
            break
    else:
        raise NoLedger(f"there is no ledger in {folder}: give a copy of the lake's folder audit/, with all below it")
    ledger_folder = ledger_folder.absolute()
    lake = Lake(str(ledger_folder.parent), (), ledger_folder.parent)
    itself = _verify_ledger(lake, ledger_folder.name, "checkpoints", public_key, checkpoints, receipts)
    return Verification(
        records=itself.entries.num_rows,
        vouched_until=itself.vouched_until,
        signed_until=itself.signed_until,
        discrepancies=itself.discrepancies,
    )


@dataclass(frozen=True, slots=True)
class _LedgerItself:
    """The ledger's entries and their discrepancies.

    `vouched_until` is the last entry covered by a verified signature, `signed_until` by any.
    """

    entries: pa.Table
    discrepancies: tuple[Discrepancy, ...]
    vouched_until: int
    signed_until: int


def _verify_ledger(
    lake: Lake,
    folder: str,
    checkpoint_folder: str,
    public_key: Ed25519PublicKey | None,
    kept_elsewhere: Sequence[Checkpoint],
    receipts: Sequence[Head],
) -> _LedgerItself:
    stored = read_checkpoints(lake, checkpoint_folder)
    try:
        entries, findings = chain.read_what_is_left(lake, folder)
    except LakeTableMissing:
        entries, findings = SCHEMA.empty_table(), []
    except (LakeUnreachable, LakeDenied):
        raise
    except LakeError:
        entries, findings = chain.read_every_file(lake, folder)
    broken = chain.verify_chain(entries)
    notes, own = chain.read_own_log(lake, folder)
    findings += broken + own
    marks = [*kept_elsewhere]
    for name, checkpoint in stored:
        if checkpoint is None:
            findings.append(Discrepancy.of("checkpoint unreadable", f"{CHECKPOINTS}/{name}", None))
        else:
            marks.append(checkpoint)
    claims = [(checkpoint.sequence, checkpoint.hash) for checkpoint in marks]
    findings += chain.compare_marks(entries, claims, witness="a checkpoint", broken=broken)
    findings += chain.compare_marks(entries, notes, witness="the ledger's own log", broken=broken)
    noted = [(head.sequence, head.hash) for head in receipts]
    findings += chain.compare_marks(entries, noted, witness="a reader's receipt", broken=broken)
    signed = max((checkpoint.sequence for checkpoint in marks if checkpoint.signature), default=0)
    if public_key is None:
        return _LedgerItself(entries, tuple(findings), 0, signed)
    vouched = max((checkpoint.sequence for checkpoint in marks if checkpoint.is_signed_by(public_key)), default=0)
    for checkpoint in marks:
        is_covered = (
            not checkpoint.signature and checkpoint.sequence <= vouched
        )  # a later checkpoint covers its entry too
        if not is_covered and not checkpoint.is_signed_by(public_key):
            named = {"entry": checkpoint.sequence, "key": key_id(public_key)}
            findings.append(Discrepancy.of("checkpoint not signed", CHECKPOINTS, checkpoint.sequence, **named))
    if not marks:
        findings.append(Discrepancy.of("no checkpoint", CHECKPOINTS, None, key=key_id(public_key)))
    return _LedgerItself(entries, tuple(findings), 0 if findings else vouched, signed)
