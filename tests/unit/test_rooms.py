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


ANY_KEYS = re.compile(r"\b(?:dict|Mapping)\[str, Any\]")
FOREIGN = {
    "audit/verification/delta_log.py": "actions of Delta's log",
    "audit/verification/recorded_state.py": "payloads of ledger entries, JSON of a form for each kind",
    "audit/verification/row_digests.py": "rows of whatever log table",
    "console.py": "prints what `--json` says",
    "contracts/checks/odcs.py": "the JSON schema of ODCS",
    "contracts/reading": "YAML of contracts and variants",
    "contracts/sql": "tables of sqlglot's parser, DuckDB's JSON of a statement",
    "contracts/yaml_files": "YAML before it is read",
    "embedded/demo": "Airflow's JSON, and rows of the run log for the console",
    "embedded/production": "YAML of Docker Compose",
    "embedded/servers/airflow_api.py": "Airflow's JSON",
    "identity/persons/golden_record.py": "YAML of the golden record's rules",
    "lake/delta": "entries of a table's history, as delta-rs has them",
    "lake/storage/server_slice.py": "entries of a table's history, as delta-rs has them",
    "lake/upsert/cdf_commit.py": "actions of Delta's log",
    "pipelines/people/link_results.py": "XCom",
    "pipelines/rejected": "rows as received, with the source's columns; a form of Airflow",
    "pipelines/run_folder.py": "JSON in a run's own folder",
    "pipelines/serving/exchange.py": "JSON of Delta Sharing",
    "pipelines/subject/looks.py": "payloads of ledger entries, JSON of a form for each kind",
    "pipelines/subject/shared_tables.py": "payloads of ledger entries, JSON of a form for each kind",
    "quality/conversion/exact_casts.py": "DuckDB's JSON of a statement",
    "quality/expectations": "Great Expectations' metrics",
    "sharing/agreements": "YAML of agreements",
    "sharing/delta_sharing": "JSON of Delta Sharing",
    "sharing/recipients": "the object store's configuration; payloads of ledger entries",
    "sources/change_log": "rows of the databases' drivers",
    "sources/deliveries/manifest.py": "JSON of a delivery's manifest",
}
"""Where a signature may speak of values by names that no class lists: the format is somebody else's, or it is JSON."""


def untyped_names(source: str) -> Iterator[str]:
    """Functions, fields and aliases with ANY_KEYS in their type; `to_dict` and `from_dict` are the way to JSON."""
    tree = ast.parse(source)
    statements = set(tree.body)
    for node in (one for one in ast.walk(tree) if one in statements or is_scope(one)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name in ("to_dict", "from_dict"):
                continue
            given = node.args
            every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
            types = [node.returns, *(argument.annotation for argument in every if argument)]
        elif isinstance(node, ast.ClassDef):
            types = [field.annotation for field in node.body if isinstance(field, ast.AnnAssign)]
        else:
            types = [node.value if isinstance(node, ast.Assign) else getattr(node, "annotation", None)]
        if any(ANY_KEYS.search(ast.unparse(one)) for one in types if one):
            yield node.name if is_scope(node) else ast.unparse(node).partition(" = ")[0]


def is_scope(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


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


def test_records_between_modules_have_types_but_for_formats_of_others():
    """`dict[str, Any]` stays where a format is read or written; what steps hand on is a class of ours."""
    found = {
        str(path.relative_to(ROOT / "include")): names
        for path in (ROOT / "include").rglob("*.py")
        if (names := list(untyped_names(path.read_text(encoding="utf-8"))))
    }
    listed = {place: [file for file in found if file == place or file.startswith(f"{place}/")] for place in FOREIGN}
    elsewhere = set(found).difference(*listed.values())
    assert not {file: found[file] for file in elsewhere}
    assert not [place for place, files in listed.items() if not files], "no longer needed"


@pytest.mark.parametrize(
    "line",
    ["def f(row: dict[str, Any]): ...", "def f() -> list[Mapping[str, Any]]: ...", "Row = dict[str, Any]",
     "class A:\n    row: dict[str, Any]", "class A:\n    def f(self, *rows: dict[str, Any]): ..."],
)  # fmt: skip
def test_a_dictionary_of_anything_is_seen(line):
    assert list(untyped_names(line))
    assert not list(untyped_names("def to_dict(self) -> dict[str, Any]: ...")), "plain values for JSON"


# DuckDB 1.5.5 fails now and then, in a race of its threads, on an aggregate over all rows (duckdb #22352, #25713):
# `SELECT (SELECT count(*) FROM t)` says the same. `row_number() OVER ()` is computed in another way, which is sound.
WINDOW_OVER_ALL = re.compile(r"(?<!row_number\(\)) OVER \(\s*\)", re.IGNORECASE)


@pytest.mark.parametrize("path", [*CODE, *(ROOT / "include").rglob("*.sql")], ids=module_of)
def test_no_sql_aggregates_over_all_rows_in_a_window(path):
    assert not WINDOW_OVER_ALL.search(path.read_text(encoding="utf-8"))


def test_a_window_over_all_rows_is_seen():
    assert WINDOW_OVER_ALL.search("SELECT count(*) OVER () AS total")
    assert not WINDOW_OVER_ALL.search("SELECT row_number() OVER () - 1, sum(a) OVER (PARTITION BY b)")


# DuckDB 1.5.5 stands still for good, with any number of threads, when a great result is read while it is computed and
# is a UNION ALL of a join and an aggregate. COPY and CREATE TABLE are sound. What is read as it comes is one of these.
READ_AS_IT_COMES = {
    "include.cluster.worker_engine": "a table",
    "include.lake.incremental.stored_checksum": "published rows, with or without those of some keys",
    "include.lake.rejected.append": "the extract joined with the rejected rows",
    "include.lake.upsert.file_rewrite": "the changes of one file",
    "include.lake.upsert.table_upsert": "a table, files of rows, or accepted rows",
}


def test_who_reads_a_result_while_it_is_computed_is_known():
    found = {module_of(path) for path in CODE if "to_arrow_reader(" in path.read_text(encoding="utf-8")}
    assert found == READ_AS_IT_COMES.keys()
