"""Exports of the report's figures: one CSV file per kind, and one Excel workbook with all."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta

import pandas as pd

from include.audit.report_data import WORDS, Index, Overview, QualityReportInputs, TableReport, column_lineage
from include.audit.report_export.linking_export import linking_rows
from include.audit.report_export.servers_export import servers_rows
from include.audit.report_export.spreadsheet_text import as_text, cell_text
from include.lake.rejected import AGES, TREND_DAYS, OpenRule

_SHEET_NAME_LIMIT = 31


def frames(overview: Overview, surroundings: QualityReportInputs) -> dict[str, pd.DataFrame]:
    """Data frames by kind of figures: plain numbers, instants in ISO 8601 UTC."""
    contracts = [registry.contract for registry in overview.registries]
    return {
        "quality_index": _frame(
            [{"registry": "", "table": "", **_index(overview.index)}]
            + [{"registry": r.name, "table": "", **_index(r.index)} for r in overview.registries]
            + [{**_name(t), **_index(t.index)} for t in overview.tables]
        ),
        "quality_index_workings": _frame(
            [{**_name(t), "run_id": t.standing.run_id if t.standing else "", **asdict(d)}
             for t in overview.tables for d in t.index.deductions],
            "registry", "table", "run_id", "word", "source", "violations", "rows", "points",
        ),
        "tables": _frame([_figures(t) for t in overview.tables]),
        "rules": _frame(
            [{**_name(t), **asdict(rule), "columns": ", ".join(rule.columns), "percent": rule.percent}
             for t in overview.tables for rule in t.rules]
        ),
        "trend": _frame(
            [{**_name(t), **asdict(p.run), "at": p.run.at.isoformat(), "rejected_percent": p.run.rejected_percent,
              "open_rows": p.standing.open_rows if p.standing else None, "open_percent": p.open_percent,
              "index_without_timeliness": p.index} for t in overview.tables for p in t.trend],
            "registry", "table", "run_id", "at", "rejected_percent", "open_percent", "index_without_timeliness",
        ),
        "open_rejections": _frame(
            [{**_name(t), "rule_id": o.rule_id, "rows": o.rows, "since": o.since.isoformat() if o.since else "",
              **_ages(o), "a_week_ago": o.a_week_ago, "a_month_ago": o.a_month_ago}
             for t in overview.tables if t.open for o in (t.open.total, *t.open.rules)],
            "registry", "table", "rule_id", "rows", "since", "a_week_ago", "a_month_ago",
        ),
        "open_rejections_trend": _frame(
            [{**_name(t), "rule_id": o.rule_id, "at": (overview.at - timedelta(days=TREND_DAYS - day)).isoformat(),
              "rows": rows}
             for t in overview.tables if t.open for o in (t.open.total, *t.open.rules)
             for day, rows in enumerate(o.trend)],
            "registry", "table", "rule_id", "at", "rows",
        ),
        "gate": _frame(
            [{"registry": e.registry, "table": e.table, "run_id": e.run_id, "at": e.at.isoformat(),
              "is_published": e.is_published, "approved_by": e.approved_by, "approval_note": e.approval_note,
              "decision": e.decision, "decided_by": e.decided_by, "note": e.note,
              **{key: finding.get(key) if finding else None for key in ("what", "measured", "allowed", "message")}}
             for e in overview.gate for finding in e.findings or (None,)],
            "registry", "table", "run_id", "at", "is_published", "approved_by", "approval_note",
            "decision", "decided_by", "note", "what",
        ),
        "lineage": _frame(
            [{**asdict(c), "sources": ", ".join(c.sources), "products": ", ".join(c.products)}
             for c in column_lineage(contracts, surroundings.agreements)],
            "registry", "table", "column", "sources", "transformation",
        ),
        "agreements": _frame(
            [{"agreement": a.agreement_id, "title": a.title, "provider": a.provider, "recipient": a.recipient,
              "recipient_name": a.recipient_name, "purpose": a.purpose, "legal_basis": "; ".join(a.legal_basis),
              "valid_from": a.valid_from.isoformat(), "valid_until": a.valid_until.isoformat(),
              "provider_contact": a.provider_contact, "recipient_contact": a.recipient_contact,
              "standing": a.standing, "product": p.name, "registry": p.registry, "table": p.table, "rows": p.rows,
              "columns": ", ".join(map(str, p.columns)), "state": p.state, "live_rows": p.live_rows,
              "delivered_since": p.since.isoformat() if p.since else "",
              "last_delivered_at": p.last_at.isoformat() if p.last_at else ""}
             for a in surroundings.agreements for p in a.products],
            "agreement", "recipient", "standing", "product",
        ),
        "reads": _frame(
            [{"registry": p.registry, "table": p.table, "recipient": a.recipient, "agreement": a.agreement_id,
              "purpose": a.purpose, "product": p.name, "reads": p.reads.reads, "refused": p.reads.refused,
              "rows": p.reads.rows, "personal_columns": ", ".join(p.personal_reads),
              "first_at": p.reads.first_at.isoformat(), "last_at": p.reads.last_at.isoformat()}
             for a in surroundings.agreements for p in a.products if p.reads],
            "registry", "table", "recipient", "agreement", "product",
        ),
        "requests": _frame(
            [{**asdict(one), "refused": "; ".join(f"{ground.english}: {count}" for ground, count in one.refused)}
             for one in surroundings.requests],
            "registry", "kind", "asked", "in_time", "late", "open", "overdue",
        ),
        **{
            kind: _frame(rows, *columns)
            for kind, (rows, columns) in linking_rows(surroundings.linking, surroundings.model).items()
        },
        **{kind: _frame(rows, *columns) for kind, (rows, columns) in servers_rows(overview).items()},
    }  # fmt: skip


def csv_text(frame: pd.DataFrame) -> str:
    """One kind of figures as CSV, with a byte order mark for Excel."""
    return "\ufeff" + str(frame.map(as_text).to_csv(index=False, lineterminator="\r\n"))


def workbook(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """All kinds of figures as one Excel workbook, one sheet each, with frozen headers."""
    file = io.BytesIO()
    with pd.ExcelWriter(file, engine="openpyxl") as writer:
        for name, frame in tables.items():
            frame.map(cell_text).to_excel(writer, sheet_name=name[:_SHEET_NAME_LIMIT], index=False, freeze_panes=(1, 0))
            sheet = writer.sheets[name[:_SHEET_NAME_LIMIT]]
            for cells in sheet.columns:
                longest = max((len(str(cell.value or "")) for cell in cells), default=0)
                sheet.column_dimensions[cells[0].column_letter].width = min(60, max(10, longest + 2))
            sheet.auto_filter.ref = sheet.dimensions
    return file.getvalue()


def _figures(table: TableReport) -> dict[str, object]:
    stands, last, latest = table.freshness, table.last, table.latest
    names = (
        "run_id", "version", "contract_version", "source", "extracted", "accepted", "rejected", "superseded",
        "retained", "deleted", "inserted", "updated", "live_rows", "bytes", "seconds", "approved_by",
    )  # fmt: skip
    return {
        **_name(table),
        **{name: getattr(last, name) if last else None for name in names},
        "published_at": last.at.isoformat() if last else None,
        "rejected_percent": last.rejected_percent if last else None,
        "open_rows": table.standing.open_rows if table.standing else None,
        "open_percent": table.standing.open_percent if table.standing else None,
        "last_good_at": stands.last_good_at.isoformat() if stands.last_good_at else None,
        "next_deadline": stands.next_deadline.isoformat() if stands.next_deadline else None,
        "missed": stands.missed,
        "runs": table.runs,
        "latest_run_id": latest.run_id if latest else None,
        "latest_verdict": latest.verdict if latest else None,
    }


def _ages(figures: OpenRule) -> dict[str, int]:
    """Rows by age: `under_1_day`, `under_7_days`, ..., `over_90_days`."""
    names = [f"under_{days}_days" for days in AGES]
    return dict(zip([*names, f"over_{AGES[-1]}_days"], figures.ages, strict=True))


def _index(index: Index) -> dict[str, float | None]:
    return {**{word: index.words[word] for word in WORDS}, "overall": index.overall}


def _name(table: TableReport) -> dict[str, str]:
    return {"registry": table.table.registry, "table": table.table.name}


def _frame(rows: Sequence[Mapping[str, object]], *columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(columns))
