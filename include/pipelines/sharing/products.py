"""Carry out the agreements: what is in force is published to its recipient, what is not is emptied, all on record.

Nothing may stand in the way of closing: a broken contract, a missing key or a mistake in another agreement's file fails
that agreement only, and what has ended is emptied first.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from include.audit import ledger
from include.contracts import Contract
from include.contracts.yaml_files import ContractError
from include.lake.storage import Lake
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.errors import KNOWN_ERRORS, Misuse, no_values_escape
from include.pipelines.step_results import Facts
from include.sharing.agreements import Agreement, agreement_paths, load_agreement
from include.sharing.products import MasterKey, Sharing, close_orphans, share_agreement


def share_step(agreement_id: str | None, run_id: str, *, context: PipelineContext | None = None) -> Facts:
    """Carry out one agreement, or all of them; with all, tables that no agreement names any more are closed too.

    Returns:
        `{run_id, verdict, agreements: [{agreement, standing, products: [...], error}]}`; the verdict is `failed` if any
        agreement failed, else `shared`.

    Raises:
        Misuse: there is no such agreement.
    """
    context = context or PipelineContext.from_environment()
    agreements, done = _load(context, agreement_id)
    at = context.now()
    for agreement in sorted(agreements, key=lambda a: a.standing(at) == "in_force"):
        done.append(_carry_out(context, agreement, at, run_id))
    if agreement_id is None and not any(entry["error"] for entry in done):
        with no_values_escape("closing tables that no agreement names"):
            closed = close_orphans(agreements, lake=context.lake, run_id=run_id, notes=_notes(context.lake))
            done.append(_record(context, closed))
    verdict = "failed" if any(entry["error"] for entry in done) else "shared"
    shown = [entry for entry in done if entry["agreement"] or entry["products"]]
    return {"run_id": run_id, "verdict": verdict, "agreements": shown}


def _load(context: PipelineContext, agreement_id: str | None) -> tuple[list[Agreement], list[Facts]]:
    """The agreements that can be read, and an entry for each that cannot."""
    paths = agreement_paths(context.schemas)
    if agreement_id is not None and agreement_id not in paths:
        near = difflib.get_close_matches(agreement_id, paths, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(paths) or 'none'}"
        raise Misuse(f"no agreement `{agreement_id}`: {hint}")
    readable, unreadable = [], []
    for name in [agreement_id] if agreement_id else paths:
        try:
            readable.append(load_agreement(paths[name]))
        except ContractError as error:
            unreadable.append(_failure(name, "unreadable", error))
    return readable, unreadable


def _carry_out(context: PipelineContext, agreement: Agreement, at: datetime, run_id: str) -> Facts:
    standing = agreement.standing(at)
    try:
        with no_values_escape(f"sharing under {agreement.agreement_id}"):
            contracts, key = _what_sharing_needs(context, agreement) if standing == "in_force" else ({}, None)
            sharing = share_agreement(
                agreement, contracts, lake=context.lake, at=at, run_id=run_id, key=key, notes=_notes(context.lake)
            )
            return _record(context, sharing)
    except KNOWN_ERRORS as error:
        return _failure(agreement.agreement_id, standing, error)


def _what_sharing_needs(
    context: PipelineContext, agreement: Agreement
) -> tuple[Mapping[str, Contract], MasterKey | None]:
    contracts, _ = context.readable
    for registry in {product.registry for product in agreement.products} & {*context.registries} - {*contracts}:
        context.contract(registry)  # raises what is wrong with it
    return contracts, MasterKey.from_environment(context.environ)


def _notes(lake: Lake) -> dict[str, str]:
    """What every commit says of the ledger: where it stood, so that the tables' logs vouch for it."""
    return {"ledger_head": str(ledger.head(lake))}


def _failure(agreement_id: str, standing: str, error: Exception) -> Facts:
    return {"agreement": agreement_id, "standing": standing, "products": [], "error": f"{error}"}


def _record(context: PipelineContext, sharing: Sharing) -> Facts:
    record_commits(context, [result.subject for result in sharing.results], sharing.records)
    return {
        "agreement": sharing.agreement,
        "standing": sharing.standing,
        "products": [asdict(result) for result in sharing.results],
        "error": "",
    }
