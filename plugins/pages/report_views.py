"""Pages of the auditors' reports, streamed from the lake, for users who may read the DAG that writes them."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request, status
from fastapi.responses import HTMLResponse, StreamingResponse

from include.pipelines import no_values_escape
from include.pipelines.reporting import LATEST, editions, files, report_file
from plugins.pages.access import SignedIn, Visitor, signed_in
from plugins.pages.rendering import page
from plugins.pages.views import Pages

router = APIRouter(dependencies=[Depends(signed_in)], default_response_class=HTMLResponse)

_TYPES = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# A report has its own style and no script; the browser must run and load nothing from it.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; "
    "frame-ancestors 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/reports")
def reports(request: Request, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """The newest report with its files, and those of earlier days."""
    _may_read(visitor)
    with no_values_escape("listing the reports"):
        kept = editions(pages.context.lake)
        values = {"files": files(pages.context.lake, LATEST), "days": [name for name in kept if name != LATEST]}
    return page(request, "reports.html.j2", values)


@router.get("/reports/{edition}/{name}")
def report(edition: str, name: str, visitor: SignedIn, pages: Pages) -> StreamingResponse:
    """One file of a report."""
    _may_read(visitor)
    with no_values_escape("reading a report"):
        found = report_file(pages.context.lake, edition, name)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    kind = name.rpartition(".")[2]
    headers = _HEADERS | {"Content-Length": str(found.size)}
    if kind != "html":
        headers["Content-Disposition"] = f'attachment; filename="{edition}-{name}"'
    return StreamingResponse(found.parts, media_type=_TYPES[kind], headers=headers)


def _may_read(visitor: Visitor) -> None:
    if not visitor.may_see_report():
        raise HTTPException(status.HTTP_403_FORBIDDEN)
