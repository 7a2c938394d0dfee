"""What a recipient finds: a share is an agreement in force, a schema a registry, a table a product."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from include.sharing.agreements import Agreement, Product
from include.sharing.delta_sharing.errors import Forbidden, Malformed, NotShared

MOST_RESULTS = 500
"""Most items of one page of a listing."""


@dataclass(frozen=True, slots=True)
class SharedTable:
    """One product of an agreement, as the protocol names it."""

    agreement: Agreement
    product: Product

    @property
    def subject(self) -> str:
        """The table's path in the lake."""
        return f"shared/{self.agreement.recipient}/{self.product.name}"

    def to_json(self) -> dict[str, str]:
        """The item of a listing of tables."""
        return {"name": self.product.name, "schema": self.product.registry, "share": self.agreement.agreement_id}


@dataclass(frozen=True, slots=True)
class Share:
    """One agreement with its tables by schema and name, in lower case."""

    agreement: Agreement
    tables: Mapping[tuple[str, str], SharedTable]

    def table(self, schema: str, name: str) -> SharedTable:
        """One table of the share.

        Raises:
            NotShared: it has none of that name.
        """
        found = self.tables.get((schema.lower(), name.lower()))
        if found is None:
            raise NotShared("no table of that name is in the share: list its tables to see which are")
        return found

    def to_json(self) -> dict[str, str]:
        """The item of a listing of shares."""
        return {"name": self.agreement.agreement_id, "displayName": self.agreement.title}


@dataclass(frozen=True, slots=True)
class Catalog:
    """The shares of every recipient, by name in lower case. Names of the protocol do not differ in case alone."""

    shares: Mapping[str, Mapping[str, Share]]

    @classmethod
    def of(cls, agreements: Iterable[Agreement]) -> Catalog:
        """The catalog of these agreements, whatever their standing."""
        found: dict[str, dict[str, Share]] = {}
        for agreement in agreements:
            tables = {
                (product.registry.lower(), product.name.lower()): SharedTable(agreement, product)
                for product in agreement.products
            }
            share = Share(agreement, dict(sorted(tables.items())))
            found.setdefault(agreement.recipient, {})[agreement.agreement_id.lower()] = share
        return cls({recipient: dict(sorted(shares.items())) for recipient, shares in found.items()})

    def in_force(self, recipient: str, at: datetime) -> list[Share]:
        """The shares that the recipient may list at that instant, by name."""
        shares = self.shares.get(recipient, {}).values()
        return [share for share in shares if share.agreement.standing(at) == "in_force"]

    def share(self, recipient: str, name: str, at: datetime) -> Share:
        """One share of the recipient.

        Raises:
            NotShared: the recipient has no agreement of that name.
            Forbidden: its agreement does not hold at `at`, for the reason given.
        """
        found = self.shares.get(recipient, {}).get(name.lower())
        if found is None:
            raise NotShared("no share of that name is shared with you: list the shares to see which are")
        if reason := found.agreement.reason(at):
            raise Forbidden(f"{reason}; write to {found.agreement.provider_contact}")
        return found


def schemas(share: Share) -> list[dict[str, str]]:
    """The items of a listing of schemas."""
    names = dict.fromkeys(table.product.registry for table in share.tables.values())
    return [{"name": name, "share": share.agreement.agreement_id} for name in names]


def tables(share: Share, schema: str | None = None) -> list[dict[str, str]]:
    """The items of a listing of tables, of one schema or all.

    Raises:
        NotShared: there is no schema of that name in the share.
    """
    found = [table.to_json() for (of, _), table in share.tables.items() if schema is None or of == schema.lower()]
    if schema is not None and not found:
        raise NotShared("no schema of that name is in the share: list its schemas to see which are")
    return found


def page(items: Sequence[Mapping[str, str]], max_results: str | None, token: str | None) -> dict[str, object]:
    """One page of a listing: `{items, nextPageToken}`; the token stands for the number of items before it.

    Raises:
        Malformed: `max_results` is no number from 0 up, or the token is none of ours.
    """
    if max_results is not None and not (max_results.isascii() and max_results.isdigit() and len(max_results) < 10):
        raise Malformed("maxResults must be a whole number from 0 up")
    size = min(MOST_RESULTS, MOST_RESULTS if max_results is None else int(max_results))
    begin = _read_token(token) if token else 0
    if begin > len(items):
        raise Malformed("pageToken is of another listing: begin again without one")
    found: dict[str, object] = {"items": list(items[begin : begin + size])}
    if begin + size < len(items):
        found["nextPageToken"] = base64.urlsafe_b64encode(f"after {begin + size}".encode()).decode()
    return found


def _read_token(token: str) -> int:
    try:
        word, _, number = base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii").partition(" ")
        if word == "after" and number.isdecimal() and len(number) < 10:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise Malformed("pageToken is none of this server: begin again without one")
