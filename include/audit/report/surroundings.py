"""What the report tells besides the registries: agreements, the ledger's state, persons; handed in as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from include.audit.report.linking import Linking, ModelFacts


@dataclass(frozen=True, slots=True)
class SharedProduct:
    """One shared table: of which published table, and each column's protection (`none`, `pseudonym`, `drop`, ...)."""

    name: str
    title: str
    registry: str
    table: str
    columns: tuple[tuple[str, str], ...]
    rows: str

    @property
    def given(self) -> tuple[tuple[str, str], ...]:
        """The columns that the recipient gets."""
        return tuple((name, protection) for name, protection in self.columns if protection != "drop")


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """An agreement as it stands: `in_force`, `pending`, `expired` or `withdrawn`."""

    agreement_id: str
    title: str
    provider: str
    recipient: str
    recipient_name: str
    purpose: str
    legal_basis: tuple[str, ...]
    valid_from: date
    valid_until: date
    standing: str
    products: tuple[SharedProduct, ...]


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What a walk along the ledger found. `why` names the first entry that is wrong; empty if all is well."""

    entries: int
    commits: int
    last_at: datetime | None
    last_hash: str
    vouched_until: int
    is_whole: bool
    why: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything the report is told. `ledger` is None where none is kept yet, `model` where none can be read."""

    agreements: tuple[AgreementFacts, ...] = ()
    ledger: LedgerFacts | None = None
    linking: Linking = field(default_factory=Linking)
    model: ModelFacts | None = None
