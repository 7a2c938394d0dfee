"""Pages of the catalogue, for everybody: search, registers, tables, indicators, code lists; DCAT for harvesters."""

from __future__ import annotations

from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.audit.report_data import Index, TableReport
from include.contracts.model import Contract, Table
from include.indicators.definitions import SECTIONS, UNITS
from include.lake.storage import LakeError
from include.pipelines import StepFailed
from include.pipelines.catalogue import (
    KINDS,
    LONGEST_QUERY,
    MEDIA_TYPE,
    SharedAs,
    TableShape,
    addresses_of,
    last_good_runs,
    list_labels,
    reading_code,
    register_name,
    rounded,
    rounded_percent,
    table_document,
    table_name,
)
from include.portal.rendering import page
from include.portal.session import Person, signed_in
from include.portal.state import Portal, portal_of

FOUND_A_PAGE = 50
ROWS_A_PAGE = 200


class ContractBroken(Exception):
    """The contract of a register has mistakes, and so nothing of it is shown."""


def home(request: Request) -> Response:
    """Search, and the list of registers."""
    portal = portal_of(request)
    catalogue = portal.catalogue.now()
    query = request.query_params.get("q", "").strip()[:LONGEST_QUERY]
    kind = request.query_params.get("kind", "")
    found = catalogue.index.find(query) if query else ()
    counts = {name: sum(entry.kind == name for entry in found) for name in KINDS}
    shown = [entry for entry in found if kind not in KINDS or entry.kind == kind]
    number, pages = _page_number(request, len(shown), FOUND_A_PAGE)
    values = {
        "query": query,
        "kind": kind if kind in KINDS else "",
        "kinds": KINDS,
        "counts": counts,
        "total": len(found),
        "found": shown[(number - 1) * FOUND_A_PAGE : number * FOUND_A_PAGE],
        "page_number": number,
        "pages": pages,
        "registries": [(register_name(contract), contract) for contract in catalogue.contracts.values()],
        "catalogue": catalogue,
        "labels": list_labels(catalogue.contracts.values()),
        "broken": portal.quality.broken(),
        "longest": LONGEST_QUERY,
    }
    return page(request, "home.html.j2", values)


def register(request: Request) -> Response:
    """One register: who answers for it, on which ground, and its tables."""
    contract = _contract(portal_of(request), request.path_params["registry"])
    values = {
        "contract": contract,
        "name": register_name(contract),
        "tables": contract.tables,
        "table_name": table_name,
    }
    return page(request, "register.html.j2", values)


def table(request: Request) -> Response:
    """One table: meaning, columns, rules, freshness, quality, shape, agreements, and how to read it."""
    portal, person = portal_of(request), signed_in(request)
    contract, found = _table(portal, request)
    report, shape, is_there = _measured(portal, found)
    agreements = portal.catalogue.agreements(found.registry, found.name)
    values = {
        "contract": contract,
        "table": found,
        "name": table_name(found),
        "register": register_name(contract),
        "report": report,
        "rules": {rule.rule_id: rule for rule in report.rules} if report else {},
        "shape": shape,
        "is_there": is_there,
        "lists": {one.columns[0]: one.table for one in found.relationships if one.registry == "reference"},
        "rounded": rounded,
        "rounded_percent": rounded_percent,
        "index": _rounded_index(report) if report else None,
        "agreements": [
            (agreement, product)
            for agreement in agreements
            for product in agreement.products
            if (product.registry, product.table) == (found.registry, found.name)
        ],
        "code": reading_code(_shared_as(portal, person, found)),
    }
    return page(request, "table.html.j2", values)


def indicator(request: Request) -> Response:
    """The definition of one indicator."""
    found = portal_of(request).catalogue.now().indicators.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return page(request, "indicator.html.j2", {"indicator": found, "sections": SECTIONS, "units": UNITS})


def code_list(request: Request) -> Response:
    """One code list, some rows at a time."""
    found = portal_of(request).catalogue.now().lists.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    number, pages = _page_number(request, len(found.rows), ROWS_A_PAGE)
    rows = found.rows[(number - 1) * ROWS_A_PAGE : number * ROWS_A_PAGE]
    return page(request, "code_list.html.j2", {"list": found, "rows": rows, "page_number": number, "pages": pages})


def dcat(request: Request) -> Response:
    """The whole catalogue for harvesters."""
    portal = portal_of(request)
    contracts, addresses = portal.catalogue.now().contracts, addresses_of(portal.context, portal.url)
    return Response(portal.document.now(contracts, _modified(portal), addresses), media_type=MEDIA_TYPE)


def table_dcat(request: Request) -> Response:
    """The dataset of one table for harvesters."""
    portal = portal_of(request)
    contract, found = _table(portal, request)
    return Response(
        table_document(contract, found, _modified(portal), addresses_of(portal.context, portal.url)),
        media_type=MEDIA_TYPE,
    )


def _contract(portal: Portal, registry: str) -> Contract:
    """A register's contract. Raises ContractBroken, or 404 where there is none."""
    contract = portal.catalogue.now().contracts.get(registry)
    if contract is None and f"{registry}.odcs.yaml" in portal.quality.broken():
        raise ContractBroken
    if contract is None:
        raise HTTPException(404)
    return contract


def _table(portal: Portal, request: Request) -> tuple[Contract, Table]:
    contract = _contract(portal, request.path_params["registry"])
    found = next((one for one in contract.tables if one.name == request.path_params["table"]), None)
    if found is None:
        raise HTTPException(404)
    return contract, found


def _measured(portal: Portal, table: Table) -> tuple[TableReport | None, TableShape | None, bool]:
    """What the lake knows of a table, and whether it answered: a page of words is better than none."""
    try:
        return portal.quality.table(table.registry, table.name), portal.shapes.now(table), True
    except (LakeError, StepFailed):
        return None, None, False


def _rounded_index(report: TableReport) -> Index:
    """The index by criterion in the steps in which everybody may read it: of few rows, it would count violations."""
    words = report.index.words.items()
    told = {word: None if value is None else rounded_percent(value, report.live_rows) for word, value in words}
    return Index(told)


def _modified(portal: Portal) -> dict[str, datetime]:
    """By `registry.table`, its last good run; nothing if the lake does not answer."""
    try:
        return last_good_runs(portal.quality)
    except (LakeError, StepFailed):
        return {}


def _shared_as(portal: Portal, person: Person | None, table: Table) -> SharedAs:
    """The product that the visitor reads the table by; else placeholders."""
    if person and person.kind == "recipient":
        for agreement in portal.catalogue.agreements(table.registry, table.name):
            for product in agreement.products:
                of = (product.registry, product.table)
                if agreement.recipient == person.name and of == (table.registry, table.name):
                    return SharedAs(portal.sharing_url, agreement.agreement_id, table.registry, product.name)
    return SharedAs(schema=table.registry)


def _page_number(request: Request, total: int, size: int) -> tuple[int, int]:
    """The page that is asked for, from 1, and how many there are."""
    pages = max(1, -(-total // size))
    asked = request.query_params.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    return min(max(number, 1), pages), pages


ROUTES = [
    Route("/", home),
    Route("/catalogue.jsonld", dcat),
    Route("/registers/{registry}", register),
    Route("/tables/{registry}/{table}.jsonld", table_dcat),
    Route("/tables/{registry}/{table}", table),
    Route("/indicators/{name}", indicator),
    Route("/lists/{name}", code_list),
]
