"""Small tables of persons in a lake of their own, as tests of linking write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import write_deltalake

from include.contracts.model import Column, Contract, LinkRole, Server, Table
from include.identity.linkage_model.model import Model, load_model
from include.identity.persons.clustering import cluster
from include.identity.records.person_records import collect
from include.identity.scoring.pair_scores import Edges, score
from include.lake.storage.lake import Lake

SCHEMAS = Path(__file__).parents[3] / "schemas"
ROLES: dict[str, dict[str, LinkRole]] = {
    "population.citizen": {
        "personal_id": "personal_id", "old_id": "old_id", "full_name": "name", "birth_date": "birth_date",
        "precision": "birth_precision", "sex": "sex", "ward": "place",
    },
    "insurance.member": {
        "number": "insurance_number", "personal_id": "personal_id", "old_id": "old_id", "full_name": "name",
        "birth_date": "birth_date", "precision": "birth_precision", "sex": "sex", "ward": "place",
    },
    "insurance.health_card": {"card": "health_card", "number": "insurance_number"},
    "finance.taxpayer": {"tax_code": "tax_code", "personal_id": "personal_id", "full_name": "name", "ward": "place"},
}  # fmt: skip


def contract_of(name: str, roles: Mapping[str, LinkRole], *, when: str = "", key: str = "") -> Contract:
    """A contract of one table; its key is the first column."""
    registry, table = name.split(".")
    key = key or next(iter(roles))
    columns = tuple(
        Column(c, c, "string", "VARCHAR", link=role, primary_key_position=1 if c == key else None)
        for c, role in roles.items()
    )
    custom = {"link": {"when": when}} if when else {}
    made = Table(registry, table, table, columns, (), custom=custom)
    return Contract(registry, "1.0.0", Path("registry.odcs.yaml"), "digest", Server("source", "custom"), (made,))


def publish(lake: Lake, contract: Contract, rows: Sequence[Mapping[str, object]]) -> None:
    """The rows become the content of the contract's one table; a column that no row names is empty."""
    table = contract.tables[0]
    columns = {c.name: pa.array([row.get(c.name) for row in rows], pa.string()) for c in table.columns}
    uri = lake.registry_table(contract.registry, table.name)
    Path(uri).mkdir(parents=True, exist_ok=True)
    write_deltalake(uri, pa.table(columns), mode="overwrite")


def ask(lake: Lake, sql: str) -> list[tuple[object, ...]]:
    """Rows of a query."""
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


class Country:
    """Four small registers in a lake, linked by the model of the repository.

    A crowd of citizens, all different, stands around the persons of a test, so that names and wards have a frequency.
    """

    def __init__(self, folder: Path, crowd: int = 400) -> None:
        self.lake = Lake(str(folder / "lake"), scratch=folder / "scratch")
        self.contracts = [contract_of(name, roles) for name, roles in ROLES.items()]
        self.rows: dict[str, list[dict[str, object]]] = {name: [] for name in ROLES}
        self.model: Model = load_model(SCHEMAS / "models" / "person.json")
        for n in range(crowd):
            self.citizen(
                f"{(n % 60) + 1:03d}{n % 2}{n % 90:02d}{n * 7919 % 1000000:06d}",
                f"{_FAMILIES[n % 9]} {_MIDDLES[n % 7]} {_GIVENS[n % 11]}{'abcdefgh'[n // 11 % 8]}",
                f"{n % 28 + 1:02d}/{n % 12 + 1:02d}/{1930 + n % 90}",
                sex="male" if n % 2 == 0 else "female",
                ward=_WARDS[n % 10],
            )

    def citizen(self, personal_id: str, full_name: str, birth_date: str, *, sex: str, ward: str, **more: str) -> str:
        """Add a citizen; gives the record_id."""
        told = {"personal_id": personal_id, "full_name": full_name, "birth_date": birth_date, "sex": sex, "ward": ward}
        return self._add("population.citizen", personal_id, {**told, **more})

    def member(self, number: str, full_name: str, birth_date: str, **more: str | None) -> str:
        """Add an insured person; gives the record_id."""
        told = {"number": number, "full_name": full_name, "birth_date": birth_date}
        return self._add("insurance.member", number, {**told, **more})

    def taxpayer(self, tax_code: str, full_name: str, **more: str | None) -> str:
        """Add a taxpayer; gives the record_id."""
        return self._add("finance.taxpayer", tax_code, {"tax_code": tax_code, "full_name": full_name, **more})

    def card(self, card: str, number: str) -> str:
        """Add a health card; gives the record_id."""
        return self._add("insurance.health_card", card, {"card": card, "number": number})

    def link(self, *, previous: str | None = None, reviews_uri: str | None = None, out: str = "out") -> Linked:
        """Publish, collect, score and cluster."""
        for contract in self.contracts:
            name = f"{contract.registry}.{contract.tables[0].name}"
            publish(self.lake, contract, self.rows[name])
        records = self.lake.path("staging", out, "records.parquet")
        collect(self.lake, self.contracts, SCHEMAS, records)
        folder = self.lake.path("staging", out)
        edges = score(self.lake, records, self.model, out=folder, previous=previous, reviews_uri=reviews_uri)
        clusters = cluster(self.lake, edges.uri, records, out_uri=f"{folder}/clusters.parquet", reviews_uri=reviews_uri)
        return Linked(self.lake, records, edges, clusters.uri)

    def _add(self, name: str, key: str, row: Mapping[str, object]) -> str:
        self.rows[name].append(dict(row))
        return f'{name}:["{key}"]'


class Linked:
    """What one run found."""

    def __init__(self, lake: Lake, records: str, edges: Edges, clusters: str) -> None:
        self.lake, self.records, self.edges, self.clusters = lake, records, edges, clusters

    def are_one(self, *record_ids: str) -> bool:
        """Whether these records are in one cluster."""
        ids = ", ".join(f"'{i}'" for i in record_ids)
        rows = ask(self.lake, f"SELECT cluster, count(*) FROM '{self.clusters}' WHERE record_id IN ({ids}) GROUP BY 1")
        assert sum(int(str(n)) for _, n in rows) == len(set(record_ids)), "a record is missing"
        return len(rows) == 1

    def edge(self, left: str, right: str) -> tuple[object, ...] | None:
        """Pass and decision of a pair, if it was kept."""
        left, right = sorted((left, right))
        sql = f"SELECT pass, decision FROM '{self.edges.uri}' WHERE left_id = '{left}' AND right_id = '{right}'"
        return next(iter(ask(self.lake, sql)), None)

    def content(self) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        """Every edge and every cluster, in order."""
        edges = f"SELECT left_id, right_id, pass, weight, probability, decision FROM '{self.edges.uri}' ORDER BY ALL"
        return ask(self.lake, edges), ask(self.lake, f"FROM '{self.clusters}' ORDER BY ALL")


_FAMILIES = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ"]
_MIDDLES = ["Văn", "Thị", "Minh", "Ngọc", "Quốc", "Thanh", "Hữu"]
_GIVENS = ["Dun", "Khan", "Long", "Thoe", "Vien", "Quyen", "Binh", "Sang", "Cuc", "Mai", "Tam"]
_WARDS = ["26740", "27628", "26791", "27478", "26898", "10081", "14407", "27343", "27526", "13444"]
