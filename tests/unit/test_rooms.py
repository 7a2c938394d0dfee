"""The house: few files in a package, short files, and outsiders who knock at the package, not at its files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_FILES, MOST_LINES = 12, 300
PACKAGES = sorted(folder.parent for folder in (ROOT / "include").rglob("__init__.py"))
CODE = sorted(
    path for top in ("include", "plugins", "dags", "benchmarks", "docs") for path in (ROOT / top).rglob("*.py")
)


def files_asked_for(module: str, source: str, root: Path = ROOT) -> Iterator[str]:
    """Files of packages of ours that a module imports from without being in the package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "include":
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                package = name.rpartition(".")[0]
                is_file = root.joinpath(*name.split(".")).with_suffix(".py").is_file()
                if is_file and package != "include" and not module.startswith(f"{package}."):
                    yield name


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_package_shows_at_most_a_dozen_files_and_says_what_it_is_for(folder):
    files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= MOST_FILES
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", CODE, ids=module_of)
def test_a_file_is_short_and_imports_packages(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MOST_LINES
    assert not list(files_asked_for(module_of(path), source))


@pytest.mark.parametrize(
    "line", ["from include.lake.delta.table_rows import FILE", "from include.lake.delta import table_rows"]
)
def test_an_outsider_who_asks_a_file_is_seen(line):
    assert list(files_asked_for("include.pipelines.sync.extraction", line)) == ["include.lake.delta.table_rows"]
    assert not list(files_asked_for("include.lake.delta.sql_views", line)), "within the package it may"


# DuckDB 1.5.5 fails now and then, in a race of its threads, on an aggregate over all rows (duckdb #22352, #25713):
# `SELECT (SELECT count(*) FROM t)` says the same. `row_number() OVER ()` is computed in another way, which is sound.
WINDOW_OVER_ALL = re.compile(r"(?<!row_number\(\)) OVER \(\s*\)", re.IGNORECASE)


@pytest.mark.parametrize("path", [*CODE, *(ROOT / "include").rglob("*.sql")], ids=module_of)
def test_no_sql_aggregates_over_all_rows_in_a_window(path):
    assert not WINDOW_OVER_ALL.search(path.read_text(encoding="utf-8"))


def test_a_window_over_all_rows_is_seen():
    assert WINDOW_OVER_ALL.search("SELECT count(*) OVER () AS total")
    assert not WINDOW_OVER_ALL.search("SELECT row_number() OVER () - 1, sum(a) OVER (PARTITION BY b)")
