"""Results of a run of linking: counts, shares, digests and names of tables, never a value of a record.

They become plain values only where they leave the library: for XCom, for `--json`, in the run's own folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from include.contracts.words import RecordedFinding
from include.lake.run_log import LinkRunRow, RecordedBand, RecordedThreshold

SUBJECT = "people"
_NOT_OF_AN_UNCHANGED_RUN = frozenset({"approved_by", "approval_note", "started_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonsLinked:
    """What a run of linking would commit, or has committed. The figures are those of LinkRunRow.

    `base_run` made the index that the run builds on. It is `held` if it has `findings`: a steward must decide.
    `versions` are those of the tables that it wrote. `waits` says who must approve beside who did, in English.
    """

    registry: str = SUBJECT
    table: str = "index"
    run_id: str
    verdict: str
    basis: Mapping[str, str]
    base_run: str
    model_version: str
    records: int
    reviews: int
    started_at: str
    mode: str
    compared: int
    tables: Sequence[str]
    persons: int
    candidates: int
    largest: int
    links: int
    grey: int
    passes: Mapping[str, Mapping[str, int]]
    minted: int
    merged: int
    split: int
    retired: int
    moved: int
    unseen: float | None
    precision: float | None
    precision_lower: float | None
    precision_upper: float | None
    recall: float | None
    recall_lower: float | None
    recall_upper: float | None
    recall_reason: str
    bands: Sequence[RecordedBand]
    thresholds: Sequence[RecordedThreshold]
    sizes: Mapping[str, int]
    duplicates: int
    shared_ids: int
    findings: Sequence[RecordedFinding]
    held: bool
    seconds: float
    approved_by: str | None = None
    approval_note: str | None = None
    waiting: int | None = None
    versions: Mapping[str, int] | None = None
    refused_by: str | None = None
    refusal_note: str | None = None
    waits: str | None = None
    waits_vi: str | None = None

    @property
    def row(self) -> LinkRunRow:
        """The result as the run log keeps it."""
        return LinkRunRow.from_dict(self.to_dict())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PersonsLinked:
        """The result that `to_dict` gave; names that it does not know are left out."""
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})

    def to_dict(self) -> dict[str, Any]:
        """Plain values by field; fields with a default only if they say something."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None or name not in _OPTIONAL}


_OPTIONAL = frozenset(field.name for field in fields(PersonsLinked) if field.default is None)


@dataclass(frozen=True, slots=True)
class PersonsUnchanged:
    """Nothing to do: the figures of the last published run, `same_as_run`, stand."""

    row: LinkRunRow
    same_as_run: str
    registry: str = SUBJECT
    table: str = "index"
    held: bool = False

    @classmethod
    def since(cls, last: LinkRunRow, run_id: str) -> PersonsUnchanged:
        """Of a run that found what the last published one had left."""
        row = replace(last, minted=0, merged=0, split=0, retired=0, moved=0, findings=[])
        return cls(replace(row, run_id=run_id, verdict="unchanged"), last.run_id)

    @property
    def run_id(self) -> str:
        """The run."""
        return self.row.run_id

    @property
    def verdict(self) -> str:
        """Unchanged."""
        return self.row.verdict

    def to_dict(self) -> dict[str, Any]:
        """Plain values by column of the run log, and the fields."""
        names = [field.name for field in fields(LinkRunRow) if field.name not in _NOT_OF_AN_UNCHANGED_RUN]
        of_run = {"registry": self.registry, "table": self.table, "same_as_run": self.same_as_run, "held": self.held}
        return {name: getattr(self.row, name) for name in names} | of_run


LinkResult = PersonsLinked | PersonsUnchanged
"""How a run of linking ended, or stands."""


def link_result(values: Mapping[str, Any]) -> LinkResult:
    """The result that `to_dict` gave."""
    if values["verdict"] == "unchanged":
        return PersonsUnchanged(LinkRunRow.from_dict(values), values["same_as_run"])
    return PersonsLinked.from_dict(values)
