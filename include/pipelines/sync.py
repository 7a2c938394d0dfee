"""Bring a registry into the lake: extract, conform and split, assess, gate, publish; table by table.

The steps are the same for the command line and for Airflow. Each takes and gives plain values (counts, verdicts,
versions): rows stay in the lake, and what one step leaves for the next lies in the run's folders there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.audit import ledger
from include.contracts.model import Contract, Table
from include.contracts.published import published_yaml
from include.lake import evidence
from include.lake.publish import preview, publish
from include.lake.reference import publish_reference
from include.lake.rejected import append_rejected
from include.lake.state import PublishedState, last_commit
from include.pipelines.errors import KNOWN_ERRORS, Misuse, no_values_escape
from include.pipelines.relationships import relationships_step
from include.pipelines.trail import record_run
from include.pipelines.workplace import Workplace
from include.quality.assess import assess
from include.quality.gate import judge
from include.quality.results import SplitResult
from include.quality.split import conform_and_split
from include.sources.extract import extract
from include.sources.landing import RECORD, Extract

Facts = dict[str, Any]
Watch = Callable[[str, str], None]

SPLIT_RECORD = "_split.json"
FIGURES = ("extracted", "accepted", "rejected", "superseded", "deleted", "retained")


@dataclass(frozen=True)
class Approval:
    """A steward's word that a table outside its tolerance shall be published."""

    approved_by: str
    approval_note: str = ""


def prepare_step(*, workplace: Workplace | None = None) -> list[str]:
    """Publish the code lists that changed to `reference/`; returns their names."""
    place = workplace or Workplace.from_environment()
    with no_values_escape("publishing the code lists"):
        return publish_reference(place.lake, place.schemas)


def extract_step(
    registry: str, table: str, run_id: str, *, is_full: bool = False, workplace: Workplace | None = None
) -> Facts:
    """Land one table. The verdict is `unchanged` if source and contract are what the last commit was made of."""
    place = workplace or Workplace.from_environment()
    with no_values_escape(f"extracting {registry}.{table}"):
        contract, spec = place.table(registry, table)
        at = place.now()
        extracted = extract(contract, spec, lake=place.lake, run_id=run_id, at=at, environ=place.environ)
        state = last_commit(place.lake, spec)
        if state and not is_full and _is_same(place, state, extracted, contract) and state.run_id != run_id:
            return _unchanged(place, spec, extracted, state, at)
        return {
            **_subject(extracted),
            "verdict": "extracted",
            "extracted": extracted.rows,
            "drift": list(extracted.drift),
            "started_at": at.isoformat(),
        }


def assess_step(extracted: Facts, *, workplace: Workplace | None = None) -> Facts:
    """Conform, split and assess what was landed, and say whether it stays inside the contract's tolerance."""
    place = workplace or Workplace.from_environment()
    registry, name, run_id = extracted["registry"], extracted["table"], extracted["run_id"]
    with no_values_escape(f"assessing {registry}.{name}"):
        contract, table = place.table(registry, name)
        started = time.perf_counter()
        landed = _landed(place, table, run_id)
        split = conform_and_split(table, landed.uri, lake=place.lake, run_id=run_id, schemas_dir=place.schemas)
        place.lake.write_text(_split_record(place, table, run_id), json.dumps(split.to_dict()))
        assessment = assess(table, split, lake=place.lake, run_id=run_id, schemas_dir=place.schemas)
        changes = preview(place.lake, table, staged=split.staged)
        findings = judge(table, split, changes)
        evidence.append_checks(
            place.lake, registry=registry, table=name, run_id=run_id, at=place.now(),
            counts=split.counts, gx_counts=assessment.counts,
        )  # fmt: skip
        facts = {
            **extracted,
            "accepted": split.accepted,
            "rejected": split.rejected,
            "superseded": split.superseded,
            "findings": [f.to_dict() for f in findings],
            "held": bool(findings),
            "reasons": _frequent(split),
            "seconds": round(landed.seconds + time.perf_counter() - started, 3),
        }
        if findings:
            record_run(place, {**facts, "verdict": "held", **_origin(place, contract, landed)})
        return facts


def publish_step(
    assessed: Facts,
    approved_by: str | None = None,
    approval_note: str | None = None,
    *,
    workplace: Workplace | None = None,
) -> Facts:
    """Publish the accepted rows in one commit and keep the others with their reasons.

    Raises:
        Misuse: the table is held back and nobody approved.
    """
    place = workplace or Workplace.from_environment()
    registry, name, run_id = assessed["registry"], assessed["table"], assessed["run_id"]
    if assessed["held"] and not approved_by:
        raise Misuse(f"{registry}.{name} is held back by its gate: a steward must approve it first")
    with no_values_escape(f"publishing {registry}.{name}"):
        contract, table = place.table(registry, name)
        started = time.perf_counter()
        landed = _landed(place, table, run_id)
        split = SplitResult.from_dict(json.loads(place.lake.read_text(_split_record(place, table, run_id))))
        at = datetime.fromisoformat(assessed["started_at"])
        append_rejected(place.lake, table, run_id=run_id, at=at, staged=split.staged, extract_uri=landed.uri)
        metadata = {
            **{name: str(value) for name, value in _origin(place, contract, landed).items()},
            **{name: str(getattr(split, name)) for name in ("extracted", "accepted", "rejected", "superseded")},
            "cursor": landed.cursor or "",
            "approved_by": approved_by or "",
            "ledger_head": str(ledger.head(place.lake)),
        }
        commit = publish(place.lake, table, run_id=run_id, at=at, staged=split.staged, metadata=metadata)
        facts = {
            **assessed,
            "verdict": "published",
            "mode": "full",
            "version": commit.version,
            "deleted": commit.deleted,
            "retained": commit.retained,
            "inserted": commit.inserted,
            "updated": commit.updated,
            "live_rows": commit.live_rows,
            "approved_by": approved_by or "",
            "approval_note": approval_note or "",
            "seconds": round(assessed["seconds"] + time.perf_counter() - started, 3),
        }
        record_run(place, {**facts, **_origin(place, contract, landed)})
        publish_contract(place, contract)
        place.lake.delete_tree(place.lake.staging_path(registry, name, run_id))
        return facts


def sync_registry(
    registry: str,
    *,
    run_id: str,
    tables: Sequence[str] = (),
    is_full: bool = False,
    approval: Approval | None = None,
    watch: Watch = lambda table, step: None,
    workplace: Workplace | None = None,
) -> Facts:
    """Sync every table of a registry (or those named), one after the other; a table's failure does not stop the others.

    Returns:
        `{run_id, registry, verdict, tables: [...]}`; the verdict is the worst of the tables': failed, held,
        published, unchanged. `watch(table, step)` is called as each step begins and once with the verdict.
    """
    place = workplace or Workplace.from_environment()
    contract = place.contract(registry)
    wanted = [place.table(registry, name)[1].name for name in tables] or [t.name for t in contract.tables]
    prepare_step(workplace=place)
    results = []
    for name in wanted:
        started = time.perf_counter()
        try:
            facts = _sync_table(place, registry, name, run_id, is_full, approval, watch)
        except KNOWN_ERRORS as error:
            facts = _failed(place, registry, name, run_id, error)
        facts["seconds"] = round(time.perf_counter() - started, 3)
        watch(name, facts["verdict"])
        results.append(facts)
    if any(facts["verdict"] == "published" for facts in results):
        relationships_step(registry, run_id, workplace=place)
    verdicts = {facts["verdict"] for facts in results}
    worst = next(v for v in ("failed", "held", "published", "unchanged") if v in verdicts)
    return {"run_id": run_id, "registry": registry, "verdict": worst, "tables": results}


def assess_and_publish(
    extracted: Facts, approval: Approval | None, *, watch: Watch = lambda table, step: None, workplace: Workplace
) -> Facts:
    """From what was landed to what is published, or to the verdict `held` where the gate asks and nobody approves."""
    name = extracted["table"]
    watch(name, "assess")
    assessed = assess_step(extracted, workplace=workplace)
    if not assessed["held"]:
        watch(name, "publish")
        return publish_step(assessed, workplace=workplace)
    if approval is None:
        return {**assessed, "verdict": "held", "mode": "full", "version": None, "deleted": 0}
    watch(name, "publish")
    return publish_step(assessed, approval.approved_by, approval.approval_note, workplace=workplace)


def _sync_table(
    place: Workplace, registry: str, name: str, run_id: str, is_full: bool, approval: Approval | None, watch: Watch
) -> Facts:
    watch(name, "extract")
    extracted = extract_step(registry, name, run_id, is_full=is_full, workplace=place)
    if extracted["verdict"] == "unchanged":
        return extracted
    return assess_and_publish(extracted, approval, watch=watch, workplace=place)


def publish_contract(place: Workplace, contract: Contract) -> None:
    """Lay the contract of what is published beside its tables, so that any ODCS tool can test them with it."""
    uri = f"{place.lake.path('registry', contract.registry)}/contract.odcs.yaml"
    text = published_yaml(contract.path, place.lake.uri)
    if not place.lake.exists(uri) or place.lake.read_text(uri) != text:
        place.lake.write_text(uri, text)


def _unchanged(place: Workplace, table: Table, extracted: Extract, state: PublishedState, at: datetime) -> Facts:
    """Nothing to do: the extract goes (the one it equals is kept), the figures of that commit stand."""
    evidence.heal_runs(place.lake, table, state)
    facts = {
        **_subject(extracted),
        **{name: int(state.metadata.get(name, 0)) for name in FIGURES},
        "verdict": "unchanged",
        "mode": "unchanged",
        "version": state.version,
        "live_rows": state.live_rows,
        "same_as_run": state.run_id,
        "held": False,
        "findings": [],
        "reasons": [],
        "started_at": at.isoformat(),
        "seconds": extracted.seconds,
    }
    record_run(place, {**facts, **_origin(place, place.contract(table.registry), extracted)})
    place.lake.delete_tree(place.lake.landing_path(table.registry, table.name, extracted.run_id))
    return facts


def _failed(place: Workplace, registry: str, name: str, run_id: str, error: Exception) -> Facts:
    facts: Facts = {
        "registry": registry,
        "table": name,
        "run_id": run_id,
        "verdict": "failed",
        "mode": "full",
        "version": None,
        **dict.fromkeys(FIGURES, 0),
        "held": False,
        "findings": [],
        "reasons": [],
        "seconds": 0.0,
        "started_at": place.now().isoformat(),
        "error": str(error),
        "error_type": type(error).__name__,
    }
    try:
        record_run(place, facts)
    except KNOWN_ERRORS:
        facts["error"] += " (and the lake could not record it)"
    return facts


def _subject(extracted: Extract) -> Facts:
    return {"registry": extracted.registry, "table": extracted.table, "run_id": extracted.run_id}


def _is_same(place: Workplace, state: PublishedState, extracted: Extract, contract: Contract) -> bool:
    made_of = state.metadata.get("extract_digest"), state.metadata.get("contract_digest")
    return made_of == (extracted.digest, place.meaning(contract))


def _landed(place: Workplace, table: Table, run_id: str) -> Extract:
    folder = place.lake.landing_path(table.registry, table.name, run_id)
    try:
        return Extract.from_dict(json.loads(place.lake.read_text(f"{folder}/{RECORD}")))
    except FileNotFoundError:
        raise Misuse(f"run {run_id} landed nothing for {table.qualified_name}: run the extract step first") from None


def _split_record(place: Workplace, table: Table, run_id: str) -> str:
    return f"{place.lake.staging_path(table.registry, table.name, run_id)}/{SPLIT_RECORD}"


def _frequent(split: SplitResult) -> list[list[Any]]:
    """The rules that rejected rows, most frequent first: [[rule_id, rows], ...]."""
    broken = [c for c in split.counts if c.violations and c.scope != "table" and c.severity == "error"]
    return [[c.rule_id, c.violations] for c in sorted(broken, key=lambda c: (-c.violations, c.rule_id))]


def _origin(place: Workplace, contract: Contract, landed: Extract) -> dict[str, Any]:
    """What the rows were made of, and by which contract."""
    return {
        "contract_version": contract.version,
        "contract_digest": place.meaning(contract),
        "extract_digest": landed.digest,
        "bytes": landed.bytes,
        "source": landed.source,
    }
