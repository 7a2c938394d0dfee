"""Further report data, passed in by the caller: agreements, the ledger's state, persons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from include.audit.reads import ProductReads
from include.audit.report_data.linking import Linking, ModelFacts
from include.contracts.words import BilingualText

READS_DAYS = 30
PERSONAL = ("confidential", "restricted", "sensitive")
"""Classifications of columns with personal data."""


@dataclass(frozen=True, slots=True)
class AgreedColumn:
    """One column of a product: its protection, as in the agreement, and what it is.

    `business_name` and `classification` are the contract's; empty where it no longer has the column.
    """

    name: str
    protection: str
    keep: int = 0
    business_name: str = ""
    classification: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.protection})"


@dataclass(frozen=True, slots=True)
class SharedProduct:
    """One shared table: its published table, the agreed columns and rows, and its actual state.

    `state` is `open`, `closed` (emptied) or empty: nothing is delivered yet. Of an open one `since` is when the table
    was first committed on these terms, `last_at` when rows last came or went. `reads`: in the last READS_DAYS; None if
    there were none. `personal_reads` are the columns that were read, also in protected form, and of which today's
    contract does not say that they have no personal data. `minimum`: of counts by these columns, below which a cell is
    suppressed; 0 for rows.
    """

    name: str
    title: str
    registry: str
    table: str
    columns: tuple[AgreedColumn, ...]
    rows: str
    state: str = ""
    version: int | None = None
    live_rows: int = 0
    since: datetime | None = None
    last_at: datetime | None = None
    reads: ProductReads | None = None
    personal_reads: tuple[str, ...] = ()
    minimum: int = 0

    @property
    def given(self) -> tuple[AgreedColumn, ...]:
        """The columns that the recipient gets."""
        return tuple(column for column in self.columns if column.protection != "drop")


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """An agreement with its standing (`in_force`, `pending`, `expired` or `withdrawn`) and readable `code_lists`.

    `valid_until` is the last day on which it holds: a withdrawal comes before the end that was agreed.
    """

    agreement_id: str
    version: str
    title: str
    provider: str
    recipient: str
    recipient_name: str
    purpose: str
    legal_basis: tuple[str, ...]
    valid_from: date
    valid_until: date
    provider_contact: str
    recipient_contact: str
    standing: str
    products: tuple[SharedProduct, ...]
    code_lists: tuple[str, ...] = ()
    withdrawn_because: str = ""


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How the provider of a registry answers requests of one kind: `ask` for data, or `dispute` a row.

    `refused` are counts by the name of the ground; `open` wait for an answer, `overdue` of them for too long;
    `accepted` are disputes that the source has yet to mend.
    """

    registry: str
    kind: str
    asked: int
    in_time: int
    late: int
    open: int
    overdue: int
    granted: int
    granted_less: int
    refused: tuple[tuple[BilingualText, int], ...]
    accepted: int
    mended: int
    rejected: int


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """Result of verifying the ledger. `why` names the first wrong entry; empty if all is well."""

    entries: int
    commits: int
    last_at: datetime | None
    last_hash: str
    vouched_until: int
    is_whole: bool
    why: BilingualText


@dataclass(frozen=True, slots=True)
class QualityReportInputs:
    """Report data beyond the registries. `ledger` is None before the first entry, `model` if none can be read.

    `contradictions`: persons whose registries contradict each other. `pages_url`: URL of the quality pages, or empty.
    `broken` are files of contracts and agreements that could not be read. `delivered`: by registry that several servers
    deliver, how many are up to date and which are missing; only `missing` registries lack one. `requests`: of each
    registry that was asked for data, or of which a row was disputed.
    """

    agreements: tuple[AgreementFacts, ...] = ()
    ledger: LedgerFacts | None = None
    linking: Linking = field(default_factory=Linking)
    model: ModelFacts | None = None
    contradictions: int = 0
    pages_url: str = ""
    broken: tuple[str, ...] = ()
    delivered: Mapping[str, BilingualText] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    requests: tuple[RequestCounts, ...] = ()
