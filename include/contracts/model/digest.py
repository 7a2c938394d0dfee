"""Digest of a table's row-relevant definition; when it changes, the whole table must be read again."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from include.contracts.model.table import ExtractPolicy, Table, Tolerance


def row_digest(table: Table) -> str:
    """SHA-256 of the table without descriptions and tolerances, which change no row."""
    columns = tuple(replace(c, description="", business_name="", classification="internal") for c in table.columns)
    rules = tuple(replace(r, description="", legal_source="", dimension="") for r in table.rules if r.scope != "table")
    policy = ExtractPolicy(deletes=table.extract.deletes, deleted_when=table.extract.deleted_when)
    definition = replace(
        table,
        columns=columns,
        rules=rules,
        extract=replace(policy, cursor=table.extract.cursor),
        tolerance=Tolerance(),
        relationships=(),
        business_name="",
        description="",
        custom={},
    )
    return hashlib.sha256(repr(definition).encode()).hexdigest()
