"""Exports of the linking section's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from include.audit.report_data import Linking, LinkRun, ModelFacts, Share

Rows = Sequence[Mapping[str, object]]


def linking_rows(linking: Linking, model: ModelFacts | None) -> dict[str, tuple[Rows, tuple[str, ...]]]:
    """Rows by kind of figures, and the column names of empty kinds."""
    last = {"run_id": linking.last.run_id} if linking.last else {}
    return {
        "link_runs": (
            [_run(run) for run in linking.trend],
            ("run_id", "at", "records", "persons", "links", "precision", "recall"),
        ),
        "link_tables": (
            [{**last, **asdict(table)} for table in linking.tables],
            ("run_id", "registry", "table", "records", "persons", "elsewhere"),
        ),
        "link_passes": (
            [{**last, **asdict(found)} for found in linking.passes],
            ("run_id", "name", "link", "review", "finding"),
        ),
        "link_bands": (
            [{**last, **{k: v for k, v in asdict(band).items() if k != "rate"}, **_ends("rate", band.rate)}
             for band in linking.bands],
            ("run_id", "low", "high", "is_linked", "pairs", "rate"),
        ),
        "link_thresholds": (
            [{**last, **{k: v for k, v in asdict(found).items() if k != "recall"}, **_ends("recall", found.recall)}
             for found in linking.thresholds],
            ("run_id", "precision", "link_at", "links", "reviews", "recall"),
        ),
        "link_sizes": (
            [{**last, "records_up_to": size, "persons": persons} for size, persons in linking.sizes],
            ("run_id", "records_up_to", "persons"),
        ),
        "link_findings": (
            [{**last, **asdict(told)} for told in linking.told],
            ("run_id", "kind", "registry", "table", "owner", "findings"),
        ),
        "link_gate": (
            [{"run_id": event.run_id, "at": event.at.isoformat(), "is_published": event.is_published,
              "approved_by": event.approved_by, "approval_note": event.approval_note, "decision": event.decision,
              "decided_by": event.decided_by, "note": event.note,
              **{key: finding.get(key) for key in ("what", "measured", "allowed", "message")}}
             for event in linking.gate for finding in event.findings],
            ("run_id", "at", "is_published", "approved_by", "approval_note", "decision", "decided_by", "note", "what"),
        ),
        "link_model": (
            [{"model": model.name, "version": model.version, "comparison": comparison.name, "level": level.name,
              "m": level.m, "u": level.u, "weight": level.weight, "is_by_frequency": level.is_by_frequency}
             for comparison in model.comparisons for level in comparison.levels] if model else [],
            ("model", "version", "comparison", "level", "m", "u", "weight"),
        ),
    }  # fmt: skip


def _run(run: LinkRun) -> dict[str, object]:
    flat = {name: value for name, value in asdict(run).items() if name not in ("precision", "recall")}
    flat |= _ends("precision", run.precision) | _ends("recall", run.recall)
    return {**flat, "at": run.at.isoformat()}


def _ends(name: str, share: Share | None) -> dict[str, float | None]:
    """An estimate and its interval's bounds; empty where there is none."""
    ends = (share.value, share.lower, share.upper) if share else (None, None, None)
    return dict(zip((name, f"{name}_lower", f"{name}_upper"), ends, strict=True))
