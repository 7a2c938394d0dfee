"""The code lists of `schemas/reference`: published where their file changed, and on record in the ledger."""

from __future__ import annotations

import hashlib

from include.audit import ledger
from include.audit.ledger import Record, canonical
from include.audit.verification import commit_records
from include.lake.publishing import digest_of, list_files, publish_reference
from include.pipelines.audit_log import ACTOR
from include.pipelines.context import PipelineContext


def publish_code_lists(context: PipelineContext) -> list[str]:
    """Publish the code lists that changed to `reference/`, and put them into the ledger; returns their names, sorted.

    A list that a killed process published is recorded by the next one, which finds nothing to publish. Where the ledger
    knows all lists as their files are, and each has its folder, no table is opened: every sync begins with this, and
    to open sixty tables is 0.3 s of processor, or some hundred requests.
    """
    digests = {path.stem: digest_of(path) for path in list_files(context.schemas)}
    of_all = hashlib.sha256(canonical(digests).encode()).hexdigest()
    all_known = Record("maintenance", "reference", {"lists_sha256": of_all}, on_change=True)
    folders = {uri.rpartition("/")[2] for uri in context.lake.list(f"{context.lake.uri}/reference")}
    if folders >= digests.keys() and all_known.is_known(ledger.taken(context.lake)):
        return []
    published = publish_reference(context.lake, context.schemas)
    records = [
        Record("maintenance", f"reference/{name}", {"file_sha256": digest}, on_change=True)
        for name, digest in digests.items()
    ]
    taken = ledger.taken(context.lake)
    new = [record for record in records if not record.is_known(taken)]
    made = commit_records(context.lake, [record.subject for record in new])
    ledger.append(context.lake, [*made, *new, all_known], at=context.now(), actor=ACTOR)
    return published
