"""Two small registers with link roles, published by hand: citizens, and members who lack half of their personal ids."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from include.lake.storage.lake import Lake
from include.pipelines.context import PipelineContext

ROOT = Path(__file__).parents[3]
FAMILIES = [
    "Nguyễn",
    "Trần",
    "Lê",
    "Phạm",
    "Hoàng",
    "Huỳnh",
    "Phan",
    "Vũ",
    "Võ",
    "Đặng",
    "Bùi",
    "Đỗ",
    "Hồ",
    "Ngô",
    "Dương",
    "Lý",
]
MIDDLES = ["Văn", "Thị", "Hữu", "Đức", "Ngọc", "Minh", "Thanh", "Quang", "Xuân", "Thu", "Kim", "Anh"]
GIVENS = [
    "An",
    "Bình",
    "Chi",
    "Cường",
    "Dung",
    "Dũng",
    "Giang",
    "Hà",
    "Hải",
    "Hạnh",
    "Hiếu",
    "Hoa",
    "Hòa",
    "Hùng",
    "Hương",
    "Khánh",
    "Lan",
    "Linh",
    "Long",
    "Mai",
    "Minh",
    "Nam",
    "Nga",
    "Ngân",
    "Nhung",
    "Phong",
    "Phúc",
    "Phương",
    "Quân",
    "Quyên",
    "Sơn",
    "Tâm",
    "Thảo",
    "Thắng",
    "Thu",
    "Thủy",
    "Tiến",
    "Trang",
    "Trung",
    "Tú",
    "Tuấn",
    "Uyên",
    "Vân",
    "Việt",
    "Vinh",
    "Xuân",
    "Yến",
]

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {registry}
version: 1.0.0
status: active
name: {registry}
servers: [{{server: {registry}_db, type: custom}}]
team: {{name: t, members: [{{username: "{owner}", role: owner}}]}}
schema:
  - name: {table}
    physicalName: {table}
    properties:
{columns}
"""
COLUMN = """      - name: {name}
        logicalType: {type}
        primaryKey: {key}
        customProperties: [{{property: link, value: {role}}}]
"""
SPOKEN = {"full_name": "name", "birth_date": "birth_date", "sex": "sex", "phone": "phone"}


@dataclass(frozen=True)
class Row:
    """One row of a register, and who it truly is."""

    person: int
    number: str
    full_name: str
    birth_date: date
    sex: str
    phone: str
    personal_id: str | None = None


@dataclass
class Country:
    """What the two registers say now; `publish` puts it into the lake."""

    context: PipelineContext
    citizens: dict[str, Row] = field(default_factory=dict)
    members: dict[str, Row] = field(default_factory=dict)

    def publish(self) -> None:
        _write(self.context.lake, "population", "citizen", "personal_id", list(self.citizens.values()))
        _write(self.context.lake, "insurance", "member", "insurance_number", list(self.members.values()))

    def change(self, register: str, number: str, change: Callable[[Row], Row]) -> None:
        rows = getattr(self, register)
        rows[number] = change(rows[number])

    def truth(self) -> dict[str, int]:
        """The person behind each record."""
        told = {f'population.citizen:["{n}"]': row.person for n, row in self.citizens.items()}
        return told | {f'insurance.member:["{n}"]': row.person for n, row in self.members.items()}


def country(folder: Path, *, persons: int = 400, seed: int = 7) -> Country:
    """A country whose model is not trained yet."""
    chance = random.Random(seed)
    schemas = folder / "schemas"
    (schemas / "registries").mkdir(parents=True)
    (schemas / "models").mkdir()
    (schemas / "models" / "golden.yaml").write_bytes((ROOT / "schemas" / "models" / "golden.yaml").read_bytes())
    for registry, table, key, role, owner in (
        ("population", "citizen", "personal_id", "personal_id", "Bộ Công an"),
        ("insurance", "member", "insurance_number", "insurance_number", "Bảo hiểm xã hội"),
    ):
        columns = {key: role, **SPOKEN} | ({"personal_id": "personal_id"} if registry == "insurance" else {})
        listed = "".join(
            COLUMN.format(name=n, role=r, key=str(n == key).lower(), type="date" if r == "birth_date" else "string")
            for n, r in columns.items()
        )
        text = CONTRACT.format(registry=registry, table=table, columns=listed, owner=owner)
        (schemas / "registries" / f"{registry}.odcs.yaml").write_text(text, encoding="utf-8")
    environ = {"LAKE_URI": str(folder / "lake"), "LIENTHONG_TMP": str(folder / "tmp"), "SCHEMAS_DIR": str(schemas)}
    made = Country(PipelineContext(Lake.from_environment(environ), schemas, environ))
    for person in range(persons):
        add(made, person, chance)
    made.publish()
    return made


def add(made: Country, person: int, chance: random.Random) -> None:
    """A person: a citizen, and mostly a member too, half of the time with the personal id."""
    sex = chance.choice(["male", "female"])
    born = date(1940, 1, 1) + timedelta(days=chance.randrange(28_000))
    name = f"{chance.choice(FAMILIES)} {chance.choice(MIDDLES)} {chance.choice(GIVENS)}"
    phone = f"09{chance.randrange(10**8):08}"
    number = f"001{(born.year // 100 - 19) * 2 + (sex == 'female')}{born.year % 100:02}{person:06}"
    row = Row(person, number, name, born, sex, phone)
    made.citizens[number] = row
    if chance.random() < 0.8:
        member = f"{7_900_000_000 + person}"
        told = number if chance.random() < 0.5 else None
        made.members[member] = replace(
            row, number=member, personal_id=told, phone=phone if chance.random() < 0.7 else ""
        )


def _write(lake: Lake, registry: str, table: str, key: str, rows: list[Row]) -> None:
    columns: Mapping[str, pa.Array] = {
        key: pa.array([row.number for row in rows], pa.string()),
        "full_name": pa.array([row.full_name for row in rows], pa.string()),
        "birth_date": pa.array([row.birth_date for row in rows], pa.date32()),
        "sex": pa.array([row.sex for row in rows], pa.string()),
        "phone": pa.array([row.phone or None for row in rows], pa.string()),
        "_run_id": pa.array(["r"] * len(rows), pa.string()),
        "_warnings": pa.array([None] * len(rows), pa.list_(pa.string())),
    }
    if key != "personal_id":
        columns = {**columns, "personal_id": pa.array([row.personal_id for row in rows], pa.string())}
    write_deltalake(lake.registry_table(registry, table), pa.table(columns), mode="overwrite", schema_mode="overwrite")


AT = datetime(2026, 1, 1, 2, tzinfo=UTC)
