"""Carrying out agreements: products in force are published to their recipients, others are emptied; all recorded.

Nothing may stand in the way of closing: a broken contract, a missing key or a mistake in another agreement's file fails
that agreement only, and what has ended is emptied first.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from include.audit import ledger
from include.audit.ledger import Record
from include.contracts.model import Contract
from include.contracts.reading import contract_paths
from include.contracts.yaml_files import ContractError
from include.known_error import KnownError
from include.lake.storage import Lake
from include.pipelines.audit_log import record_commits
from include.pipelines.context import PipelineContext
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.status import status_of
from include.sharing.agreements import Agreement, agreement_paths, load_agreement, withdrawn_from
from include.sharing.products import MasterKey, ProductResult, Sharing, close_bare, close_orphans, share_agreement
from include.telemetry import step


@dataclass(frozen=True, slots=True)
class AgreementResult:
    """How carrying out one agreement ended: its `standing`, each product's state, and the error if it failed."""

    agreement: str
    standing: str
    products: tuple[ProductResult, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class SharingResult:
    """A run over agreements; the verdict is `failed` if any of them failed, else `shared`."""

    run_id: str
    agreements: tuple[AgreementResult, ...]

    @property
    def verdict(self) -> str:
        """Shared or failed."""
        return "failed" if any(result.error for result in self.agreements) else "shared"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for XCom and `--json`."""
        return {**asdict(self), "verdict": self.verdict}


@step("share")
def share_step(agreement_id: str | None, run_id: str, *, context: PipelineContext | None = None) -> SharingResult:
    """Carry out one agreement, or all of them; with all, tables that no agreement names any more are closed too.

    Raises:
        Misuse: there is no such agreement.
    """
    context = context or PipelineContext.from_environment()
    every, unreadable = _load(context, agreement_id)
    at = context.now()
    agreements = [agreement for agreement in every if agreement_id in (None, agreement.agreement_id)]
    done = [failed for failed in unreadable if agreement_id in (None, failed.agreement)]
    for agreement in sorted(agreements, key=lambda one: one.standing(at) == "in_force"):
        done.append(_carry_out(context, agreement, at, run_id, every))
    if agreement_id is None:
        done.append(_close_orphans(context, at, run_id, every, unreadable))
    return SharingResult(run_id, tuple(result for result in done if result.agreement or result.products))


@step("close_orphans")
def close_step(run_id: str, *, context: PipelineContext | None = None) -> SharingResult:
    """Close the shared tables that no agreement names any more; failed if an agreement's file cannot be read."""
    context = context or PipelineContext.from_environment()
    every, unreadable = _load(context, None)
    closed = _close_orphans(context, context.now(), run_id, every, unreadable)
    return SharingResult(run_id, (*unreadable, closed))


def _close_orphans(
    context: PipelineContext,
    at: datetime,
    run_id: str,
    every: Sequence[Agreement],
    unreadable: Sequence[AgreementResult],
) -> AgreementResult:
    paths = agreement_paths(context.schemas)
    contract_paths(context.schemas)  # raises in a folder without any: then agreements are not gone, but out of reach
    with no_values_escape("closing tables that no agreement names"):
        closed = close_orphans(
            every, lake=context.lake, run_id=run_id, at=at, notes=_notes(context.lake),
            unreadable={one.agreement: withdrawn_from(paths[one.agreement]) for one in unreadable},
        )  # fmt: skip
        return _record(context, closed)


def _load(context: PipelineContext, agreement_id: str | None) -> tuple[list[Agreement], list[AgreementResult]]:
    """All agreements that can be read, and an entry for each that cannot."""
    paths = agreement_paths(context.schemas)
    if agreement_id is not None and agreement_id not in paths:
        near = difflib.get_close_matches(agreement_id, paths, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(paths) or 'none'}"
        raise Misuse(f"no agreement `{agreement_id}`: {hint}")
    readable, unreadable = [], []
    for name, path in paths.items():
        try:
            readable.append(load_agreement(path))
        except ContractError as error:
            unreadable.append(_failure(name, "unreadable", error))
    return readable, unreadable


@step("carry_out")
def _carry_out(
    context: PipelineContext, agreement: Agreement, at: datetime, run_id: str, every: Sequence[Agreement]
) -> AgreementResult:
    standing = agreement.standing(at)
    try:
        with no_values_escape(f"sharing under {agreement.agreement_id}"):
            is_in_force = standing == "in_force"
            contracts, key = _what_sharing_needs(context, agreement) if is_in_force else (context.readable[0], None)
            sharing = share_agreement(
                agreement, contracts, lake=context.lake, at=at, run_id=run_id, key=key, notes=_notes(context.lake),
                servers=_servers(context, agreement, contracts), beside=every,
            )  # fmt: skip
            return _record(context, sharing)
    except ContractError as error:
        failed = _failure(agreement.agreement_id, standing, error)
    except KnownError as error:
        return _failure(agreement.agreement_id, standing, error)
    try:
        with no_values_escape(f"closing what {agreement.agreement_id} may give no more"):
            closed = close_bare(
                agreement, context.readable[0], lake=context.lake, at=at, run_id=run_id, notes=_notes(context.lake)
            )
            return replace(failed, products=_record(context, closed).products)
    except KnownError as error:
        return replace(failed, error=f"{failed.error}\n{error}")


def _what_sharing_needs(
    context: PipelineContext, agreement: Agreement
) -> tuple[Mapping[str, Contract], MasterKey | None]:
    contracts, _ = context.readable
    for registry in {product.registry for product in agreement.products} & {*context.registries} - {*contracts}:
        context.contract(registry)  # raises what is wrong with it
    return contracts, MasterKey.from_environment(context.environ)


def _servers(context: PipelineContext, agreement: Agreement, contracts: Mapping[str, Contract]) -> dict[str, str]:
    """Which servers are up to date, of each registry of the products that several deliver."""
    of = {product.registry for product in agreement.products}
    several = [contract for registry, contract in contracts.items() if registry in of and contract.is_federated]
    return {one.registry: one.delivered.standing for one in status_of(context, several) if one.delivered}


def _notes(lake: Lake) -> dict[str, str]:
    """What every commit says of the ledger: where it stood, so that the tables' logs vouch for it."""
    return {"ledger_head": str(ledger.head(lake))}


def _failure(agreement_id: str, standing: str, error: Exception) -> AgreementResult:
    return AgreementResult(agreement_id, standing, error=str(error))


def _record(context: PipelineContext, sharing: Sharing) -> AgreementResult:
    subjects = [path for result in sharing.results for path in (result.held, result.subject) if path]
    records = [Record(one.kind, one.subject, one.payload, on_change=True) for one in sharing.records]
    record_commits(context, subjects, records)
    return AgreementResult(sharing.agreement, sharing.standing, sharing.results)
