"""Language of a response, Vietnamese or English: by `?lang=`, the cookie, then the browser's preference."""

from __future__ import annotations

from fastapi import Request

from include.audit.report_words import wanted_language
from include.contracts.words import Language

COOKIE = "lienthong_language"


def chosen(request: Request) -> Language:
    """The language of a response; Vietnamese by default."""
    stated = request.query_params.get("lang"), request.cookies.get(COOKIE)
    return wanted_language(stated, request.headers.get("accept-language", ""))
