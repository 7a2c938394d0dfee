"""Pages of a recipient: the products that are shared with it, how each is read, and its contract."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.audit.report_data import AgreementFacts, SharedProduct
from include.pipelines.catalogue import SharedAs, product_contract, reading_code
from include.pipelines.sharing import notes_for
from include.portal.catalogue_pages import ContractBroken
from include.portal.rendering import page
from include.portal.session import require
from include.portal.state import Portal, portal_of

ODCS = "application/odcs+yaml;version=3"


def products(request: Request) -> Response:
    """The agreements of the recipient that is signed in, with their products."""
    agreements, lake = _agreements(request), portal_of(request).context.lake
    notes = notes_for(lake, require(request).name)
    return page(request, "products.html.j2", {"agreements": agreements, "notes": notes})


def product(request: Request) -> Response:
    """One product: its columns as they are given, what is there now, and how to read it."""
    agreement, found = _product(request)
    shared = SharedAs(portal_of(request).sharing_url, agreement.agreement_id, found.registry, found.name)
    return page(request, "product.html.j2", {"agreement": agreement, "product": found, "code": reading_code(shared)})


def product_odcs(request: Request) -> Response:
    """The contract of a product, in the Open Data Contract Standard."""
    portal, (facts, found) = portal_of(request), _product(request)
    agreement = portal.quality.agreed()[facts.agreement_id]
    agreed = next(one for one in agreement.products if one.name == found.name)
    contract = portal.catalogue.now().contracts.get(found.registry)
    if contract is None:
        raise ContractBroken
    try:
        text = product_contract(contract, contract.table(found.table), agreement, agreed)
    except KeyError:  # the agreement names a table or column that the contract no longer has
        raise ContractBroken from None
    headers = {"Content-Disposition": f'attachment; filename="{found.name}.odcs.yaml"', "Cache-Control": "no-store"}
    return Response(text, media_type=ODCS, headers=headers)


def _agreements(request: Request) -> list[AgreementFacts]:
    """Those of the recipient that is signed in. 403 for officials, who receive nothing."""
    person = require(request)
    if person.kind != "recipient":
        raise HTTPException(403)
    return _of_recipient(portal_of(request), person.name)


def _of_recipient(portal: Portal, recipient: str) -> list[AgreementFacts]:
    return [one for one in portal.quality.agreements() if one.recipient == recipient]


def _product(request: Request) -> tuple[AgreementFacts, SharedProduct]:
    """A product of the recipient's own; 404 for another's as for one that never was."""
    named = request.path_params["agreement"], request.path_params["product"]
    for agreement in _agreements(request):
        for found in agreement.products:
            if (agreement.agreement_id, found.name) == named:
                return agreement, found
    raise HTTPException(404)


ROUTES = [
    Route("/products", products),
    Route("/products/{agreement}/{product}.odcs.yaml", product_odcs),
    Route("/products/{agreement}/{product}", product),
]
