"""Code lists are published and on record whatever came before, and a sync that finds them so opens none of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from include.audit import ledger
from include.audit.ledger import Record
from include.audit.verification import commit_records, verify
from include.lake.publishing import digest_of, publish_reference
from include.lake.storage import Lake
from include.pipelines.context import PipelineContext
from include.pipelines.sync import code_lists
from include.pipelines.sync.code_lists import publish_code_lists

LISTS = {"sex": "code,name\n01,Nam\n", "land": "code\nX\n"}


@pytest.fixture
def context(tmp_path: Path) -> PipelineContext:
    folder = tmp_path / "schemas" / "reference"
    folder.mkdir(parents=True)
    for name, text in LISTS.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    environ = {"LAKE_URI": str(tmp_path / "lake"), "LIENTHONG_TMP": str(tmp_path / "scratch")}
    return PipelineContext(Lake.from_environment(environ), tmp_path / "schemas", environ)


def recorded(context: PipelineContext) -> dict[str, int]:
    """How many ledger entries of kind `maintenance` each list has."""
    _, entries = ledger.read_kind(context.lake, "maintenance")
    subjects = entries["subject"].to_pylist()
    return {name: subjects.count(f"reference/{name}") for name in LISTS}


def published_before_it_was_recorded(context: PipelineContext) -> None:
    """By a process that was killed in between."""
    publish_reference(context.lake, context.schemas)


def published_and_recorded(context: PipelineContext) -> None:
    publish_code_lists(context)


def lost_since(context: PipelineContext) -> None:
    publish_code_lists(context)
    shutil.rmtree(Path(context.lake.uri) / "reference" / "land")


@contextmanager
def other_text(context: PipelineContext) -> Iterator[None]:
    """One list has another text for the block."""
    file = context.schemas / "reference" / "land.csv"
    file.write_text("code\nY\n", encoding="utf-8")
    yield
    file.write_text(LISTS["land"], encoding="utf-8")


def of_another_release(context: PipelineContext) -> None:
    with other_text(context):
        publish_code_lists(context)


def there_and_back(context: PipelineContext) -> None:
    publish_code_lists(context)
    of_another_release(context)


def rolled_back(context: PipelineContext) -> None:
    """To a release that records its text of one list and nothing more."""
    publish_code_lists(context)
    with other_text(context):
        publish_reference(context.lake, context.schemas)
        digest = digest_of(context.schemas / "reference" / "land.csv")
    record = Record("maintenance", "reference/land", {"file_sha256": digest}, on_change=True)
    made = commit_records(context.lake, ["reference/land"])
    ledger.append(context.lake, [*made, record], at=context.now(), actor="an older release")


def killed_and_rolled_back(context: PipelineContext) -> None:
    """Another text was published by a process that was killed before its record; then the file went back."""
    publish_code_lists(context)
    with other_text(context):
        publish_reference(context.lake, context.schemas)


def killed_before_the_log(context: PipelineContext) -> None:
    """A table was lost, and who made it anew was killed when its folder was there."""
    publish_code_lists(context)
    shutil.rmtree(Path(context.lake.uri) / "reference" / "land" / "_delta_log")


def published_by_two_at_once(context: PipelineContext) -> None:
    """By two releases: the other's text comes between this one's publishing and its record."""
    publish = code_lists.publish_reference

    def overtaken(*given: object) -> list[str]:
        names = publish(context.lake, context.schemas)
        with other_text(context):
            publish(context.lake, context.schemas)
        return names

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_lists, "publish_reference", overtaken)
        publish_code_lists(context)


def test_lists_that_a_killed_process_published_are_recorded_by_the_next(context: PipelineContext) -> None:
    publish_reference(context.lake, context.schemas)  # killed before its record
    assert "is not in the ledger" in verify(context.lake).why
    assert publish_code_lists(context) == []
    assert verify(context.lake, with_files=True).ok


def test_a_list_that_does_not_change_adds_no_entry(context: PipelineContext) -> None:
    assert publish_code_lists(context) == ["land", "sex"]
    entries = ledger.head(context.lake).sequence
    assert publish_code_lists(context) == []
    assert ledger.head(context.lake).sequence == entries
    with (context.schemas / "reference" / "sex.csv").open("a", encoding="utf-8") as file:
        file.write("9,Khác\n")
    assert publish_code_lists(context) == ["sex"]
    assert ledger.head(context.lake).sequence == entries + 3  # the commit, the list, and that all are known
    assert verify(context.lake, with_files=True).ok


@pytest.mark.parametrize(
    "before",
    [
        published_before_it_was_recorded,
        published_and_recorded,
        lost_since,
        of_another_release,
        there_and_back,
        rolled_back,
        killed_and_rolled_back,
        killed_before_the_log,
        published_by_two_at_once,
    ],
)
def test_whatever_came_before_they_are_published_and_on_record(
    before: Callable[[PipelineContext], None], context: PipelineContext
) -> None:
    before(context)
    publish_code_lists(context)
    codes = {name: context.lake.table(f"reference/{name}").to_pyarrow_table()["code"].to_pylist() for name in LISTS}
    assert codes == {"sex": ["01"], "land": ["X"]}
    assert min(recorded(context).values()) >= 1
    assert publish_code_lists(context) == []
    if before not in (lost_since, killed_before_the_log):  # which no entry tells of
        assert verify(context.lake, with_files=True).why == ""


def test_none_is_opened_where_nothing_changed(context: PipelineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    assert publish_code_lists(context) == ["land", "sex"]
    before = recorded(context)
    opened: list[str] = []
    table = Lake.table
    monkeypatch.setattr(Lake, "table", lambda lake, *parts: opened.append(parts[0]) or table(lake, *parts))  # type: ignore[func-returns-value]
    assert publish_code_lists(context) == []
    assert opened == [ledger.LEDGER]
    assert recorded(context) == before
