"""The documentation names what exists, and words that were given up for the field's own stay away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = "CONTRIBUTING.md", "README.md", "SECURITY.md"
PAGES = [ROOT / name for name in OWN] + sorted(
    page for top in ("docs", "schemas") for page in ROOT.glob(f"{top}/**/*.md")
)
TEXTS = sorted(
    path
    for top in ("include", "plugins", "dags", "docs")
    for path in ROOT.glob(f"{top}/**/*")
    if path.suffix in {".py", ".j2", ".md"}
)
A_PATH = re.compile(r"(?<![\w/.-])(?:include|plugins|dags|schemas|tests|docs|benchmarks|environment)/[\w./-]*\w")
MADE_BY_READERS = {"environment/readers.env", "environment/sources.env", "schemas/registries/business.odcs.yaml"}

# what is not written: what is
BANNED = {
    r"\b[Ww]orkplace\b": "PipelineContext, context",
    r"\bon_news\b": "on_rows_landed",
    r"\bCOMES_BACK\b": "RETRYABLE_ERRORS",
    r"\b([Ff]ingerprints?|is_as_left)\b": "row-set checksum, row checksum, file stamp",
    r"\bknown_(by|after)\b|\bKNOWN\b": "stored checksum",
    r"\b(beside_uri|count_known|warned_(by|after)|tells_nothing_new)\b": "published context, repeats, warning counts",
    r"\b(meaning_of|contract_meaning)\b": "definition digest",
    r"\buntil_it_commits\b": "retry_on_conflict",
    r"\b(OpenFigures|open_figures|OpenRows)\b": "rejection backlog, open rejections",
    r"\b(Commit|Table|File)Told\b": "RecordedCommit and its like",
    r"\b(already_there|ended_unchanged|interrupted_run|told_if_ahead)\b": "skip_publishing, resumable_run",
    r"\bshape_of\b": "table_schema_of",
    r"\bprotection_of\b": "load_limits_of",
    r"\bnot believed\b": "invalidated",
    r"\bnobody's\b": "belongs to no committed run",
    r"\bin vain\b": "loses the commit race",
    r"\b(MOST_STRAYS|strays?)\b(?!\.parquet)": "missed changes",
    r"\bis spared\b": "load limits",
    r"\bspool": "local copy",
    r"\bheal(s|ed|ing)?\b": "record unfinished runs",
    r"\bcrafts?\b": "package",
    r"\b(StagedPaths|StagedRun|staged_files)\b": "StagedFiles",
    r"\bRESERVED\b": "what is reserved: LAKE_COLUMNS, REJECTION_COLUMNS, RESERVED_NAMES",
    r"\bSaid\(|\bSaid\b(?=[],:|)])": "BilingualText",
    r"\b(PublishedState|last_state|state_of_run)\b": "RunCommit, last_run_commit, commit_of_run",
    r"\b(open_evidence|as_said|notes_nothing)\b": "open_run_log, normalised_name, commits_empty",
    r"\b(protection: LoadLimits|shape: TableSchema)\b": "load_limits, table_schema",
    r"\banybody else's\b": "another writer's",
    r"\bcome twice\b": "duplicate",
}


def rows(page: str) -> Iterator[list[str]]:
    """The cells of every line of the tables of a page, without the headings."""
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and not line.startswith("| ---"):
            yield cells


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    named = set(A_PATH.findall(page.read_text(encoding="utf-8"))) - MADE_BY_READERS
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]


@cache
def texts() -> dict[str, str]:
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in TEXTS}


@pytest.mark.parametrize(("word", "instead"), BANNED.items(), ids=BANNED)
def test_a_word_that_was_given_up_stays_away(word: str, instead: str) -> None:
    found = [
        f"{path}:{number}"
        for path, text in texts().items()
        if re.search(word, text)
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(word, line)
    ]
    assert not found, f"write: {instead}"


def test_each_term_has_one_meaning_one_place_and_the_word_that_people_read() -> None:
    terms = [cells for cells in rows("docs/reference/glossary.md") if len(cells) == 4 and cells[0] != "term"]
    shown = "\n".join(path.read_text(encoding="utf-8") for path in TEXTS if path.suffix in {".py", ".j2"}).lower()
    names = [term for term, *_ in terms]
    assert len(names) > 50
    assert len(set(names)) == len(names)
    for term, meaning, where, vietnamese in terms:
        assert meaning.endswith("."), term
        assert A_PATH.search(where), term
        assert vietnamese == "–" or vietnamese in shown, term


def test_each_security_property_names_a_module_and_a_test() -> None:
    properties = [cells for cells in rows("SECURITY.md") if cells[0].isdigit()]
    assert [int(number) for number, *_ in properties] == [*range(1, len(properties) + 1)]
    for number, _, enforced, tested in properties:
        assert A_PATH.search(enforced), number
        assert "tests/" in tested, number


def test_a_newcomer_finds_where_to_do_at_least_twenty_things() -> None:
    tasks = [cells for cells in rows("CONTRIBUTING.md") if len(cells) == 2 and cells[0] != "task"]
    assert len([where for _, where in tasks if A_PATH.search(where)]) >= 20
