"""What a client asks for: the body of a query and the parameters of a read of changes, checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.sharing.delta_sharing.errors import Malformed

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a table: `version` or `at` of a former one, `starting` and `ending` for files that changed.

    The hints are as received: what cannot be read of them filters nothing.
    """

    predicates: tuple[str, ...] = ()
    json_predicate: str = ""
    limit: int | None = None
    version: int | None = None
    at: datetime | None = None
    starting: int | None = None
    ending: int | None = None

    @classmethod
    def of(cls, body: bytes) -> Query:
        """The query in a request's body; an empty one asks for everything.

        Raises:
            Malformed: the body is no JSON object, or a field is of another type.
        """
        try:
            given = json.loads(body) if body.strip() else {}
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise Malformed('the body must be a JSON object, {} for the whole table: {"limitHint": 10}')
        hints, json_hint = given.get("predicateHints"), given.get("jsonPredicateHints")
        query = cls(
            tuple(hint for hint in hints if isinstance(hint, str)) if isinstance(hints, list) else (),
            json_hint if isinstance(json_hint, str) else "",
            _number(given, "limitHint"),
            _number(given, "version"),
            _instant(given, "timestamp"),
            _number(given, "startingVersion"),
            _number(given, "endingVersion"),
        )
        if sum(part is not None for part in (query.version, query.at, query.starting)) > 1:
            raise Malformed("give one of version, timestamp and startingVersion")
        return query


@dataclass(frozen=True, slots=True)
class ChangesAsked:
    """A read of the change feed: from a version or instant, to a version or instant (None: the newest)."""

    starting: int | None
    starting_at: datetime | None
    ending: int | None
    ending_at: datetime | None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> ChangesAsked:
        """The parameters of the request.

        Raises:
            Malformed: the start is missing or stated twice, or a value cannot be read.
        """
        asked = cls(
            _number(given, "startingVersion"),
            _instant(given, "startingTimestamp"),
            _number(given, "endingVersion"),
            _instant(given, "endingTimestamp"),
        )
        if (asked.starting is None) == (asked.starting_at is None):
            raise Malformed("give startingVersion or startingTimestamp, one of them")
        if asked.ending is not None and asked.ending_at is not None:
            raise Malformed("give endingVersion or endingTimestamp, not both")
        return asked


def instant(text: str, name: str) -> datetime:
    """An instant in ISO 8601 with its zone, such as `2026-01-31T08:30:00Z`.

    Raises:
        Malformed: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 in a zone to the east began in the year 0
        pass
    raise Malformed(f"{name} must be an instant in UTC, such as 2026-01-31T08:30:00Z")


def _number(given: Mapping[str, Any], name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise Malformed(f"{name} must be a whole number from 0 up")
    return value


def _instant(given: Mapping[str, Any], name: str) -> datetime | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Malformed(f"{name} must be an instant in UTC, such as 2026-01-31T08:30:00Z")
    return instant(value, name)
