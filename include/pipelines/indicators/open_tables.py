"""Published tables and code lists, opened for indicators."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from include.indicators.computation import TablesRead, tables_read
from include.indicators.definitions import Catalogue
from include.lake.storage import LakeTableMissing
from include.pipelines.context import PipelineContext
from include.pipelines.row_history import keep_history


def tables_with_histories(
    context: PipelineContext, catalogue: Catalogue, names: Iterable[str], run_id: str
) -> TablesRead:
    """Open tables for indicators, after the histories among them were extended to what is published.

    So a run that was killed between its publication and its history leaves no figure of former rows behind.
    """
    wanted = set(names)
    for name in sorted(wanted & catalogue.histories.keys()):
        with suppress(LakeTableMissing):
            keep_history(context, catalogue.histories[name], run_id)
    return tables_read(context.lake, wanted)
