"""Tokens of recipients: issued, rotated and revoked as entries of the ledger, which the server follows."""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.audit import ledger
from include.audit.ledger import Record
from include.lake.delta import LogPosition
from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse
from include.pipelines.serving.shared_look import SharedLook
from include.sharing.agreements import load_agreements
from include.sharing.recipients import Token, TokenAct, Tokens, new_token, profile

LONGEST_DAYS = 365
_SUBJECT = "recipients/"


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was made just now: the profile file that holds it, for the recipient alone."""

    token: Token
    profile: str


class LiveTokens:
    """The tokens as the ledger has them now: each look sees whether it has grown, and reads what is new."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._tokens = Tokens()
        self._read_to = 0
        self._position: LogPosition | None = None
        self._look = SharedLook(self._read)

    def now(self) -> Tokens:
        """The tokens. Raises LakeError: the ledger cannot be read."""
        return self._look.result()

    def _read(self) -> Tokens:
        if self._position is None or not self._position.is_newest(self._lake):
            version, entries = ledger.read_kind(self._lake, "credential", after=self._read_to)
            self._tokens = self._tokens.after(_acts(entries.to_pylist()))
            self._read_to = max(entries["sequence"].to_pylist(), default=self._read_to)
            self._position = LogPosition.of(self._lake, self._lake.path(ledger.LEDGER), version)
        return self._tokens


def all_tokens(lake: Lake) -> Tokens:
    """The tokens as the ledger has them."""
    return Tokens().after(_acts(ledger.read_kind(lake, "credential")[1].to_pylist()))


def issue_token(context: PipelineContext, recipient: str, *, days: int) -> Issued:
    """A further token for a recipient of some agreement, valid for that many days.

    Raises:
        Misuse: no agreement names the recipient, or the days are out of bounds.
    """
    return _make(context, recipient, days, TokenAct("issued", recipient))


def rotate_token(context: PipelineContext, recipient: str, *, days: int, overlap: timedelta) -> Issued:
    """A new token for a recipient; those it has end after `overlap`, so that there is no gap.

    Raises:
        Misuse: the recipient has no valid token, or see `issue_token`.
    """
    now = context.now()
    former = tuple(t.token_id for t in all_tokens(context.lake).of_recipient(recipient) if t.is_valid(now))
    if not former:
        raise Misuse(f"{recipient} has no valid token to rotate: `lienthong recipient token {recipient}` makes one")
    return _make(context, recipient, days, TokenAct("rotated", recipient, None, former, now + overlap))


def revoke_tokens(context: PipelineContext, recipient: str, token_id: str | None) -> tuple[Token, ...]:
    """End one token of a recipient, or all of them, at once. Returns those that were valid.

    Raises:
        Misuse: it has no such valid token.
    """
    now = context.now()
    valid = [token for token in all_tokens(context.lake).of_recipient(recipient) if token.is_valid(now)]
    ended = tuple(token for token in valid if token_id in (None, token.token_id))
    if not ended:
        named = f"token {token_id}" if token_id else "token"
        raise Misuse(f"{recipient} has no valid {named}: `lienthong recipient list` shows what there is")
    _record(context, TokenAct("revoked", recipient, None, tuple(token.token_id for token in ended)), now)
    return ended


def endpoint_of(context: PipelineContext) -> str:
    """The address of the sharing server as recipients reach it, LIENTHONG_SHARING_URL.

    Raises:
        Misuse: it is not set, or is no http(s) URL.
    """
    url = context.environ.get("LIENTHONG_SHARING_URL", "").strip().rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise Misuse(
            "LIENTHONG_SHARING_URL must be the address at which recipients reach `lienthong serve`, such as "
            "https://sharing.example.gov.vn"
        )
    return f"{url}/delta-sharing"


def _make(context: PipelineContext, recipient: str, days: int, act: TokenAct) -> Issued:
    known = sorted({agreement.recipient for agreement in load_agreements(context.schemas).values()})
    if recipient not in known:
        raise Misuse(f"no agreement names the recipient `{recipient}`: known: {', '.join(known) or 'none'}")
    if not 1 <= days <= LONGEST_DAYS:
        raise Misuse(f"a token is valid for 1 to {LONGEST_DAYS} days")
    endpoint, now = endpoint_of(context), context.now()
    text, token = new_token(recipient, at=now, ends_at=now + timedelta(days=days))
    _record(context, TokenAct(act.act, recipient, token, act.former, act.former_end_at), now)
    return Issued(token, profile(endpoint, text, token.ends_at))


def _record(context: PipelineContext, act: TokenAct, at: datetime) -> None:
    """The entry is the act: from then on the server goes by it."""
    record = Record("credential", f"{_SUBJECT}{act.recipient}", act.payload())
    ledger.append(context.lake, [record], at=at, actor=_actor())


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return f"uid {os.getuid()}"


def _acts(entries: list[dict[str, str]]) -> list[TokenAct]:
    return [TokenAct.of(row["subject"].removeprefix(_SUBJECT), json.loads(row["payload"])) for row in entries]
