"""Checks of `schemas/`: each contract alone, against the code lists, the other contracts and its live source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from include.contracts.model import Contract, Relationship, Table, odd_teams
from include.contracts.reading import ReadContract, contract_paths, examine_contract, variant_paths
from include.contracts.words import Language, day_of
from include.contracts.yaml_files import ContractError, Problem
from include.indicators.definitions import check_indicators, heading_path, indicator_paths, load_heading
from include.pipelines.checks.expressions import expression_checker
from include.pipelines.checks.source_check import LookedAt, look_at_source
from include.pipelines.context import PipelineContext
from include.sharing.agreements import agreement_paths
from include.sharing.products import check_agreements
from include.sharing.requests import holiday_problems
from include.sources.access import SourceError, load_limits_of


@dataclass(frozen=True)
class CheckReport:
    """What was checked and what is wrong. `not_looked_at`: registries whose contracts have mistakes to mend first."""

    problems: tuple[Problem, ...]
    contracts: int
    tables: int
    rules: int
    agreements: int = 0
    indicators: int = 0
    sources: tuple[LookedAt, ...] = ()
    not_looked_at: tuple[str, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether anything stops a run."""
        return any(p.level == "error" for p in self.problems)

    @property
    def summary(self) -> str:
        """One line for people, in English."""
        return self.text("en")

    def text(self, language: Language) -> str:
        """One line for people."""
        wrong = sum(p.level == "error" for p in self.problems)
        first, looked = ", ".join(self.not_looked_at), len(self.sources)
        if language == "vi":
            checked = f"{self.contracts} hợp đồng dữ liệu, {self.tables} bảng, {self.rules} quy tắc, "
            checked += f"{self.agreements} thỏa thuận, {self.indicators} chỉ tiêu"
            checked += f"; {looked} bảng tại nguồn" if looked else ""
            mended_first = f"; sửa hợp đồng dữ liệu trước khi xem nguồn của {first}" if first else ""
            return f"{checked}: {wrong or 'không có'} lỗi{mended_first}"
        checked = f"{self.contracts} contracts, {self.tables} tables, {self.rules} rules, {self.agreements} agreements"
        checked += f", {self.indicators} indicators"
        checked += f"; {looked} tables at their sources" if looked else ""
        mended_first = f"; mend the contract first to look at the source of {first}" if first else ""
        return f"{checked}: {wrong or 'no'} mistakes{mended_first}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        problems = [problem.to_dict() for problem in self.problems]
        return {**asdict(self), "problems": problems, "has_errors": self.has_errors}


def check_schemas(schemas: Path) -> CheckReport:
    """Check every file under a schemas folder."""
    problems: list[Problem] = []
    read: dict[str, ReadContract] = {}
    try:
        paths = contract_paths(schemas)
    except ContractError as error:
        return CheckReport(error.problems, 0, 0, 0)
    for registry, path in paths.items():
        try:
            read[registry] = examine_contract(path)
        except ContractError as error:
            problems.extend(error.problems)
    contracts = {registry: found.contract for registry, found in read.items()}
    for found in read.values():
        problems.extend(found.problems)
        problems.extend(_server_problems(found))
        problems.extend(
            found.file.problem(("team",), *told, warning=True) for told in odd_teams(found.contract, datetime.now(UTC))
        )
        for table in found.contract.tables:
            problems.extend(_relationship_problems(found, table, contracts, schemas / "reference"))
    problems.extend(_stray_variants(schemas, paths))
    problems.extend(_expression_problems(schemas, list(read.values())))
    if not any(problem.level == "error" for problem in problems):
        problems.extend(check_agreements(schemas, contracts))
        problems.extend(check_indicators(schemas, contracts))
        problems.extend(_heading_problems(schemas))
    problems.extend(holiday_problems(schemas, day_of(datetime.now(UTC))))
    problems.sort(key=lambda problem: (str(problem.path), problem.line))
    tables = [t for c in contracts.values() for t in c.tables]
    others = len(agreement_paths(schemas)), len(indicator_paths(schemas))
    return CheckReport(tuple(problems), len(paths), len(tables), sum(len(t.rules) for t in tables), *others)


def _heading_problems(schemas: Path) -> tuple[Problem, ...]:
    """Mistakes in the heading of the report to the Government, if there is one."""
    path = heading_path(schemas)
    if not path.exists():
        return ()
    try:
        load_heading(path, indicator_paths(schemas))
    except ContractError as error:
        return error.problems
    return ()


def check_sources(context: PipelineContext, registry: str | None = None) -> CheckReport:
    """Check the schemas, then look at the live source of one registry, or of all whose contracts have no mistakes.

    Raises:
        Misuse: there is no contract of that name.
    """
    if registry is not None:
        context.contract_path(registry)
    report = check_schemas(context.schemas)
    wrong = {problem.path for problem in report.problems if problem.level == "error"}
    wanted = {name: path for name, path in contract_paths(context.schemas).items() if registry in (None, name)}
    broken = tuple(name for name, path in wanted.items() if wrong & {path, *variant_paths(path).values()})
    looked: list[LookedAt] = []
    problems = list(report.problems)
    with expression_checker(context.schemas) as checker:
        for name, path in wanted.items():
            if name not in broken:
                at_source, found = look_at_source(context, examine_contract(path), checker)
                looked += at_source
                problems += found
    return replace(report, problems=tuple(problems), sources=tuple(looked), not_looked_at=broken)


def _expression_problems(schemas: Path, read: Sequence[ReadContract]) -> list[Problem]:
    try:
        with expression_checker(schemas) as checker:
            return [problem for found in read for problem in checker.problems(found)]
    except duckdb.Error:
        remedy = "each list is a CSV file in UTF-8 whose first line names its columns: see schemas/reference/README.md"
        return [Problem(schemas / "reference", 0, "", "the code lists cannot be loaded", remedy)]


def _server_problems(read: ReadContract) -> Iterator[Problem]:
    """Load limits that cannot be read, and paths that can lead anywhere."""
    for server in read.contract.servers:
        place = read.places.get(f"{server.name}:server", ("servers",))
        try:
            load_limits_of(server)
        except SourceError as error:
            what, _, remedy = str(error).partition(": ")
            yield read.file.problem(place, what, remedy)
        path = Path(server.path)
        if server.type == "local" and (path.is_absolute() or ".." in path.parts):
            what = (
                "the path can lead to any file that a worker reads, and whoever reviews contracts must know which are "
                "there"
            )
            remedy = f"name the folder in {server.connection_variable}=file:///..., which whoever runs the workers sets"
            yield read.file.problem((*place, "path"), what, remedy, warning=True)


def _stray_variants(schemas: Path, contracts: Mapping[str, Path]) -> Iterator[Problem]:
    """Variants of a registry that has no contract in their folder."""
    for folder in (schemas, schemas / "registries"):
        own = {path for contract in contracts.values() for path in variant_paths(contract).values()}
        for path in sorted(set(folder.glob("*.variant.yaml")) - own):
            remedy = f"name it <registry>.<variant>.variant.yaml, beside the contract of one of: {', '.join(contracts)}"
            yield Problem(path, 0, "", "no contract has this variant", remedy, "warning")


def _relationship_problems(
    read: ReadContract, table: Table, contracts: Mapping[str, Contract], reference: Path
) -> list[Problem]:
    found = []
    for relation in table.relationships:
        remedy = _broken(relation, contracts, reference)
        if remedy:
            to = ".".join([relation.registry, relation.table, "+".join(relation.to_columns)])
            owner = f"{table.name}.{relation.columns[0]}" if len(relation.columns) == 1 else table.name
            place = (*read.places.get(owner, ()), "relationships")
            found.append(read.file.problem(place, f"the relationship to `{to}` leads nowhere", remedy))
    return found


def _broken(relation: Relationship, contracts: Mapping[str, Contract], reference: Path) -> str | None:
    """The remedy if the relationship's target is not there; None if it is."""
    if relation.registry == "reference":
        path = reference / f"{relation.table}.csv"
        if not path.exists():
            return f"add {path}, or name one of: {', '.join(sorted(p.stem for p in reference.glob('*.csv')))}"
        columns = path.open(encoding="utf-8").readline().strip().split(",")
        return None if set(relation.to_columns) <= set(columns) else f"the list has: {', '.join(columns)}"
    if relation.registry not in contracts:
        return f"registries with a contract: {', '.join(contracts)}"
    tables = {t.name: t for t in contracts[relation.registry].tables}
    if relation.table not in tables:
        return f"tables of {relation.registry}: {', '.join(tables)}"
    known = {c.name for c in tables[relation.table].columns}
    return None if set(relation.to_columns) <= known else f"columns of {relation.table}: {', '.join(sorted(known))}"
