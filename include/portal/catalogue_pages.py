"""Pages of the catalogue: search, registers, tables."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.portal.rendering import page
from include.portal.state import portal_of


def home(request: Request) -> Response:
    """Search, and the list of registers."""
    contracts = portal_of(request).quality.contracts()
    return page(request, "home.html.j2", {"registries": list(contracts.values())})


ROUTES = [Route("/", home)]
