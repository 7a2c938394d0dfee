"""From links to persons: connected components, cut at the weakest link where two citizens would become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.lake.storage import Lake, literal, scan

_REVIEWED = "review"
_LARGE = 200
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clusters:
    """`uri` holds CLUSTERS. `cut`: links between records that ended in two clusters."""

    uri: str
    records: int
    clusters: int
    links: int
    cut: int


def cluster(
    lake: Lake,
    edges_uri: str,
    records_uri: str,
    *,
    out_uri: str,
    reviews_uri: str | None = None,
) -> Clusters:
    """Every record's cluster, by the edges that are links; a record without links is a cluster of its own.

    A cluster holds at most one row of each population-like table, and no two records that people called different, that
    share a number and nothing else, or that were born in other years and are linked neither themselves nor both to one
    record whose year is known. Where links would join such, the strongest links hold first and a link that would join
    them is cut. A pair that people called the same stays together whatever was inferred: it is cut only where it would
    join two records that people called different.
    """
    with lake.connect(memory_limit="3GB") as connection:
        _read(connection, edges_uri, records_uri, reviews_uri)
        size = _number(connection, "SELECT count(*) FROM node")
        left, right = _pairs(connection, "SELECT l, r FROM link")
        labels = components(size, left, right)
        labels = _cut(connection, labels)
        connection.register("labelled", pa.table({"n": np.arange(size), "label": labels}))
        connection.execute(
            f"""COPY (SELECT n.record_id, c.record_id AS cluster FROM labelled AS s
            JOIN node AS n ON n.n = s.n JOIN node AS c ON c.n = s.label ORDER BY n.record_id)
            TO {literal(out_uri)} (FORMAT parquet, COMPRESSION zstd)"""
        )
    return Clusters(out_uri, size, len(np.unique(labels)), len(left), int((labels[left] != labels[right]).sum()))


def components(size: int, left: Labels, right: Labels) -> Labels:
    """The smallest number of each component: a node takes the least label of its neighbours, until none moves."""
    labels = np.arange(size)
    while True:
        least = np.minimum(labels[left], labels[right])
        moved = labels.copy()
        np.minimum.at(moved, labels[left], least)
        np.minimum.at(moved, labels[right], least)
        while True:  # to the end of every chain
            further = moved[moved]
            if np.array_equal(further, moved):
                break
            moved = further
        if np.array_equal(moved, labels):
            return labels
        labels = moved


def _read(connection: duckdb.DuckDBPyConnection, edges_uri: str, records_uri: str, reviews_uri: str | None) -> None:
    """`node` numbered by record_id, `link` between numbers; `apart`: findings, or `is_said` to be two by people."""
    connection.execute(
        f"""CREATE TEMP TABLE node AS SELECT row_number() OVER (ORDER BY record_id) - 1 AS n, record_id,
        CASE WHEN is_population THEN registry || '.' || "table" END AS population, birth_year
        FROM {scan(records_uri)}"""
    )
    connection.execute(
        f"""CREATE TEMP TABLE link AS SELECT a.n AS l, b.n AS r, weight, pass = '{_REVIEWED}' AS is_reviewed
        FROM {scan(edges_uri)} JOIN node AS a ON a.record_id = left_id JOIN node AS b ON b.record_id = right_id
        WHERE decision = 'link'"""
    )
    apart = f"SELECT left_id, right_id, FALSE AS is_said FROM {scan(edges_uri)} WHERE decision = 'finding'"
    if reviews_uri:
        apart += f" UNION SELECT left_id, right_id, TRUE FROM {scan(reviews_uri)} WHERE decision = 'different'"
    connection.execute(
        f"""CREATE TEMP TABLE apart AS SELECT a.n AS l, b.n AS r, is_said FROM ({apart})
        JOIN node AS a ON a.record_id = left_id JOIN node AS b ON b.record_id = right_id"""
    )


def _cut(connection: duckdb.DuckDBPyConnection, labels: Labels) -> Labels:
    """Labels in which no component breaks the constraint: only components that do are put together anew."""
    connection.register("joined", pa.table({"n": np.arange(len(labels)), "label": labels}))
    # Born in other years, and neither linked themselves nor both linked to one whose year is known (then a year is an
    # error that other links saw and outweighed): what joins them is a third record that may be either's.
    connection.execute("CREATE TEMP TABLE either AS SELECT l, r FROM link UNION ALL SELECT r, l FROM link")
    connection.execute(
        f"""CREATE TEMP TABLE other_years AS
        WITH aged AS (SELECT n, label, birth_year FROM joined JOIN node USING (n) WHERE label IN (
            SELECT label FROM joined JOIN node USING (n)
            GROUP BY label HAVING count(*) <= {_LARGE} AND min(birth_year) < max(birth_year)))
        SELECT a.n AS l, b.n AS r FROM aged AS a JOIN aged AS b
        ON a.label = b.label AND a.n < b.n AND a.birth_year <> b.birth_year"""
    )
    connection.execute(
        """INSERT INTO apart SELECT l, r, FALSE FROM other_years ANTI JOIN either USING (l, r) ANTI JOIN (
            SELECT o.l, o.r FROM other_years AS o JOIN either AS p ON p.l = o.l
            JOIN either AS q ON q.l = p.r AND q.r = o.r JOIN node AS c ON c.n = p.r AND c.birth_year IS NOT NULL
        ) USING (l, r)"""
    )
    connection.execute(
        """CREATE TEMP TABLE broken AS
        SELECT label FROM joined JOIN node USING (n) WHERE population IS NOT NULL
        GROUP BY label, population HAVING count(*) > 1
        UNION
        SELECT a.label FROM apart JOIN joined AS a ON a.n = l JOIN joined AS b ON b.n = r WHERE a.label = b.label"""
    )
    inside = "JOIN joined ON joined.n = l JOIN broken USING (label)"
    links = connection.execute(
        f"SELECT l, r, is_reviewed FROM link {inside} ORDER BY is_reviewed DESC, weight DESC, l, r"
    ).fetchall()
    if not links:
        return labels
    nodes = connection.execute(
        "SELECT n, population FROM joined JOIN broken USING (label) JOIN node USING (n) ORDER BY n"
    ).fetchall()
    apart = connection.execute(
        f"SELECT DISTINCT l, r, is_said FROM apart {inside} "
        "JOIN joined AS o ON o.n = r AND o.label = joined.label ORDER BY ALL"
    ).fetchall()
    labels = labels.copy()
    for n, label in join_strongest_first(nodes, links, apart).items():
        labels[n] = label
    return labels


def join_strongest_first(
    nodes: Iterable[tuple[int, str | None]],
    links: Iterable[tuple[int, int, bool]],
    apart: Iterable[tuple[int, int, bool]] = (),
) -> dict[int, int]:
    """The component of each node, as its smallest node.

    `nodes`: number and the population-like table it is a row of, if any; two rows of one table never come together.
    `links`: strongest first, TRUE where people decided. `apart`: never together, FALSE where a decision of people may
    still join them.
    """
    parent: dict[int, int] = {}
    populations: dict[int, set[str]] = {}
    enemies: dict[int, set[tuple[int, bool]]] = {}
    for n, population in nodes:
        parent[n], populations[n], enemies[n] = n, {population} if population else set(), set()
    for left, right, is_said in apart:
        enemies[left].add((right, is_said))
        enemies[right].add((left, is_said))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for left, right, is_reviewed in links:
        a, b = sorted((root(left), root(right)))
        if a == b or (not is_reviewed and populations[a] & populations[b]):
            continue
        if any(root(n) == b for n, is_said in enemies[a] if is_said or not is_reviewed):
            continue
        parent[b] = a
        populations[a] |= populations.pop(b)
        enemies[a] |= enemies.pop(b)
    return {n: root(n) for n in parent}


def _pairs(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Labels, Labels]:
    columns = connection.execute(sql).fetchnumpy()
    return np.asarray(columns["l"], np.int64), np.asarray(columns["r"], np.int64)


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
