"""Every shared table there ever was, from its making to its removal, as the ledger has it: versions, source and terms.

Each version of a shared table states which version of the published table its rows are of, so what it held follows
from that one and the agreement's terms. Both are in the ledger for good, also of tables that were removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.audit import ledger
from include.lake.storage import Lake
from include.pipelines.subject.source_versions import SourceVersion
from include.sharing.agreements import Agreement
from include.sharing.products import agreed_terms

_SHARED, _REGISTRY = "shared/", "registry/"


@dataclass(frozen=True, slots=True)
class SharedVersion:
    """A version of a shared table: when it was committed, and of which published version its rows are (None: none).

    The agreement can give another `purpose` from one version to the next, and another name of the recipient; both are
    empty if the ledger has not its text.
    """

    version: int
    at: datetime
    source: SourceVersion | None
    recipient_name: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an agreement said of a product: its columns with their protection, and its rows. It holds for one table."""

    columns: tuple[str, ...]
    rows: str

    @property
    def given(self) -> frozenset[str]:
        """Names of the columns that are shared."""
        return frozenset(text.split()[0] for text in self.columns if text.split()[1] != "drop")


@dataclass(frozen=True, slots=True)
class SharedTable:
    """A shared table from its making to its removal (`ends_at`; None: it is there). `terms` is None if not recorded."""

    recipient: str
    product: str
    table_id: str
    agreement: str
    source: str
    terms: Terms | None
    versions: tuple[SharedVersion, ...]
    ends_at: datetime | None

    def until(self, version: int) -> datetime | None:
        """When a version ceased to be the newest; None: it is."""
        later = (one.at for one in self.versions if one.version > version)
        return next(later, self.ends_at)


@dataclass(frozen=True, slots=True)
class SharingRecord:
    """Shared tables with rows, the instants of the published tables' versions, and statistics that were shared.

    `since` is when the first shared table was made.
    """

    tables: tuple[SharedTable, ...]
    instants: Mapping[SourceVersion, datetime]
    statistics: tuple[str, ...]
    since: datetime | None


def sharing_record(lake: Lake, agreements_now: Iterable[Agreement]) -> SharingRecord:
    """All that the ledger has of shared tables.

    `agreements_now`: for one that a killed run carried out and did not record.
    """
    _, commits = ledger.read_kind(lake, "commit")
    _, agreements = ledger.read_kind(lake, "agreement")
    terms = {agreement.digest: agreed_terms(agreement) for agreement in agreements_now}
    terms |= {payload["digest"]: payload for _, payload in _entries(agreements)}
    lives: dict[tuple[str, str], list[dict[str, Any]]] = {}
    instants = {}
    for subject, payload in _entries(_of_zone(commits, _SHARED)):
        lives.setdefault((subject, payload["table_id"]), []).append(payload)
    for _, payload in _entries(_of_zone(commits, _REGISTRY)):
        instants[SourceVersion(payload["table_id"], payload["version"])] = _instant(payload)
    tables = list(_tables(lives, terms))
    rows = tuple(one for one, is_statistics in tables if not is_statistics)
    statistics = sorted({f"{one.recipient}/{one.product}" for one, is_statistics in tables if is_statistics})
    since = min((version.at for one, _ in tables for version in one.versions), default=None)
    return SharingRecord(rows, instants, tuple(statistics), since)


def _tables(
    lives: Mapping[tuple[str, str], list[dict[str, Any]]], terms: Mapping[str, Any]
) -> Iterator[tuple[SharedTable, bool]]:
    """The tables that were open at some time, and whether each has groups instead of rows."""
    begun: dict[str, list[datetime]] = {}
    for (subject, _), commits in lives.items():
        begun.setdefault(subject, []).append(min(map(_instant, commits)))
    for (subject, table_id), commits in lives.items():
        commits.sort(key=lambda payload: int(payload["version"]))
        versions = tuple(_versions(commits, terms))
        stated = next((payload for payload in commits if payload.get("source")), None)
        if stated is None:
            continue  # it was closed from its first version on
        _, recipient, product = subject.split("/")
        ends_at = min((at for at in begun[subject] if at > versions[0].at), default=None)
        digests = [payload["agreement_digest"] for payload in commits if payload.get("agreement_digest")]
        agreed = next((terms[digest] for digest in reversed(digests) if digest in terms), None)
        said = agreed["products"].get(product) if agreed else None
        source = str(stated["source"]).removeprefix(_REGISTRY).replace("/", ".")
        of = None
        if agreed and said:
            of = Terms(tuple(said["columns"]), str(said["rows"]))
        of_agreement = str(stated["agreement"])
        table = SharedTable(recipient, product, table_id, of_agreement, source, of, versions, ends_at)
        yield table, bool(said and "statistics" in said)


def _versions(commits: Iterable[Mapping[str, Any]], terms: Mapping[str, Any]) -> Iterator[SharedVersion]:
    """A commit that states no source or agreement (maintenance, a property) has those of the one before it."""
    source: SourceVersion | None = None
    named = "", ""
    for payload in commits:
        if digest := payload.get("agreement_digest"):
            agreed = terms.get(digest, {})
            named = str(agreed.get("recipient_name", "")), str(agreed.get("purpose", ""))
        if payload.get("state") == "closed":
            source = None
        elif payload.get("source_version") is not None:
            source = SourceVersion(str(payload["source_table_id"]), int(payload["source_version"]))
        yield SharedVersion(int(payload["version"]), _instant(payload), source, *named)


def _of_zone(commits: pa.Table, zone: str) -> pa.Table:
    return commits.filter(pc.starts_with(commits["subject"], zone))


def _entries(found: pa.Table) -> Iterator[tuple[str, dict[str, Any]]]:
    for subject, payload in zip(found["subject"].to_pylist(), found["payload"].to_pylist(), strict=True):
        yield subject, json.loads(payload)


def _instant(payload: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(payload["committed_ms"]) / 1000, UTC)
