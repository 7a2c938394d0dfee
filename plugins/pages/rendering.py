"""Rendering of self-contained HTML pages, without scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from include.audit.report_data import WORDS
from include.audit.report_pages import WEB
from include.audit.report_words import LOCALES, LinkingWords
from plugins.pages.csrf import FIELD, form_token
from plugins.pages.language import COOKIE, chosen

TEMPLATES = Path(__file__).parent / "templates"
STYLE = "".join((WEB / name).read_text(encoding="utf-8") for name in ("pages.css", "tile_map.css"))
A_YEAR = 365 * 24 * 3600

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "frame-ancestors 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_ENVIRONMENT = Environment(
    loader=FileSystemLoader([TEMPLATES, WEB]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals |= {"WORDS": WORDS, "style": Markup(STYLE)}  # noqa: S704 - our own file


def page(request: Request, template: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Render `template` in the visitor's language, with the names `_(vi, en)`, `l` and `w` (texts) and `root`.

    Every form in it begins with `{{ form_token }}`, a hidden field.
    """
    token = form_token(request)
    language = chosen(request)
    locale = LOCALES[language]
    other = "en" if language == "vi" else "vi"
    text = _ENVIRONMENT.get_template(template).render(
        l=locale,
        _=locale.pick,
        w=LinkingWords(locale),
        root=request.scope.get("root_path", "").rstrip("/"),
        here=request.url.path,
        form_token=Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token),
        other=other,
        other_url=str(request.url.include_query_params(lang=other).query),
        **values,
    )
    answer = HTMLResponse(text, status_code=status, headers=_HEADERS)
    path = request.scope.get("root_path", "") or "/"
    if request.cookies.get(FIELD) != token:
        is_secure = request.url.scheme == "https"
        answer.set_cookie(FIELD, token, path=path, secure=is_secure, httponly=True, samesite="lax")
    if request.query_params.get("lang") == language:
        answer.set_cookie(COOKIE, language, max_age=A_YEAR, path=path, httponly=True, samesite="lax")
    return answer
