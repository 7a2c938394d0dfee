"""A recipient is told what it will read otherwise, before it takes force, and by nobody else's agreement."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from include.audit import ledger
from include.contracts.yaml_files import ContractError
from include.pipelines import Misuse
from include.pipelines.sharing import write_release_notes
from include.pipelines.sharing.release_notes import page
from include.sharing.agreements import load_agreements
from include.sharing.products import MasterKey, ProductChanges, agreed_terms, coming_changes, share_agreement

from .conftest import Site

FROM = date(2026, 4, 1)
KEY = MasterKey(bytes(range(32)))


def change(site: Site, file: str, *replacements: tuple[str, str]) -> None:
    path = next(site.context.schemas.rglob(file))
    text = path.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    for read in ("readable", "contracts"):
        site.context.__dict__.pop(read, None)


def carried_out(site: Site) -> None:
    """Everything shared as contracts and agreements stand."""
    contracts, _ = site.context.readable
    for agreement in load_agreements(site.context.schemas).values():
        share_agreement(agreement, contracts, lake=site.context.lake, at=site.context.now(), run_id="r9", key=KEY)


def test_nothing_changes_and_nobody_is_written_to(site: Site) -> None:
    carried_out(site)
    assert write_release_notes(site.context, FROM) == ()


def test_each_recipient_is_told_of_its_own_changes(site: Site, tmp_path: Path) -> None:
    carried_out(site)
    change(site, "population.odcs.yaml", ("version: 1.0.0", "version: 1.1.0"), ("Ngày sinh", "Ngày, tháng, năm sinh"))
    notes = write_release_notes(site.context, FROM, out=tmp_path / "notes")
    assert {note.recipient for note in notes} >= {"nso", "moh"}
    note = next(note for note in notes if note.recipient == "nso")
    text = (tmp_path / "notes" / "nso" / Path(note.path).name).read_text(encoding="utf-8")
    assert text == site.context.lake.read_text(site.context.lake.path(note.path))
    assert "từ ngày 01/04/2026" in text
    assert "Hợp đồng dữ liệu: phiên bản 1.0.0 → 1.1.0." in text
    assert "`birth_date`: đổi tên tiếng Việt (“Ngày sinh” → “Ngày, tháng, năm sinh”); sửa tiêu đề báo cáo." in text
    assert "`birth_date`: its Vietnamese name changes (“Ngày sinh” → “Ngày, tháng, năm sinh”); adapt headings." in text
    assert "made anew" not in text
    entries = ledger.read(site.context.lake).to_pylist()
    payload = next(entry["payload"] for entry in entries if entry["subject"] == "audit/release_notes")
    assert note.path in str(payload)


def test_other_terms_make_the_table_anew(site: Site) -> None:
    carried_out(site)
    name = next(path.stem for path in (site.context.schemas / "agreements").glob("*.yaml") if "nso" in path.read_text())
    change(
        site, f"{name}.yaml",
        ("birth_date, protection: year", "birth_date, protection: decade"),
        ("rows: status_code = '1'", "rows: status_code <> '2'"),
        ("      - {name: status_code, protection: none}\n", ""),
    )  # fmt: skip
    agreement = load_agreements(site.context.schemas)[name]
    contracts, _ = site.context.readable
    (found,) = coming_changes(agreement, contracts, site.context.lake, at=site.context.now())
    assert (found.standing, found.is_anew) == ("changed", True)
    aspects = {(one.column, one.aspect, one.before, one.after) for one in found.changes}
    assert aspects == {
        ("birth_date", "type", "INTEGER", "VARCHAR"),
        ("birth_date", "protection", "year", "decade"),
        ("status_code", "removed", "", ""),
        ("", "rows", "status_code = '1'", "status_code <> '2'"),
    }
    carried_out(site)
    assert coming_changes(agreement, contracts, site.context.lake, at=site.context.now()) == ()


def test_a_product_that_comes_or_goes_is_told(site: Site) -> None:
    carried_out(site)
    name = next(path.stem for path in (site.context.schemas / "agreements").glob("*.yaml") if "nso" in path.read_text())
    change(site, f"{name}.yaml", ("- name: citizen", "- name: people"))
    agreement = load_agreements(site.context.schemas)[name]
    contracts, _ = site.context.readable
    found = coming_changes(agreement, contracts, site.context.lake, at=site.context.now())
    assert {(one.product, one.standing) for one in found} == {("people", "new"), ("citizen", "ended")}


def test_a_product_that_goes_over_to_another_agreement_is_told_by_that_one(site: Site) -> None:
    """No note says that its table will be empty. Older tests had one agreement of a recipient."""
    carried_out(site)
    name = nso_agreement(site)
    file = site.context.schemas / "agreements" / f"{name}.yaml"
    file.with_name("joined.yaml").write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    change(site, f"{name}.yaml", ("- name: citizen", "- name: people"))
    notes = {note.agreement: note for note in write_release_notes(site.context, FROM)}
    assert {of: note.products for of, note in notes.items()} == {name: ("people",), "joined": ("citizen",)}
    text = site.context.lake.read_text(site.context.lake.path(notes["joined"].path))
    assert "Bảng được tạo lại: mã định danh mới" in text


def test_agreements_that_do_not_fit_each_other_are_refused(site: Site) -> None:
    """Sharing does nothing by them, so no note is written. Older tests had one agreement of a recipient."""
    carried_out(site)
    file = site.context.schemas / "agreements" / f"{nso_agreement(site)}.yaml"
    file.with_name("joined.yaml").write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ContractError):
        write_release_notes(site.context, FROM)


def test_a_product_that_waits_for_its_source_is_no_news(site: Site) -> None:
    """Agreed and in force, carried out as far as it could be: its table comes when the registry does."""
    carried_out(site)
    name = nso_agreement(site)
    agreement = load_agreements(site.context.schemas)[name]
    site.context.lake.delete_tree(site.context.lake.path("shared/nso/citizen"))
    assert [note.agreement for note in write_release_notes(site.context, FROM)] == [name]
    payload = {**agreed_terms(agreement), "standing": "in_force", "reason": ""}
    record = ledger.Record("agreement", f"agreements/{name}", payload)
    ledger.append(site.context.lake, [record], at=site.context.now(), actor="test")
    assert write_release_notes(site.context, FROM) == ()


def test_a_note_is_taken_back_when_the_day_or_the_change_is_no_more(site: Site) -> None:
    carried_out(site)
    lake = site.context.lake
    change(site, "population.odcs.yaml", ("Ngày sinh", "Sinh ngày"))
    former = write_release_notes(site.context, FROM)
    later = write_release_notes(site.context, date(2026, 5, 1))
    assert len(former) == len(later) > 0
    assert not [note for note in former if lake.exists(lake.path(note.path))]
    assert all(lake.exists(lake.path(note.path)) for note in later)
    change(site, "population.odcs.yaml", ("Sinh ngày", "Ngày sinh"))
    assert write_release_notes(site.context, FROM) == ()
    assert not [note for note in later if lake.exists(lake.path(note.path))]
    assert "Thông báo thay đổi" not in site.browser("nso").get("/products?lang=vi").text
    entries = ledger.read(lake).to_pylist()
    taken = [str(entry["payload"]) for entry in entries if entry["kind"] == "maintenance"]
    assert all(any(note.path in text for text in taken) for note in [*former, *later])


def test_protections_are_told_in_words_and_no_mark_of_markdown_in_the_portal(site: Site) -> None:
    carried_out(site)
    change(
        site, f"{nso_agreement(site)}.yaml", ("birth_date, protection: year", "birth_date, protection: decade"),
    )  # fmt: skip
    (note,) = write_release_notes(site.context, FROM)
    text = site.context.lake.read_text(site.context.lake.path(note.path))
    assert "đổi cách bảo vệ (“chỉ năm” → “chỉ thập niên”)" in text
    assert "its protection changes (“year only” → “decade only”)" in text
    shown = site.browser("nso").get("/products?lang=vi").text
    assert "birth_date: đổi cách bảo vệ" in shown
    assert "`" not in shown.partition("Thông báo thay đổi")[2].partition("</section>")[0]


def nso_agreement(site: Site) -> str:
    folder = site.context.schemas / "agreements"
    return next(path.stem for path in folder.glob("*.yaml") if "nso" in path.read_text(encoding="utf-8"))


def test_a_past_day_or_a_contract_that_does_not_fit_is_refused(site: Site) -> None:
    carried_out(site)
    with pytest.raises(Misuse, match="is past: a release note is written before"):
        write_release_notes(site.context, date(2026, 3, 1))
    change(site, "population.odcs.yaml", ("- name: birth_date", "- name: born_on"))
    with pytest.raises(ContractError, match="has no column `birth_date`"):
        write_release_notes(site.context, FROM)


def test_the_recipient_finds_its_notes_in_the_portal(site: Site) -> None:
    carried_out(site)
    change(site, "population.odcs.yaml", ("Ngày sinh", "Sinh ngày <b>"))
    write_release_notes(site.context, FROM)
    shown = site.browser("nso").get("/products?lang=vi").text
    assert "Thông báo thay đổi dữ liệu được chia sẻ từ ngày 01/04/2026" in shown
    assert "Sinh ngày &lt;b&gt;" in shown
    assert "Changes of what is shared with you, from 2026-04-01 on" in site.browser("nso").get("/products?lang=en").text


def test_a_product_whose_source_is_not_published_is_no_table_to_read_yet(site: Site) -> None:
    """It was announced as a new table, and its reader found nothing in it."""
    carried_out(site)
    (agreement, *_), lake = load_agreements(site.context.schemas).values(), site.context.lake
    for standing, waits in (("new", True), ("changed", True), ("new", False), ("changed", False)):
        text = page(agreement, [ProductChanges("births", "", standing, is_waiting=waits)], FROM)  # type: ignore[arg-type]
        assert ("until it is, the table is empty" in text) == waits
        assert ("bảng trống" in text) == waits
    lake.delete_tree(lake.path("registry"))
    changes = coming_changes(agreement, site.context.contracts, lake, at=site.context.now())
    assert changes
    assert all(change.is_waiting and not change.is_anew for change in changes)
