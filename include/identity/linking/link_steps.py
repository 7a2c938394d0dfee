"""One run of linking in its folder of the lake: from records to ids, golden records, findings and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.cluster import Spark
from include.contracts.model import Contract
from include.identity import persons
from include.identity.linkage_model import Model
from include.identity.linking.accuracy import Accuracy, estimate
from include.identity.linking.gate import Figures, judge
from include.identity.linking.link_result import Linked
from include.identity.linking.threshold_choice import WANTED, Threshold, thresholds
from include.identity.persons import Assigned, GoldenRules, assign, cluster, survive
from include.identity.records import linked_tables
from include.identity.scoring import score
from include.lake.people import people_view
from include.lake.storage import Lake, lake_errors, literal, scan

RUNS = ("staging", "people", "link")
# Levels of pairs that were compared: what saves the next run from comparing them again. May be lost, costs time only.
COMPARED = ("staging", "people", "compared")
_SIZES = (1, 2, 3, 4, 5, 10, 20, 50)


def run_folder(lake: Lake, run_id: str) -> str:
    """Where a run works."""
    return lake.path(*RUNS, f"run={run_id}")


def forget_compared(lake: Lake, *, but: str) -> None:
    """Remove the levels that earlier runs left; those of the run `but` serve the next."""
    for folder in lake.list(lake.path(*COMPARED)):
        if not folder.endswith(f"run={but}"):
            lake.delete_tree(folder)


@dataclass(frozen=True, slots=True)
class Work:
    """A run: its lake, the contracts, its folder, id and instant."""

    lake: Lake
    contracts: Mapping[str, Contract]
    folder: str
    run_id: str
    at: datetime

    @property
    def records_uri(self) -> str:
        """RECORDS of this run."""
        return self._file("records")

    @property
    def reviews_uri(self) -> str:
        """The decisions that hold."""
        return self._file("reviews")

    def digest_of_records(self) -> str:
        """Changes when any record does, or its `updated_at`, by which golden records choose; whatever their order."""
        told = "record_id || digest || coalesce(updated_at::VARCHAR, '')"
        sql = f"SELECT count(*) || ':' || bit_xor(md5_number({told})) FROM {scan(self.records_uri)}"
        return str(self._ask(sql)[0][0])

    def link(
        self,
        model: Model,
        golden: GoldenRules,
        *,
        last: Figures | None,
        is_new_model: bool,
        is_full: bool,
        spark: Spark | None = None,
    ) -> Linked:
        """Score, cluster, give ids; golden records, findings and accuracy.

        `last`: the figures of the last published run; `is_new_model`: it used another model. `is_full`: compare every
        pair again. `spark`: where to compare, if not here.
        """
        compared = self.lake.path(*COMPARED, f"run={self.run_id}")
        previous = None if is_full else self._compared_before()
        edges = score(
            self.lake, self.records_uri, model, out=compared, reviews_uri=self.reviews_uri, previous=previous,
            spark=spark,
        )  # fmt: skip
        clusters = cluster(
            self.lake, edges.uri, self.records_uri, out_uri=self._file("clusters"), reviews_uri=self.reviews_uri
        )  # fmt: skip
        model_clusters = (
            clusters
            if edges.model_uri == edges.uri
            else cluster(self.lake, edges.model_uri, self.records_uri, out_uri=self._file("model_clusters"))
        )
        assigned = assign(
            self.lake, clusters_uri=clusters.uri, records_uri=self.records_uri, edges_uri=edges.uri, folder=self.folder,
            run_id=self.run_id, at=self.at, changed_uri=self._changed(), reviews_uri=self.reviews_uri,
            is_new_model=is_new_model,
        )  # fmt: skip
        self._mark_links(edges.uri, assigned)
        told = persons.find(
            self.lake, self.contracts, records_uri=self.records_uri, index_uri=assigned.index_uri, edges_uri=edges.uri,
            uri=self._file("findings"),
        )  # fmt: skip
        survive(
            self.lake, golden, records_uri=self.records_uri, index_uri=assigned.index_uri, uri=self._file("golden")
        )  # fmt: skip
        accuracy = estimate(
            self.lake, links_uri=self._file("links"), edges_uri=edges.model_uri, clusters_uri=model_clusters.uri,
            index_uri=assigned.index_uri, reviews_uri=self.reviews_uri, link_at=model.link_at,
        )  # fmt: skip
        costs = self._costs(model, accuracy)
        sizes, largest = self._sizes(assigned)
        tables = tuple(table.name for table in linked_tables(self.contracts.values()))
        figures = Figures(tables, assigned.records, assigned.persons, edges.pairs, largest)
        found = judge(golden.tolerance, assigned, figures, last)
        return Linked(
            "incremental" if edges.reused else "full", edges.compared, figures, assigned, edges.counts, accuracy, costs,
            sizes, told["duplicate"], told["shared_id"], found,
        )  # fmt: skip

    def _compared_before(self) -> str | None:
        """The levels that the newest other run left."""
        for folder in reversed(self.lake.list(self.lake.path(*COMPARED))):
            uri = f"{folder}/compared.parquet"
            if not folder.endswith(f"run={self.run_id}") and self.lake.exists(uri):
                return uri
        return None

    def _changed(self) -> str:
        """Ids of the records that are new, or not as they were in the last run."""
        uri = self._file("changed")
        with self.lake.connect() as connection, lake_errors("comparing the records with the last run's"):
            before = (
                "records"
                if people_view(self.lake, connection, "records")
                else f"(FROM {scan(self.records_uri)} LIMIT 0)"
            )
            connection.execute(
                f"COPY (SELECT record_id FROM {scan(self.records_uri)} "
                f"ANTI JOIN {before} b USING (record_id, digest)) TO {literal(uri)} (FORMAT parquet)"
            )
        return uri

    def _mark_links(self, edges_uri: str, assigned: Assigned) -> None:
        """The edges with `holds`: whether both records are one person now.

        A doubtful pair of two persons who each have a row of their own in one population-like table is no question:
        whatever the two records say, the persons behind them are two.
        """
        index, records = scan(assigned.index_uri), scan(self.records_uri)
        citizens = (
            "(SELECT person_id, list(DISTINCT source) AS sources FROM (SELECT i.person_id, "
            f"r.registry || '.' || r.\"table\" AS source FROM {index} i JOIN {records} r USING (record_id) "
            "WHERE r.is_population) GROUP BY person_id)"
        )
        self._ask(
            # Rounded: a sum of floats in another order is no change of a link.
            "COPY (SELECT e.* EXCLUDE (blind) REPLACE (round(weight, 9) AS weight, "
            f"round(probability, 9) AS probability), l.person_id = r.person_id AS holds FROM {scan(edges_uri)} e "
            f"JOIN {index} l ON left_id = l.record_id JOIN {index} r ON right_id = r.record_id "
            f"LEFT JOIN {citizens} a ON a.person_id = l.person_id LEFT JOIN {citizens} b ON b.person_id = r.person_id "
            "WHERE NOT (e.decision = 'review' AND l.person_id <> r.person_id "
            "AND coalesce(list_has_any(a.sources, b.sources), FALSE))) "
            f"TO {literal(self._file('links'))} (FORMAT parquet, COMPRESSION zstd)"
        )

    def _costs(self, model: Model, accuracy: Accuracy) -> tuple[Threshold, ...]:
        """What each precision that a steward may want would cost."""
        with self.lake.connect() as connection, lake_errors("looking at other thresholds"):
            return thresholds(connection, scan(self._file("links")), model, accuracy, WANTED)

    def _sizes(self, assigned: Assigned) -> tuple[dict[str, int], int]:
        """How many persons have up to so many records; and the most of one person in one register of persons."""
        bounds = list(_SIZES)
        sizes = self._ask(
            f"SELECT list_filter({bounds}, lambda bound: bound >= n)[1], count(*) FROM "
            f"(SELECT count(*) AS n FROM {scan(assigned.index_uri)} GROUP BY person_id) GROUP BY ALL ORDER BY ALL"
        )
        registers = ", ".join(
            f"({literal(t.registry)}, {literal(t.name)})" for t in persons.persons_registers(self.contracts)
        )
        largest = self._ask(
            f'SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM {scan(assigned.index_uri)} '
            f'WHERE (registry, "table") IN ({registers}) GROUP BY person_id, registry, "table")'
        ) if registers else [(0,)]  # fmt: skip
        return {str(bound or f"over {bounds[-1]}"): int(count) for bound, count in sizes}, int(largest[0][0])

    def _file(self, name: str) -> str:
        return f"{self.folder}/{name}.parquet"

    def _ask(self, sql: str) -> list[Any]:
        with self.lake.connect() as connection, lake_errors("counting what was linked"):
            return connection.execute(sql).fetchall()
