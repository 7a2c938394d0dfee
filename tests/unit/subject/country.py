"""A small country whose registers change day by day, with linked persons and agreements, as runs would leave it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from include.audit import ledger
from include.audit.verification import commit_records
from include.contracts.model import Table, arrow_type
from include.lake.people import extend, keep_former, upsert_people
from include.lake.people.tables import EVENTS, INDEX
from include.lake.row_history import extend_history
from include.lake.storage import Lake
from include.pipelines import PipelineContext, new_run_id
from include.pipelines.sharing import share_step
from include.sharing.products import MasterKey

SCHEMAS = Path(__file__).parents[3] / "schemas"
KEY = MasterKey(bytes(range(32)))
AT = datetime(2026, 3, 1, tzinfo=UTC)
MONTH = date(2026, 1, 1)
Row = dict[str, Any]

STATISTICS = """\
version: 1.0.0
title: Chia sẻ dữ liệu dân cư
provider: Bộ Công an
recipient: {id: nso, name: Cục Thống kê}
purpose: Thống kê dân số
legalBasis: [Luật Thống kê 89/2015/QH13]
from: 2020-01-01
until: 2099-12-31
contact: {provider: a@bca.example, recipient: b@nso.example}
products:
  - name: citizen
    table: population.citizen
    rows: status_code = '1'
    columns:
      - {name: personal_id, protection: pseudonym}
      - {name: mother_id, protection: pseudonym}
      - {name: birth_date, protection: year}
      - {name: father_id, protection: drop}
  - name: names
    table: population.citizen
    rows: sex = 'female'
    columns:
      - {name: full_name, protection: none}
"""
HEALTH = """\
version: 1.0.0
title: Chia sẻ dữ liệu bảo hiểm
provider: Bảo hiểm xã hội Việt Nam
recipient: {id: moh, name: Bộ Y tế}
purpose: Thanh toán khám bệnh, chữa bệnh
legalBasis: [Luật Bảo hiểm y tế 25/2008/QH12]
from: 2020-01-01
until: 2099-12-31
contact: {provider: a@bhxh.example, recipient: b@moh.example}
products:
  - name: contribution
    table: insurance.contribution
    columns:
      - {name: social_insurance_number, protection: pseudonym}
      - {name: month, protection: none}
  - name: member
    table: insurance.member
    columns:
      - {name: social_insurance_number, protection: keep_last, keep: 4}
      - {name: sex, protection: none}
      - {name: full_name, protection: none}
  - name: household
    table: population.household_member
    columns:
      - {name: household_id, protection: none}
      - {name: personal_id, protection: pseudonym}
"""


@dataclass
class Human:
    """One person as she really is: every personal id and insurance number that stands for her, and her own names."""

    number: int
    person_id: str
    ids: list[str]
    numbers: list[str]

    @property
    def insured(self) -> str:
        return self.numbers[0] if self.numbers else ""

    def name_of(self, personal_id: str) -> str:
        return f"Người {personal_id}"

    def record_ids(self) -> list[str]:
        insured = (f'insurance.member:["{one}"]' for one in self.numbers)
        return [*(f'population.citizen:["{one}"]' for one in self.ids), *insured]


@dataclass
class Country:
    """The registers as they are now, and every version of every shared table as it was read when it was new."""

    lake: Lake
    folder: Path
    humans: list[Human]
    chance: random.Random
    citizens: dict[str, Row] = field(default_factory=dict)
    members: dict[str, Row] = field(default_factory=dict)
    households: dict[str, Row] = field(default_factory=dict)
    contributions: dict[tuple[str, date], Row] = field(default_factory=dict)
    seen: dict[tuple[str, str, str], dict[int, list[Row]]] = field(default_factory=dict)

    @cached_property
    def context(self) -> PipelineContext:
        environ = {"LIENTHONG_PSEUDONYM_KEY": KEY.secret.hex(), "LIENTHONG_SHARING_URL": "http://sharing.example"}
        return PipelineContext(self.lake, self.folder, environ)

    def table(self, registry: str, name: str) -> Table:
        return self.context.table(registry, name)[1]

    def agree(self, name: str, text: str) -> None:
        (self.folder / "agreements" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def begin(self) -> None:
        minted = [
            {"event_id": human.person_id, "at": AT, "kind": "minted", "person_id": human.person_id}
            for human in self.humans
        ]
        extend(self.lake, "events", pa.Table.from_pylist(minted, EVENTS), run_id="minted")
        for human in self.humans:
            self.add(human, human.ids[0])

    def add(self, human: Human, personal_id: str) -> None:
        mother = self.chance.choice(self.humans).ids[0]
        sex, status = self.chance.choice(["female", "male"]), self.chance.choice(["1", "1", "2"])
        self.citizens[personal_id] = {
            "personal_id": personal_id, "full_name": human.name_of(personal_id), "sex": sex, "status_code": status,
            "birth_date": date(1990, 1, 1 + human.number % 28), "mother_id": mother if mother != personal_id else None,
        }  # fmt: skip
        self.households[personal_id] = {"household_id": f"h{human.number % 9}", "personal_id": personal_id}
        if human.insured:
            name = human.name_of(human.insured)
            self.members[human.insured] = {
                "social_insurance_number": human.insured, "full_name": name, "sex": sex, "personal_id": personal_id,
            }  # fmt: skip

    def change(self) -> None:
        """A day: some leave, some come back, some change, some pay."""
        for human in self.chance.sample(self.humans, 14):
            personal_id = self.chance.choice(human.ids)
            what = self.chance.choice(["leave", "leave", "status", "sex", "move", "mother"])
            row = self.citizens.get(personal_id)
            if row is None:
                self.add(human, personal_id)
            elif what == "leave":
                del self.citizens[personal_id]
                self.members.pop(human.insured, None)
            elif what == "status":
                row["status_code"] = "2" if row["status_code"] == "1" else "1"
            elif what == "sex":
                row["sex"] = "male" if row["sex"] == "female" else "female"
            elif what == "move":
                self.households.pop(personal_id, None)
            else:
                row["mother_id"] = self.chance.choice(self.humans).ids[0]
            if human.insured:
                month = MONTH.replace(month=self.chance.randint(1, 12))
                if self.contributions.pop((human.insured, month), None) is None:
                    self.contributions[human.insured, month] = {
                        "social_insurance_number": human.insured, "employer_tax_code": "0100109106", "month": month,
                        "wage_vnd": 9_000_000,
                    }  # fmt: skip

    def publish(self) -> None:
        """The registers to the lake, each row history behind; then linking, and the agreements carried out."""
        self.write("population", "citizen", list(self.citizens.values()))
        self.write("population", "household_member", list(self.households.values()))
        self.write("insurance", "member", list(self.members.values()))
        self.write("insurance", "contribution", list(self.contributions.values()))
        extend_history(self.lake, self.table("population", "citizen"), run_id=new_run_id(AT))
        self.link()
        self.share()

    def write(self, registry: str, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        table = self.table(registry, name)
        uri = self.lake.registry_table(registry, name)
        arrays: dict[str, pa.Array] = {
            column.name: pa.array([row.get(column.name) for row in rows], arrow_type(column.sql_type))
            for column in table.columns
        }
        arrays["_run_id"] = pa.array(["r"] * len(rows), pa.string())
        arrays["_warnings"] = pa.array([None] * len(rows), pa.list_(pa.string()))
        # In two files, of which one often stays: some versions share a file.
        half = len(rows) // 2
        whole = pa.table(arrays)
        write_deltalake(
            uri, whole[:half], mode="overwrite", configuration={"delta.enableChangeDataFeed": "true"},
            commit_properties=_of_run(),
        )  # fmt: skip
        write_deltalake(uri, whole[half:], mode="append", commit_properties=_of_run())
        records = commit_records(self.lake, [f"registry/{registry}/{name}"])
        ledger.append(self.lake, records, at=datetime.now(UTC), actor="test")

    def reject(self, personal_ids: Sequence[str]) -> None:
        """Rows with these keys were rejected by the newest run."""
        uri, run_id = self.lake.rejected_table("population", "citizen"), "rejecting"
        rows = [
            {"so_dinh_danh": one, "_run_id": run_id, "_row": number, "_reasons": None, "_life": "open", "_since": AT,
             "_key": f'{{"personal_id":"{one}"}}'} for number, one in enumerate(personal_ids)
        ]  # fmt: skip
        names = [("so_dinh_danh", pa.string()), ("_run_id", pa.string()), ("_row", pa.int64()), ("_key", pa.string()),
                 ("_reasons", pa.list_(pa.struct([("rule_id", pa.string())]))), ("_life", pa.string()),
                 ("_since", pa.timestamp("us", tz="UTC"))]  # fmt: skip
        write_deltalake(uri, pa.Table.from_pylist(rows, pa.schema(names)), partition_by=["_run_id"])
        registry = self.lake.table(self.lake.registry_table("population", "citizen"))
        done = CommitProperties(app_transactions=[Transaction(run_id, 1)], custom_metadata={"lienthong.run_id": run_id})
        registry.create_write_transaction([], "append", registry.schema(), commit_properties=done)

    def link(self) -> None:
        """As linking leaves the index: a record for every row that there is, and those that left among the former."""
        rows = [
            {"record_id": record_id, "person_id": human.person_id, "registry": record_id.partition(".")[0],
             "table": record_id.partition(":")[0].partition(".")[2], "since_run": "r"}
            for human in self.humans for record_id in human.record_ids() if self.is_there(record_id)
        ]  # fmt: skip
        uri, run_id = f"{self.lake.uri}/index.parquet", new_run_id(datetime.now(UTC))
        pq.write_table(pa.Table.from_pylist(rows, INDEX), uri)
        keep_former(self.lake, uri, run_id=run_id, at=datetime.now(UTC), metadata={})
        upsert_people(self.lake, "index", uri, run_id=run_id)

    def is_there(self, record_id: str) -> bool:
        key = record_id.partition('["')[2].partition('"]')[0]
        return key in (self.citizens if record_id.startswith("population") else self.members)

    def share(self) -> None:
        done = share_step(None, new_run_id(datetime.now(UTC)), context=self.context)
        assert done.verdict == "shared", done
        self.look()

    def look(self) -> None:
        """Read every version of every shared table that was not read yet."""
        for folder in sorted((Path(self.lake.uri) / "shared").glob("*/*")):
            table = DeltaTable(str(folder))
            key = folder.parent.name, folder.name, str(table.metadata().id)
            versions = self.seen.setdefault(key, {})
            for version in range(len(versions), table.version() + 1):
                versions[version] = DeltaTable(str(folder), version=version).to_pyarrow_table().to_pylist()

    def truth(self, human: Human) -> dict[tuple[str, str, str], dict[int, tuple[int, int]]]:
        """By search through every version: how many rows of hers, and of others with her id, by table and version."""
        found: dict[tuple[str, str, str], dict[int, tuple[int, int]]] = {}
        for (recipient, product, table_id), versions in self.seen.items():
            for version, rows in versions.items():
                hers = [row for row in rows if self.is_hers(human, recipient, product, row)]
                others = [row for row in rows if row not in hers and self.names_her(human, recipient, row)]
                if hers or others:
                    found.setdefault((recipient, product, table_id), {})[version] = len(hers), len(others)
        return found

    def is_hers(self, human: Human, recipient: str, product: str, row: Row) -> bool:
        secret = KEY.of(recipient)
        ids = {secret.pseudonym(one) for one in human.ids}
        match product:
            case "citizen" | "household":
                return row["personal_id"] in ids
            case "names" | "member":
                return row["full_name"] in {human.name_of(one) for one in [*human.ids, *human.numbers]}
            case _:
                return row.get("social_insurance_number") in {secret.pseudonym(one) for one in human.numbers}

    def names_her(self, human: Human, recipient: str, row: Row) -> bool:
        return row.get("mother_id") in {KEY.of(recipient).pseudonym(one) for one in human.ids}

    def merge(self, gone: Human, into: Human) -> None:
        """Linking finds that two are one: the first id leads to the second from now on."""
        self.note("merged", gone.person_id, into.person_id)
        into.ids += gone.ids
        into.numbers += gone.numbers
        self.humans.remove(gone)

    def note(self, kind: str, person_id: str, other_id: str | None = None) -> None:
        """An event of linking."""
        event = {"event_id": kind + person_id, "at": AT, "kind": kind, "person_id": person_id, "other_id": other_id}
        extend(self.lake, "events", pa.Table.from_pylist([event], EVENTS), run_id=kind + person_id)


def _of_run() -> CommitProperties:
    return CommitProperties(custom_metadata={"lienthong.run_id": new_run_id(datetime.now(UTC))})


def new_country(folder: Path, *, humans: int, seed: int = 7) -> Country:
    """A country with so many persons, of whom two thirds are insured, before its first day."""
    schemas = folder / "schemas"
    (schemas / "agreements").mkdir(parents=True)
    (schemas / "reference").symlink_to(SCHEMAS / "reference")
    (schemas / "registries").mkdir()
    for registry in ("population", "insurance"):  # to read all contracts takes longer than to answer anybody
        name = f"{registry}.odcs.yaml"
        (schemas / "registries" / name).symlink_to(SCHEMAS / "registries" / name)
    (folder / "lake").mkdir()
    lake = Lake(str(folder / "lake"), (), folder / "tmp")
    people = [
        Human(n, f"{n:032x}", [f"0011990{n:05d}"], [f"79{n:08d}"] if n % 3 else []) for n in range(1, humans + 1)
    ]  # fmt: skip
    country = Country(lake, schemas, people, random.Random(seed))
    country.agree("statistics", STATISTICS)
    country.agree("health", HEALTH)
    country.begin()
    return country


def copied(country: Country, folder: Path) -> Country:
    """The same country in a folder of its own, with contracts that may be changed."""
    lake, schemas = Lake(str(folder / "lake"), (), folder / "tmp"), folder / "schemas"
    shutil.copytree(country.lake.uri, lake.uri, symlinks=True)
    shutil.copytree(country.folder, schemas)
    others: Country = replace(deepcopy(country), lake=lake, folder=schemas)
    return others
