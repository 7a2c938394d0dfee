"""Tokens of recipients and officials: issued, rotated and revoked as entries of the ledger, which servers follow.

The subject of an entry tells the two apart. A recipient's token opens Delta Sharing and the portal, an official's the
portal alone: each server knows the tokens of those whom it serves, and no others.
"""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from include.audit import ledger
from include.audit.ledger import Record
from include.lake.delta import LogPosition
from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import officials
from include.pipelines.errors import Misuse
from include.pipelines.serving.single_flight import SingleFlight
from include.sharing.agreements import load_agreements
from include.sharing.recipients import Token, TokenAct, Tokens, new_token, profile

LONGEST_DAYS = 365
Holders = Literal["recipients", "officials"]
"""Whose tokens; the first part of the subject of their ledger entries."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was made just now: its text, and the profile file that holds it; empty of an official."""

    token: Token
    text: str = field(repr=False)
    profile: str = field(repr=False)


class LiveTokens:
    """The tokens as the ledger has them now: each look sees whether it has grown, and reads what is new."""

    def __init__(self, lake: Lake, kind: Holders) -> None:
        self._lake, self._kind = lake, kind
        self._tokens = Tokens()
        self._read_to = 0
        self._position: LogPosition | None = None
        self._look = SingleFlight(self._read)

    def now(self) -> Tokens:
        """The tokens. Raises LakeError: the ledger cannot be read."""
        return self._look.result()

    def _read(self) -> Tokens:
        if self._position is None or not self._position.is_newest(self._lake):
            version, entries = ledger.read_kind(self._lake, "credential", after=self._read_to)
            self._tokens = self._tokens.after(_acts(entries.to_pylist(), self._kind))
            self._read_to = max(entries["sequence"].to_pylist(), default=self._read_to)
            self._position = LogPosition.of(self._lake, self._lake.path(ledger.LEDGER), version)
        return self._tokens


def all_tokens(lake: Lake, kind: Holders = "recipients") -> Tokens:
    """The tokens of these holders as the ledger has them."""
    return Tokens().after(_acts(ledger.read_kind(lake, "credential")[1].to_pylist(), kind))


def issue_token(context: PipelineContext, holder: str, *, days: int, kind: Holders = "recipients") -> Issued:
    """A further token, valid for that many days, for a recipient of some agreement or for an official in office.

    Raises:
        Misuse: no agreement, or no contract's team, names the holder, or the days are out of bounds.
    """
    return _make(context, kind, days, TokenAct("issued", holder))


def rotate_token(
    context: PipelineContext, holder: str, *, days: int, overlap: timedelta, kind: Holders = "recipients"
) -> Issued:
    """A new token for a holder; those before it end after `overlap`, so that there is no gap.

    Raises:
        Misuse: the holder has no valid token, or see `issue_token`.
    """
    now = context.now()
    former = tuple(t.token_id for t in all_tokens(context.lake, kind).of_holder(holder) if t.is_valid(now))
    if not former:
        raise Misuse(f"{holder} has no valid token to rotate: `lienthong {kind[:-1]} token {holder}` makes one")
    return _make(context, kind, days, TokenAct("rotated", holder, None, former, now + overlap))


def revoke_tokens(
    context: PipelineContext, holder: str, token_id: str | None, *, kind: Holders = "recipients"
) -> tuple[Token, ...]:
    """End one token of a holder, or all of them, at once. Returns those that were valid.

    Raises:
        Misuse: there is no such valid token.
    """
    now = context.now()
    valid = [token for token in all_tokens(context.lake, kind).of_holder(holder) if token.is_valid(now)]
    ended = tuple(token for token in valid if token_id in (None, token.token_id))
    if not ended:
        named = f"token {token_id}" if token_id else "token"
        raise Misuse(f"{holder} has no valid {named}: `lienthong {kind[:-1]} list` shows what there is")
    _record(context, kind, TokenAct("revoked", holder, None, tuple(token.token_id for token in ended)), now)
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


def _make(context: PipelineContext, kind: Holders, days: int, act: TokenAct) -> Issued:
    now = context.now()
    _ensure_known(context, kind, act.holder, now)
    if not 1 <= days <= LONGEST_DAYS:
        raise Misuse(f"a token is valid for 1 to {LONGEST_DAYS} days")
    endpoint = endpoint_of(context) if kind == "recipients" else ""
    text, token = new_token(act.holder, at=now, ends_at=now + timedelta(days=days))
    _record(context, kind, TokenAct(act.act, act.holder, token, act.former, act.former_end_at), now)
    return Issued(token, text, profile(endpoint, text, token.ends_at) if endpoint else "")


def _ensure_known(context: PipelineContext, kind: Holders, holder: str, at: datetime) -> None:
    if kind == "recipients":
        known, named = (
            {one.recipient for one in load_agreements(context.schemas).values()},
            "agreement names the recipient",
        )
    else:
        known, named = {*officials(context.readable[0].values(), at=at)}, "contract's team names, as in office today,"
    if holder not in known:
        raise Misuse(f"no {named} `{holder}`: known: {', '.join(sorted(known)) or 'none'}")


def _record(context: PipelineContext, kind: Holders, act: TokenAct, at: datetime) -> None:
    """The entry is the act: from then on servers go by it."""
    record = Record("credential", f"{kind}/{act.holder}", act.payload())
    ledger.append(context.lake, [record], at=at, actor=_actor())


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return f"uid {os.getuid()}"


def _acts(entries: list[dict[str, str]], kind: Holders) -> list[TokenAct]:
    subjects = [(row["subject"].partition("/"), row["payload"]) for row in entries]
    return [TokenAct.of(holder, json.loads(payload)) for (of, _, holder), payload in subjects if of == kind]
