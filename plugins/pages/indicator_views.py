"""Pages of the indicators: their course over the quarters, and each with its definition down to the agency."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request, status
from fastapi.responses import HTMLResponse

from include.indicators.computation import REASONS
from include.indicators.definitions import SECTIONS, UNITS
from include.indicators.values import member_names
from include.pipelines.indicators import indicator_courses
from plugins.pages.access import SignedIn, Visitor, signed_in
from plugins.pages.rendering import page
from plugins.pages.views import Pages

router = APIRouter(dependencies=[Depends(signed_in)], default_response_class=HTMLResponse)
_WORDS = {"units": UNITS, "reasons": REASONS}


@router.get("/indicators")
def indicators(request: Request, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """Every indicator by section, with its newest value and its course."""
    _may_read(visitor)
    courses = indicator_courses(pages.context)
    sections = [
        (title, found)
        for name, title in SECTIONS.items()
        if (found := [course for course in courses if course.indicator.section == name])
    ]
    return page(request, "indicators.html.j2", {"sections": sections, **_WORDS})


@router.get("/indicators/{name}")
def indicator(request: Request, name: str, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """One indicator: its definition, its periods, and the members of each dimension in the newest."""
    _may_read(visitor)
    found = indicator_courses(pages.context, name)
    if not found:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    values = {"course": found[0], "names": member_names(pages.context.schemas), **_WORDS}
    return page(request, "indicator.html.j2", values)


def _may_read(visitor: Visitor) -> None:
    if not visitor.may_see_report():
        raise HTTPException(status.HTTP_403_FORBIDDEN)
