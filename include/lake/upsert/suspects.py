"""Rows in which a run and the published table may differ, found by the workers of a Spark cluster.

Workers hash the key of every accepted and of every published row to 63 bits, and all that is compared of the row to 128
bits. Spark's shuffle brings equal hashes of keys together. A hash is left out if just one accepted and one published
row have it, with the same digest, and no other row of the run; or just published rows, where the mode leaves those
alone. The rows of all other hashes are suspects: workers pick them, and this machine takes the difference of them with
the statements that take it of all rows otherwise. As all rows of a key have one hash, no key is judged by some of its
rows, and what is left out is no row of a difference: neither new, changed, gone, rejected nor deleted. Rows without a
key, and keys that repeat, are suspects, so that the check of the key sees them.

How exact that is: two keys with the same hash are suspects, no more. A change is lost only if the old and the new row
have the same first 128 bits of SHA-256, of texts that tell all values apart, the key's too (each with its length before
it, numbers and instants as DuckDB writes them in full). For n changed rows the odds are n / 2^128: of a thousand
million changes a day, once in 10^27 years. To make two such rows on purpose takes 2^64 tries; of a plain hash, hardly
any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from include.cluster import Part, Spark, WorkerEngine, fills_parts, part_ranges, shuffle_hash
from include.contracts.model import Table
from include.lake.delta import WARNINGS, StagedFiles, TableSchema, published_rows, staged_rows
from include.lake.file_patch import join_files
from include.lake.storage import PARQUET, Lake, lake_errors, literal, quote, restrictions, scan
from include.lake.upsert import diff_sql
from include.lake.upsert.workers import extracted_rows, workers

_COLUMNS = "hashed long, upper long, lower long, accepted int, published int"
_SUMS = (
    "bit_xor(upper) AS upper", "bit_xor(lower) AS lower", "sum(accepted) AS accepted", "sum(published) AS published",
    "count(*) AS n",
)  # fmt: skip
_UNCHANGED = "accepted = 1 AND published = 1 AND n = 2 AND upper = 0 AND lower = 0"
_OTHER = "0::BIGINT AS upper, 0::BIGINT AS lower, 0 AS accepted, 0 AS published"
_ONLY_PUBLISHED = "published = n"
# Of the rows read. Every task looks its rows up among all suspects, and this machine reads all that are picked: with
# more (another column, say, in every row) it takes the difference of all rows sooner.
_MOST_SUSPECTS = 0.25


@dataclass(frozen=True, slots=True)
class Compared:
    """What a difference is taken of: staged files, and a SELECT of published rows (empty: all of them).

    `files` are those that hold the SELECT's rows.
    """

    staged: StagedFiles
    published: str = ""
    files: tuple[str, ...] = ()


@contextmanager
def compared_rows(
    lake: Lake,
    table: Table,
    table_schema: TableSchema,
    current: DeltaTable | None,
    staged: StagedFiles,
    *,
    gone: str | None,
    leaves_others: bool,
    spark: Spark | None,
) -> Iterator[Compared]:
    """The rows to take the difference of: all, or the suspects if a cluster can find them and it pays.

    This machine takes it of all rows where few were read or most of them are suspects, where workers do not see the
    lake (S3), and where the log does not count a file's rows. `leaves_others`: a published row stays if the run says
    nothing of its key.

    Raises:
        ClusterUnusable: the cluster cannot do its part.
    """
    if spark is None or current is None or lake.is_s3 or not table_schema.key or not _is_counted(current):
        yield Compared(staged)
        return
    with lake_errors("comparing a table with its new rows"), lake.connect() as connection:
        rows = extracted_rows(connection, staged)
        files = {uri: published_rows(connection, table_schema, [uri]) for uri in current.file_uris()}
        nothing = published_rows(connection, table_schema, [])
    if not files or not fills_parts(rows):
        yield Compared(staged)
        return
    run_folder = staged.conformed.rpartition("/")[0]
    with workers(spark, run_folder, doing=f"comparing the rows of {table.qualified_name}") as (session, engine):
        search = _Search(table, table_schema, staged, session, engine, part_ranges(session, rows), files)
        hashes = search.hashes(gone, leaves_others=leaves_others)
        if sum(pq.read_metadata(path).num_rows for path in hashes) > _MOST_SUSPECTS * rows:
            yield Compared(staged)
            return
        conformed = f"{run_folder}/differing.parquet"
        picked = search.run_rows(hashes)
        join_files(lake, picked, conformed)
        found = search.published_rows(hashes) if hashes else []
        read = f"FROM read_parquet([{', '.join(map(literal, found))}], hive_partitioning = false)" if found else nothing
        yield Compared(StagedFiles(conformed, staged.faults, staged.warnings), read, (conformed, *found))


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for suspects of one table: `parts` of the staged rows, SELECTs of the published ones by file."""

    table: Table
    table_schema: TableSchema
    staged: StagedFiles
    session: Any
    engine: WorkerEngine
    parts: Sequence[range]
    files: dict[str, str]

    def hashes(self, gone: str | None, *, leaves_others: bool) -> list[str]:
        """Files with the hashes (`hashed`) of the suspects' keys; none if there are none."""
        of_run = [Part(self._of_run(), tuple(self._views(part))) for part in self.parts]
        of_files = [
            Part(self._digested(query, "0 AS accepted, 1 AS published"), tuple(restrictions(reads=[uri])))
            for uri, query in self.files.items()
        ]
        named = [Part(self._other(scan(gone)), tuple(restrictions(reads=[gone])))] if gone else []
        unlike = f"NOT ({_UNCHANGED})" + (f" AND NOT ({_ONLY_PUBLISHED})" if leaves_others else "")
        found = self.engine.groups(
            self.session, [*of_run, *of_files, *named], columns=_COLUMNS, by=["hashed"], sums=_SUMS, where=unlike
        )
        return [str(path) for path in found]

    def run_rows(self, hashes: Sequence[str]) -> list[Path]:
        """Files with the conformed rows that are suspects."""
        queries = [f"FROM {staged_rows(self.staged.conformed, part)}" for part in self.parts]
        return self._picked(hashes, [(self.staged.conformed, query) for query in queries])

    def published_rows(self, hashes: Sequence[str]) -> list[str]:
        """Files with the published rows that are suspects."""
        return [str(path) for path in self._picked(hashes, self.files.items())]

    def _picked(self, hashes: Sequence[str], queries: Iterable[tuple[str, str]]) -> list[Path]:
        listed = ", ".join(map(literal, hashes))
        read = f"read_parquet([{listed}])" if hashes else "(SELECT 0::BIGINT AS hashed WHERE false)"
        engine = replace(self.engine, definitions=(f"CREATE TABLE suspects AS SELECT hashed FROM {read}",))
        alike = f"{self._key_hash()} IN (SELECT hashed FROM suspects)"
        parts = [
            Part(
                f"SELECT * FROM ({query}) WHERE {alike}", tuple(restrictions(reads=[uri], writes=[self.engine.out_uri]))
            )
            for uri, query in queries
        ]
        return [part.path for part in engine.copy(self.session, parts, options=PARQUET)]

    def _views(self, part: range) -> Iterator[str]:
        yield from restrictions(reads=self.staged.uris)
        deleted_when = self.table.extract.deleted_when
        views = diff_sql.run_views(self.table_schema, self.staged, deleted_when=deleted_when, gone=None, part=part)
        yield from (f"CREATE TEMP VIEW {name} AS {query}" for name, query in views.items())

    def _of_run(self) -> str:
        """SELECT of a part's hashes: accepted rows with their digest, and keys that are to be looked at anyway."""
        nulls = "".join(f", CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in self.table_schema.dropped)
        has_key = " AND ".join(f"{quote(name)} IS NOT NULL" for name in self.table_schema.key)
        side = f"CAST({has_key} AS INTEGER) AS accepted, 0 AS published"
        accepted = self._digested(f"SELECT *{nulls} FROM accepted", side)
        return " UNION ALL ".join([accepted, self._other("faulty"), self._other("deleted")])

    def _digested(self, rows: str, side: str) -> str:
        columns = (*self.table_schema.columns, (WARNINGS, "VARCHAR[]"), *self.table_schema.dropped)
        texts = ", ".join(_texts(quote(name), kind) for name, kind in columns)
        return (
            f"SELECT hashed, {_bits('digest[1:16]')} AS upper, {_bits('digest[17:32]')} AS lower, accepted, published "
            f"FROM (SELECT {self._key_hash()} AS hashed, sha256(concat({texts})) AS digest, {side} FROM ({rows}))"
        )

    def _other(self, keys: str) -> str:
        return f"SELECT {self._key_hash()} AS hashed, {_OTHER} FROM {keys}"

    def _key_hash(self) -> str:
        # Types as the contract has them: a hash is of a value in its type.
        kinds = dict(self.table_schema.columns)
        return shuffle_hash(", ".join(f"CAST({quote(name)} AS {kinds[name]})" for name in self.table_schema.key))


def _texts(value: str, sql_type: str) -> str:
    """SQL of the value's text behind its length, so that texts in a row cannot be read in two ways; NULL has none."""
    if sql_type.endswith("[]"):
        items = f"list_transform({value}, lambda item: concat(strlen(item), ':', item))"
        return f"len({value}), ':', array_to_string({items}, '')"
    return f"strlen(CAST({value} AS VARCHAR)), ':', CAST({value} AS VARCHAR)"


def _bits(digits: str) -> str:
    """SQL of 16 hexadecimal digits as a BIGINT."""
    return f"CAST(CAST(CAST('0x' || {digits} AS UBIGINT) AS HUGEINT) - 9223372036854775808 AS BIGINT)"


def _is_counted(current: DeltaTable) -> bool:
    return None not in pa.table(current.get_add_actions())["num_records"].to_pylist()
