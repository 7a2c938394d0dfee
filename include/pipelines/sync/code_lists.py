"""The code lists of `schemas/reference`: published where their file changed, and on record in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from include.audit import ledger
from include.audit.ledger import Record, canonical
from include.audit.verification import commit_records
from include.lake.publishing import digest_of, list_files, publish_reference
from include.pipelines.audit_log import ACTOR
from include.pipelines.context import PipelineContext

_ZONE = "reference"


def publish_code_lists(context: PipelineContext) -> list[str]:
    """Publish the code lists that changed to `reference/`, and put them into the ledger; returns their names, sorted.

    A list that a killed process published is recorded by the next one, which finds nothing to publish. Every sync
    begins with this, so it begins by one look: where the ledger knows the digests of all files together with the names
    of all files in the tables' logs, nothing was changed here or there by anybody, and no table is opened. To open
    sixty is 0.3 s of processor, or some hundred requests.
    """
    digests = {path.stem: digest_of(path) for path in list_files(context.schemas)}
    before = _logs(context)
    if _as_they_are(digests, before).is_known(ledger.taken(context.lake)):
        return []
    published = publish_reference(context.lake, context.schemas)
    records = [
        Record("maintenance", f"{_ZONE}/{name}", {"file_sha256": digest}, on_change=True)
        for name, digest in digests.items()
    ]
    made = commit_records(context.lake, [record.subject for record in records])
    after = _logs(context)
    if len(after) == len(before) + len(published):  # else somebody else commits too: the next sync looks again
        records.append(_as_they_are(digests, after))
    ledger.append(context.lake, [*made, *records], at=context.now(), actor=ACTOR)
    return published


def _logs(context: PipelineContext) -> list[str]:
    """The files of the logs of all lists' tables: a commit, by whomever, adds one."""
    return [path for path in context.lake.files_below(context.lake.path(_ZONE)) if "/_delta_log/" in path]


def _as_they_are(digests: Mapping[str, str], logs: Sequence[str]) -> Record:
    """The record that says: of these files and these logs everything is published and on record."""
    state = canonical({"files": dict(digests), "logs": list(logs)})
    return Record("maintenance", _ZONE, {"state_sha256": hashlib.sha256(state.encode()).hexdigest()}, on_change=True)
