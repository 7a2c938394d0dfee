"""Views of the pages, one small function each: check access, get data from `include/`, render a template."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, status
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BeforeValidator

from include.audit.report_data import TableReport
from include.audit.report_pages import tile_maps
from include.audit.report_words import LOCALES
from include.contracts.model import Contract
from include.contracts.words import MAX_NOTE
from include.lake.rejected import AGES
from include.pipelines.rejected import VALUES_AT_ONCE, count_rejected
from include.pipelines.reporting import ROWS_A_PAGE, RUNS_A_PAGE, QualityPages
from include.pipelines.sync import held_run
from plugins.pages.access import SignedIn, Visitor, signed_in
from plugins.pages.language import chosen
from plugins.pages.rendering import page

router = APIRouter(dependencies=[Depends(signed_in)], default_response_class=HTMLResponse)
MOST_PAGES = 100_000
MOST_REPLAYS = 5
LEDGER_KINDS = {
    "run": ("lần chạy", "run"),
    "commit": ("công bố", "commit"),
    "removal": ("gỡ bảng", "removal"),
    "approval": ("phê duyệt", "approval"),
    "refusal": ("từ chối, quá hạn", "refusal"),
    "agreement": ("thỏa thuận", "agreement"),
    "credential": ("mã truy cập của bên nhận", "recipient's token"),
    "export": ("báo cáo, chia sẻ, xem dữ liệu", "report, share or look"),
    "maintenance": ("bảo trì", "maintenance"),
    "request": ("yêu cầu dữ liệu, phản ánh", "request for data, or dispute"),
}

PageNumber = Annotated[int, Query(alias="page", ge=1, le=MOST_PAGES)]
RuleId = Annotated[str | None, Query(max_length=300)]


def one_line(text: object) -> object:
    """A form's text as it is kept, in one line: browsers send each end of a line as two characters, CR LF."""
    return " ".join(text.split()) if isinstance(text, str) else text


def pages_of(request: Request) -> QualityPages:
    """The app's page data source."""
    found: QualityPages = request.app.state.pages
    return found


Pages = Annotated[QualityPages, Depends(pages_of)]


@router.get("/")
def registries(request: Request, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """All visible registries."""
    overview = pages.overview()
    shown = [registry for registry in overview.registries if visitor.may_see(registry.name)]
    values = {
        "overview": overview,
        "registries": shown,
        "delivered": pages.delivered(),
        "lake_uri": pages.lake_uri,
        "broken": pages.broken(),
    }
    return page(request, "registries.html.j2", values)


@router.get("/servers/{registry}")
def servers(request: Request, registry: str, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """The servers of one registry: which are missing, maps, their ranking, what changed at their sources."""
    overview = pages.overview()
    delivered = pages.delivered().get(registry) if visitor.may_see(registry) else None
    if delivered is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    report = next(one for one in overview.registries if one.name == registry)
    maps = tile_maps(report, overview.at, LOCALES[chosen(request)])
    return page(
        request, "servers.html.j2", {"registry": report, "delivered": delivered, "maps": maps, "at": overview.at}
    )


@router.get("/tables/{registry}/{table}")
def table(
    request: Request, registry: str, table: str, visitor: SignedIn, pages: Pages, page_number: PageNumber = 1
) -> HTMLResponse:
    """One table: counts, deductions of its index, and runs."""
    contract, report = _table(pages, visitor, registry, table)
    runs = pages.runs(report.table, page_number)
    values = {"contract": contract, "report": report, "runs": runs, **_paging(page_number, runs.total, RUNS_A_PAGE)}
    return page(request, "table.html.j2", {**values, "waiting": pages.open_requests(report.table)})


@router.get("/tables/{registry}/{table}/runs/{run_id}")
def run(request: Request, registry: str, table: str, run_id: str, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """One run: figures, findings, approval, and every check with both counts."""
    contract, report = _table(pages, visitor, registry, table)
    found = pages.run(report.table, run_id)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    line, checks = found
    bounds = {rule.rule_id: rule.bound for rule in report.table.rules}
    values = {
        "contract": contract,
        "report": report,
        "run": line,
        "has_checks": bool(checks),
        "broken": [check for check in checks if not check.is_kept(bounds.get(check.rule_id))],
        "kept": [check for check in checks if check.is_kept(bounds.get(check.rule_id))],
        "described": {rule.rule_id: rule for rule in report.rules},
        "held": held_run(pages.context, report.table, run_id, is_waiting=line.verdict == "held"),
    }
    return page(request, "run.html.j2", values)


@router.get("/rejected")
def rejected(request: Request, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """Number of rejected rows of each table."""
    shown = [registry for registry in pages.overview().registries if visitor.may_see(registry.name)]
    tables = [(registry, table) for registry in shown for table in registry.tables]
    tables.sort(key=lambda pair: -pair[1].open.total.rows if pair[1].open else 0)
    return page(request, "rejected.html.j2", {"tables": tables})


@router.get("/rejected/{registry}/{table}")
def rejected_table(
    request: Request,
    registry: str,
    table: str,
    visitor: SignedIn,
    pages: Pages,
    rule: RuleId = None,
    run: RuleId = None,
    page_number: PageNumber = 1,
) -> HTMLResponse:
    """Rejected rows of one table by rule and age; row numbers and reasons, no value."""
    values = _rejected(pages, visitor, registry, table, rule or None, run or None, page_number)
    return page(request, "rejected_table.html.j2", values)


@router.post("/rejected/{registry}/{table}")
def rejected_values(
    request: Request,
    registry: str,
    table: str,
    visitor: SignedIn,
    pages: Pages,
    purpose: Annotated[str, BeforeValidator(one_line), Form(max_length=MAX_NOTE)] = "",
    rule: Annotated[str, Form(max_length=300)] = "",
    run: Annotated[str, Form(max_length=300)] = "",
    offset: Annotated[int, Form(ge=0, le=MOST_PAGES * ROWS_A_PAGE)] = 0,
) -> HTMLResponse:
    """Some rejected rows as received, if the role allows it; recorded in the ledger."""
    contract, report = _table(pages, visitor, registry, table)
    state = pages.rejected(report.table)
    if not visitor.may_read_values(contract, report.table.server):
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    if state is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    rows = pages.rejected_values(
        report.table, rule_id=rule or None, run_id=run or None, offset=offset, reader=visitor.name, purpose=purpose
    )
    values = {
        "contract": contract,
        "report": report,
        "rows": rows,
        "rule": rule,
        "run": run,
        "purpose": purpose,
        "reader": visitor.name,
        "next_offset": offset + VALUES_AT_ONCE if len(rows) == VALUES_AT_ONCE else None,
    }
    return page(request, "values.html.j2", values)


@router.get("/agreements")
def agreements(request: Request, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """Every agreement: standing, recipient, and current products."""
    return page(request, "agreements.html.j2", {"agreements": pages.agreements(), "visitor": visitor})


@router.get("/ledger")
def ledger(request: Request, visitor: SignedIn, pages: Pages) -> HTMLResponse:
    """The ledger's head, newest entries, last checkpoint and last verification."""
    if not visitor.may_see_ledger():
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    state = pages.ledger()
    values = {
        "state": state,
        "checkpoint_at": datetime.fromisoformat(state.checkpoint.at) if state.checkpoint else None,
        "kinds": LEDGER_KINDS,
        "may_verify": visitor.may_verify(),
    }
    return page(request, "ledger.html.j2", values)


@router.post("/ledger")
def verify(request: Request, visitor: SignedIn, pages: Pages) -> RedirectResponse:
    """Verify the ledger, store the result, and show it."""
    if not visitor.may_verify():
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    pages.verify()
    root = request.scope.get("root_path", "").rstrip("/")
    return RedirectResponse(f"{root}/ledger#verification", status.HTTP_303_SEE_OTHER)


def _table(pages: QualityPages, visitor: Visitor, registry: str, table: str) -> tuple[Contract, TableReport]:
    """A visible table; 404 both for an invisible and a missing one."""
    report = pages.table(registry, table) if visitor.may_see(registry) else None
    if report is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    return pages.contracts()[registry], report


def _rejected(
    pages: QualityPages, visitor: Visitor, registry: str, table: str, rule: str | None, run: str | None, number: int
) -> dict[str, Any]:
    contract, report = _table(pages, visitor, registry, table)
    state = report.open if report.slices else pages.rejected(report.table)
    rows = (
        pages.rejected_rows(report.table, rule_id=rule, run_id=run, page=number) if state and not report.slices else ()
    )
    total = 0
    if state is not None and run is not None:
        total = count_rejected(pages.context, report.table, rule_id=rule, run_id=run)
    elif state is not None:
        total = next((r.rows for r in (state.total, *state.rules) if r.rule_id == (rule or "")), 0)
    return {
        "contract": contract,
        "report": report,
        "state": state,
        "rows": rows,
        "rule": rule,
        "run": run,
        "replays": [line for line in pages.runs(report.table, 1).runs if line.texts["mode"] == "replay"][:MOST_REPLAYS],
        "described": {r.rule_id: r for r in report.rules},
        "age_bounds": AGES,
        "may_read_values": visitor.may_read_values(contract, report.table.server),
        "values_at_once": VALUES_AT_ONCE,
        "max_purpose": MAX_NOTE,
        "offset": (number - 1) * ROWS_A_PAGE,
        **_paging(number, total, ROWS_A_PAGE),
    }


def _paging(number: int, total: int, size: int) -> dict[str, int]:
    return {"page_number": number, "pages": max(1, -(-total // size)), "total": total}
