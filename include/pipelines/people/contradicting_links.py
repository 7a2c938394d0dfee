"""Persons whose registers contradict each other: which registers and attributes, no value."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from include.identity.persons import CONTRADICTIONS
from include.lake.people import people_view
from include.lake.storage import lake_errors
from include.pipelines.context import PipelineContext
from include.pipelines.errors import no_values_escape

PERSONS_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What two registers say of one person: `kind` is other_birth or other_sex; `tables` are `registry.table`."""

    person_id: str
    kind: str
    tables: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Contradictions:
    """How many there are in all, between which tables (`by_tables`: kind, tables, persons), and one page of them."""

    total: int
    by_tables: tuple[tuple[str, tuple[str, str], int], ...]
    rows: tuple[Contradiction, ...]


def contradictions(context: PipelineContext, page: int, *, registries: Collection[str]) -> Contradictions:
    """Those between the registries named, as the last run of linking found them; `page` counts from 1."""
    with (
        context.lake.connect(memory_limit="512MB") as connection,
        no_values_escape("reading the findings"),
        lake_errors("reading the findings"),
    ):
        people_view(context.lake, connection, "findings")
        # Each is told to two owners: one row for each pair of records, then one for each pair of tables.
        connection.execute(
            """CREATE TEMP TABLE found AS
            SELECT DISTINCT person_id, kind, split_part(left_id, ':', 1) AS one,
                   split_part(right_id, ':', 1) AS other FROM findings WHERE list_contains($kinds, kind)
            AND list_contains($registries, split_part(left_id, '.', 1))
            AND list_contains($registries, split_part(right_id, '.', 1))""",
            {"kinds": list(CONTRADICTIONS), "registries": sorted(registries)},
        )
        counted = connection.execute(
            "SELECT kind, one, other, count(*) AS persons FROM found GROUP BY ALL "
            "ORDER BY persons DESC, kind, one, other"
        ).fetchall()
        rows = connection.execute(
            "SELECT person_id, kind, one, other FROM found ORDER BY ALL LIMIT $limit OFFSET $offset",
            {"limit": PERSONS_A_PAGE, "offset": (page - 1) * PERSONS_A_PAGE},
        ).fetchall()
    return Contradictions(
        sum(row[3] for row in counted),
        tuple((kind, (one, other), count) for kind, one, other, count in counted),
        tuple(Contradiction(person, kind, (one, other)) for person, kind, one, other in rows),
    )
