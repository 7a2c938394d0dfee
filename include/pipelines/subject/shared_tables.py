"""Every shared table there ever was, from its making to its removal, as the ledger has it: versions, source and terms.

Each version of a shared table states which version of the published table its rows are of, so what it held follows
from that one and the agreement's terms. Both are in the ledger for good, also of tables that were removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, chain
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
    """A shared table from its making to its removal. `terms` is None if not recorded.

    `made` are all tables that the product ever was, by Delta id, in the ledger's order, each with its beginning.
    """

    recipient: str
    product: str
    table_id: str
    agreement: str
    source: str
    terms: Terms | None
    versions: tuple[SharedVersion, ...]
    made: Mapping[str, datetime]

    @property
    def ends_at(self) -> datetime | None:
        """When the product's next table was begun; None: it is this one."""
        following = list(self.made)[list(self.made).index(self.table_id) + 1 :]
        return self.made[following[0]] if following else None

    def has_read(self, table_id: str | None, at: datetime) -> bool:
        """Whether a read was of this table: by the id on its record, without one by the clocks of both."""
        begun = [one for one, began in self.made.items() if began <= at]
        return self.table_id == (table_id or (begun[-1] if begun else next(iter(self.made))))

    def until(self, version: int) -> datetime | None:
        """When a version ceased to be the newest; None: it is."""
        later = (one.at for one in self.versions if one.version > version)
        return next(later, self.ends_at)


@dataclass(frozen=True, slots=True)
class SharingRecord:
    """Shared tables with rows, the instants of the published tables' versions, and statistics that were shared.

    `told_by_instant` are the versions that were the newest at their instant. Where the clock of one who publishes goes
    ahead, those that follow are dated before it, so that a row history has another version's rows at that time.
    `since` is when the first shared table was made.
    """

    tables: tuple[SharedTable, ...]
    instants: Mapping[SourceVersion, datetime]
    told_by_instant: frozenset[SourceVersion]
    statistics: tuple[str, ...]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What the ledger has of an agreement's text: each product's terms, and whether it shares groups, not rows."""

    recipient_name: str
    purpose: str
    products: Mapping[str, tuple[Terms, bool]]

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> _Agreed:
        products = {
            name: (Terms(tuple(said["columns"]), str(said["rows"])), "statistics" in said)
            for name, said in payload.get("products", {}).items()
        }
        return cls(str(payload.get("recipient_name", "")), str(payload.get("purpose", "")), products)


@dataclass(frozen=True, slots=True)
class _Commit:
    """A recorded commit of a table. Of a shared one it may state its source and agreement, or that it is closed."""

    table_id: str
    version: int
    at: datetime
    agreement: str
    agreement_digest: str
    source: str
    source_version: SourceVersion | None
    is_closed: bool

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> _Commit:
        version = payload.get("source_version")
        return cls(
            payload["table_id"],
            int(payload["version"]),
            datetime.fromtimestamp(int(payload["committed_ms"]) / 1000, UTC),
            str(payload.get("agreement", "")),
            payload.get("agreement_digest") or "",
            str(payload.get("source") or ""),
            None if version is None else SourceVersion(str(payload["source_table_id"]), int(version)),
            payload.get("state") == "closed",
        )


def sharing_record(lake: Lake, agreements_now: Iterable[Agreement]) -> SharingRecord:
    """All that the ledger has of shared tables.

    `agreements_now`: for one that a killed run carried out and did not record.
    """
    _, commits = ledger.read_kind(lake, "commit")
    _, agreements = ledger.read_kind(lake, "agreement")
    terms = {agreement.digest: _Agreed.of(agreed_terms(agreement)) for agreement in agreements_now}
    for payload in map(json.loads, agreements["payload"].to_pylist()):
        terms[payload["digest"]] = _Agreed.of(payload)
    published = _commits_by_table(commits, _REGISTRY)
    instants = {
        SourceVersion(one.table_id, one.version): one.at
        for lives in published.values() for life in lives.values() for one in life
    }  # fmt: skip
    told_by_instant = frozenset(
        version for lives in published.values() for version in _told_by_instant([*chain(*lives.values())])
    )
    tables = list(_tables(_commits_by_table(commits, _SHARED), terms))
    rows = tuple(one for one, is_statistics in tables if not is_statistics)
    statistics = sorted({f"{one.recipient}/{one.product}" for one, is_statistics in tables if is_statistics})
    since = min((version.at for one, _ in tables for version in one.versions), default=None)
    return SharingRecord(rows, instants, told_by_instant, tuple(statistics), since)


def _tables(
    subjects: Mapping[str, Mapping[str, Sequence[_Commit]]], terms: Mapping[str, _Agreed]
) -> Iterator[tuple[SharedTable, bool]]:
    """The tables that were open at some time, and whether each has groups instead of rows."""
    for subject, lives in subjects.items():
        made = {table_id: commits[0].at for table_id, commits in lives.items()}
        for table_id, commits in lives.items():
            versions = tuple(_versions(commits, terms))
            stated = next((one for one in commits if one.source), None)
            if stated is None:
                continue  # it was closed from its first version on
            _, recipient, product = subject.split("/")
            agreed = next(
                (terms[one.agreement_digest] for one in reversed(commits) if one.agreement_digest in terms), None
            )
            of, is_statistics = agreed.products.get(product, (None, False)) if agreed else (None, False)
            source = stated.source.removeprefix(_REGISTRY).replace("/", ".")
            table = SharedTable(recipient, product, table_id, stated.agreement, source, of, versions, made)
            yield table, is_statistics


def _versions(commits: Iterable[_Commit], terms: Mapping[str, _Agreed]) -> Iterator[SharedVersion]:
    """A commit that states no source or agreement (maintenance, a property) has those of the one before it."""
    source: SourceVersion | None = None
    named = "", ""
    for one in commits:
        if one.agreement_digest:
            agreed = terms.get(one.agreement_digest)
            named = (agreed.recipient_name, agreed.purpose) if agreed else ("", "")
        source = None if one.is_closed else one.source_version or source
        yield SharedVersion(one.version, one.at, source, *named)


def _told_by_instant(commits: Sequence[_Commit]) -> Iterator[SourceVersion]:
    """Of a table's commits, as they came: those dated not before any former one, and before every later one."""
    following = datetime.max.replace(tzinfo=UTC)
    latest = list(accumulate((one.at for one in commits), max))
    for one, until_then in zip(reversed(commits), reversed(latest), strict=True):
        if until_then <= one.at < following:
            yield SourceVersion(one.table_id, one.version)
        following = min(following, one.at)


def _commits_by_table(commits: pa.Table, zone: str) -> dict[str, dict[str, list[_Commit]]]:
    """The recorded commits of the tables of a zone, by path and Delta id: as they came, each table's by version."""
    found = commits.filter(pc.starts_with(commits["subject"], zone))
    by_table: dict[str, dict[str, list[_Commit]]] = {}
    for subject, payload in zip(found["subject"].to_pylist(), found["payload"].to_pylist(), strict=True):
        commit = _Commit.of(json.loads(payload))
        by_table.setdefault(subject, {}).setdefault(commit.table_id, []).append(commit)
    for lives in by_table.values():
        for life in lives.values():
            life.sort(key=lambda one: one.version)
    return by_table
