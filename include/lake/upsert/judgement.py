"""How published rows are judged that a run leaves as they are, when the contract has become another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
from deltalake import DeltaTable

from include.lake.delta import last_run_commit


@dataclass(frozen=True, slots=True)
class Judgement:
    """The row rules of the contract as it is.

    `digest` is of all that decides what the table's rows become (`table_digest` of the last commit: by which all rows
    were judged). `warnings` is SQL over a published row: the `_warnings` that it should have. `prepare` registers what
    that SQL uses with a connection; `blame` finds the rule that cannot be run over a relation.
    """

    digest: str
    warnings: str
    prepare: Callable[[duckdb.DuckDBPyConnection], None]
    blame: Callable[[duckdb.DuckDBPyConnection, str], Exception | None]

    def is_due(self, current: DeltaTable | None) -> bool:
        """Whether rows of the table were judged by another contract, code list or macro."""
        state = last_run_commit(current) if current is not None else None
        return state is not None and state.metadata.get("table_digest") != self.digest
