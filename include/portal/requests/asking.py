"""Forms of a recipient: ask for data, report a wrong row, take either back."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from include.contracts.model import Table
from include.contracts.words import BilingualText, day_of
from include.pipelines.requests import RequestRefused, agreements_of, ask_for, dispute, withdraw
from include.portal.csrf import form_of
from include.portal.rendering import page, redirect
from include.portal.requests.fields import NO_DAY, asked, day, lines, recipient, text, texts
from include.portal.requests.showing import one_request
from include.portal.state import Portal, portal_of
from include.sharing.agreements import Agreement, Product
from include.sharing.requests import Ask, example_of_rows

_EMPTY_ASK = {"columns": (), "rows": "", "purpose": "", "legal_basis": "", "until": ""}


def ask_form(request: Request) -> Response:
    """The form for asking; without a table in the address, the choice of one."""
    recipient(request)
    return _ask_form(request, request.query_params.get("table", ""))


def ask(request: Request) -> Response:
    """Ask for data."""
    person, form = recipient(request), form_of(request)
    context = portal_of(request).context
    named = text(form, "table")
    if _table(portal_of(request), named) is None:
        raise HTTPException(404)
    known = next((one for one in agreements_of(context).values() if one.recipient == person.name), None)
    try:
        since, until = day(form, "from"), day(form, "until")
        if since is None or until is None:
            raise RequestRefused(*NO_DAY)
        said = Ask(
            known.recipient_name if known else person.name, known.recipient_contact if known else "",
            texts(form, "column"), text(form, "rows"), text(form, "purpose"), lines(form, "legal_basis"), since, until,
        )  # fmt: skip
        return redirect(f"/requests/{ask_for(context, person.name, named, said).request_id}")
    except RequestRefused as refused:
        wrong = refused.text
    given = {name: text(form, name) for name in ("rows", "purpose", "legal_basis", "from", "until")}
    return _ask_form(request, named, wrong, {**given, "columns": texts(form, "column")})


def dispute_form(request: Request) -> Response:
    """The form for reporting a wrong row; without a product in the address, the choice of one."""
    recipient(request)
    return _dispute_form(request, request.query_params.get("product", ""))


def report(request: Request) -> Response:
    """Report a wrong row."""
    person, form = recipient(request), form_of(request)
    named = text(form, "product")
    found = _product(portal_of(request), person.name, named)
    if found is None:
        raise HTTPException(404)
    agreement, product = found
    key = tuple((column.name, value) for column in product.given if (value := text(form, f"key:{column.name}")))
    said = {name: text(form, name) for name in ("column", "right", "evidence")}
    try:
        made = dispute(portal_of(request).context, person.name, agreement.agreement_id, product.name, key=key, **said)
    except RequestRefused as refused:
        return _dispute_form(request, named, refused.text, {**said, "key": dict(key)})
    return redirect(f"/requests/{made.request_id}")


def take_back(request: Request) -> Response:
    """Take a request back."""
    person = recipient(request)
    _, found = asked(request)
    try:
        withdraw(portal_of(request).context, person.name, found.request_id, text(form_of(request), "reason"))
    except RequestRefused as refused:
        return one_request(request, *asked(request), wrong=refused.text)
    return redirect(f"/requests/{found.request_id}")


def _ask_form(
    request: Request, named: str, wrong: BilingualText | None = None, given: Mapping[str, object] | None = None
) -> Response:
    portal = portal_of(request)
    table = _table(portal, named)
    if named and table is None:
        raise HTTPException(404)
    today = day_of(portal.context.now())
    values = {
        "table": table,
        "tables": [one for contract in portal.quality.contracts().values() for one in contract.tables],
        "example": example_of_rows(table) if table else "",
        "wrong": wrong,
        "given": {
            "columns": (),
            "rows": "",
            "purpose": "",
            "legal_basis": "",
            "from": today,
            "until": "",
            **(given or {}),
        },
    }
    return page(request, "requests_ask.html.j2", values, status=400 if wrong else 200)


def _dispute_form(
    request: Request, named: str, wrong: BilingualText | None = None, given: Mapping[str, object] | None = None
) -> Response:
    portal, person = portal_of(request), recipient(request)
    found = _product(portal, person.name, named)
    if named and found is None:
        raise HTTPException(404)
    values = {
        "agreement": found[0] if found else None,
        "product": found[1] if found else None,
        "titles": _titles(portal, found[1]) if found else {},
        "products": _products(portal, person.name),
        "wrong": wrong,
        "given": {"key": {}, "column": "", "right": "", "evidence": "", **(given or {})},
    }
    return page(request, "requests_dispute.html.j2", values, status=400 if wrong else 200)


def _table(portal: Portal, named: str) -> Table | None:
    registry, _, name = named.partition(".")
    contract = portal.quality.contracts().get(registry)
    return next((table for table in contract.tables if table.name == name), None) if contract else None


def _titles(portal: Portal, product: Product) -> dict[str, str]:
    """The Vietnamese names of a product's columns, by column."""
    table = _table(portal, f"{product.registry}.{product.table}")
    return {column.name: column.business_name for column in table.columns if column.business_name} if table else {}


def _products(portal: Portal, name: str) -> list[tuple[Agreement, Product]]:
    """What a recipient reads under agreements in force, that has rows of its own."""
    now = portal.context.now()
    of = (a for a in agreements_of(portal.context).values() if a.recipient == name and a.standing(now) == "in_force")
    return [(agreement, product) for agreement in of for product in agreement.products if not product.statistics]


def _product(portal: Portal, name: str, named: str) -> tuple[Agreement, Product] | None:
    wanted = tuple(named.split("."))
    return next((found for found in _products(portal, name) if (found[0].agreement_id, found[1].name) == wanted), None)
