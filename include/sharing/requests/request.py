"""A request to the provider of a registry: to be given data, or to mend a wrong row, with what was answered."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from include.sharing.agreements import SharedColumn

Kind = Literal["ask", "dispute"]
State = Literal["open", "granted", "in force", "refused", "withdrawn", "accepted", "mended", "rejected"]
WAITING: tuple[State, ...] = ("open", "granted", "accepted")
"""States in which somebody still has to do something."""


class Details:
    """What an event holds besides its columns, as JSON in `audit/requests`. Text and values of people: never logged."""

    def to_json(self, **more: str) -> str:
        """The details, and more, as JSON with sorted keys, so that equal details have an equal digest."""
        said = {**asdict(self), **more}  # type: ignore[call-overload]
        return json.dumps(said, ensure_ascii=False, sort_keys=True, default=str)


@dataclass(frozen=True, slots=True)
class Ask(Details):
    """Data that a recipient asks for: columns and rows of a published table, what for, and until when.

    `rows` is a row filter as agreements have it; `contact` the mailbox of the asking office.
    """

    recipient_name: str
    contact: str
    columns: tuple[str, ...]
    rows: str
    purpose: str
    legal_basis: tuple[str, ...]
    valid_from: date
    valid_until: date

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Ask:
        """The ask of an event's JSON."""
        return cls(
            data["recipient_name"], data["contact"], tuple(data["columns"]), data["rows"], data["purpose"],
            tuple(data["legal_basis"]), date.fromisoformat(data["valid_from"]), date.fromisoformat(data["valid_until"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dispute(Details):
    """A row of a product that is wrong: its key as the recipient has it, the column, what stands there, what is right.

    `shown` is the value in the shared table when it was reported; `terms` the digest of the terms that made the table.
    """

    agreement: str
    product: str
    key: tuple[tuple[str, str], ...]
    column: str
    shown: str | None
    right: str
    evidence: str
    terms: str

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Dispute:
        """The dispute of an event's JSON."""
        key = tuple((name, value) for name, value in data["key"])
        return cls(**{**data, "key": key})


@dataclass(frozen=True, slots=True)
class Grant(Details):
    """What is granted: columns with their protections (`drop`: asked for and not given), rows, days; the drafted file.

    `is_less` than what was asked for; `reason` says why then.
    """

    agreement_id: str
    columns: tuple[SharedColumn, ...]
    rows: str
    valid_from: date
    valid_until: date
    is_less: bool
    reason: str
    text: str

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the columns that are given."""
        return tuple(column.name for column in self.columns if column.protection != "drop")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Grant:
        """The grant of an event's JSON."""
        columns = tuple(SharedColumn(**column) for column in data["columns"])
        days = {name: date.fromisoformat(data[name]) for name in ("valid_from", "valid_until")}
        return cls(**{**data, "columns": columns, **days})


@dataclass(frozen=True, slots=True)
class Refusal(Details):
    """Why no data is given: a ground of the code list, the article that restricts sharing, and an explanation."""

    ground: str
    article: str
    reason: str

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Refusal:
        """The refusal of an event's JSON."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Note(Details):
    """A reason, in words; or, in a notice, the number of the event that people were told of.

    `failed`: they are not told yet, and by `sent_by` alone of the ways that are set.
    """

    reason: str = ""
    of_event: int = 0
    failed: bool = False
    sent_by: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Note:
        """The note of an event's JSON."""
        return cls(**{**data, "sent_by": tuple(data.get("sent_by", ()))})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as its events leave it. `number` is that of its last event; `due_on` the last day for an answer."""

    request_id: str
    kind: Kind
    registry: str
    table: str
    recipient: str
    asked_at: datetime
    due_on: date
    state: State
    number: int
    ask: Ask | None = None
    dispute: Dispute | None = None
    grant: Grant | None = None
    refusal: Refusal | None = None
    reason: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    reminded: bool = False
    escalated: bool = False

    @property
    def table_name(self) -> str:
        """The published table, `registry.table`."""
        return f"{self.registry}.{self.table}"
