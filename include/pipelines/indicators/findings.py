"""The list behind an indicator: the rows of its numerator, for the owner of a register and a stated purpose.

Nothing of it is kept: the owner's steward reads it, and the ledger has who, what for and how many before the first row
is shown. A report has the count alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.indicators.computation import indicator_engine
from include.indicators.definitions import Catalogue, compile_indicator, load_indicator, period_of
from include.lake.storage import lake_errors, quote
from include.pipelines.context import PipelineContext
from include.pipelines.decisions import Look, note_look, write_look
from include.pipelines.errors import Misuse, no_values_escape
from include.pipelines.indicators.computing import path_of
from include.pipelines.indicators.open_tables import tables_with_histories

_SUFFIX = ".csv"


@dataclass(frozen=True, slots=True)
class FindingRows:
    """The rows of a finding: how many there are, those shown (none if they were written to a file), and the owner."""

    owner: str
    columns: tuple[str, ...]
    count: int
    rows: tuple[tuple[Any, ...], ...]


def finding_rows(
    context: PipelineContext, name: str, period: str, look: Look, *, limit: int = 20, out: Path | None = None
) -> FindingRows:
    """The rows behind an indicator's numerator in a period, in order of their columns; all of them to a CSV file.

    Raises:
        Misuse: there is no such indicator, it is no finding, or the file is no CSV.
        ContractError: its definition has mistakes.
    """
    if out is not None and out.suffix != _SUFFIX:
        raise Misuse(f"{out.name} cannot be written: end it with {_SUFFIX}")
    with no_values_escape(f"listing the finding {name}"):
        catalogue = Catalogue.of(context.readable[0], context.schemas)
        compiled = compile_indicator(load_indicator(path_of(context, name)), catalogue)
        finding = compiled.indicator.finding
        if finding is None:
            raise Misuse(f"`{name}` is no finding: its definition names no owner and no columns to list")
        of_period = period_of(period, compiled.indicator.scheme)
        read = tables_with_histories(context, catalogue, compiled.query.tables, f"finding/{name}/{period}")
        if read.missing:
            raise Misuse(f"{', '.join(read.missing)} is not published yet: sync it first")
        columns = ", ".join(quote(column) for column in finding.columns)
        query = f"SELECT DISTINCT {columns} FROM ({compiled.query.sql}) WHERE ({compiled.counted}) <> 0 ORDER BY ALL"
        file = str(out.absolute()) if out is not None else ""
        engine = indicator_engine(
            context.lake, read, of_period, catalogue=catalogue, as_of=min(context.now(), of_period.ends_at),
            statements=compiled.statements, writes=[file] if file else [],
        )  # fmt: skip
        with lake_errors(f"listing the finding {name}"), engine as connection:
            ((count,),) = connection.execute(f"SELECT count(*) FROM ({query})").fetchall()
            note_look(
                context, f"indicators/{name}", look, period=period, owner=finding.owner, rows=int(count),
                is_file=out is not None,
            )  # fmt: skip
            rows: list[tuple[Any, ...]] = []
            if out is not None:
                write_look(lambda sql: connection.execute(sql).fetchall(), query, out, "FORMAT csv, HEADER")
            else:
                rows = connection.execute(f"{query} LIMIT {int(limit)}").fetchall()
        return FindingRows(finding.owner, finding.columns, int(count), tuple(rows))
