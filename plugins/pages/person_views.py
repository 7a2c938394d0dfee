"""Pages of the review queue: pairs that wait, one pair side by side with its waterfall, and the decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, status
from fastapi.responses import HTMLResponse, RedirectResponse

from include.identity.reviews import MAX_NOTE
from include.pipelines.pages import QualityPages
from include.pipelines.person_pairs import (
    PAIRS_A_PAGE,
    Beside,
    ShownPair,
    beside,
    read_beside,
    waiting_pair,
    waiting_pairs,
)
from include.pipelines.persons import decide_step
from include.pipelines.rejected_access import MAX_PURPOSE
from plugins.pages.access import SignedIn, Visitor, signed_in
from plugins.pages.rendering import page
from plugins.pages.views import Pages

router = APIRouter(dependencies=[Depends(signed_in)], default_response_class=HTMLResponse)


@router.get("/persons")
def queue(
    request: Request,
    visitor: SignedIn,
    pages: Pages,
    page_number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """The pairs that wait, of the registries that the visitor may see."""
    total, pairs = waiting_pairs(pages.place, page_number)
    shown = [pair for pair in pairs if all(visitor.may_see(registry) for registry in pair.registries)]
    values = {"pairs": shown, "total": total, "page_number": page_number, "pages": max(1, -(-total // PAIRS_A_PAGE))}
    return page(request, "persons.html.j2", values)


@router.get("/persons/{pair_id}")
def pair(request: Request, pair_id: str, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """One pair: where the records agree and what that weighs; no value."""
    shown = _pair(pages, visitor, pair_id)
    return _page(request, pages, visitor, shown, beside(pages.place, shown))


@router.post("/persons/{pair_id}/values")
def values(
    request: Request,
    pair_id: str,
    visitor: SignedIn,
    pages: Pages,
    purpose: Annotated[str, Form(max_length=MAX_PURPOSE)] = "",
) -> HTMLResponse:
    """The same with values, of those registries whose values the visitor's role may read; on record."""
    shown = _pair(pages, visitor, pair_id)
    readable = _readable(pages, visitor, shown)
    if not readable:
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    rows = read_beside(pages.place, shown, registries=readable, reader=visitor.name, purpose=purpose)
    return _page(request, pages, visitor, shown, rows)


@router.post("/persons/{pair_id}")
def decide(
    request: Request,
    pair_id: str,
    visitor: SignedIn,
    pages: Pages,
    decision: Annotated[str, Form(max_length=20)],
    note: Annotated[str, Form(max_length=MAX_NOTE)] = "",
) -> RedirectResponse:
    """Keep the visitor's decision, and back to the queue."""
    shown = _pair(pages, visitor, pair_id)
    if _readable(pages, visitor, shown) != shown.registries:
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    decide_step(pair_id, decision, by=visitor.name, note=note, workplace=pages.place)
    root = request.scope.get("root_path", "").rstrip("/")
    return RedirectResponse(f"{root}/persons", status.HTTP_303_SEE_OTHER)


def _pair(pages: QualityPages, visitor: Visitor, pair_id: str) -> ShownPair:
    """A pair the visitor may see; one they may not see is not told from one that is not there."""
    shown = waiting_pair(pages.place, pair_id)
    if shown is None or not all(visitor.may_see(registry) for registry in shown.registries):
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    return shown


def _readable(pages: QualityPages, visitor: Visitor, shown: ShownPair) -> set[str]:
    contracts = pages.contracts()
    return {r for r in shown.registries if r in contracts and visitor.may_read_values(contracts[r])}


def _page(
    request: Request, pages: QualityPages, visitor: Visitor, shown: ShownPair, rows: tuple[Beside, ...]
) -> HTMLResponse:
    widest = max((abs(step["bits"]) for step in shown.steps), default=1.0) or 1.0
    readable = _readable(pages, visitor, shown)
    values = {
        "shown": shown,
        "rows": rows,
        "bars": [(step, 50 * abs(step["bits"]) / widest) for step in shown.steps],
        "has_values": any(row.left is not None or row.right is not None for row in rows),
        "readable": readable,
        "may_decide": readable == shown.registries,
        "max_purpose": MAX_PURPOSE,
        "max_note": MAX_NOTE,
    }
    return page(request, "person_pair.html.j2", values)
