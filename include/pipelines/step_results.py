"""Results of a run's steps: one frozen class for each way in which a step can end.

Counts, digests, versions and paths, never a row of a registry. They become plain values only where they leave the
library: for XCom, for `--json` and in the run's own folder (`to_dict`, `from_dict`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar, Self, TypeVar

from include.contracts.model import Contract, Table
from include.contracts.words import Finding
from include.known_error import KnownError
from include.lake.run_log import RunRow
from include.pipelines.audit_log import record_run
from include.pipelines.context import PipelineContext
from include.pipelines.delivered_servers import DeliveredServers
from include.sources.landing import Extract

Result = TypeVar("Result", bound="StepResult")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the rows of a run were made of, and by which contract."""

    contract_version: str
    contract_digest: str
    extract_digest: str
    bytes: int
    source: str
    protection: str

    @classmethod
    def of(cls, context: PipelineContext, contract: Contract, landed: Extract) -> Provenance:
        """Of an extract under the contract as it is."""
        digest = context.contract_definition_digest(contract)
        return cls(contract.version, digest, landed.digest, landed.bytes, landed.source, landed.protection)


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """Base of all results: one run of one table. `mode` is how it is read, `started_at` an ISO instant."""

    _VERDICT: ClassVar[str]
    _ABSENT_IF_NONE: ClassVar[frozenset[str]] = frozenset(
        {"began_upon", "provenance", "broken", "held_digest", "waits", "waits_vi"}
    )

    registry: str
    table: str
    run_id: str
    mode: str
    started_at: str

    @property
    def verdict(self) -> str:
        """The word for how it ended: extracted, unchanged, held, declined, timed out, published or failed."""
        return self._VERDICT

    def to_dict(self) -> dict[str, Any]:
        """Plain values by field, with the `verdict`; the provenance's fields stand beside the others."""
        plain: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Provenance):
                plain |= asdict(value)
            elif value is not None or field.name not in self._ABSENT_IF_NONE:
                plain[field.name] = _plain(value)
        return {**plain, "verdict": self.verdict}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The result that `to_dict` gave; names that it does not know are left out."""
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})

    def become(self, kind: type[Result], **more: Any) -> Result:
        """The next result of the same run: the fields that both have, and `more`."""
        names = {field.name for field in fields(kind)}
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name in names}
        return kind(**own | more)

    def row(self, provenance: Provenance | None = None) -> RunRow:
        """The result as the run log keeps it."""
        return RunRow.from_dict(self.to_dict() | (asdict(provenance) if provenance else {}))


@dataclass(frozen=True, kw_only=True)
class Extracted(StepResult):
    """Rows were landed: how many and why so many. `gone` is the URI of a Parquet of keys that the source lost.

    `began_upon` is the run that had last read the source when this one began; None for a replay, which reads none.
    """

    _VERDICT = "extracted"

    why: str = ""
    extracted: int
    gone: str | None = None
    drift: tuple[str, ...] = ()
    began_upon: str | None = None


@dataclass(frozen=True, kw_only=True)
class Assessed(Extracted):
    """The landed rows were split and counted twice. It is `held` if there are `findings`: a steward must decide.

    `reasons` are (rule id, rows), most rows first; `bound` digests of files that the assessment wrote, by path. Only of
    what is held: `provenance`, `broken` (rule id, rejected rows, their keys) and `held_digest`, which is equal
    for equal rows under the same contract upon the same published table with the same findings, in whichever run.
    `engine` says what judged the rows, and why that.
    """

    accepted: int
    rejected: int
    superseded: int
    findings: tuple[Finding, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()
    bound: Mapping[str, str]
    seconds: float
    engine: str = ""
    provenance: Provenance | None = None
    broken: tuple[tuple[str, int, int | None], ...] | None = None
    held_digest: str | None = None

    @property
    def held(self) -> bool:
        """Whether the gate holds the run back."""
        return bool(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As of any result, with `held`."""
        return super().to_dict() | {"held": self.held}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """As of any result: findings, reasons and provenance become what they were."""
        told = dict(values) | {"findings": tuple(Finding(**finding) for finding in values["findings"])}
        told["reasons"] = tuple((rule_id, rows) for rule_id, rows in values["reasons"])
        if (broken := values.get("broken")) is not None:
            told["broken"] = tuple((rule_id, rows, keys) for rule_id, rows, keys in broken)
        parts = {field.name: values.get(field.name) for field in fields(Provenance)}
        told["provenance"] = None if None in parts.values() else Provenance(**parts)  # type: ignore[arg-type]
        return super().from_dict(told)


@dataclass(frozen=True, kw_only=True)
class Held(Assessed):
    """Nothing was published: the gate asks a steward. `waits` says who must approve beside who did, in English."""

    _VERDICT = "held"

    version: int | None = None
    deleted: int = 0
    waits: str | None = None
    waits_vi: str | None = None


@dataclass(frozen=True, kw_only=True)
class Refused(Assessed):
    """Nothing was published: a steward declined, or nobody answered in time (`refusal` says which)."""

    refusal: str
    refused_by: str
    refusal_note: str
    version: int | None = None
    deleted: int = 0

    @property
    def verdict(self) -> str:
        """Declined or timed out."""
        return self.refusal


@dataclass(frozen=True, kw_only=True)
class Publishing(Assessed):
    """What a run is about to commit, for whoever must record it if this process is killed after the commit."""

    _VERDICT = "published"

    approved_by: str
    approval_note: str


@dataclass(frozen=True, kw_only=True)
class Published(Publishing):
    """The accepted rows are in the table since its `version`; how many rows that changed, and how many it has."""

    version: int
    inserted: int
    updated: int
    deleted: int
    retained: int
    live_rows: int


@dataclass(frozen=True, kw_only=True)
class Untouched(StepResult):
    """Base of results that left the table as it was, and no rows to decide about: its counts, as far as known."""

    extracted: int = 0
    accepted: int = 0
    rejected: int = 0
    superseded: int = 0
    deleted: int = 0
    retained: int = 0
    version: int | None = None
    held: bool = False
    findings: tuple[Finding, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Skipped(Untouched):
    """Nothing to publish: the counts are those of the commit that stands, which `same_as_run` made."""

    _VERDICT = "unchanged"

    why: str = ""
    drift: tuple[str, ...] = ()
    live_rows: int = 0
    same_as_run: str | None = None


@dataclass(frozen=True, kw_only=True)
class Failed(Untouched):
    """A step ended with a known error; nothing of the table was changed."""

    _VERDICT = "failed"

    error: str
    error_type: str

    @classmethod
    def of(cls, context: PipelineContext, table: Table, run_id: str, error: Exception) -> Failed:
        """A failure, put on record as far as the lake allows."""
        result = cls(
            registry=table.registry, table=table.name, run_id=run_id, mode="failed",
            started_at=context.now().isoformat(), error=str(error), error_type=type(error).__name__,
        )  # fmt: skip
        try:
            record_run(context, result.row())
        except KnownError:
            return replace(result, error=f"{result.error} (and the lake could not record it)")
        return result


TableResult = Skipped | Held | Published | Failed
"""How a run of one table ended."""


@dataclass(frozen=True, slots=True)
class RegistryResult:
    """A run over tables of one registry; of one with several servers, with those that `delivered`."""

    run_id: str
    registry: str
    tables: tuple[TableResult, ...]
    delivered: DeliveredServers | None = None

    @property
    def verdict(self) -> str:
        """The worst of the tables' verdicts: failed, held, published, unchanged.

        While enough servers delivered, by the contract, the others do not count. Where none is connected: failed.
        """
        verdicts = {result.verdict for result in self.tables}
        if self.delivered is not None and self.delivered.is_enough and verdicts & {"published", "unchanged"}:
            verdicts -= {"failed", "held"}
        return next((one for one in ("failed", "held", "published", "unchanged") if one in verdicts), "failed")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        tables = [result.to_dict() for result in self.tables]
        servers = {} if self.delivered is None else {"servers": self.delivered.to_dict()}
        return {"run_id": self.run_id, "registry": self.registry, "verdict": self.verdict, "tables": tables, **servers}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return dict(value) if isinstance(value, Mapping) else value
