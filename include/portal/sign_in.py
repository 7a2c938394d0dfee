"""Pages to sign in and out: by a token, pasted or in a profile file."""

from __future__ import annotations

import json
import re

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.contracts.model import OWNER, ROLE
from include.portal.csrf import form_of
from include.portal.rendering import page, redirect
from include.portal.session import SESSION, begin, end, of_token
from include.portal.state import portal_of

_LARGEST_PROFILE = 64 * 1024
_LOCAL = re.compile(r"/(?![/\\])[A-Za-z0-9/_.~?=&%+@-]*")


def show_form(request: Request, *, is_refused: bool = False, status: int = 200) -> Response:
    """The form to sign in."""
    wanted = str(form_of(request).get("next", "")) if is_refused else request.query_params.get("next", "")
    following = _local(wanted)
    return page(request, "sign_in.html.j2", {"following": following, "is_refused": is_refused}, status=status)


def sign_in(request: Request) -> Response:
    """Begin a session with a token, or a profile file that holds one."""
    form, portal = form_of(request), portal_of(request)
    person = of_token(portal, _token_of(form))
    if person is None:
        return show_form(request, is_refused=True, status=403)
    following = _local(str(form.get("next", "")))
    waits = following == "/" and person.kind == "official" and person.registries(OWNER, ROLE)
    answer = redirect("/requests" if waits else following)  # who answers requests first sees what waits
    begin(portal, person, answer)
    return answer


def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    answer = redirect("/")
    end(portal_of(request), request.cookies.get(SESSION, ""), answer)
    return answer


def _token_of(form: FormData) -> str:
    file = form.get("profile")
    text = str(form.get("token", ""))
    if isinstance(file, UploadFile) and file.size:
        text = file.file.read(_LARGEST_PROFILE).decode("utf-8", "replace")
    text = text.strip()
    if text.startswith("{"):
        try:
            text = str(json.loads(text).get("bearerToken", ""))
        except (ValueError, RecursionError):
            return ""
    return text


def _local(path: str) -> str:
    """A path of this site, to go on to after signing in; the first page for anything else."""
    return path if _LOCAL.fullmatch(path) else "/"


ROUTES = [
    Route("/sign-in", show_form),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
