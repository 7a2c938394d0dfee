"""Is the ledger whole, and does it tell the truth about the tables?

Three witnesses are heard: the chain itself (every entry's hash), the Delta logs of the tables and of the ledger, and
the checkpoints. What each can and cannot show is in docs/explanation/the-ledger.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from include.audit import chain
from include.audit.files import FilesChecked, compare_files
from include.audit.ledger import LEDGER, SCHEMA
from include.audit.signing import CHECKPOINTS, Checkpoint, key_id, read_checkpoints
from include.audit.tables import compare_tables, read_logs
from include.audit.verification import Discrepancy, Verification
from include.lake.errors import LakeError, LakeTableMissing
from include.lake.root import Lake


class NoLedger(LakeError):
    """There is nothing to verify at the place given."""


def verify(
    lake: Lake,
    *,
    public_key: Ed25519PublicKey | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    with_files: bool = False,
) -> Verification:
    """Check the ledger of a lake against itself, against the tables' logs and against checkpoints.

    `checkpoints` are those kept elsewhere, beside the ones in `audit/checkpoints/`. With `public_key` each must be
    signed by it, and there must be one; without, their signatures are not looked at. A run at work meanwhile may show
    as a commit without a record: verify when nothing runs. `with_files` also reads every live data file of the tables.
    """
    # The logs first: what is recorded while we read is then known to the ledger, not missing from it.
    logs = read_logs(lake)
    found, (entries, vouched) = _verify_ledger(lake, LEDGER, CHECKPOINTS, public_key, checkpoints)
    compared = compare_tables(lake, logs, entries)
    checked = compare_files(lake, sorted(logs), entries) if with_files else FilesChecked(0, ())
    return Verification(
        records=entries.num_rows,
        commits=compared.commits,
        commits_past_checking=compared.past_checking,
        vouched_until=vouched,
        files=checked.files,
        discrepancies=(*found, *compared.discrepancies, *checked.discrepancies),
    )


def verify_copy(
    folder: Path, *, public_key: Ed25519PublicKey | None = None, checkpoints: Sequence[Checkpoint] = ()
) -> Verification:
    """The same without the lake, for somebody who has only a copy of `audit/` (or of `audit/ledger`) and a public key.

    The tables' logs are not there, so only the chain, the ledger's own log and the checkpoints are checked. Raises
    NoLedger.
    """
    for ledger_folder in (folder / "audit" / "ledger", folder / "ledger", folder):
        if (ledger_folder / "_delta_log").is_dir():
            break
    else:
        raise NoLedger(f"there is no ledger in {folder}: give a copy of the lake's folder audit/, with all below it")
    ledger_folder = ledger_folder.absolute()
    lake = Lake(str(ledger_folder.parent), (), ledger_folder.parent)
    found, (entries, vouched) = _verify_ledger(lake, ledger_folder.name, "checkpoints", public_key, checkpoints)
    return Verification(records=entries.num_rows, vouched_until=vouched, discrepancies=tuple(found))


def _verify_ledger(
    lake: Lake,
    folder: str,
    checkpoint_folder: str,
    public_key: Ed25519PublicKey | None,
    kept_elsewhere: Sequence[Checkpoint],
) -> tuple[list[Discrepancy], tuple[pa.Table, int]]:
    """Discrepancies of the ledger in itself; its entries, and until which one a signature vouches for them."""
    stored = read_checkpoints(lake, checkpoint_folder)
    try:
        entries, found = chain.read_what_is_left(lake, folder)
        broken = chain.walk(entries)
        notes, own = chain.read_own_log(lake, folder)
        found += broken + own
    except LakeTableMissing:
        entries, found, broken, notes = SCHEMA.empty_table(), [], [], []
    marks = [*kept_elsewhere]
    for name, mark in stored:
        if mark is None:
            found.append(Discrepancy(None, f"{CHECKPOINTS}/{name}", "the checkpoint is not readable: it was altered"))
        else:
            marks.append(mark)
    claims = [(mark.sequence, mark.hash) for mark in marks]
    found += chain.compare_marks(entries, claims, witness="a checkpoint", broken=broken)
    found += chain.compare_marks(entries, notes, witness="the ledger's own log", broken=broken)
    if public_key is None:
        return found, (entries, 0)
    for mark in marks:
        if not mark.is_signed_by(public_key):
            why = f"the checkpoint of entry {mark.sequence} is not signed with the key {key_id(public_key)}"
            found.append(Discrepancy(mark.sequence, CHECKPOINTS, why))
    if not marks:
        why = f"there is no checkpoint signed with the key {key_id(public_key)}: nothing vouches for the ledger's end"
        found.append(Discrepancy(None, CHECKPOINTS, why))
    vouched = max((mark.sequence for mark in marks if mark.is_signed_by(public_key)), default=0)
    return found, (entries, 0 if found else vouched)
