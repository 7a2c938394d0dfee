"""Who is signed in: a recipient or an official, by a token of the lake; the session is a signed cookie.

A session is bound to its token and to what is so today: each request looks up whether the token is still valid and
whether an official is still in office, so that a token that was revoked ends its sessions at once. One that was signed
out stays ended, whoever kept its cookie.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from itsdangerous import BadSignature
from starlette.requests import Request
from starlette.responses import Response

from include.pipelines.decisions import officials
from include.portal.state import Portal, portal_of

SESSION = "lienthong_session"
SESSION_SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in. `name`: a recipient's id or an official's username; `offices`: held today, by registry."""

    kind: Literal["recipient", "official"]
    name: str
    token_id: str
    offices: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def holds(self, office: str) -> bool:
        """Whether the official holds an office (`data protection officer`, ...) in any registry."""
        return any(office in held for held in self.offices.values())

    def registries(self, *offices: str) -> tuple[str, ...]:
        """The registries in which the official holds one of these offices, sorted."""
        return tuple(sorted(name for name, held in self.offices.items() if held.intersection(offices)))


class SignInNeeded(Exception):
    """A page is for those who are signed in, and nobody is."""


def signed_in(request: Request) -> Person | None:
    """Who is signed in as the request comes; None if nobody is. Raises LakeError: the ledger cannot be read."""
    if not hasattr(request.state, "person"):
        request.state.person = _of_session(portal_of(request), request.cookies.get(SESSION, ""))
    found: Person | None = request.state.person
    return found


def require(request: Request) -> Person:
    """Who is signed in.

    Raises:
        SignInNeeded: nobody is.
    """
    person = signed_in(request)
    if person is None:
        raise SignInNeeded
    return person


def _of_session(portal: Portal, cookie: str) -> Person | None:
    if not cookie:
        return None
    try:
        said = portal.signer.unsign(cookie, max_age=SESSION_SECONDS).decode()
    except (BadSignature, UnicodeError):
        return None
    token, _, session_id = said.rpartition(":")
    kind, _, token_id = token.partition(":")
    return None if session_id in portal.ended else _person(portal, kind, token_id)


def of_token(portal: Portal, text: str) -> Person | None:
    """Whose token that text is, if it is valid now."""
    for kind, tokens in (("recipient", portal.recipients), ("official", portal.officials)):
        if token := tokens.now().of_text(text):
            return _person(portal, kind, token.token_id)
    return None


def _person(portal: Portal, kind: str, token_id: str) -> Person | None:
    at = portal.context.now()
    token = (portal.recipients if kind == "recipient" else portal.officials).now().of_id(token_id)
    if token is None or not token.is_valid(at):
        return None
    if kind == "recipient":
        return Person("recipient", token.holder, token_id)
    held = officials(portal.quality.contracts().values(), at=at).get(token.holder)
    return Person("official", token.holder, token_id, held) if held else None


def begin(portal: Portal, person: Person, answer: Response) -> None:
    """Begin a session: the answer sets its cookie."""
    signed = portal.signer.sign(f"{person.kind}:{person.token_id}:{secrets.token_hex(16)}").decode()
    answer.set_cookie(
        SESSION, signed, max_age=SESSION_SECONDS, secure=portal.is_secure, httponly=True, samesite="strict"
    )


def end(portal: Portal, cookie: str, answer: Response) -> None:
    """End the session of a browser: the answer takes its cookie away, and a copy of that opens nothing."""
    now = time.time()
    for session_id in [one for one, until in list(portal.ended.items()) if until < now]:
        portal.ended.pop(session_id, None)
    with suppress(BadSignature, UnicodeError):
        session_id = portal.signer.unsign(cookie, max_age=SESSION_SECONDS).decode().rpartition(":")[2]
        portal.ended[session_id] = now + SESSION_SECONDS
    answer.delete_cookie(SESSION)
