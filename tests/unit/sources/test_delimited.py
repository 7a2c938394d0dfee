"""CSV drops: rows in, rows out; and every line that is not a row."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from include.sources.access import DropBroken, SourceMissing
from include.sources.csv.survey import survey_csv
from tests.extracts import contract_of, rows_of, take, types_of
from tests.repeats import held_by
from tests.unit.sources.conftest import Drop


def test_values_come_as_text_as_they_are(drop: Drop) -> None:
    drop.put("a.csv", 'MST,TEN,TIEN\n001, Nguyễn  Văn ,"1.234,5"\n002,"Trần ""A""",\n003,"hai\ndòng",""\n')
    extracted = drop.take("a.csv", "MST", "TEN", "TIEN")
    assert rows_of(extracted) == [
        ("001", " Nguyễn  Văn ", "1.234,5"),
        ("002", 'Trần "A"', None),
        ("003", "hai\ndòng", None),
    ]
    assert set(types_of(extracted).values()) == {"VARCHAR"}
    assert (extracted.rows, extracted.source, extracted.registry) == (3, "csv", "registry")


def test_nul_and_control_characters_stay(drop: Drop) -> None:
    drop.put("a.csv", b"A,B\n1,x\x00y\n2,\x07\n")
    assert rows_of(drop.take("a.csv", "A", "B")) == [("1", "x\x00y"), ("2", "\x07")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_line_ends_and_delimiters_are_found(drop: Drop, end: str, delimiter: str) -> None:
    drop.put("a.csv", end.join([delimiter.join("AB"), delimiter.join("12"), ""]))
    assert rows_of(drop.take("a.csv", "A", "B")) == [("1", "2")]


@pytest.mark.parametrize(
    ("encoding", "stated"),
    [("utf-8-sig", ""), ("utf-8-sig", "UTF-8"), ("utf-16", ""), ("utf-16-le", "utf-16-le"), ("cp1252", "windows-1252")],
)
def test_encodings(drop: Drop, encoding: str, stated: str) -> None:
    drop.put("a.csv", "MST,TEN\n1,Bình Êlê\n".replace("ì", "i").encode(encoding))
    assert rows_of(drop.take("a.csv", "MST", "TEN", encoding=stated)) == [("1", "Binh Êlê")]


def test_windows_1258_arrives_decomposed(drop: Drop) -> None:
    drop.put("a.csv", b"MST;TEN\r\n1;Nguy\xea\xden\r\n")
    drop.manifest("a.csv", encoding="cp1258", rows=1)
    ((_, name),) = rows_of(drop.take("a.csv", "MST", "TEN"))
    assert name != "Nguyễn"
    assert unicodedata.normalize("NFC", name) == "Nguyễn"


def test_bytes_without_meaning_in_the_stated_encoding(drop: Drop) -> None:
    drop.put("a.csv", b"MST,TEN\n1,a\xd2\n2,\xff\n3,\x8a\n")
    with pytest.raises(DropBroken, match=r"a\.csv is not CP1258: byte 20 "):
        drop.take("a.csv", "MST", encoding="cp1258")


def test_bytes_that_are_not_utf_8(drop: Drop) -> None:
    drop.put("a.csv", "MST,TEN\n1,x\n2,Bình\n".encode("cp1252"))
    with pytest.raises(DropBroken, match=r"a\.csv, line 3: bytes that are not UTF-8") as caught:
        drop.take("a.csv", "MST", "TEN")
    assert "nh" not in str(caught.value).replace("Nothing", "").replace("then", "").split(":")[1]


def test_a_mark_that_contradicts_the_stated_encoding(drop: Drop) -> None:
    drop.put("a.csv", "MST\n1\n".encode("utf-8-sig"))
    with pytest.raises(DropBroken, match="begins with the mark of UTF-8"):
        drop.take("a.csv", "MST", encoding="cp1258")


def test_an_unknown_encoding(drop: Drop) -> None:
    drop.put("a.csv", "MST\n1\n")
    with pytest.raises(DropBroken, match="'tcvn3' is not known"):
        drop.take("a.csv", "MST", encoding="tcvn3")


def test_every_faulty_line_is_told_and_no_value(drop: Drop) -> None:
    drop.put("a.csv", 'A,B,C\n1,2,3\nbimat,2\n1,2,3,bimat\n"x"bimat,2,3\n"ok\nmore",2,3\n"bimat,2,3\n4,5,6\n')
    with pytest.raises(DropBroken) as caught:
        drop.take("a.csv", "A")
    told = str(caught.value)
    assert "a.csv, line 3: fewer values than columns" in told
    assert "a.csv, line 4: more values than columns" in told
    assert "a.csv, lines 5, 8: a broken quote" in told
    assert "bimat" not in told
    assert caught.value.__cause__ is None


def test_a_wrong_delimiter_is_told_with_the_right_one(drop: Drop) -> None:
    drop.put("a.csv", "MST;TEN\n1;x\n")
    with pytest.raises(DropBroken, match="separated by a semicolon, not by ','"):
        drop.take("a.csv", "MST", "TEN", delimiter=",")


def test_the_tables_own_delimiter_and_encoding_go_before_the_servers(drop: Drop) -> None:
    drop.put("a.csv", "MST;TEN\n1;ê\n".encode("cp1252"))
    custom = {"delimiter": ";", "encoding": "cp1252"}
    assert rows_of(drop.take("a.csv", "MST", "TEN", custom=custom, delimiter=",", encoding="utf-8")) == [("1", "ê")]


def test_mixed_line_ends_are_refused(drop: Drop) -> None:
    drop.put("a.csv", b"A,B\r\n1,2\r\n3,4\n5,6\n")
    with pytest.raises(DropBroken, match="line ends are mixed"):
        drop.take("a.csv", "A")


def test_a_header_alone_is_an_empty_table(drop: Drop) -> None:
    drop.put("a.csv", "A,B\n")
    extracted = drop.take("a.csv", "A", "B")
    assert (extracted.rows, rows_of(extracted)) == (0, [])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(drop: Drop, content: bytes) -> None:
    drop.put("a.csv", content)
    with pytest.raises(DropBroken, match="is empty, without even a header"):
        drop.take("a.csv", "A")


@pytest.mark.parametrize(
    ("first_line", "told"),
    [("A,B,b", r"gives 2 columns \(positions 2, 3\) a name that others have"), ("A,,B", "column 2 has no name")],
)
def test_headers_that_do_not_name_the_columns(drop: Drop, first_line: str, told: str) -> None:
    drop.put("a.csv", f"{first_line}\n1,2,3\n")
    with pytest.raises(DropBroken, match=told):
        drop.take("a.csv", "A")


def test_a_column_that_the_contract_reads_is_missing(drop: Drop) -> None:
    drop.put("a.csv", "MST,TEN_NTN\n1,x\n")
    with pytest.raises(SourceMissing, match=r"a\.csv has no column 'TEN_NNT' \(did you mean the one at position 2\?\)"):
        drop.take("a.csv", "MST", "TEN_NNT")


@pytest.mark.parametrize("first_line", ["001053123456,Bimat,5", "Bimat,Bimat,5", "Bimat,,5", "Bimat;Bimat"])
def test_a_first_line_that_is_no_header_is_told_without_a_value(drop: Drop, first_line: str) -> None:
    drop.put("a.csv", f"{first_line}\n002053123457,Bimat,5\n")
    told = (
        "the first line holds none of the contract's columns: is the header missing.*ask the sender to write MST, TEN"
    )
    with pytest.raises(SourceMissing, match=told) as caught:
        drop.take("a.csv", "MST", "TEN")
    assert not any(value in str(caught.value) for value in ("Bimat", "053"))


def test_names_that_the_contract_does_not_know_are_told_by_their_position(drop: Drop) -> None:
    drop.put("a.csv", "MST,001053123456,Bimat\n1,x,y\n")
    with pytest.raises(
        SourceMissing, match=r"It has 2 columns \(positions 2, 3\) that the contract does not read"
    ) as no:
        drop.take("a.csv", "MST", "TEN")
    assert not any(value in str(no.value) for value in ("Bimat", "053"))
    assert (
        "not in the contract, landed but not published: 2 columns (positions 2, 3)" in drop.take("a.csv", "MST").drift
    )


def test_of_very_many_columns_some_are_told(drop: Drop) -> None:
    drop.put("a.csv", ",".join(f"C{n}" for n in range(1, 601)) + "\n" + ",".join("1" * 600) + "\n")
    extracted = drop.take("a.csv", "C1")
    assert extracted.rows == 1
    assert "599 columns (positions 2, 3, 4" in extracted.drift[1]
    assert extracted.drift[1].endswith("20, 21 and 579 more)")


def test_many_files_are_one_table_and_columns_go_by_name(drop: Drop) -> None:
    drop.put("t_2026_01.csv", "A,B\n1,2\n")
    drop.put("t_2026_02.csv", "B,A,MOI\n4,3,x\n")
    extracted = drop.take("t_*.csv", "A", "B")
    assert rows_of(extracted) == [("1", "2", None), ("3", "4", "x")]
    assert "not in the contract, landed but not published: 1 column (position 3)" in extracted.drift


def test_no_file_matches(drop: Drop) -> None:
    drop.put("nguoi_nop_thue.csv", "A\n1\n")
    with pytest.raises(SourceMissing, match=r"no file of the drop matches.*did you mean 'nguoi_nop_thue\.csv'"):
        drop.take("nguoi_nop_thu.csv", "A")


def test_no_folder(drop: Drop) -> None:
    contract = contract_of("a.csv", ["A"])
    with pytest.raises(SourceMissing, match="folder of the drop is not there"):
        take(contract, "file:///nowhere/at/all", drop.lake)


def test_a_relative_folder_is_found_beside_the_contract(drop: Drop, tmp_path: Path) -> None:
    from include.contracts.model import Server

    drop.put("thing.csv", "A\n1\n")
    server = Server("source", "local", path="drop/{model}.csv", format="csv")
    contract = contract_of("thing", ["A"], server=server, path=tmp_path / "x.odcs.yaml")
    assert rows_of(take(contract, None, drop.lake)) == [("1",)]


def test_a_file_that_vanishes_while_read(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.put("a.csv", "A\n1\n")
    listed = Path.iterdir

    def list_and_lose(folder: Path) -> list[Path]:
        found = list(listed(folder))
        if folder == drop.folder:
            (drop.folder / "a.csv").unlink()
        return found

    monkeypatch.setattr(Path, "is_file", lambda _: True)
    monkeypatch.setattr(Path, "iterdir", list_and_lose)
    with pytest.raises(DropBroken, match=r"a\.csv vanished while it was read"):
        drop.take("a.csv", "A")


def test_a_file_that_grows_while_read(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    from include.sources.deliveries import local_copy

    path = drop.put("a.csv", "A\n" + "1\n" * 100)
    monkeypatch.setattr(local_copy, "CHUNK", 50)
    to_utf8 = local_copy._to_utf8

    def append_once(chunks, codec, name):  # type: ignore[no-untyped-def]
        with path.open("a") as file:
            file.write("2\n")
        return to_utf8(chunks, codec, name)

    monkeypatch.setattr(local_copy, "_to_utf8", append_once)
    with pytest.raises(DropBroken, match=r"a\.csv was changed while it was read"):
        drop.take("a.csv", "A")


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(
            "x" * 40_000_000, id="one line", marks=held_by("unit/sources/test_delimited.py::test_a_cell_of_40_mb")
        ),
        pytest.param(("x" * 79 + "\n") * 500_000, id="many lines"),
    ],
)
def test_a_cell_of_40_mb(drop: Drop, cell: str) -> None:
    drop.put("a.csv", f'A,B\n1,"{cell}"\n2,y\n')
    assert rows_of(drop.take("a.csv", "A", "B"), "A, length(B)") == [("1", 40_000_000), ("2", 1)]


@pytest.mark.parametrize(
    ("text", "records"),
    [("A\n1\n", 2), ("A\n1", 2), ('A\n"x\ny"\n', 2), ('A\n"a""b\n"\n2\n', 3), ("A\n\n1\n\n\n", 3)],
)
def test_counting_records(tmp_path: Path, text: str, records: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert survey_csv(path, ",").records == records


def test_two_readers_must_count_the_same(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    from include.sources.csv import delimited

    drop.put("a.csv", "A,B\n1,2\n3,4\n")
    monkeypatch.setattr(delimited.Layout, "query", lambda self, is_long: "SELECT '1' AS A, '2' AS B")
    monkeypatch.setattr(delimited, "_faults", lambda duck, layouts: None)
    with pytest.raises(DropBroken, match="two readers count 1 and 2 rows"):
        drop.take("a.csv", "A", "B")


def test_a_hint_for_excel_is_no_header(drop: Drop) -> None:
    drop.put("t.csv", "sep=;\na;b\n1;2\n")
    with pytest.raises(DropBroken, match=r"t\.csv: the first line \(`sep=`\) is a hint for Excel and no header"):
        drop.take("t.csv", "a", "b")
