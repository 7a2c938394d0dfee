"""A registry that lives on several servers: one published table, and nobody touches another's rows."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from include.lake.delta import last_commit, versions
from include.pipelines.audit_log import verify_lake
from include.pipelines.errors import Misuse
from include.pipelines.sync import Approval
from include.pipelines.upkeep import restore_step
from tests.integration.servers.provinces import WIDE, Provinces, sync, verdicts
from tests.integration.servers.sync_worker import begin
from tests.repeats import repeats, some_of

SERVERS, DAYS = repeats(3, 5), repeats(3, 10)
BACKED_UP, MERGED, RESTORED = repeats(0, 1), repeats(1, 3), repeats(2, 4)  # on these days
VARIANT = """
apiVersion: lienthong/v1
kind: SourceVariant
schema:
  - name: parcel
    physicalName: THUA_DAT
    properties:
      - {name: parcel_id, physicalName: ma}
      - {name: owner, physicalName: chu_su_dung}
      - {name: area, physicalName: dien_tich, transformLogic: vn_number(dien_tich)}
      - name: updated_at
        physicalName: ngay_cap_nhat
        transformLogic: strptime(ngay_cap_nhat, '%d/%m/%Y %H:%M:%S')
"""


def test_every_day_the_table_is_the_union_of_what_the_servers_delivered(tmp_path):
    """Servers are down on random days, one is restored from an old backup, two are merged."""
    land, luck = Provinces.at(tmp_path, SERVERS, tolerance=WIDE), random.Random(20260701)
    backup = tmp_path / "backup.db"
    known: dict[str, set[tuple[str, str, str]]] = {}
    for day in range(DAYS):
        land.down = set(luck.sample(land.names, k=SERVERS // 2)) if day else set()
        before = land.files() if day else {}
        run = sync(land, f"day-{day}")
        assert {name for name, verdict in verdicts(run).items() if verdict == "failed"} == land.down
        known |= {name: land.content([name]) for name in land.names if name not in land.down}
        assert land.published() == set().union(*known.values()), f"day {day}"
        after = land.files()
        assert all(after.get(name) == before[name] for name in land.down)
        assert run.delivered.delivered == SERVERS - len(land.down)
        assert run.verdict in ("published", "unchanged")
        if day == BACKED_UP:
            shutil.copy(land.path("land-02"), backup)
        if day == RESTORED:
            shutil.copy(backup, land.path("land-02"))
        if day == MERGED:  # a province is merged into another
            last = land.names[-1]
            moved = land.keys(last)[1:]
            land.remove(last, moved)
            land.down = set()
            sync(land, "handed-over", servers=[last])
            known[last] = land.content([last])
            land.put("land-01", moved)
        for name in land.names:
            land.live_day(name, luck)
    land.down = set()
    for again in range(2):  # what was refused while another server had it is taken at last
        sync(land, f"end-{again}")
    assert land.published() == land.content()
    assert replayed(land) == land.content()
    assert verify_lake(land.context, with_files=True).ok


def replayed(land: Provinces) -> set[tuple[str, str, str]]:
    """What a reader has who only ever took the changes."""
    feed = pa.table(DeltaTable(str(land.folder / "lake/registry/land/parcel")).load_cdf(starting_version=0).read_all())
    rows: dict[tuple[str, str], str] = {}
    order = {"delete": 0, "insert": 1, "update_preimage": -1, "update_postimage": 1}
    for row in sorted(feed.to_pylist(), key=lambda row: (row["_commit_version"], order[row["_change_type"]])):
        if row["_change_type"] == "delete":
            rows.pop((row["_server"], row["parcel_id"]))
        elif row["_change_type"] != "update_preimage":
            rows[row["_server"], row["parcel_id"]] = f"{row['area']:.2f}"
    return {(server, key, area) for (server, key), area in rows.items()}


def test_a_run_of_one_server_changes_no_file_of_another(tmp_path):
    land = Provinces.at(tmp_path, 3)
    sync(land, "first")
    before = land.files()
    land.put("land-02", ["land-02/1", "land-02/new"], area="77.00")
    assert verdicts(sync(land, "second", servers=["land-02"])) == {"land-02": "published"}
    after = land.files()
    assert (after["land-01"], after["land-03"]) == (before["land-01"], before["land-03"])
    assert land.published() == land.content()
    assert set(verdicts(sync(land, "third")).values()) == {"unchanged"}


def test_a_version_is_brought_back_for_one_server_alone(tmp_path):
    land = Provinces.at(tmp_path, 2)
    sync(land, "first")
    context = land.context
    wrong = land.content(["land-02"])
    state = last_commit(context.lake, context.table("land", "parcel@land-02")[1])
    land.put("land-02", land.keys("land-02"), area="1.00")
    land.put("land-01", land.keys("land-01"), area="3.00")
    sync(land, "second")
    approval = Approval("Lan", "wrong file")
    restore_step("land", "parcel@land-02", "back", version=state.version, approval=approval, context=context)
    assert land.published() == land.content(["land-01"]) | wrong
    sync(land, "third")
    assert land.published() == land.content()
    newest = versions(context.lake, context.table("land", "parcel@land-02")[1])[0]
    assert newest.metadata["run_id"] == "third"
    with pytest.raises(Misuse, match="parcel@land-01"):
        restore_step("land", "parcel", "all", version=0, approval=approval, context=context)
    assert verify_lake(context).ok


def test_what_is_wrong_at_one_server_keeps_no_other_from_publishing(tmp_path):
    land = Provinces.at(tmp_path, 5)
    sync(land, "first")
    rest = ["land-01", "land-05"]
    with land.database("land-02") as database:
        database.execute("ALTER TABLE parcel RENAME COLUMN area TO dien_tich")
    land.remove("land-03", land.keys("land-03"))
    land.down = {"land-04"}
    frozen = land.published()
    for name in rest:
        land.put(name, [f"{name}/new"])
    run = sync(land, "second")
    assert verdicts(run) == {
        "land-01": "published", "land-02": "failed", "land-03": "held", "land-04": "failed", "land-05": "published"
    }  # fmt: skip
    assert run.verdict == "failed"
    assert (run.delivered.delivered, [m.server for m in run.delivered.missing]) == (
        2,
        ["land-02", "land-03", "land-04"],
    )
    assert land.published() == {row for row in frozen if row[0] not in rest} | land.content(rest)


def test_rows_of_a_server_that_left_the_contract_stay(tmp_path):
    land = Provinces.at(tmp_path, 3)
    sync(land, "first")
    before = land.published()
    land.write_contract(land.names[:2])
    land.put("land-01", ["land-01/new"])
    sync(land, "second")
    assert land.published() - before == {("land-01", "land-01/new", "10.50")}
    assert before <= land.published()


def test_an_unknown_server_is_refused_with_the_nearest_name(tmp_path):
    land = Provinces.at(tmp_path, 2)
    with pytest.raises(Misuse, match="did you mean `land-02`"):
        sync(land, "first", servers=["land-2"])


def test_a_table_of_one_server_does_not_become_one_of_several_in_silence(tmp_path):
    land = Provinces.at(tmp_path, 2)
    land.write_contract(land.names[:1])
    sync(land, "first")
    land.write_contract()
    run = sync(land, "second")
    assert {result.error_type for result in run.tables} == {"LakeSchemaConflict"}
    assert "retire it" in run.tables[0].error


def test_a_server_of_another_vendor_is_brought_in_by_one_file(tmp_path):
    """Other names, dates as text, an area with a comma, another table; the rows are the same for readers."""
    land = Provinces.at(tmp_path, 3)
    with land.database("land-03") as database:
        database.execute('CREATE TABLE "THUA_DAT" (ma TEXT, chu_su_dung TEXT, dien_tich TEXT, ngay_cap_nhat TEXT)')
        rows = [("TD-1", "Chủ", "1.234,5", "05/01/2026 08:00:00"), ("TD-2", None, "7,25", "06/01/2026 09:30:00")]
        database.executemany('INSERT INTO "THUA_DAT" VALUES (?, ?, ?, ?)', rows)
        database.execute("DROP TABLE parcel")
    (tmp_path / "schemas/registries/land.vendor-b.variant.yaml").write_text(VARIANT)
    land.write_contract(**{"land-03": {"customProperties": [{"property": "variant", "value": "vendor-b"}]}})
    run = sync(land, "first")
    assert verdicts(run) == dict.fromkeys(land.names, "published")
    assert land.published() - land.content(["land-01", "land-02"]) == {
        ("land-03", "TD-1", "1234.50"),
        ("land-03", "TD-2", "7.25"),
    }
    with land.database("land-03") as database:
        database.execute(
            "UPDATE \"THUA_DAT\" SET dien_tich = '8', ngay_cap_nhat = '07/01/2026 10:00:00' WHERE ma = 'TD-2'"
        )
    assert verdicts(sync(land, "second"))["land-03"] == "published"
    assert ("land-03", "TD-2", "8.00") in land.published()


def test_many_servers_publish_at_once_and_no_commit_is_lost(tmp_path):
    """Each by a process of its own, as workers of Airflow do."""
    land = Provinces.at(tmp_path, repeats(4, 12))
    sync(land, "first", servers=["land-01"])
    running = [begin(land, name, f"at-once-{name}") for name in land.names]
    assert {process.communicate() for process in running} <= {"published", "unchanged"}
    assert land.published() == land.content()
    assert set(land.files()) == set(land.names)


@pytest.mark.parametrize("killed_after", some_of([0.9, 0.3, 1.6, 1.2], 1))
def test_a_server_killed_at_any_instant_is_published_whole_by_the_same_run_again(tmp_path, killed_after):
    land = Provinces.at(tmp_path, 3, rows=40)
    sync(land, "first")
    land.put("land-02", [f"land-02/{n}" for n in range(20, 60)], area="5.00")
    before = land.published()
    process = begin(land, "land-02", "killed")
    process.has_ended(killed_after)
    process.kill()
    process.communicate()
    assert land.published() in (before, land.content())
    sync(land, "killed", servers=["land-02"])
    assert land.published() == land.content()
    assert verify_lake(land.context).ok


def test_the_clock_of_these_tests_is_in_the_past():
    assert datetime(2026, 6, 30, tzinfo=UTC) < datetime.now(UTC)
