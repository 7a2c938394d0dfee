"""The pages for recipients tell the truth: their code is run as a recipient, their output is what it prints."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from include.contracts.model import Table
from include.contracts.model.types import arrow_type
from include.contracts.reading.load import load_contracts
from include.lake.storage.lake import Lake
from include.sharing.agreements.loading import load_agreements
from include.sharing.products.keys import MasterKey
from include.sharing.products.share import share_agreement
from tests.machine import needed
from tests.scripts import run_script

from .recipients import LAKE_URI, READERS, SERVER, options
from .serving import RECIPIENT, serving

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "how-to"
AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
MEMBERS = [
    ("0119900001", date(1999, 5, 17), "female"),
    ("0109900002", date(1999, 1, 1), "male"),
    ("0108500003", date(1985, 12, 31), "male"),
    ("0108500004", None, "male"),
]


def publish(lake: Lake, table: Table, rows: list[dict[str, object]]) -> None:
    arrays = {
        column.name: pa.array([row.get(column.name) for row in rows], arrow_type(column.sql_type))
        for column in table.columns
    }
    uri = lake.registry_table(table.registry, table.name)
    write_deltalake(uri, pa.table(arrays), mode="overwrite", storage_options=lake.storage_options())


@pytest.fixture
def reader(lake: Lake, endpoint: str) -> dict[str, str]:
    """The environment of a recipient of the real agreement, with two versions of its table."""
    contracts = load_contracts(ROOT / "schemas")
    agreement = load_agreements(ROOT / "schemas")["contributions_for_home_affairs"]
    insurance = contracts["insurance"]
    publish(
        lake,
        insurance.table("contribution"),
        [
            {"social_insurance_number": MEMBERS[0][0], "employer_tax_code": "0100109106", "month": date(2026, 1, 1)},
            {"social_insurance_number": MEMBERS[1][0], "employer_tax_code": "0100109106", "month": date(2026, 2, 1)},
        ],
    )
    for run_id, ward, members in (("r1", "00001", MEMBERS[:3]), ("r2", "00004", MEMBERS)):
        rows = [
            {
                "social_insurance_number": number, "birth_date": born, "sex": sex,
                "ward_code_current": ward if number == "0108500003" else "00001",
            }
            for number, born, sex in members
        ]  # fmt: skip
        publish(lake, insurance.table("member"), rows)
        key = MasterKey(bytes(range(32)))
        share_agreement(agreement, contracts, lake=lake, at=AT, run_id=run_id, key=key)
    access_key, _, secret_key = READERS["LIENTHONG_READER_MOHA"].partition(":")
    return {**options(access_key, secret_key, endpoint), "SHARED_TABLE": f"{LAKE_URI}/shared/moha/member"}


@pytest.mark.parametrize(
    "tool", ["deltalake", "duckdb", "pandas", "polars", pytest.param("spark", marks=pytest.mark.spark)]
)
def test_the_page_does_what_it_says(tool: str, reader: dict[str, str], tmp_path: Path) -> None:
    python = sys.executable
    if tool == "spark":
        python = os.environ.get("SPARK_PYTHON") or python
        if python == sys.executable:
            needed("Spark")
    page = (PAGES / f"read-a-shared-table-{tool}.md").read_text(encoding="utf-8")
    script = tmp_path / "page.py"
    script.write_text("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), encoding="utf-8")
    environ = {name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ}
    environ |= {**reader, "HOME": str(tmp_path), "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONIOENCODING": "utf-8"}
    done = run_script(lambda folder: [python, str(script)], tmp_path, environ)
    assert done.returncode == 0, done.stderr[-3000:]
    expected = "".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL))
    assert done.stdout == expected


@pytest.fixture
def profile(reader: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """The profile file of that recipient, from a server on the same lake that has the rights of one and no more."""
    own = options(SERVER.access_key, SERVER.secret_key, reader["AWS_ENDPOINT_URL"])
    environ = {**own, "LAKE_URI": LAKE_URI, "SCHEMAS_DIR": str(ROOT / "schemas")}
    with serving(environ, tmp_path) as server:
        yield server.profile("moha", tmp_path)


def test_the_page_of_delta_sharing_does_what_it_says(profile: Path, tmp_path: Path) -> None:
    """pandas by the stock client in an environment of its own, DuckDB and polars from the signed URLs of the store."""
    page = (PAGES / "read-by-delta-sharing.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: part for part in page.split("\n## ")}
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PROFILE": str(profile), "PYTHONIOENCODING": "utf-8"}
    for names, python in ((("pandas",), RECIPIENT), (("DuckDB", "polars"), Path(sys.executable))):
        text = "".join(sections[name] for name in names)
        script = tmp_path / f"by_{names[0]}.py"
        script.write_text("\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)), encoding="utf-8")
        place = tmp_path / names[0]
        place.mkdir()
        done = run_script(lambda folder, run=(str(python), str(script)): [*run], place, environ)
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout == "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))


def test_any_delta_reader_can_read_the_tables(reader: dict[str, str]) -> None:
    protocol = DeltaTable(
        reader["SHARED_TABLE"], storage_options={k: v for k, v in reader.items() if k.startswith("AWS_")}
    ).protocol()
    assert protocol.min_reader_version == 1


def test_every_page_is_reached_from_the_first() -> None:
    index = (PAGES / "read-a-shared-table.md").read_text(encoding="utf-8")
    for page in PAGES.glob("read-a-shared-table-*.md"):
        assert f"({page.name})" in index
