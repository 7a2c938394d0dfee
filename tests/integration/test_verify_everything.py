"""Whatever a reader may read of a lake: altered anywhere, `verify` finds it and names it; unaltered, it is whole.

Older tests altered the ledger and the published tables only: checkpoints, change feed, evidence, reports, rejected
rows, code lists, persons and extracts were read by people and looked at by nobody.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from include.audit.ledger import entries
from include.audit.verification.findings import Verification
from include.lake.delta.maintenance import find_tables
from include.lake.delta.table_schema import CHECKPOINT_PROPERTY
from include.lake.people.index import upsert_people
from include.lake.people.tables import INDEX
from include.lake.run_log.linking_log import LinkRunRow, append_link_run
from include.pipelines.audit_log import record_commits, verify_lake, verify_report
from include.pipelines.context import PipelineContext
from include.pipelines.people.linking import link_persons
from include.pipelines.reporting.report import report_step
from include.pipelines.sharing.products import share_step
from include.pipelines.sync.assess_and_publish_steps import Approval
from include.pipelines.sync.registry_sync import prepare_step, sync_registry
from include.pipelines.sync.relationships import relationships_step
from include.pipelines.upkeep.maintenance import maintain_lake
from tests.ascii_tables import SCHEMAS
from tests.integration.alterations import ALTERATIONS, files, forge_checkpoint, live_files, update, without_files
from tests.integration.conftest import SyncedCountry
from tests.integration.everyday.ledger_source import CONTRACT, PaymentSource, context_of
from tests.repeats import held_by

pytestmark = pytest.mark.slow
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
ZONES = ("registry", "rejected", "reference", "people", "shared", "statistics", "audit")


# The tables that `ALTERATIONS` names, of the same rows all, and what of them is shared.
SMALL = {"payments": "payment", "population": "citizen", "land": "parcel", "finance": "payment"}
AGREEMENT = """
version: 1.0.0
title: Chia sẻ với cơ quan thuế
provider: Bộ Tài chính
recipient: {id: tax, name: Cục Thuế}
purpose: Thu thuế
legalBasis: [Luật Quản lý thuế 38/2019/QH14]
from: 2026-01-01
until: 2099-12-31
contact: {provider: a@bca.example, recipient: b@nso.example}
products:
  - name: ownership
    table: land.parcel
    columns: [{name: number, protection: none}, {name: share, protection: none}]
  - name: payers
    table: finance.payment
    groupBy: [{name: full_name, protection: none}]
"""


@pytest.fixture(scope="module")
def context(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PipelineContext:
    """A lake of its own in which everything has happened: syncs, references, linking, sharing, reports, maintenance."""
    folder = tmp_path_factory.mktemp("whole")
    if request.param == "small":
        return live_small(folder)
    country: SyncedCountry = request.getfixturevalue("country")
    context = country.copied_to(folder).context
    own = {"LIENTHONG_VAR": str(folder / "var"), "LIENTHONG_PSEUDONYM_KEY": KEY}
    return live(replace(context, environ={**context.environ, **own}))


def in_both(function: str) -> pytest.MarkDecorator:
    """In a small lake, and in that of a country whose four registries were linked, which takes a minute to make."""
    of_a_country = pytest.param("country", marks=held_by(f"integration/test_verify_everything.py::{function}"))
    return pytest.mark.parametrize("context", ["small", of_a_country], indirect=True)


def live_small(folder: Path) -> PipelineContext:
    """The same kinds of tables and files, of sixty rows; that persons were linked is only written down."""
    payments = PaymentSource(f"sqlite:///{folder}/payments.db", seed=3, rows=60)
    payments.spoil(8)
    context = context_of(folder, payments.uri, LIENTHONG_VAR=str(folder / "var"), LIENTHONG_PSEUDONYM_KEY=KEY)
    (context.schemas / "reference").mkdir()
    shutil.copy2(SCHEMAS / "reference/provinces.csv", context.schemas / "reference")
    (context.schemas / "agreements").mkdir()
    (context.schemas / "agreements/tax.yaml").write_text(AGREEMENT, encoding="utf-8")
    for registry, table in SMALL.items():
        text = CONTRACT.replace("id: payments", f"id: {registry}").replace("name: payment\n", f"name: {table}\n")
        if registry != "payments":
            text = text.replace("name: payer", "name: full_name").replace("name: amount_vnd", "name: share")
            text = f"{text}      - {{property: history, value: P9Y}}\n"
        (context.schemas / "registries" / f"{registry}.odcs.yaml").write_text(text, encoding="utf-8")
    for registry in SMALL:
        sync_registry(registry, run_id="20260101T030000Z-00000000", context=context)
    for day in (2, 3):
        payments.live_day()
        run = {"run_id": f"2026010{day}T030000Z-00000000", "approval": Approval("Lê Thu", "tried")}
        sync_registry("payments", context=context, **run)
    linked = folder / "index.parquet"
    pq.write_table(pa.Table.from_pylist([dict.fromkeys(INDEX.names, name) for name in "ab"], INDEX), linked)
    upsert_people(context.lake, "index", str(linked), run_id="l1")
    append_link_run(context.lake, LinkRunRow(run_id="l1", verdict="held", persons=2, started_at=context.now()))
    record_commits(context, ["people/index", "audit/link_runs"])
    shared = share_step(None, "20260102T020000Z-00000000", context=context)
    assert shared.verdict == "shared", shared
    report_step(context=context)
    maintain_lake(context, at=context.now())
    context.lake.table("audit/ledger").create_checkpoint()
    return with_checkpoints(context)


def live(context: PipelineContext) -> PipelineContext:
    folder = Path(context.lake.scratch)
    payments = PaymentSource(f"sqlite:///{folder}.db", seed=3)
    of_payments = context_of(folder / "payments", payments.uri, LAKE_URI=context.lake.uri)
    for day in range(3):
        run = {"run_id": f"2026010{day + 1}T030000Z-00000000", "context": of_payments}
        sync_registry("payments", approval=Approval("Lê Thu", "tried"), **run)
        payments.live_day()
    prepare_step(context=context)
    relationships_step("insurance", "20260102T000000Z-00000000", context=context)
    sync_registry("insurance", run_id="20260102T000000Z-00000000", is_full=True, context=context)
    link_persons("20260102T010000Z-00000000", context=context)
    share_step(None, "20260102T020000Z-00000000", context=context)
    report_step(context=context)
    maintain_lake(context, at=context.now())
    return with_checkpoints(context)


def with_checkpoints(context: PipelineContext) -> PipelineContext:
    for table in ("registry/population/citizen", "audit/checks", "shared/tax/ownership"):
        opened = context.lake.table(table)
        opened.alter.set_table_properties({"delta.checkpointInterval": "100"})  # a checkpoint comes with its commit
        opened.create_checkpoint()
        record_commits(context, [table])
    return context


def checked(context: PipelineContext) -> Verification:
    return verify_lake(context, with_files=True)


@contextmanager
def kept(path: Path) -> Iterator[Path]:
    """Whatever befalls a file or folder, it is as it was afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        (shutil.copytree if path.is_dir() else shutil.copy2)(path, copy)
        try:
            yield path
        finally:
            if path.is_dir():
                shutil.rmtree(path)
            shutil.move(copy, path)


def flip(path: Path, chance: random.Random) -> None:
    """One byte is another."""
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content))
    content[at] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def tables(lake: Path, zone: str) -> list[str]:
    found = sorted(log.parent.relative_to(lake).as_posix() for log in (lake / zone).glob("**/_delta_log"))
    return [table for table in found if table != "audit/ledger"]


@in_both("test_an_untouched_lake_is_whole")
def test_an_untouched_lake_is_whole(context: PipelineContext) -> None:
    found = checked(context)
    assert found.ok, found.discrepancies[:5]
    assert {table.partition("/")[0] for zone in ZONES for table in tables(Path(context.lake.uri), zone)} == set(ZONES)


@in_both("test_every_table_was_begun_with_frequent_checkpoints")
def test_every_table_was_begun_with_frequent_checkpoints(context: PipelineContext) -> None:
    """Opening a table reads each commit since its last checkpoint: a sync took three times as long by the 80th day."""
    lake = Path(context.lake.uri)
    found = find_tables(context.lake)
    assert {*ZONES, "history"} <= {table.partition("/")[0] for table in found}
    for table in found:
        begun = (lake / table / "_delta_log" / f"{0:020d}.json").read_text(encoding="utf-8").splitlines()
        (described,) = [action["metaData"] for action in map(json.loads, begun) if "metaData" in action]
        assert int(described["configuration"].get(CHECKPOINT_PROPERTY, "100")) <= 25, table


@in_both("test_one_byte_anywhere_is_found")
def test_one_byte_anywhere_is_found(context: PipelineContext) -> None:
    """In every zone, in every kind of file that a reader may open."""
    lake, chance = Path(context.lake.uri), random.Random(7)
    kinds: dict[str, list[Path]] = {
        f"{kind} of {zone}": found
        for zone in ZONES
        for kind, found in {
            "data": [file for table in tables(lake, zone) for file in live_files(lake, table)],
            "commits": [file for table in tables(lake, zone) for file in files(lake / table, "_delta_log/*.json")],
        }.items()
    } | {
        "checkpoints": files(lake, "[!a]*/**/_delta_log/*.checkpoint.parquet"),
        "checkpoints of evidence": files(lake, "audit/checks/_delta_log/*.checkpoint.parquet"),
        "pointers": [p for p in files(lake, "**/_delta_log/_last_checkpoint") if "ledger" not in p.parts],
        "change feed": files(lake, "registry/**/_change_data/**/*.parquet"),
        "extracts": files(lake, "landing/**/extract.parquet"),
        "notes": files(lake, "landing/**/_*.json"),
        "reports": files(lake, "audit/reports/**/*"),
        "pages": files(lake, "audit/data_docs/**/*.html"),
        "results": files(lake, "audit/gx/**/*.json"),
        "contracts": files(lake, "registry/*/contract.odcs.yaml"),
    }  # fmt: skip
    for kind, found in kinds.items():
        assert found, kind
        path = chance.choice(found)
        with kept(path):
            flip(path, chance)
            named = checked(context)
        assert not named.ok, f"{kind}: {path}"
        inside = path.relative_to(lake).as_posix()
        assert any(inside.startswith(f"{d.subject}/") or inside == d.subject for d in named.discrepancies), (
            kind,
            named,
        )
    assert checked(context).ok


@in_both("test_one_byte_of_the_ledger_is_found_or_changes_nothing_that_it_says")
@pytest.mark.parametrize(
    "kind", ["*.parquet", "_delta_log/*.json", "_delta_log/*.parquet", "_delta_log/_last_checkpoint"]
)
def test_one_byte_of_the_ledger_is_found_or_changes_nothing_that_it_says(context: PipelineContext, kind: str) -> None:
    """Its own files have nobody to tell of them; every entry is held by the chain, and every append by the next."""
    lake, before = Path(context.lake.uri), entries.read(context.lake)
    for seed in range(5):
        chance = random.Random(seed)
        path = chance.choice(files(lake / "audit/ledger", kind))
        with kept(path):
            flip(path, chance)
            if verify_lake(context).ok:
                assert entries.read(context.lake) == before


@in_both("test_a_checkpoint_that_hides_entries_of_the_ledger")
def test_a_checkpoint_that_hides_entries_of_the_ledger(context: PipelineContext) -> None:
    lake = Path(context.lake.uri)
    with kept(lake / "audit/ledger"):
        context.lake.table("audit/ledger").create_checkpoint()
        forge_checkpoint("audit/ledger", without_files)(lake)
        found = verify_lake(context)
    assert "were cut off" in found.why


@in_both("test_an_alteration_is_found_and_named")
@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_is_found_and_named(context: PipelineContext, name: str) -> None:
    lake = Path(context.lake.uri)
    folder, alter, named = ALTERATIONS[name]
    with kept(lake / folder):
        alter(lake)
        found = checked(context)
    assert not found.ok
    assert any(named in d.why or named in d.subject for d in found.discrepancies), found.discrepancies


@in_both("test_a_falsified_figure_is_named_by_its_row")
def test_a_falsified_figure_is_named_by_its_row(context: PipelineContext) -> None:
    lake = Path(context.lake.uri)
    broken = [row for row in DeltaTable(lake / "audit/checks").to_pyarrow_table().to_pylist() if row["violations"]]
    wrong, of = broken[0], ("run_id", "rule_id", "table")
    measured = sum(all(row[name] == wrong[name] for name in of) for row in broken)  # a run may measure twice
    with kept(lake / "audit/checks"):
        of_it = f"run_id = '{wrong['run_id']}' AND rule_id = '{wrong['rule_id']}' AND \"table\" = '{wrong['table']}'"
        DeltaTable(lake / "audit/checks").update(updates={"violations": "0"}, predicate=of_it)
        found = verify_lake(context)  # without reading the data files of all tables
    whys = [d.why for d in found.discrepancies if "was altered" in d.why]
    row = f"the row `{wrong['rule_id']}` of {wrong['registry']}.{wrong['table']}, run {wrong['run_id']},"
    assert whys == [f"{row} of audit/checks was altered"] * measured


@in_both("test_a_report_that_somebody_holds")
def test_a_report_that_somebody_holds(context: PipelineContext, tmp_path: Path) -> None:
    latest = Path(context.lake.uri) / "audit/reports/latest"
    for original in sorted(latest.iterdir()):
        copy = tmp_path / original.name
        shutil.copy2(original, copy)
        told = verify_report(context, copy)
        assert told.ok, told
        assert told.sequence
    altered = tmp_path / "tables.csv"
    lines = altered.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[1] = lines[1].replace(lines[1].split(",")[0], "khác", 1)
    altered.write_text("".join(lines), encoding="utf-8")
    told = verify_report(context, altered)
    assert not told.ok
    assert "differs in 1 place" in told.why.english
    assert told.differences[0][0].startswith("khác")
    page = tmp_path / "report.en.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</td>", "9</td>", 1), encoding="utf-8")
    told = verify_report(context, page)
    assert (told.ok, len(told.differences)) == (False, 1)
    stranger = tmp_path / "other.txt"
    stranger.write_text("not ours")
    assert "no entry of the ledger has its digest" in verify_report(context, stranger).why.english


@in_both("test_no_value_of_a_register_is_in_what_verify_says")
def test_no_value_of_a_register_is_in_what_verify_says(context: PipelineContext) -> None:
    lake = Path(context.lake.uri)
    with kept(lake / "people/index"), kept(lake / "rejected/population/citizen"):
        update("people/index", "true", person_id="'X'")(lake)
        DeltaTable(lake / "rejected/population/citizen").delete("_row % 2 = 0")
        told = json.dumps(checked(context).to_dict(), default=str, ensure_ascii=False)
    names = DeltaTable(lake / "registry/population/citizen").to_pyarrow_table(columns=["full_name"])["full_name"]
    assert not [name for name in names.to_pylist()[:500] if name and name in told]
