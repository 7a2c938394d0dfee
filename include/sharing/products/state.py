"""State of a shared table, from its commit metadata: terms, source version, open or closed and why; what it keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from deltalake import CommitProperties, DeltaTable

from include.lake.delta import (
    CHECKPOINTS,
    PREFIX,
    commit_of_run,
    commit_properties,
    epoch_milliseconds,
    last_run_commit,
)
from include.lake.storage import Lake, LakeDenied, LakeError, LakeTableMissing, LakeUnreachable, lake_errors
from include.sharing.agreements import Agreement

OPEN, CLOSED = "open", "closed"
# Retention of the change feed and of old versions, with rows that left a product. Also in docs/explanation/sharing.md.
HISTORY_DAYS = 30
ROW_KEY = "row_key"  # metadata key: the columns that told the rows apart when the commit was made
WARDS = "wards"  # metadata key: Delta id and version of the list of wards that the commit's provinces are of
SERVERS_PROPERTY = "lienthong.servers"  # a table property: `33 of 34 servers; missing: land-38 since ...`
CONFIGURATION: Mapping[str, str | None] = {
    **CHECKPOINTS,
    "delta.enableChangeDataFeed": "true",
    "delta.logRetentionDuration": f"interval {HISTORY_DAYS} days",
    "delta.deletedFileRetentionDuration": f"interval {HISTORY_DAYS} days",
    # Column statistics would put the minimum and maximum values of each file in clear into the log.
    "delta.dataSkippingNumIndexedCols": "0",
}


class SharedNotRemoved(LakeError):
    """Files of a shared table could not be removed."""


Notes = Mapping[str, str | int]
"""What a commit of a shared table says of itself, by the names in its metadata."""


@dataclass(frozen=True, slots=True)
class SharingRun:
    """A sharing run: lake, id, and further metadata of its commits.

    `servers`: by registry that several servers deliver, which of them are up to date. `contracts`: the version of each
    registry's contract.
    """

    lake: Lake
    run_id: str
    notes: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)
    contracts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProductResult:
    """Result of sharing one product. `verdict`: published, unchanged, closed, waiting (for its source).

    `held`: lake path of the held figures of a product of statistics.
    """

    agreement: str
    recipient: str
    product: str
    verdict: str
    state: str
    reason: str = ""
    version: int = 0
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    held: str = ""

    @property
    def subject(self) -> str:
        """The table's lake path, its subject in the ledger."""
        return f"shared/{self.recipient}/{self.product}"

    @classmethod
    def of(
        cls,
        agreement: Agreement,
        product: str,
        *,
        verdict: str = "unchanged",
        reason: str = "",
        version: int = 0,
        rows: int = 0,
    ) -> ProductResult:
        """The result for a product that is open."""
        names = agreement.agreement_id, agreement.recipient, product
        return cls(*names, verdict, OPEN, reason, version, rows)


@dataclass(frozen=True, slots=True)
class Shared:
    """An existing shared table, with the metadata of its last run commit (empty if there is none)."""

    delta: DeltaTable
    version: int
    notes: Mapping[str, str]

    @property
    def rows(self) -> int:
        return int(self.notes.get("live_rows", "0"))

    @property
    def since(self) -> datetime:
        """Creation time of the table, since which its present terms apply."""
        return datetime.fromtimestamp(self.delta.metadata().created_time / 1000, UTC)

    def last_delivery(self) -> datetime:
        """Time of the last commit that changed rows; the first commit's if older ones are removed."""
        with lake_errors("reading a table's log"):
            for commit in self.delta.history():
                counts = (commit.get(f"{PREFIX}{name}", "0") for name in ("inserted", "updated", "deleted"))
                if any(figure != "0" for figure in counts):
                    return datetime.fromtimestamp(commit["timestamp"] / 1000, UTC)
        return self.since

    @property
    def is_open(self) -> bool:
        return self.notes.get("state") == OPEN

    def stands_for(self, terms: Notes) -> bool:
        """Whether the table is open, for the same agreement, terms and source."""
        return self._agrees(terms, "state", "agreement", "terms_digest", "source", "source_table_id")

    def is_at(self, terms: Notes) -> bool:
        """Whether source version, list of wards, agreement, terms and the rows' key equal the last commit's."""
        noted = {ROW_KEY, WARDS} & terms.keys()
        return self._agrees(terms, "source_version", "agreement_digest", "until", "terms", *noted)

    def is_of_run(self, run_id: str) -> bool:
        """Whether this run has committed already."""
        return commit_of_run(self.delta, run_id) is not None

    def is_closed_for(self, reason: str) -> bool:
        """Whether the table was emptied, for this reason."""
        return self.notes.get("state") == CLOSED and self.notes.get("reason") == reason

    def why_anew(self) -> str:
        """Reason to remove and recreate this table, for the ledger."""
        if self.notes.get("state") == CLOSED:
            return f"opened again ({self.notes.get('reason', '')})"
        return "the terms changed" if self.notes else "the table was not made by sharing"

    def _agrees(self, terms: Notes, *names: str) -> bool:
        return all(self.notes.get(name) == str(terms[name]) for name in names)


def opened(lake: Lake, recipient: str, product: str) -> Shared | None:
    """The shared table; None if there is none, or only remains of a killed run."""
    try:
        delta = lake.table("shared", recipient, product)
        state = last_run_commit(delta)
    except (LakeUnreachable, LakeDenied):
        raise
    except LakeError as error:
        if isinstance(error, LakeTableMissing) or type(error) is LakeError:
            return None
        raise
    return Shared(delta, int(delta.version()), state.metadata if state else {})


def pseudonym_keys(lake: Lake) -> dict[str, str]:
    """Key id of each recipient with pseudonyms."""
    found = {}
    for recipient in lake.list(lake.path("shared")):
        for product in lake.list(recipient):
            names = recipient.rpartition("/")[2], product.rpartition("/")[2]
            shared = opened(lake, *names)
            if shared is not None and shared.notes.get("key_id"):
                found[names[0]] = shared.notes["key_id"]
    return found


def removed(lake: Lake, recipient: str, product: str) -> None:
    """Remove a shared table physically: data, change files, versions and log.

    Raises:
        SharedNotRemoved: files are left.
    """
    uri = lake.path("shared", recipient, product)
    # The log first: from then on no Delta reader finds the table, even if this process is killed.
    lake.delete_tree(f"{uri}/_delta_log")
    lake.delete_tree(uri)
    if lake.size(uri):
        raise SharedNotRemoved(
            f"shared/{recipient}/{product} could not be emptied: remove that folder of the lake by hand, then share "
            "again"
        )
    lake.make_folder(uri)


def forget_history(lake: Lake, delta: DeltaTable, uri: str, *, at: datetime) -> None:
    """Remove data files, change files and log entries that only versions older than the retention need."""
    hours = HISTORY_DAYS * 24
    with lake_errors("removing old versions"):
        if delta.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False):
            delta.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False)
            delta.create_checkpoint()
            delta.cleanup_metadata()
    _forget_changes(lake, delta, uri, at - timedelta(days=HISTORY_DAYS))


def _forget_changes(lake: Lake, delta: DeltaTable, uri: str, since: datetime) -> None:
    """Remove files of the change feed in no commit since then, which the vacuum of delta-rs keeps."""
    files = lake.list(f"{uri}/_change_data")
    if not files:
        return
    with lake_errors("reading a table's log"):
        history = delta.history()
    recent = [int(commit["version"]) for commit in history if commit["timestamp"] >= epoch_milliseconds(since)]
    named: set[str] = set()
    for version in recent:
        lines = lake.read_text(f"{uri}/_delta_log/{version:020d}.json").split(
            "\n"
        )  # values may contain other line ends
        actions = map(json.loads, filter(None, lines))
        named |= {action["cdc"]["path"].rpartition("/")[2] for action in actions if "cdc" in action}
    for file in files:
        if file.rpartition("/")[2] not in named:
            lake.delete_tree(file)


def properties(run: SharingRun, notes: Notes) -> CommitProperties:
    """Commit properties with the run's id and notes; the commit takes the next version or fails."""
    return commit_properties(run.run_id, {name: str(value) for name, value in {**run.notes, **notes}.items()})
