"""The language that a visitor of a page wants: as stated, else by the browser's preference, else Vietnamese."""

from __future__ import annotations

from collections.abc import Iterable

from include.audit.report_words.words import LOCALES
from include.contracts.words import Language


def wanted_language(stated: Iterable[str | None], accept_language: str) -> Language:
    """The first of the `stated` that is a language of ours, else the best of the Accept-Language header (RFC 9110)."""
    for wish in stated:
        for language in LOCALES:
            if wish == language:
                return language
    return _preferred(accept_language)


def _preferred(header: str) -> Language:
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
