"""The row of a shared table that a dispute is about: found by its key as the recipient has it."""

from __future__ import annotations

from dataclasses import dataclass

from include.lake.delta import view
from include.lake.storage import Lake, LakeTableMissing, lake_errors, quote
from include.sharing.products import OPEN, opened
from include.sharing.requests.request import Dispute


@dataclass(frozen=True, slots=True)
class SharedRow:
    """What a shared table shows of rows with a key: how many, the value of a column in the first, and its terms.

    `terms` is empty if the table is not open: then nothing follows from rows that are not there.
    """

    rows: int
    value: str | None
    terms: str


def shared_row(lake: Lake, recipient: str, product: str, key: tuple[tuple[str, str], ...], column: str) -> SharedRow:
    """Look a row of a shared table up, at its newest version; values are compared and given as text."""
    shared = opened(lake, recipient, product)
    if shared is None or shared.notes.get("state") != OPEN:
        return SharedRow(0, None, "")
    if not {column, *(name for name, _ in key)} <= {one.name for one in shared.delta.schema().fields}:
        return SharedRow(0, None, "")  # the agreement gives these columns no more
    matches = " AND ".join(f"CAST({quote(name)} AS VARCHAR) = ?" for name, _ in key)
    value = f"CAST({quote(column)} AS VARCHAR)"
    query = f"SELECT count(*), min(v) FROM (SELECT {value} AS v FROM shared WHERE {matches})"
    try:
        with lake.connect(memory_limit="512MB") as connection, lake_errors("reading a shared table"):
            view(lake, connection, "shared", lake.path("shared", recipient, product))
            ((rows, found),) = connection.execute(query, [value for _, value in key]).fetchall()
    except LakeTableMissing:
        return SharedRow(0, None, "")
    return SharedRow(rows, found, shared.notes.get("terms_digest", ""))


def is_mended(lake: Lake, recipient: str, dispute: Dispute) -> bool:
    """Whether the shared row is another than when it was reported: its value changed, or it is gone.

    A table that is closed, or was made anew by other terms, tells nothing; nor do several rows with the key.
    """
    found = shared_row(lake, recipient, dispute.product, dispute.key, dispute.column)
    if not found.terms or found.terms != dispute.terms or found.rows > 1:
        return False
    return found.rows == 0 or found.value != dispute.shown
