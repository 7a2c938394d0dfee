"""Forms are only taken from our own pages: another site's page cannot send one in a visitor's name."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import HTTPException, Request, status

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def from_our_own_pages(request: Request) -> None:
    """Refuse (403) what a browser says comes from elsewhere.

    Every browser of today sends `Sec-Fetch-Site`, which no page can set; older ones send `Origin` with every form. A
    client that sends neither is no browser and carries no visitor's cookie by itself.
    """
    if request.method in _READING:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_ours = site in ("same-origin", "none") if site else origin is None or _is_host(origin, request)
    if not is_ours:
        raise HTTPException(status.HTTP_403_FORBIDDEN)


def _is_host(origin: str, request: Request) -> bool:
    return bool(urlsplit(origin).netloc) and urlsplit(origin).netloc == request.headers.get("host")
