"""Pages of a recipient: the products that are shared with it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.portal.rendering import page
from include.portal.session import Person, require
from include.portal.state import portal_of


def products(request: Request) -> Response:
    """The agreements of the recipient that is signed in, with their products."""
    recipient = _recipient(request).name
    agreements = [one for one in portal_of(request).quality.agreements() if one.recipient == recipient]
    return page(request, "products.html.j2", {"agreements": agreements})


def _recipient(request: Request) -> Person:
    person = require(request)
    if person.kind != "recipient":
        raise HTTPException(403)
    return person


ROUTES = [Route("/products", products)]
