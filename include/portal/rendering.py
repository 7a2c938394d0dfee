"""Rendering of the portal's pages in the visitor's language; navigation, messages, headers of every answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.audit.report_data import WORDS
from include.audit.report_pages import WEB
from include.audit.report_words import LOCALES, wanted_language
from include.contracts.model import PROTECTION_OFFICER
from include.contracts.yaml_files import ContractError
from include.lake.storage import LakeError
from include.portal.session import Person, signed_in
from include.portal.state import portal_of

HERE = Path(__file__).parent
FIELD = "lienthong_form"
"""The name of the cookie with a browser's form token, and of the field of a form that repeats it."""
LANGUAGE = "lienthong_language"
A_YEAR = 365 * 24 * 3600
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Place(NamedTuple):
    """A place in the navigation, and to whom it is shown."""

    path: str
    vietnamese: str
    english: str
    is_shown: Callable[[Person | None], bool] = lambda person: True


PLACES = (
    Place("/", "Danh mục dữ liệu", "Catalogue"),
    Place(
        "/products",
        "Dữ liệu được chia sẻ",
        "Shared with us",
        lambda person: bool(person and person.kind == "recipient"),
    ),
    Place("/requests", "Yêu cầu và phản ánh", "Requests", lambda person: person is not None),
    Place("/requests/summary", "Kết quả trả lời yêu cầu", "How providers answer", lambda person: person is None),
    Place(
        "/subject",
        "Trả lời công dân",
        "Answer a citizen",
        lambda person: bool(person and person.holds(PROTECTION_OFFICER)),
    ),
)

MESSAGES: Mapping[int, Mapping[str, object]] = {
    400: {
        "heading": ("Không đọc được biểu mẫu", "The form could not be read"),
        "text": ("Hãy quay lại, tải lại trang rồi gửi lại.", "Go back, load the page again, and send the form again."),
    },
    403: {
        "heading": ("Yêu cầu không được chấp nhận", "Not allowed"),
        "text": (
            "Trang này không dành cho vai trò của bạn, hoặc biểu mẫu đã quá hạn: hãy tải lại trang rồi gửi lại.",
            "This page is not for your role, or the form is out of date: load the page again, and send it again.",
        ),
    },
    404: {
        "heading": ("Không tìm thấy trang", "There is no such page"),
        "text": (
            "Có thể bảng hoặc đường dẫn đã đổi. Hãy tìm trong danh mục.",
            "The table or the address may have changed. Look for it in the catalogue.",
        ),
    },
    405: {
        "heading": ("Không dùng được theo cách này", "Not in this way"),
        "text": ("Hãy bắt đầu lại từ danh mục.", "Start again from the catalogue."),
    },
    413: {
        "heading": ("Biểu mẫu quá lớn", "The form is too large"),
        "text": (
            "Biểu mẫu tối đa 1 MB. Hãy rút gọn rồi gửi lại.",
            "A form has 1 MB at most. Shorten it, and send it again.",
        ),
    },
    500: {
        "heading": ("Trang gặp lỗi", "The page failed"),
        "text": (
            "Tải lại trang; nếu vẫn lỗi, hãy báo dòng dưới đây cho người vận hành.",
            "Load the page again; if it comes back, report the line below to those who run the portal.",
        ),
    },
    503: {
        "heading": ("Hồ dữ liệu chưa trả lời", "The lake does not answer"),
        "text": (
            "Hãy thử lại sau ít phút; nếu vẫn lỗi, hãy báo dòng dưới đây cho người vận hành.",
            "Try again in a few minutes; if it comes back, report the line below to those who run the portal.",
        ),
    },
}  # fmt: skip

_ENVIRONMENT = Environment(
    loader=FileSystemLoader([HERE / "templates", WEB]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals |= {"WORDS": WORDS}
_STATIC = {
    "portal.css": ((WEB / "pages.css").read_bytes() + (HERE / "static" / "portal.css").read_bytes(), "text/css"),
    "portal.js": ((HERE / "static" / "portal.js").read_bytes(), "text/javascript"),
}


def page(request: Request, template: str, values: Mapping[str, object], *, status: int = 200) -> HTMLResponse:
    """Render `template` in the visitor's language, with `_(vi, en)`, `l`, `person` and `form_token`."""
    token = request.cookies.get(FIELD) or secrets.token_urlsafe(24)
    asked = request.query_params.get("lang")
    language = wanted_language((asked, request.cookies.get(LANGUAGE)), request.headers.get("accept-language", ""))
    locale = LOCALES[language]
    other = "en" if language == "vi" else "vi"
    person = _visitor(request)
    text = _ENVIRONMENT.get_template(template).render(
        {
            "l": locale,
            "_": locale.pick,
            "person": person,
            "places": [place for place in PLACES if place.is_shown(person)],
            "form_token": Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token),
            "here": _here(request),
            "other": other,
            "other_url": request.url.include_query_params(lang=other).query,
            **values,
        }
    )
    answer = HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})
    is_secure = portal_of(request).is_secure
    if request.cookies.get(FIELD) != token:
        # Lax: who comes by a link of a mail keeps the token that the forms of other tabs have.
        answer.set_cookie(FIELD, token, secure=is_secure, httponly=True, samesite="lax")
    if asked == language:
        answer.set_cookie(LANGUAGE, language, max_age=A_YEAR, secure=is_secure, httponly=True, samesite="lax")
    return answer


def _here(request: Request) -> str:
    """The path to come back to after signing in."""
    if request.method != "GET" or request.url.path in ("/", "/sign-in"):
        return ""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def message(request: Request, status: int, *, detail: str = "") -> HTMLResponse:
    """A page that says what is wrong, and what to do."""
    return page(request, "message.html.j2", {**MESSAGES.get(status, MESSAGES[404]), "detail": detail}, status=status)


def redirect(path: str) -> RedirectResponse:
    """What answers a form that was carried out: go and see `path` of this site."""
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


class SecurityHeaders:
    """Puts the headers that hold for all pages on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the headers."""

        async def send_with_headers(answer: Message) -> None:
            if answer["type"] == "http.response.start":
                MutableHeaders(scope=answer).update(_HEADERS)
            await send(answer)

        await self._app(scope, receive, send_with_headers)


def _visitor(request: Request) -> Person | None:
    """Who is signed in, for the page's head; nobody where that cannot be read, so that a message still shows."""
    try:
        return signed_in(request)
    except (LakeError, ContractError):
        return None


def _static(request: Request) -> Response:
    content, kind = _STATIC[request.url.path.rpartition("/")[2]]
    return Response(content, media_type=kind, headers={"Cache-Control": "max-age=300"})


ROUTES = [Route(f"/static/{name}", _static) for name in _STATIC]
