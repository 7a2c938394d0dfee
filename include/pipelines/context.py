"""Pipeline context: the lake, the contracts, the environment and the clock, passed to every step."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import get_args

from include.cluster import Spark
from include.contracts.model import AT, Contract, Engine, Table, row_digest
from include.contracts.reading import contract_paths, load_contract, readable_contracts
from include.contracts.yaml_files import ContractError, Problem, all_valid
from include.lake.run_log import UnchangedExtract, unchanged_extracts
from include.lake.storage import Lake
from include.pipelines.errors import REPOSITORY, Misuse
from include.vietnam import macro_files

_SPARK_FROM_ROWS = 50_000_000


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

    @property
    def spark(self) -> Spark | None:
        """The cluster that judges every row and compares records if ENGINE is `spark`; None if it is anything else.

        Raises:
            Misuse: ENGINE is none of the known, or what `spark` needs is not there.
        """
        return self._cluster("ENGINE=spark") if self._engine == "spark" else None

    def engine_for(self, table: Table, rows: int) -> tuple[Spark | None, str]:
        """What judges that many landed rows of a table, and the words of the run record: which engine, and why.

        ENGINE decides for all tables, the contract's `engine` where it is not set. Of `auto` the rows decide: a cluster
        takes what one machine would judge for minutes, and is slower for all else.

        Raises:
            Misuse: as `spark`, or SPARK_FROM_ROWS is no number.
        """
        asked, who = (self._engine, "ENGINE") if self._engine or not table.engine else (table.engine, "the contract")
        if asked in ("", "duckdb"):
            return None, f"duckdb: {who} asks for it" if asked else "duckdb: ENGINE does not ask for another"
        if not rows:
            return None, "duckdb: no row was read, so there is nothing to distribute"
        if asked == "auto":
            if not self._setting("SPARK_MASTER"):
                return None, "duckdb: no cluster is given (SPARK_MASTER)"
            if rows < (least := self._least_rows):
                return None, f"duckdb: fewer than {least:,} rows were read (SPARK_FROM_ROWS)"
            return self._cluster(f"engine auto, from {least:,} rows on,"), f"spark: at least {least:,} rows were read"
        return self._cluster(f"engine spark, which {who} asks for,"), f"spark: {who} asks for it"

    def check_engines(self, tables: Iterable[Table]) -> None:
        """Refuse an engine that is not there before anything is read.

        Raises:
            Misuse: as `engine_for`.
        """
        for engine in {self._engine or table.engine or "duckdb" for table in tables}:
            if engine == "spark" or (engine == "auto" and self._setting("SPARK_MASTER")):
                self._cluster(f"engine {engine}")
            if engine == "auto":
                _ = self._least_rows

    @property
    def _engine(self) -> str:
        """What ENGINE asks for; empty if nothing."""
        if (asked := self._setting("ENGINE")) not in ("", *get_args(Engine)):
            raise Misuse(_unknown("engine", asked, [*get_args(Engine)], "the variable ENGINE says which"))
        return asked

    @property
    def _least_rows(self) -> int:
        """Rows from which on a cluster judges them where the engine is `auto`."""
        if not (given := self._setting("SPARK_FROM_ROWS")):
            return _SPARK_FROM_ROWS
        if not given.isdecimal():
            raise Misuse(f"SPARK_FROM_ROWS={given} is no number of rows: write 50000000, say")
        return int(given)

    def _setting(self, name: str) -> str:
        return self.environ.get(name, "").strip()

    def _cluster(self, what: str) -> Spark:
        """The cluster; the message of what is missing says what needs it."""
        master, folder = self._setting("SPARK_MASTER"), self._setting("SPARK_FOLDER")
        if not master:
            raise Misuse(f"{what} needs SPARK_MASTER, the cluster's address: spark://host:7077, say")
        if self.lake.is_s3 and not folder:
            raise Misuse(
                f"{what} hands records over in files, and PySpark by itself cannot read s3://: let SPARK_FOLDER "
                "name a folder that this machine and every worker see under the same path"
            )
        if importlib.util.find_spec("pyspark") is None:
            raise Misuse(f"{what} needs pyspark, which is not installed: pip install -r requirements-spark.txt")
        return Spark(master, Path(folder).absolute() if folder else None)

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
            raise Misuse(_unknown("registry", registry, list(paths), f"contracts are read from {self.schemas}"))
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
            raise Misuse(_unknown("table", name, names, f"see {contract.path}"))
        return of, of.table(table)


def _of_server(contract: Contract, name: str) -> Contract:
    """The contract as it holds for one of several servers. Raises Misuse: there is none of that name."""
    try:
        return contract.of_server(name)
    except KeyError:
        known = [server.name for server in contract.servers]
        raise Misuse(_unknown("server", name, known, f"see {contract.path}")) from None


def _unknown(kind: str, name: str, known: list[str], where: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
    return f"no {kind} `{name}`: {hint} ({where})"
