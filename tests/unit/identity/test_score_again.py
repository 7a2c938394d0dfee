"""A run that compares only what changed gives what a full run gives; and weights are Splink's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.identity.linkage_model import comparison_sql
from include.identity.records.prepared import prepare
from include.identity.scoring.explanations import explain_pairs
from tests.repeats import held_by, repeats
from tests.unit.identity.linked import Country


def _families(country: Country, numbers: range) -> None:
    for n in numbers:
        name = f"{['Tạ', 'Mạc', 'Kiều'][n % 3]} {['Thùy', 'Bá', 'Kim'][n % 3]} {['Nhiên', 'Định', 'Xoan'][n // 3 % 3]}"
        birth, ward = f"{n % 28 + 1:02d}/0{n % 9 + 1}/{1950 + n}", ["26740", "10081", "27478"][n % 3]
        country.citizen(f"001{n % 10}{n:02d}{n * 131:06d}", name, birth, sex="female", ward=ward)
        country.member(f"{n:010d}", name.upper(), birth if n % 4 else birth[-4:], sex="female", ward=ward)
        country.taxpayer(f"030{n:07d}", name, ward=ward)


def test_daily_changes_end_where_a_full_run_ends(tmp_path: Path) -> None:
    country = Country(tmp_path)
    _families(country, range(20))
    run = country.link(out="day-0")
    assert run.edges.reused == 0
    for day in range(1, repeats(3, 4)):
        _families(country, range(20 + 3 * day, 23 + 3 * day))
        country.rows["population.citizen"][day * 7]["ward"] = "10081"
        country.rows["population.citizen"][day * 5]["full_name"] = "Tạ Thùy Xoan"
        del country.rows["insurance.member"][day]
        run = country.link(out=f"day-{day}", previous=run.edges.compared_uri)
        assert run.edges.compared < run.edges.reused
    assert run.content() == country.link(out="full").content()


@held_by("unit/identity/test_score_again.py::test_daily_changes_end_where_a_full_run_ends")
def test_the_same_input_gives_the_same_output(tmp_path: Path) -> None:
    country = Country(tmp_path)
    _families(country, range(10))
    assert country.link(out="one").content() == country.link(out="two").content()


@pytest.mark.filterwarnings("ignore")
def test_weights_are_those_of_splink(tmp_path: Path) -> None:
    splink = pytest.importorskip("splink")
    country = Country(tmp_path)
    _families(country, range(15))
    linked = country.link()
    with country.lake.connect() as connection:
        prepared = prepare(connection, linked.records)
        settings = country.model.settings_for(country.model.persons(prepared))
        connection.execute(
            """CREATE TABLE pairs AS SELECT l.unique_id AS join_key_l, r.unique_id AS join_key_r, '0' AS match_key
            FROM prepared l JOIN prepared r
            ON l.unique_id < r.unique_id AND (l.birth_year = r.birth_year OR l.given = r.given)"""
        )
        comparison_sql.count_frequencies(connection, settings)
        comparison_sql.compare(connection, settings, pairs="pairs", into="compared")
        ours = connection.execute(
            f"""SELECT join_key_l, join_key_r, {comparison_sql.weight(settings)} FROM compared
            JOIN frequencies l ON l.unique_id = join_key_l
            JOIN frequencies r ON r.unique_id = join_key_r ORDER BY ALL"""
        ).fetchall()
        api = splink.DuckDBAPI(connection)
        linker = splink.Linker(api.register("prepared"), settings, log_level=None)
        linker.table_management.register_blocked_pairs_for_predict(api.register("pairs"))
        table = linker.inference.predict(warning_mode="never").physical_name
        theirs = connection.execute(
            f"SELECT unique_id_l, unique_id_r, match_weight FROM {table} ORDER BY ALL"
        ).fetchall()
    assert len(ours) == len(theirs) > 500
    assert [row[:2] for row in ours] == [row[:2] for row in theirs]
    assert [row[2] for row in ours] == pytest.approx([row[2] for row in theirs], abs=1e-6)


def test_an_explanation_adds_up_to_the_weight_of_the_edge(tmp_path: Path) -> None:
    country = Country(tmp_path)
    citizen = country.citizen("001087654321", "Hoàng Gia Uyên", "12/05/1987", sex="female", ward="26740")
    member = country.member("0100000001", "Hoàng Gia Uyen", "12/05/1987", sex="female", ward="26740")
    linked = country.link()
    (told,) = explain_pairs(country.lake, linked.records, country.model, [(member, citizen)])
    edges = {row[:2]: row[3] for row in linked.content()[0]}
    assert told.weight == pytest.approx(edges[(told.left_id, told.right_id)], abs=1e-6)
    assert told.steps[0].comparison == "before comparing"
    assert ("birth", "same day of birth") in [(step.comparison, step.found) for step in told.steps]
    assert not any("Uyên" in line or "1987" in line for line in [step.found for step in told.steps])
