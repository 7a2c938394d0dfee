"""Sync plan: what the next sync would do to each table, from the contracts, the lake and the agreements.

Nothing is read from the source and nothing is written. A change is *breaking* when the published table cannot become
what the contract says, or when somebody reads by agreement what would no longer be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from deltalake import DeltaTable
from deltalake import Schema as DeltaSchema

from include.contracts.checks import LATE_ROWS_REMEDY, late_rows_unseen
from include.contracts.model import Contract, Table
from include.lake.delta import LAKE_COLUMNS, last_commit, last_run_commit, published_schema
from include.pipelines.context import PipelineContext
from include.pipelines.sync import Plan, plan_extract
from include.sharing.agreements import Agreement, agreement_paths, load_agreement
from include.sharing.products import problems_of
from include.sources.access import READ_WHOLE, SourceSecretMissing, connect

Weight = Literal["compatible", "breaking"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between the contract and what is published. `agreements` are those in force that it touches."""

    what: str
    weight: Weight
    remedy: str = ""
    agreements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What the next run would do to one table: `mode` and why, and what would change in its shape.

    `cannot_find` is what no run but a full one can find at the source, and what helps; empty if there is nothing.
    """

    table: str
    mode: str
    why: str
    published_version: int | None
    published_contract: str
    changes: tuple[Change, ...]
    cannot_find: str = ""

    @property
    def is_breaking(self) -> bool:
        """Whether the run would fail, or an agreement could not be kept."""
        return any(change.weight == "breaking" for change in self.changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "is_breaking": self.is_breaking}


def plan_registry(context: PipelineContext, registry: str) -> tuple[TablePlan, ...]:
    """The plan of every table of a contract, and of published tables that the contract no longer has.

    Raises:
        ContractError: the contract, or an agreement, has mistakes of form.
    """
    contract = context.contract(registry)
    agreements = [load_agreement(path) for path in agreement_paths(context.schemas).values()]
    in_force = [agreement for agreement in agreements if agreement.standing(context.now()) == "in_force"]
    plans = [
        _plan_table(context, *context.table(registry, table.name), in_force)
        for table in context.source_tables(registry)
    ]
    return (*plans, *_left_out(context, contract, in_force))


def _plan_table(
    context: PipelineContext, contract: Contract, table: Table, agreements: Sequence[Agreement]
) -> TablePlan:
    state = last_commit(context.lake, table)
    extract = plan_extract(
        table, state, definition_digest=context.definition_digest(table), is_full=False, at=context.now()
    )
    is_drop = _is_file_drop(context, contract)
    if extract.mode == "incremental" and is_drop:
        extract = Plan("full", READ_WHOLE)
    unseen = "" if is_drop else late_rows_unseen(table.columns, table.extract)
    uri = context.lake.registry_table(table.registry, table.name)
    changes: list[Change] = []
    if context.lake.is_table(uri):
        changes += _shape_changes(table, context.lake.table(uri), agreements)
    changes += _agreement_problems(contract, table, agreements, told={a for c in changes for a in c.agreements})
    version = state.metadata.get("contract_version", "") if state else ""
    published = state.version if state else None
    cannot_find = f"{unseen}: {LATE_ROWS_REMEDY}" if unseen else ""
    return TablePlan(table.name, extract.mode, extract.why, published, version, tuple(changes), cannot_find)


def _is_file_drop(context: PipelineContext, contract: Contract) -> bool:
    """As far as the connection tells; it need not be set where nothing is read."""
    try:
        return connect(contract, context.environ).kind == "files"
    except SourceSecretMissing:
        return False


def _shape_changes(table: Table, current: DeltaTable, agreements: Sequence[Agreement]) -> Iterator[Change]:
    wanted = {field.name: field for field in DeltaSchema.from_arrow(published_schema(table)).fields}
    present = {field.name: field for field in current.schema().fields}
    spelling = {name.lower(): name for name in present}
    for name, field in wanted.items():
        there = spelling.get(name.lower())
        readers = _readers(agreements, table, name)
        if there is None:
            yield Change(f"column `{name}` is new: it is added, null until rows carry it", "compatible")
        elif there != name:
            remedy = "keep the published spelling"
            yield Change(f"column `{name}` is published as `{there}`", "breaking", remedy, readers)
        elif present[there].type != field.type:
            was, becomes = (str(getattr(f.type, "type", f.type)) for f in (present[there], field))
            remedy = "publish the new type under a new column name, and retire the old one by agreement"
            yield Change(f"column `{name}` is published as {was} and would be {becomes}", "breaking", remedy, readers)
    for name in [n for n in present if n not in wanted and n not in dict(LAKE_COLUMNS)]:
        readers = _readers(agreements, table, name)
        what = f"column `{name}` is no longer in the contract: it stays, null in every row of the next version"
        yield Change(what, "breaking" if readers else "compatible", "end or change the agreements first", readers)
    state = last_run_commit(current)
    was_key, key = (state.metadata.get("primary_key", "") if state else ""), ",".join(table.primary_key)
    if state and was_key != key:
        what = f"the primary key was ({was_key or 'none'}) and is ({key or 'none'})"
        readers = _readers(agreements, table, None)
        if lacking := [name for name in table.primary_key if name not in present]:
            remedy = "keep the former key, or retire the table and sync with --full"
            yield Change(f"{what}: published rows have no {', '.join(lacking)}", "breaking", remedy, readers)
        else:
            yield Change(f"{what}: every row is matched anew", "compatible", "", readers)


def _agreement_problems(
    contract: Contract, table: Table, agreements: Sequence[Agreement], told: set[str]
) -> Iterator[Change]:
    """Agreements that the contract no longer fits for another reason than a column that goes."""
    for agreement in agreements:
        of_table = any((p.registry, p.table) == (table.registry, table.name) for p in agreement.products)
        if not of_table or agreement.agreement_id in told:
            continue
        for problem in problems_of(agreement, {contract.registry: contract}):
            if problem.level == "error" and "no registry" not in problem.message:
                name = (agreement.agreement_id,)
                yield Change(f"agreement {name[0]}: {problem.message}", "breaking", problem.remedy, name)


def _left_out(context: PipelineContext, contract: Contract, agreements: Sequence[Agreement]) -> Iterator[TablePlan]:
    """Published tables that the contract no longer describes: no run will touch them again."""
    known = {table.name for table in contract.tables}
    for uri in context.lake.list(context.lake.path("registry", contract.registry)):
        name = uri.rpartition("/")[2]
        if name in known or not context.lake.exists(f"{uri}/_delta_log"):
            continue
        readers = tuple(
            sorted(
                a.agreement_id
                for a in agreements
                for p in a.products
                if (p.registry, p.table) == (contract.registry, name)
            )
        )
        change = Change(
            "the table is no longer in the contract: it stays as it is and is never synced again",
            "breaking" if readers else "compatible",
            "end the agreements first, or keep the table in the contract",
            readers,
        )
        state = last_run_commit(context.lake.table(uri))
        version = state.metadata.get("contract_version", "") if state else ""
        yield TablePlan(name, "none", "not in the contract", state.version if state else None, version, (change,))


def _readers(agreements: Sequence[Agreement], table: Table, column: str | None) -> tuple[str, ...]:
    """Ids of the agreements that give a column of the table (None: any), or choose rows by it."""
    found = {
        agreement.agreement_id
        for agreement in agreements
        for product in agreement.products
        if (product.registry, product.table) == (table.registry, table.name)
        and (column is None or column in {shared.name for shared in product.given} or column in product.rows)
    }
    return tuple(sorted(found))
