"""Code lists go out as they are in the files, and only when a file changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pyarrow as pa
import pytest

from include.lake.publishing.code_lists import publish_reference
from include.lake.storage.errors import LakeError
from include.lake.storage.lake import Lake

SEX = 'code,name,valid_from,valid_until\n01,Nam,2004-07-08,\n02,"Nữ, bà",2004-07-08,2025-06-30\n'


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake.from_environment({"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")})


@pytest.fixture
def schemas(tmp_path):
    folder = tmp_path / "schemas" / "reference"
    folder.mkdir(parents=True)
    (folder / "sex.csv").write_text(SEX, encoding="utf-8")
    (folder / "README.md").write_text("sources", encoding="utf-8")
    return folder.parent


def published(lake: Lake, name: str) -> list[dict]:
    return pa.table(lake.table(lake.reference_table(name)).to_pyarrow_table()).to_pylist()


def test_codes_stay_text_and_periods_are_dates(lake, schemas):
    assert publish_reference(lake, schemas) == ["sex"]
    assert published(lake, "sex") == [
        {"code": "01", "name": "Nam", "valid_from": date(2004, 7, 8), "valid_until": None},
        {"code": "02", "name": "Nữ, bà", "valid_from": date(2004, 7, 8), "valid_until": date(2025, 6, 30)},
    ]


def test_a_list_that_did_not_change_is_not_touched(lake, schemas):
    publish_reference(lake, schemas)
    (schemas / "reference" / "land.csv").write_text("code\nX\n", encoding="utf-8")
    assert publish_reference(lake, schemas) == ["land"]
    assert publish_reference(lake, schemas) == []
    assert lake.table("reference/sex").version() == 0


def test_a_changed_list_replaces_the_old_one_with_its_columns(lake, schemas):
    publish_reference(lake, schemas)
    (schemas / "reference" / "sex.csv").write_text("code,name_en\n1,male\n", encoding="utf-8")
    assert publish_reference(lake, schemas) == ["sex"]
    assert published(lake, "sex") == [{"code": "1", "name_en": "male"}]
    assert lake.table("reference/sex").version() == 1


def test_a_date_that_is_none_is_an_error_and_the_old_list_stays(lake, schemas):
    publish_reference(lake, schemas)
    (schemas / "reference" / "sex.csv").write_text(SEX.replace("2004-07-08", "08/07/2004"), encoding="utf-8")
    with pytest.raises(LakeError, match="publishing the code list sex"):
        publish_reference(lake, schemas)
    assert len(published(lake, "sex")) == 2


def test_processes_that_begin_at_once_publish_a_list_once(lake, schemas):
    """As the syncs of many servers do on a lake without lists."""
    for name in ("ward", "district", "province"):
        (schemas / "reference" / f"{name}.csv").write_text(SEX, encoding="utf-8")
    with ThreadPoolExecutor(6) as executor:
        told = list(executor.map(lambda _: publish_reference(lake, schemas), range(6)))
    assert sorted(name for names in told for name in names) == ["district", "province", "sex", "ward"]
    assert {lake.table(lake.reference_table(name)).version() for name in ("sex", "ward")} == {0}
