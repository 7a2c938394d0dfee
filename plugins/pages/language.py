"""Language of a response, Vietnamese or English: by `?lang=`, the cookie, then the browser's preference."""

from __future__ import annotations

from fastapi import Request

from include.audit.report_words import LOCALES
from include.contracts.words import Language

COOKIE = "lienthong_language"


def chosen(request: Request) -> Language:
    """The language of a response; Vietnamese by default."""
    for wish in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        for language in LOCALES:
            if wish == language:
                return language
    return _preferred(request.headers.get("accept-language", ""))


def _preferred(header: str) -> Language:
    """The preferred supported language of Accept-Language (RFC 9110)."""
    wishes: list[tuple[float, Language]] = []
    for part in header.split(","):
        tag, _, weight = part.strip().partition(";q=")
        name = tag.strip().lower().split("-")[0]
        for language in LOCALES:
            if name == language:
                wishes.append((_weight(weight), language))
    wishes.sort(key=lambda wish: -wish[0])
    return wishes[0][1] if wishes and wishes[0][0] > 0 else "vi"


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
