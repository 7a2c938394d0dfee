"""Pipeline context: the lake, the contracts, the environment and the clock, passed to every step."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from include.contracts.model import AT, Contract, Table, row_digest
from include.contracts.reading import contract_paths, load_contract, readable_contracts
from include.contracts.yaml_files import ContractError, Problem, all_valid
from include.lake.run_log import UnchangedExtract, unchanged_extracts
from include.lake.storage import Lake
from include.pipelines.errors import REPOSITORY, Misuse
from include.vietnam import macro_files


def schemas_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder SCHEMAS_DIR names, else `schemas/` of the repository."""
    return Path(environ.get("SCHEMAS_DIR") or REPOSITORY / "schemas").absolute()


def new_run_id(at: datetime) -> str:
    """A run id that sorts by time and does not repeat: `20260131T020000Z-1a2b3c4d`."""
    return f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class PipelineContext:
    """What every step needs. Tests build one by hand; commands and tasks take it from the environment."""

    lake: Lake
    schemas: Path
    environ: Mapping[str, str]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> PipelineContext:
        """The context that LAKE_URI, SCHEMAS_DIR and the AIRFLOW_CONN_* variables describe."""
        return cls(Lake.from_environment(environ), schemas_folder(environ), environ)

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """Every contract by registry.

        Raises:
            ContractError: one has mistakes; `readable` has the others.
        """
        return all_valid(self.readable)

    @cached_property
    def readable(self) -> tuple[dict[str, Contract], list[Problem]]:
        """The contracts that can be read, by registry, and the mistakes of those that cannot."""
        return readable_contracts(self.schemas)

    @cached_property
    def unchanged_extracts(self) -> frozenset[UnchangedExtract]:
        """The last extracts of tables in which a run found nothing to publish, as of when they are first asked for."""
        return unchanged_extracts(self.lake)

    def contract(self, registry: str) -> Contract:
        """One registry's contract; the other files are not read.

        Raises:
            Misuse: there is no contract of that name.
            ContractError: the contract has mistakes.
        """
        return load_contract(self.contract_path(registry))

    @property
    def registries(self) -> tuple[str, ...]:
        """Names of the registries that have a contract; none where there is no folder of them."""
        try:
            return tuple(contract_paths(self.schemas))
        except ContractError:
            return ()

    def contract_path(self, registry: str) -> Path:
        """The file of one registry's contract.

        Raises:
            Misuse: there is no contract of that name.
        """
        paths = contract_paths(self.schemas)
        if registry not in paths:
            raise Misuse.of_unknown("registry", registry, list(paths), f"contracts are read from {self.schemas}")
        return paths[registry]

    def contract_definition_digest(self, contract: Contract) -> str:
        """SHA-256 of all that decides what an extract becomes: the contract, the code lists and the macros."""
        return hashlib.sha256((contract.digest + self._means).encode()).hexdigest()

    def definition_digest(self, table: Table) -> str:
        """SHA-256 of all that decides what the rows of one table become: if it changed, all of them are read again."""
        return hashlib.sha256((row_digest(table) + self._means).encode()).hexdigest()

    @cached_property
    def _means(self) -> str:
        """SHA-256 of the code lists and the macros."""
        digest = hashlib.sha256()
        for path in [*sorted((self.schemas / "reference").glob("*.csv")), *macro_files()]:
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()

    def source_tables(self, registry: str, names: Sequence[str] = (), servers: Sequence[str] = ()) -> list[Table]:
        """The tables of a registry as they are read, all or those named; of several servers the slices of each.

        `parcel` names the slices of that table, `parcel@land-38` one of them. A server that has ended is left out,
        unless it is named.

        Raises:
            Misuse: there is no such registry, table or server.
            ContractError: the contract has mistakes.
        """
        contract = self.contract(registry)
        if servers and not contract.is_federated:
            raise Misuse(f"{registry} is read from one server, {contract.server.name}: leave --server out")
        ended = {server.name for server in contract.servers if not server.is_read(self.now())}
        for server in servers:
            _of_server(contract, server)
        of_names = {self.table(registry, name)[1].name for name in names}
        return [
            table
            for table in contract.source_tables
            if (not of_names or {table.name, table.base_name} & of_names)
            and (table.server in servers if servers else table.server not in ended or table.name in of_names)
        ]

    def one_table(self, registry: str, table: str) -> tuple[Contract, Table]:
        """A table of a registry with one server, or a slice; with the contract as it holds for that server.

        Raises:
            Misuse: there is none, or the table has a slice from each of several servers.
            ContractError: the contract has mistakes.
        """
        contract, spec = self.table(registry, table)
        if contract.is_federated:
            named = ", ".join(f"{table}{AT}{server.name}" for server in contract.servers[:3])
            raise Misuse(
                f"{registry}.{table} has a part from each of {len(contract.servers)} servers: name one, {named}"
            )
        return contract, spec

    def table(self, registry: str, table: str) -> tuple[Contract, Table]:
        """One table and its contract; for a slice (`table@server`) the contract as it holds for that server.

        Raises:
            Misuse: there is no such registry or table.
            ContractError: the contract has mistakes.
        """
        contract = self.contract(registry)
        name, _, server = table.partition(AT)
        of = _of_server(contract, server) if server else contract
        names = [t.base_name for t in of.tables]
        if name not in names:
            raise Misuse.of_unknown("table", name, names, f"see {contract.path}")
        return of, of.table(table)


def _of_server(contract: Contract, name: str) -> Contract:
    """The contract as it holds for one of several servers. Raises Misuse: there is none of that name."""
    try:
        return contract.of_server(name)
    except KeyError:
        known = [server.name for server in contract.servers]
        raise Misuse.of_unknown("server", name, known, f"see {contract.path}") from None
