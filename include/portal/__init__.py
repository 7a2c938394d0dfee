"""The portal: a web application of its own, rendered by the server; what is public is read without signing in.

**To add a page**: a file `<what>_pages.py` here with functions and a list of routes, which `app.py` takes in:

    def show(request: Request) -> Response:            # a plain function runs in a thread, as lakes are read blocking
        person = signed_in(request)                    # Person | None; require(request) instead raises SignInNeeded,
        portal = portal_of(request)                    #   which becomes the sign-in form that leads back here
        return page(request, "requests_list.html.j2", {"found": ...})       # status=404 and so on

    ROUTES = [Route("/requests", show), Route("/requests/new", ask, methods=["POST"])]

Its template begins `{% set section = '/requests' %}{% extends 'base.html.j2' %}{% import 'macros.html.j2' as m with
context %}` and fills the blocks `title` and `main`; it has `_(vi, en)`, `l` (numbers, days and codes of the language),
`person` and `form_token`. Its place in the navigation is a line of `PLACES` in `rendering.py`.

**Forms**: every form is a POST with `{{ form_token }}` as its first line; without it, or from another site, the answer
is 403 before the page's function is called. Fields: `form_of(request)` (texts; files as UploadFile). What was done is
answered with `redirect("/requests/...")`, status 303.

**Errors**: raise `HTTPException(404)` or 403; `Misuse` becomes a page of status 400 with its message; other known
errors 503 or 500. No value of a person goes into a message.

**Tests**: `tests/unit/portal/conftest.py` has a lake, agreements, tokens and a `browser` that signs in and fills forms.
"""

from include.portal.app import portal_app, serve
from include.portal.csrf import form_of
from include.portal.rendering import page, redirect
from include.portal.session import Person, SignInNeeded, require, signed_in
from include.portal.state import Portal, portal_of
