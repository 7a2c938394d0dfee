"""The letter has the person's data and no other's, says what cannot be told, and is written for its reader alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from include.audit.official_letter import A4Pages, Letter, letter_html, letter_pdf
from include.cli import app
from include.cli.application import _run
from include.pipelines import Misuse
from include.pipelines.subject import (
    Given,
    GivenColumn,
    HeldRecord,
    HeldRows,
    Opened,
    Purpose,
    ReadOfRows,
    Span,
    SpanUnknown,
    Subject,
    subject_letter,
)
from tests.unit.subject.country import Country, new_country

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
LATER = datetime(2026, 3, 5, 8, 30, tzinfo=UTC)
ID = "a" * 32
SUBJECT = Subject(
    person_id=ID,
    way=("b" * 32, ID),
    standing="living",
    asked_at=LATER,
    asked_by="dpo",
    purpose="đơn <script>alert(1)</script>",
    entry=1234,
    records=(HeldRecord('population.citizen:["001199000001"]', "population", "citizen", AT),),
    held=(
        HeldRows("population", "citizen", "Công dân", "own", 1, 2),
        HeldRows("insurance", "contribution", "Quá trình đóng", "about", 12, 0),
    ),
    given=(
        Given(
            recipient="nso",
            agreement="census",
            purposes=(Purpose(0, 7, AT, None, "Cục Thống kê", "Thống kê."),),
            product="citizen",
            source="population.citizen",
            source_title="Công dân",
            columns=(
                GivenColumn("personal_id", "Số định danh", "pseudonym", 0),
                GivenColumn("old_id", "Số cũ", "keep_last", 4),
            ),
            table_id="t",
            spans=(Span(3, 5, AT, LATER, 1, 0), Span(7, 7, LATER, None, 0, 2)),
            unknown=(SpanUnknown(0, 2, AT, AT, "source not kept"),),
            reads=(ReadOfRows("r1", AT, "query", 3), ReadOfRows("r2", LATER, "store", 5)),
        ),
    ),
    opened=(
        Opened(7, AT, "c06", "people/records", "kiểm tra", "certain"),
        Opened(9, AT, "c06", "registry/population/citizen", "kiểm tra", "possible"),
        Opened(11, AT, "c06", "requests/nso-population-citizen-1", "kiểm tra", "certain"),
        Opened(12, AT, "c06", "people/records", "tra cứu 0010 9900 0777", "certain"),
    ),
    statistics=("nso/population_counts",),
    lists_opened=3,
    kept_since=AT,
    linked_at=AT,
)
NOTHING = replace(
    SUBJECT, way=(ID,), standing="retired", records=(), held=(), given=(), opened=(), statistics=(), lists_opened=0,
    kept_since=None,
)  # fmt: skip


def texts(letter: Letter) -> str:
    parts = [*letter.opening]
    for section in letter.sections:
        parts += [section.title, *section.paragraphs]
        for row in section.table.rows if section.table else ():
            parts += row
    return "\n".join(parts)


@pytest.mark.parametrize(
    "text",
    [
        "91/2025/QH15", "356/2025/NĐ-CP", "mục 1.234 của nhật ký", f"Mã được hỏi là {'b' * 32}", "Cục Thống kê (nso)",
        "Thống kê.\nThỏa thuận: census", "Số định danh (mã thay thế); Số cũ (chỉ 4 ký tự cuối)",
        "Phiên bản 3 đến 5: từ 15:30 ngày 01/03/2026 đến 15:30 ngày 05/03/2026.",
        "Phiên bản 7: từ 15:30 ngày 05/03/2026 đến nay; chỉ nêu mã trong bản ghi của người khác.",
        "Phiên bản 0 đến 2", "không còn xác định được", "2 lượt (đọc bảng, đọc tệp ở kho)",
        "12 dòng về Ông/Bà", "2 dòng là bản ghi của người khác", "có thể: nhật ký không nêu", "nso/population_counts",
        "3 lượt xem danh sách", "tối đa 30 ngày sau khi có phiên bản mới",
        "bản ghi, khi đối khớp danh tính", "bảng population.citizen (có thể",
        "bản ghi bị phản ánh sai (nso-population-citizen-1)",
        "001199000001", "không nêu ở đây vì có số định danh",
    ],
)  # fmt: skip
def test_the_letter_says(text: str) -> None:
    assert text in texts(subject_letter(SUBJECT))


NAMED = replace(
    SUBJECT,
    names={
        "population": "Dân cư", "insurance": "Bảo hiểm", "population.citizen": "Công dân",
        "recipients/nso": "Cục Thống kê",
        "agreements/census": "Chia sẻ dữ liệu để điều tra dân số", "nso/citizen": "Công dân để điều tra",
        "nso/population_counts": "Số dân theo xã",
    },
)  # fmt: skip


def test_registries_agreements_and_products_have_their_vietnamese_names() -> None:
    said = texts(subject_letter(NAMED))
    for text in (
        "Dân cư\n", "Quá trình đóng (Bảo hiểm): 12", "Thỏa thuận: Chia sẻ dữ liệu để điều tra dân số.",
        "bảng chia sẻ Công dân để điều tra", "Số dân theo xã (cung cấp cho Cục Thống kê)", "bảng Công dân (có thể",
    ):  # fmt: skip
        assert text in said, text
    assert not [id_ for id_ in ("census", "nso/", "population.", "insurance") if id_ in said]


def test_a_table_of_records_is_not_counted_again_below() -> None:
    said = texts(subject_letter(NAMED))
    assert "Công dân (Dân cư): 1 dòng" not in said
    two = replace(NAMED, held=(replace(NAMED.held[0], rows=2),))
    assert "Công dân (Dân cư): 2 dòng về Ông/Bà" in texts(subject_letter(two))


def test_no_number_of_another_person_stands_in_a_purpose() -> None:
    assert "0777" not in texts(subject_letter(SUBJECT))


def test_where_nothing_is_held_the_letter_says_so() -> None:
    said = texts(subject_letter(NOTHING))
    assert said.count("Không có.") == 3
    assert "không cơ sở dữ liệu nào còn bản ghi" in said
    assert "chưa chia sẻ dữ liệu cho bên nào" in said


@pytest.mark.parametrize("subject", [SUBJECT, NOTHING])
def test_it_is_a_page_without_script_and_a_document_that_is_the_same_each_time(subject: Subject) -> None:
    letter = subject_letter(subject)
    page = letter_html(letter)
    assert "<script" not in page
    assert "http" not in page.replace("https://www.w3.org", "")
    for text in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Kính gửi", "DỰ THẢO, CHƯA KÝ", "Nơi nhận"):
        assert text in page
    assert letter_pdf(letter) == letter_pdf(letter)
    assert letter_pdf(letter).startswith(b"%PDF")


def test_it_has_the_form_of_decree_30() -> None:
    """Lines below the issuer and the motto; upright subject and addressee; who gets it beside room for a name."""
    page = letter_html(subject_letter(SUBJECT))
    for part in (
        '<p class="b ruled">TÊN CƠ QUAN TRẢ LỜI</p>', '<p class="b ruled motto">Độc lập - Tự do - Hạnh phúc</p>',
        "<p>V/v trả lời", "<h1>Kính gửi: Ông/Bà", "<br>- Như trên;", "<br>- Lưu: VT.",
        '<p class="b name">Họ và tên</p>',
    ):  # fmt: skip
        assert part in page, part
    assert "h1{font-size:1em;font-weight:400" in page


def test_pages_are_numbered_above_from_the_second_on(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, float, str]] = []
    cell = A4Pages.cell

    def kept(pdf: A4Pages, *args: Any, **keywords: Any) -> Any:
        written.append((pdf.page_no(), pdf.get_y(), str(args[2]) if len(args) > 2 else ""))
        return cell(pdf, *args, **keywords)

    monkeypatch.setattr(A4Pages, "cell", kept)
    letter_pdf(subject_letter(SUBJECT))
    assert [number for number in written if number[1] < 15] == [(2, 10.0, "2")]


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    country = new_country(tmp_path_factory.mktemp("country"), humans=12)
    country.publish()
    return country


@pytest.fixture
def environ(country: Country) -> dict[str, str]:
    """Without the key of the pseudonyms."""
    lake = country.lake
    return {"LAKE_URI": lake.uri, "SCHEMAS_DIR": str(country.folder), "LIENTHONG_TMP": str(lake.scratch)}


@pytest.mark.parametrize("suffix", ["pdf", "html"])
def test_the_command_writes_a_letter_that_its_owner_alone_reads(
    country: Country, environ: dict[str, str], tmp_path: Path, suffix: str
) -> None:
    human, others = country.humans[0], country.humans[1:]
    letter = tmp_path / f"letter.{suffix}"
    asked = ["subject", human.person_id, "--purpose", "đơn số 12", "--json", "--letter", str(letter)]
    done = CliRunner().invoke(app, asked, env=environ)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["person_id"] == human.person_id
    assert {one["product"] for one in answer["given"]} >= {"household"}
    given = answer["given"][0]
    assert {f"agreements/{given['agreement']}", f"{given['recipient']}/{given['product']}"} <= set(answer["names"])
    assert answer["names"]["population"]
    assert letter.stat().st_mode & 0o777 == 0o600
    said = done.stdout + (letter.read_text(encoding="utf-8") if suffix == "html" else "")
    assert human.ids[0] in said
    assert not [other for other in others if any(one in said for one in [*other.ids, *other.numbers])]


def test_the_screen_says_the_same(country: Country, environ: dict[str, str]) -> None:
    asked = ["subject", f'population.citizen:["{country.humans[0].ids[0]}"]', "--purpose", "đơn"]
    shown = CliRunner().invoke(app, asked, env=environ | {"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    assert country.humans[0].ids[0] in shown.stdout
    assert "household" in shown.stdout


@pytest.mark.parametrize("name", ["there.pdf", "letter.docx", "letter"])
def test_a_letter_that_cannot_be_written_is_refused_before_anything_is_told(
    country: Country, environ: dict[str, str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "there.pdf").touch()
    version = country.lake.table("audit/ledger").version()
    asked = ["subject", country.humans[0].person_id, "--purpose", "đơn", "--letter", str(tmp_path / name)]
    assert CliRunner().invoke(app, asked, env=environ).exit_code == 2
    assert country.lake.table("audit/ledger").version() == version


@pytest.mark.parametrize("purpose", ["", "công dân 001199000005"])
def test_a_purpose_is_needed_that_names_no_number(country: Country, environ: dict[str, str], purpose: str) -> None:
    done = CliRunner().invoke(app, ["subject", country.humans[0].person_id, "--purpose", purpose], env=environ)
    assert isinstance(done.exception, Misuse)


def test_an_id_that_nobody_has_is_refused_in_words_without_the_name_of_a_class(
    country: Country, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["lienthong", "subject", "0" * 32, "--purpose", "đơn"])
    monkeypatch.setattr("include.embedded.site.complete", lambda _: None)
    assert _run() == 2
    said = capfd.readouterr().err
    assert said.startswith("no person has that id")
