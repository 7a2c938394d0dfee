"""The answer to a person who asks what is held about her and who was given it. It has her data and no other's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

Relation = Literal["own", "about", "mention"]
"""Of a row: a record of the person; a row that is no person's record and refers to hers; another's that does so."""
Doubt = Literal["source not kept", "contract changed", "terms not known", "no contract", "no relation"]
"""Why it cannot be told: the published version is gone; it has a key of hers in a column by which the contract of today
cannot tell; the agreement's text; the source is in no contract any more, or its contract does not say whose its rows
are."""
Certainty = Literal["certain", "possible"]


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A record that linking gave to the person. `since`: when it did; `until`: when the registry's table lost it."""

    record_id: str
    registry: str
    table: str
    since: datetime | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeldRows:
    """Rows about the person in one published table today: `rows` of hers, `mentions` in rows of others.

    `unclear` are others that may be about her: they were published by a contract with other columns than today's.
    """

    registry: str
    table: str
    title: str
    relation: Relation
    rows: int
    mentions: int
    unclear: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """Versions of a shared table with a row about the person, the first to the last.

    One of them was the newest from `since` until `until` (None: it still is). `rows` and `mentions` are the most that
    one version had.
    """

    first: int
    last: int
    since: datetime
    until: datetime | None
    rows: int
    mentions: int


@dataclass(frozen=True, slots=True)
class SpanUnknown:
    """Versions of a shared table of which it cannot be told any more whether they had a row about the person.

    Those of which it is told too (`Span`) may have had one more.
    """

    first: int
    last: int
    since: datetime
    until: datetime | None
    reason: Doubt


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the agreement gave rows for, and to whom, from version `first` of the shared table to `last`.

    It held from `since` until `until` (None: it still does). `text` is empty if the ledger has not that agreement.
    """

    first: int
    last: int
    since: datetime
    until: datetime | None
    recipient_name: str
    text: str


@dataclass(frozen=True, slots=True)
class ReadOfRows:
    """A read by which the recipient was offered a version with a row about the person."""

    read_id: str
    at: datetime
    action: str
    version: int


@dataclass(frozen=True, slots=True)
class GivenColumn:
    """A column that was shared, and how its values were protected; `keep` characters of `keep_last`."""

    name: str
    title: str
    protection: str
    keep: int


@dataclass(frozen=True, slots=True)
class Given:
    """A shared table in which a recipient could read rows about the person.

    `table_id` is the Delta id: a table that is made anew counts its versions from 0 again. `purposes` are those that
    held while a version with such a row was the newest, or when one was read.
    """

    recipient: str
    agreement: str
    purposes: tuple[Purpose, ...]
    product: str
    source: str
    source_title: str
    columns: tuple[GivenColumn, ...]
    table_id: str
    spans: tuple[Span, ...]
    unknown: tuple[SpanUnknown, ...]
    reads: tuple[ReadOfRows, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A look of an official at personal values, by the ledger: number of the entry, who, when, of what and what for.

    `possible`: the entry does not tell which rows of the table were shown, so hers may have been among them.
    """

    sequence: int
    at: datetime
    by: str
    subject: str
    purpose: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Subject:
    """The whole answer. `way` is every id from the asked one to today's `person_id`; `standing` living or retired.

    Of a record that linking never saw, `standing` is `unlinked`, `person_id` empty, `way` the record's id. `linked_at`
    is when the last linking began: what was published later, or was gone by then, may be hers and is not in the answer.

    `kept_since` is when the oldest record of sharing was made: of the time before nothing is known. `lists_opened`
    counts looks at lists of findings, whose entries do not tell whose rows they showed. `entry` is the number of the
    question's own entry in the ledger. `names` are titles in Vietnamese as contracts and agreements have them today, of
    registries, `registry.table`, `agreements/<id>`, `recipients/<id>` and `<recipient>/<product>`.
    """

    person_id: str
    way: tuple[str, ...]
    standing: str
    asked_at: datetime
    asked_by: str
    purpose: str
    entry: int
    records: tuple[HeldRecord, ...]
    held: tuple[HeldRows, ...]
    given: tuple[Given, ...]
    opened: tuple[Opened, ...]
    statistics: tuple[str, ...]
    lists_opened: int
    kept_since: datetime | None
    linked_at: datetime | None
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, of: str) -> str:
        """The title of a registry, table, agreement or product, or its id where it has none."""
        return self.names.get(of) or of.removeprefix("agreements/").removeprefix("recipients/")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return asdict(self)
