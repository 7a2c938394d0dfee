"""What of a split is done on a Spark cluster: the conform pass in parts, and the search for rows that share a value.

Workers run the statements of `include/quality` in DuckDB. A row is judged together with others only if it shares its
key, or the value of a set rule, with another row or with the published context. Spark's shuffle finds the hashes that
several rows have; the workers pick the rows with such a hash, the suspects, and the set rules judge these here, with
the statements by which they judge all rows otherwise. Two rows that share a value share its hash, so no row that is not
a suspect could be superseded or clash.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from include import vietnam
from include.cluster import (
    Part,
    Spark,
    WorkerEngine,
    WorkerFault,
    Written,
    new_folder,
    part_ranges,
    remove_folder,
    session,
    shuffle_hash,
)
from include.contracts.model import Rule, Table
from include.lake.file_patch import join_files
from include.lake.storage import Lake, lake_errors, literal, quote, restrictions, scan
from include.quality.conversion import ConformPass, number_macros, parquet_options
from include.quality.errors import MemoryExhausted, QualityError
from include.quality.split.relations import BESIDE, CONFORMED, ELSEWHERE
from include.quality.split.rule_violations import RowRules

_HERE = "run this table with ENGINE=duckdb"
_KEY = -1  # stands for the key, where a set rule has its index


@dataclass(slots=True)
class ClusterParts:
    """The parts of one table's run on a cluster; `extract_uri` is the extract as the workers see it."""

    lake: Lake
    table: Table
    spark: Any
    engine: WorkerEngine
    extract_uri: str
    suspects_uri: str
    parts: Sequence[Written] = ()

    @property
    def files(self) -> list[str]:
        """Files that this machine's engine reads or writes: the suspects, and the hashes of the published context."""
        return [self.suspects_uri, self._seeds_uri]

    @property
    def _seeds_uri(self) -> str:
        return f"{self.engine.folder}/seeds.parquet"

    def conform(self, connection: duckdb.DuckDBPyConnection, conforming: ConformPass, conformed_uri: str) -> int:
        """As `conform` does on this machine.

        Raises:
            ConformError: an expression fails on a row; names its column and the remedy.
        """
        counted = connection.execute(f"SELECT count(*) FROM {scan(self.extract_uri)}").fetchone()
        rows = int(counted[0]) if counted else 0
        closed = tuple(restrictions(reads=[self.extract_uri], writes=[self.engine.out_uri]))
        parts = [Part(conforming.query(part), closed) for part in part_ranges(self.spark, rows)]
        try:
            self.parts = self.engine.copy(self.spark, parts, options=parquet_options(conformed_uri))
        except WorkerFault as fault:
            raise (conforming.blame(connection) or fault) from None
        join_files(self.lake, [part.path for part in self.parts], conformed_uri)
        return conforming.ensure_whole(connection, conformed_uri)

    def suspects(self, connection: duckdb.DuckDBPyConnection, row_rules: RowRules, set_rules: Sequence[Rule]) -> str:
        """Find the rows that break no row rule and may share a key or a value: a view of them, by name.

        Needs the views BESIDE and ELSEWHERE.
        """
        passing = f"NOT ({row_rules.any_of('error')})"
        read = [scan(str(part.path)) for part in self.parts]
        hashes = self._seeds(connection, set_rules)
        if looked_at := self._looked_at(set_rules):
            queries = [_hashes(rows, looked_at, and_also=passing) for rows in read]
            hashes += self.engine.groups(
                self.spark, [Part(query) for query in queries],
                columns="rule int, hashed long", by=["rule", "hashed"], sums=["count(*) AS n"], where="n > 1",
            )  # fmt: skip
        if not hashes:
            connection.execute(f"CREATE TEMP VIEW suspects AS FROM {CONFORMED} LIMIT 0")
            return "suspects"
        listed = ", ".join(literal(str(path)) for path in hashes)
        shared = f"CREATE TABLE shared AS SELECT DISTINCT rule, hashed FROM read_parquet([{listed}])"
        alike = " OR ".join(
            f"({given} AND {hashed} IN (SELECT hashed FROM shared WHERE rule = {rule}))"
            for rule, (hashed, given) in self._looked_at(set_rules, with_server=True).items()
        )
        parts = [Part(f"SELECT * FROM {rows} WHERE {passing} AND ({alike})", (shared,)) for rows in read]
        found = self.engine.copy(self.spark, parts, options=parquet_options(self.suspects_uri))
        join_files(self.lake, [part.path for part in found], self.suspects_uri)
        connection.execute(f"CREATE TEMP VIEW suspects AS FROM {scan(self.suspects_uri)}")
        return "suspects"

    def _seeds(self, connection: duckdb.DuckDBPyConnection, set_rules: Sequence[Rule]) -> list[Path]:
        """A file with the hashes of the published context; none if there are none."""
        looked_at = {
            rule: of_rule for rule, of_rule in self._looked_at(set_rules, with_server=True).items() if rule != _KEY
        }
        is_server = {rule: set_rules[rule].rule_id == self.table.server_rule_id for rule in looked_at}
        selects = [
            _hashes(ELSEWHERE if is_server[rule] else BESIDE, {rule: of_rule}) for rule, of_rule in looked_at.items()
        ]
        if not selects:
            return []
        copied = connection.execute(
            f"COPY ({' UNION ALL '.join(selects)}) TO {literal(self._seeds_uri)} (FORMAT parquet)"
        ).fetchone()
        return [Path(self._seeds_uri)] if copied and copied[0] else []

    def _looked_at(self, set_rules: Sequence[Rule], *, with_server: bool = False) -> dict[int, tuple[str, str]]:
        """SQL of the hash that tells rows apart, and of whether a row has one, of the key and of each set rule."""
        found = {_KEY: (self._hash(self.table.primary_key), "true")} if self.table.primary_key else {}
        for index, rule in enumerate(set_rules):
            is_servers = rule.rule_id == self.table.server_rule_id
            if rule.rule_id != self.table.key_rule_id and (with_server or not is_servers):
                given = " AND ".join(f"{quote(name)} IS NOT NULL" for name in rule.columns)
                found[index] = (self._hash(rule.columns), f"({given})")
        return found

    def _hash(self, columns: Iterable[str]) -> str:
        # Types as the contract has them: a hash is of a value in its type.
        return shuffle_hash(", ".join(f"CAST({quote(name)} AS {self.table.column(name).sql_type})" for name in columns))


@contextmanager
def cluster_parts(
    where: Spark,
    lake: Lake,
    table: Table,
    connection: duckdb.DuckDBPyConnection,
    *,
    extract_uri: str,
    folder: str,
    schemas_dir: Path,
    statements: Sequence[str],
) -> Iterator[ClusterParts]:
    """A session for one table's run. `connection` has the code lists; `folder` is the run's, if the cluster has none.

    Raises:
        ClusterUnusable: the cluster cannot do it; the message names the remedy.
    """
    shared = new_folder(where.folder or Path(folder))
    doing = f"judging the rows of {table.qualified_name}"
    try:
        with lake_errors("handing rows to the Spark cluster"):
            shared.mkdir(parents=True)
            definitions = _definitions(connection, shared, schemas_dir, statements)
            seen = _handed_over(lake, extract_uri, shared)
        with session(where, doing=doing) as spark:
            yield ClusterParts(
                lake, table, spark, WorkerEngine(shared, definitions), seen, f"{folder}/suspects.parquet"
            )
    except WorkerFault as fault:
        raise _unblamed(fault, table) from None
    finally:
        with lake_errors("removing what the Spark cluster was given"):
            remove_folder(shared)


def _hashes(rows: str, looked_at: Mapping[int, tuple[str, str]], *, and_also: str = "true") -> str:
    """SELECT of `rule` and `hashed` of rows."""
    return " UNION ALL ".join(
        f"SELECT {rule} AS rule, {hashed} AS hashed FROM {rows} WHERE {and_also} AND {given}"
        for rule, (hashed, given) in looked_at.items()
    )


def _unblamed(fault: WorkerFault, table: Table) -> QualityError:
    if fault.kind == "OutOfMemoryException":
        return MemoryExhausted(
            f"{table.qualified_name}: the engine of a Spark worker reached its memory limit: {_HERE}"
        )
    return QualityError(f"{table.qualified_name}: the engine of a Spark worker stopped with {fault.kind}: {_HERE}")


def _definitions(
    connection: duckdb.DuckDBPyConnection, shared: Path, schemas_dir: Path, statements: Sequence[str]
) -> tuple[str, ...]:
    """The code lists, by files in the shared folder, and the macros that the statements may use."""
    lists, macros = vietnam.definitions(schemas_dir, statements)
    made = []
    for number, name in enumerate(lists):
        relation, file = vietnam.list_relation(name), literal(f"{shared}/list-{number}.parquet")
        connection.execute(f"COPY {relation} TO {file} (FORMAT parquet)")
        made.append(f"CREATE TABLE {relation} AS FROM read_parquet({file})")
    return (*made, *macros, number_macros())


def _handed_over(lake: Lake, extract_uri: str, shared: Path) -> str:
    """The extract where the workers see it: where it is, or a copy of an object of S3."""
    if not lake.is_s3:
        return extract_uri
    copy = shared / "extract.parquet"
    with lake.open_input(extract_uri) as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 8 * 1024**2)
    return str(copy)
