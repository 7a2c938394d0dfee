"""Keys that another server of the registry has published: of two rows with one key, the published one stays.

Which of two servers is right nobody can tell from the rows. The later row is rejected with the reason, is read again
by every sync of its server, and is accepted once the other server no longer has the key.
"""

from __future__ import annotations

from collections.abc import Sequence

from deltalake import DeltaTable

from include.contracts.model import Table
from include.lake.delta import TableSchema, listed, published_rows
from include.lake.storage import Lake, LakeKeyBroken, LakeOutdated, lake_errors, literal, restrict_access, scan
from include.lake.upsert import COMPARE_MEMORY, Changes


def elsewhere_uri(conformed_uri: str) -> str:
    """URI of the keys that other servers have published, next to the conformed rows."""
    return f"{conformed_uri.rpartition('/')[0]}/elsewhere.parquet"


def keys_elsewhere(lake: Lake, table: Table, conformed_uri: str) -> str:
    """Write the received keys that another server has published; returns the file's URI, empty if there are none."""
    uri, key = elsewhere_uri(conformed_uri), listed(table.primary_key)
    whole = lake.registry_table(table.registry, table.base_name)
    if not table.is_one_of_several or not lake.is_table(whole):
        return ""
    found = _semi_join(lake, table, lake.table(whole), f"SELECT DISTINCT {key} FROM {scan(conformed_uri)}", uri)
    return uri if found else ""


def ensure_nowhere_else(lake: Lake, table: Table, current: DeltaTable | None, changes: Changes) -> None:
    """See that no other server has published a key that this commit inserts, since the rows were judged.

    Raises:
        LakeOutdated: one has.
    """
    if not table.is_one_of_several or current is None or not changes.inserted:
        return
    whole = lake.table(lake.registry_table(table.registry, table.base_name), version=current.version())
    inserted = f"SELECT {listed(table.primary_key)} FROM {scan(changes.uri)} WHERE _change = 'insert'"
    if found := _semi_join(lake, table, whole, inserted, f"{changes.uri.rpartition('/')[0]}/taken.parquet"):
        raise LakeOutdated(
            f"{table.qualified_name}: another server has published {found:,} of its new keys meanwhile: nothing was "
            "published; run this table again, which rejects these rows with the reason"
        )


def ensure_restorable(lake: Lake, table: Table, version: int) -> None:
    """See that no other server has published a key that a slice had at a former version and would have again.

    Raises:
        LakeKeyBroken: one has.
    """
    if not table.is_one_of_several:
        return
    uri = lake.registry_table(table.registry, table.name)
    former = lake.table(uri, version=version).file_uris()
    whole = lake.table(lake.registry_table(table.registry, table.base_name))
    back = sorted({*former} - {*lake.table(uri).file_uris()})
    folder = lake.staging_path(table.registry, table.name, f"restore-{version}")
    lake.make_folder(folder)
    rows = ", ".join(map(literal, back))
    keys = f"SELECT {listed(table.primary_key)} FROM read_parquet([{rows}], hive_partitioning = false)"
    try:
        found = _semi_join(lake, table, whole, keys, f"{folder}/taken.parquet", reads=back) if back else 0
    finally:
        lake.delete_tree(folder)
    if found:
        raise LakeKeyBroken(
            f"version {version} of {table.qualified_name} has {found:,} keys that another server has published since: "
            "they would stand twice. Restore another version, or have the other server let these keys go first"
        )


def _semi_join(lake: Lake, table: Table, whole: DeltaTable, keys: str, uri: str, *, reads: Sequence[str] = ()) -> int:
    """Write which of the keys of a SELECT other servers have published; returns how many."""
    own = set(lake.table(lake.registry_table(table.registry, table.name), version=whole.version()).file_uris())
    files = [file for file in whole.file_uris() if file not in own]
    if not files:
        return 0
    table_schema = TableSchema(
        tuple((name, table.column(name).sql_type) for name in table.primary_key), table.primary_key
    )
    with (
        lake_errors(f"looking for the keys of {table.qualified_name} at other servers"),
        lake.connect(memory_limit=COMPARE_MEMORY) as connection,
    ):
        read = uri.rpartition("/")[0]
        restrict_access(connection, reads=[*files, *reads], folders=[read])
        rows = published_rows(connection, table_schema, files, with_file=False)
        key = listed(table.primary_key)
        query = f"SELECT DISTINCT {key} FROM ({rows}) SEMI JOIN ({keys}) USING ({key})"
        written = connection.execute(f"COPY ({query}) TO {literal(uri)} (FORMAT parquet)").fetchone()
    return int(written[0]) if written else 0
