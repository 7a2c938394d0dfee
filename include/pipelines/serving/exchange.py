"""One request and its answer, apart from any network; and the record that grows while the request is understood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from include.audit.reads import ReadRecord
from include.sharing.agreements import Agreement
from include.sharing.delta_sharing import HEADER, Capabilities

JSON, LINES = "application/json; charset=utf-8", "application/x-ndjson; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as received: `path` (below the prefix) and `query` are not decoded, names of headers are small."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: a body, or the file at `file`."""

    status: int
    body: bytes = b""
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    file: str = ""

    @classmethod
    def of_json(cls, content: Mapping[str, Any], status: int = 200) -> Answer:
        """One JSON object."""
        return cls(status, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


class Exchange:
    """A request while it is answered: what was asked, when, and what is known of it for its record."""

    def __init__(self, asked: Asked, read_id: str, at: datetime) -> None:
        self.asked, self.at = asked, at
        self._known: dict[str, Any] = {
            "read_id": read_id, "at": at, "address": asked.address, "action": "unknown", "verdict": "refused",
            "status": 500,
        }  # fmt: skip

    def note(self, **known: Any) -> None:
        """Put fields of the record, by their names in ReadRecord."""
        self._known.update(known)

    def note_agreement(self, agreement: Agreement) -> None:
        """Put what the record says of an agreement."""
        self.note(agreement=agreement.agreement_id, agreement_version=agreement.version, purpose=agreement.purpose)

    def known(self, field: str) -> Any:
        """What was put of a field of the record; None if nothing was."""
        return self._known.get(field)

    def record(self) -> ReadRecord:
        """The record of what is known."""
        return ReadRecord(**self._known)

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the query, decoded; of one that is stated twice the last."""
        return dict(parse_qsl(self.asked.query, keep_blank_values=True))

    @property
    def capabilities(self) -> Capabilities:
        """What the client says it can do."""
        return Capabilities.of(self.asked.headers.get(HEADER, ""))
