"""A registry of several servers: each is read from the contract, and what would confuse them is told by line."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import yaml
from datacontract.data_contract import DataContract
from hypothesis import given
from hypothesis import strategies as st

from include.contracts.checks.servers import check_servers, why_no_part_name
from include.contracts.model import Assignment, Server, row_digest
from include.contracts.reading.load import examine_contract, load_contract
from include.contracts.reading.published import published_contract
from include.contracts.yaml_files.problems import ContractError

# One statement a line, so that the line of a mistake is the line that was changed.
LAND = """
apiVersion: v3.2.0
kind: DataContract
id: land
version: 1.0.0
status: active
servers:
  - server: land-01
    type: custom
    customProperties:
      - {property: assignments, value: [{area: "01", from: 2020-01-01}]}
      - {property: rowsPerSecond, value: 100}
  - server: land-38
    type: custom
    customProperties:
      - {property: assignments, value: [{area: "38"}]}
  - server: land-30
    type: custom
    customProperties:
      - {property: assignments, value: [{area: "38", from: 2020-01-01, until: 2025-07-01, role: history}]}
      - {property: ended, value: 2025-07-01}
  - {server: lake, type: local, path: var/lake, format: delta}
slaProperties:
  - {property: deliveredServers, value: 90}
schema:
  - name: parcel
    properties:
      - {name: code, logicalType: string, primaryKey: true, logicalTypeOptions: {maxLength: 9}}
    customProperties:
      - {property: keyScope, value: server}
      - {property: tolerance, value: {supersededPercent: 2}}
""".lstrip()


def write(folder: Path, text: str) -> Path:
    path = folder / "land.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_source_is_a_server_and_what_is_published_is_none(tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path, LAND))
    assert [server.name for server in contract.servers] == ["land-01", "land-38", "land-30"]
    assert contract.server == contract.servers[0]
    assert contract.server.options == {"rowsPerSecond": 100}
    assert [server.assignments for server in contract.servers] == [
        (Assignment("01", date(2020, 1, 1)),),
        (Assignment("38"),),
        (Assignment("38", date(2020, 1, 1), date(2025, 7, 1), "history"),),
    ]
    assert [server.ended for server in contract.servers] == [None, None, date(2025, 7, 1)]
    assert contract.sla.delivered_percent == 90
    assert (contract.tables[0].key_scope, contract.tables[0].tolerance.superseded_percent) == ("server", 2)
    assert [table.name for table in contract.source_tables] == ["parcel@land-01", "parcel@land-38", "parcel@land-30"]


def test_one_server_is_read_as_ever(tmp_path: Path) -> None:
    """What is only of several servers is harmless in a contract of one, and decides nothing of what a row becomes."""
    rest = LAND[LAND.index("  - server: land-38") : LAND.index("  - {server: lake")]
    contract = load_contract(write(tmp_path, LAND.replace(rest, "").replace("land-01", "Land_01")))
    plain = LAND.replace(rest, "").replace("      - {property: keyScope, value: server}\n", "")
    plain = plain.replace("  - {property: deliveredServers, value: 90}\n", "  - {property: latency, value: 1}\n")
    assert (contract.is_federated, contract.source_tables) == (False, contract.tables)
    assert row_digest(contract.tables[0]) == row_digest(load_contract(write(tmp_path, plain)).tables[0])


FIRST, SECOND = "server: land-01", "server: land-38"
OF_01, OF_38 = '[{area: "01", from: 2020-01-01}]', '[{area: "38"}]'
OF_30 = '[{area: "38", from: 2020-01-01, until: 2025-07-01, role: history}]'
MISTAKES = [
    # right, wrong, message, remedy
    (SECOND, "server: land-01", "`land-01` stands twice", "its own name"),
    (SECOND, "server: land_01", "the connection AIRFLOW_CONN_LAND_01, as `land-01` has", "differ in a letter"),
    (SECOND, "server: land_01", "`land_01` cannot be part of a folder's name", "write `land-01`"),
    (SECOND, "server: LAND-38", "`LAND-38` cannot be part", "write `land-38`"),
    (SECOND, "server: đất", "cannot be part", "write `t`"),
    (SECOND, "server: '..'", "cannot be part", "choose a name of small letters"),
    (SECOND, "server: " + "a" * 64, "cannot be part", "at most 63"),
    (SECOND, "server: land-01-replica", "that of the read replica of `land-01`", "another name"),
    ("server: land-38\n    type: custom", "server: land-38\n    type: custom\n    environment: test",
     "the environment `test` is not that of the first server", "each environment its contracts"),
    (OF_38, '[{area: "01"}]', "the area `01` has two primary servers at one time, from 2020-01-01", "`role: history`"),
    (OF_38, '[{area: "01", until: 2021-01-01}]', "from 2020-01-01 until 2021-01-01: `land-01` and `land-38`", "until"),
    (OF_38, '[{area: "38"}, {area: "38"}]', "has the area `38` twice at all times", "leave one of them out"),
    (OF_38, '[{area: "38", until: 2021-01-02}, {area: "38", from: 2021-01-01, role: history}]',
     "twice at one time, from 2021-01-01 until 2021-01-02", "`until`"),
    (OF_38, "[{area: 38}]", "the area `38` is no text", 'quote it, as zeros at its front count: `area: "01"`'),
    (OF_38, '[{area: ""}]', "names no area", 'area: "01"'),
    (OF_38, '[{area: "38 "}]', "has blanks around it", 'write "38"'),
    (OF_38, "[{from: 2020-01-01}]", "names no area", 'area: "01"'),
    (OF_38, '["38"]', "an assignment is not a mapping", "{area:"),
    (OF_38, '{area: "38"}', "`assignments` is not a list", "[{area:"),
    (OF_38, '[{area: "38", untill: 2021-01-01}]', "no key `untill`", "did you mean `until`?"),
    (OF_38, '[{area: "38", colour: red}]', "no key `colour`", "area, from, role, until"),
    (OF_38, '[{area: "38", role: histry}]', "the role `histry` is unknown", "did you mean `history`?"),
    (OF_30, OF_30.replace("2020-01-01", "2026-01-01"), "ends (2025-07-01) before it begins (2026-01-01)", "first day"),
    (OF_30, OF_30.replace("2020-01-01", "2025-07-01"), "ends (2025-07-01) before it begins (2025-07-01)", "first day"),
    (OF_38, '[{area: "38", from: 1.7.2025}]', "`from` is no day: `1.7.2025`", "2025-07-01"),
    (OF_38, '[{area: "38", until: "2025-02-30"}]', "`until` is no day: `2025-02-30`", "2025-07-01"),
    (OF_38, '[{area: "38", from: 2025}]', "`from` is no day: `2025`", "2025-07-01"),
    ("ended, value: 2025-07-01", "ended, value: soon", "`ended` is no day: `soon`", "2025-07-01"),
    ("property: ended", "property: end", "`end` is unknown", "did you mean `ended`?"),
    ("property: assignments, value: " + OF_38, "property: asignments, value: []", "`asignments` is unknown", "assignm"),
    ("property: rowsPerSecond, value: 100", "property: variant, value: [x]", "`variant` is no name", ".variant.yaml"),
    ("property: rowsPerSecond, value: 100", "property: variant, value: a/b", "`a/b` cannot be part", "write `a-b`"),
    ("deliveredServers, value: 90", "deliveredServers, value: most", "`deliveredServers` is not a percent", "a num"),
    ("deliveredServers, value: 90", "deliveredServers, value: 101", "is over 100 percent", "such as 95"),
    ("deliveredServers", "deliveredServer", "`deliveredServer` is unknown", "did you mean `deliveredServers`?"),
    ("keyScope, value: server", "keyScope, value: servr", "keyScope `servr` is unknown", "one of: registry, server"),
    ("property: keyScope", "property: keyScop", "`keyScop` is unknown", "did you mean `keyScope`?"),
    ("supersededPercent: 2", "supersededPercent: few", "`supersededPercent` is not a percentage", "number"),
    ("supersededPercent: 2", "superseded: 2", "`superseded`", "did you mean `supersededPercent`?"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "message", "remedy"), MISTAKES, ids=[f"{m[1]}: {m[2]}" for m in MISTAKES])
def test_every_mistake_is_told_with_line_and_remedy(
    tmp_path: Path, right: str, wrong: str, message: str, remedy: str
) -> None:
    assert right in LAND
    text = LAND.replace(right, wrong, 1)
    with pytest.raises(ContractError) as caught:
        load_contract(write(tmp_path, text))
    told = [p for p in caught.value.problems if message in p.message]
    assert told, str(caught.value)
    assert remedy in told[0].remedy
    near = text[: LAND.index(right)].count("\n") + 1
    assert near - 1 <= told[0].line <= near + 2, f"{told[0]}; the mistake is near line {near}"


FITTING = [
    '[{area: "01", role: history}]',
    '[{area: "01", until: 2020-01-01}]',
    '[{area: "38", until: 2021-01-01}, {area: "38", from: 2021-01-01, role: history}]',
    '[{area: "38"}, {area: "380"}]',
    "[]",
]


@pytest.mark.parametrize("assignments", FITTING)
def test_areas_that_follow_one_another_or_are_history_overlap_nothing(tmp_path: Path, assignments: str) -> None:
    assert examine_contract(write(tmp_path, LAND.replace(OF_38, assignments))).problems == ()


def test_the_only_server_needs_no_variant(tmp_path: Path) -> None:
    rest = LAND[LAND.index("  - server: land-38") : LAND.index("  - {server: lake")]
    text = LAND.replace(rest, "").replace("rowsPerSecond, value: 100", "variant, value: vendor")
    told = [problem.message for problem in examine_contract(write(tmp_path, text)).problems]
    assert "the only server of a registry has a variant" in told


def published(path: Path) -> dict[str, dict[str, object]]:
    """The columns of the published contract, which the public tool takes, by name."""
    contract = published_contract(path, "/lake", plain=str)
    lint = DataContract(data_contract_str=yaml.safe_dump(contract, allow_unicode=True)).lint()
    assert lint.has_passed(), [check.reason for check in lint.checks]
    assert [server["server"] for server in contract["servers"]] == ["lake"]
    return {column["name"]: column for column in contract["schema"][0]["properties"]}


def test_published_rows_say_which_server_delivered_them(tmp_path: Path) -> None:
    column = published(write(tmp_path, LAND.replace("keyScope, value: server", "keyScope, value: registry")))["_server"]
    assert (column["logicalType"], column["classification"], column["required"]) == ("string", "internal", True)
    assert (column["businessName"], "primaryKey" in column) == ("Máy chủ nguồn", False)
    assert "server that delivered the row" in str(column["description"])


def test_a_key_of_each_server_is_published_with_its_server(tmp_path: Path) -> None:
    columns = published(write(tmp_path, LAND))
    keyed = {name: column["primaryKeyPosition"] for name, column in columns.items() if column.get("primaryKey")}
    assert keyed == {"code": 1, "_server": 2}


def test_what_one_server_delivers_says_no_server(tmp_path: Path) -> None:
    rest = LAND[LAND.index("  - server: land-38") : LAND.index("  - {server: lake")]
    assert list(published(write(tmp_path, LAND.replace(rest, "")))) == ["code"]


@given(st.text(max_size=70))
def test_a_proposed_name_is_a_right_one(name: str) -> None:
    remedy = why_no_part_name(name)
    if remedy.startswith("write `"):
        assert why_no_part_name(remedy.split("`")[1]) == ""


DAYS = [date(2025, 7, day) for day in range(1, 6)]
SOME_DAYS = st.none() | st.sampled_from(DAYS)
ASSIGNMENTS = st.builds(
    Assignment, st.sampled_from(["01", "38"]), SOME_DAYS, SOME_DAYS, st.sampled_from(["primary", "history"])
).filter(lambda one: not one.valid_from or not one.valid_until or one.valid_from < one.valid_until)
BEYOND = (date(2000, 1, 1), *DAYS, date(2050, 1, 1))


@given(st.lists(st.lists(ASSIGNMENTS, max_size=2), min_size=2, max_size=3))
def test_an_overlap_is_told_where_a_look_at_every_day_finds_one(assigned: list[list[Assignment]]) -> None:
    servers = {
        ("servers", index): Server(f"land-{index}", "custom", assignments=tuple(own))
        for index, own in enumerate(assigned)
    }
    told: list[str] = []
    check_servers(servers, lambda place, message, remedy, *, warning=False: told.append(message))
    expected = False
    for day in BEYOND:
        noon = datetime.combine(day, time(12), UTC)
        for area in ("01", "38"):
            holding = [[one.role for one in own if one.area == area and one.holds(noon)] for own in assigned]
            primary = sum("primary" in roles for roles in holding)
            expected |= primary > 1 or any(len(roles) > 1 for roles in holding)
    assert bool(told) == expected


@pytest.mark.parametrize(("before", "is_read"), [(timedelta(seconds=1), True), (timedelta(), False)])
def test_a_server_ends_at_midnight_in_vietnam(before: timedelta, is_read: bool) -> None:
    midnight = datetime(2025, 6, 30, 17, tzinfo=UTC)
    assert Server("land-30", "custom", ended=date(2025, 7, 1)).is_read(midnight - before) == is_read
    assert Assignment("30", valid_from=date(2025, 7, 1)).holds(midnight - before) != is_read
