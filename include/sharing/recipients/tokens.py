"""Bearer tokens of recipients and officials: random, known to the lake by their SHA-256 alone, ending; profile files.

What was done with tokens are entries of the ledger (`act`), and nothing else says which are valid.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

Act = Literal["issued", "rotated", "revoked"]
_PREFIX = "lienthong_"


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a holder. `ends_at`: from then on it opens nothing; `is_revoked`: it was ended by hand."""

    token_id: str
    holder: str
    sha256: str
    issued_at: datetime
    ends_at: datetime
    is_revoked: bool = False

    def is_valid(self, at: datetime) -> bool:
        """Whether it opens anything at that instant."""
        return not self.is_revoked and at < self.ends_at


@dataclass(frozen=True, slots=True)
class TokenAct:
    """An act with the tokens of a holder: `issued` one, `rotated` (a new one, the former end), `revoked` some."""

    act: Act
    holder: str
    token: Token | None = None
    former: tuple[str, ...] = ()
    former_end_at: datetime | None = None

    def payload(self) -> dict[str, object]:
        """The payload of its ledger entry; the token itself is not in it."""
        said: dict[str, object] = {"act": self.act}
        if self.token:
            said |= {
                "token_id": self.token.token_id,
                "token_sha256": self.token.sha256,
                "issued_at": self.token.issued_at.isoformat(),
                "ends_at": self.token.ends_at.isoformat(),
            }
        if self.former:
            said["former"] = list(self.former)
        if self.former_end_at:
            said["former_end_at"] = self.former_end_at.isoformat()
        return said

    @classmethod
    def of(cls, holder: str, payload: Mapping[str, Any]) -> TokenAct:
        """The act of a ledger entry."""
        token = None
        if "token_sha256" in payload:
            token = Token(
                payload["token_id"],
                holder,
                payload["token_sha256"],
                datetime.fromisoformat(payload["issued_at"]),
                datetime.fromisoformat(payload["ends_at"]),
            )
        end = payload.get("former_end_at")
        former = tuple(payload.get("former", ()))
        return cls(payload["act"], holder, token, former, datetime.fromisoformat(end) if end else None)


@dataclass(frozen=True, slots=True)
class Tokens:
    """All tokens there ever were of one kind of holders, by the SHA-256 of their text."""

    by_digest: Mapping[str, Token] = field(default_factory=dict)

    def after(self, acts: Iterable[TokenAct]) -> Tokens:
        """The tokens after further acts, in their order."""
        known = dict(self.by_digest)
        for act in acts:
            for digest, token in known.items():
                if token.holder != act.holder or token.token_id not in act.former:
                    continue
                if act.act == "revoked":
                    known[digest] = replace(token, is_revoked=True)
                elif act.former_end_at:
                    known[digest] = replace(token, ends_at=min(token.ends_at, act.former_end_at))
            if act.token:
                known[act.token.sha256] = act.token
        return Tokens(known)

    def of_text(self, text: str) -> Token | None:
        """The token of that text, valid or not; None if there never was one."""
        return self.by_digest.get(digest_of(text))

    def of_id(self, token_id: str) -> Token | None:
        """The token of that id, valid or not."""
        return next((token for token in self.by_digest.values() if token.token_id == token_id), None)

    def of_holder(self, holder: str) -> list[Token]:
        """The holder's tokens, the oldest first."""
        return [token for token in self.by_digest.values() if token.holder == holder]


def new_token(holder: str, *, at: datetime, ends_at: datetime) -> tuple[str, Token]:
    """A new token's text, which is kept nowhere, and what the lake keeps of it. The text has 256 random bits."""
    text = _PREFIX + secrets.token_urlsafe(32)
    digest = digest_of(text)
    return text, Token(digest[:12], holder, digest, at, ends_at)


def digest_of(text: str) -> str:
    """SHA-256 of a token's text. It needs no salt and no slow hash: the text is random."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def profile(endpoint: str, text: str, ends_at: datetime) -> str:
    """The profile file of the protocol, version 1, that the recipient's tools read. It holds the token: a secret."""
    until = ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0Z")
    fields = {
        "shareCredentialsVersion": 1,
        "endpoint": endpoint,
        "bearerToken": text,
        "expirationTime": until,
    }
    return json.dumps(fields, indent=1) + "\n"
