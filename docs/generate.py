"""Write the reference pages that follow from code and schemas: `make docs`. `--check` fails if a page is out of date.

One page per registry (tables, columns, rules), the command line, the DAGs, and the specification: the small tables of
`tests/spec` as they go in and come out. Beside them the picture of the architecture.
"""

from __future__ import annotations

import argparse
import ast
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from docs import conversions, data_flow, indicators, sql, telemetry
from include.cli import app
from include.contracts.model import Column, Contract, Rule, Table
from include.contracts.reading import load_contracts
from include.contracts.words import allowed

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTICE = "<!-- Written by `make docs`. Do not edit. -->\n\n"


def main() -> int:
    """Write or check every page; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is out of date")
    is_check = parser.parse_args().check
    stale = []
    for name, text in pages().items():
        path = REFERENCE / name
        wanted = NOTICE + text.rstrip() + "\n"
        if path.exists() and path.read_text(encoding="utf-8") == wanted:
            continue
        stale.append(name)
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
    if stale and is_check:
        print(f"out of date: {', '.join(stale)}. Run `make docs` and commit the pages.", file=sys.stderr)
        return 1
    print(f"docs/reference: {len(stale)} pages written." if stale else "docs/reference: up to date.")
    return 0


def pages() -> dict[str, str]:
    """Every generated page by its file name under docs/reference."""
    contracts, command = load_contracts(ROOT / "schemas"), get_command(app)
    return {
        "README.md": _index(contracts),
        "command-line.md": get_docs_for_click(
            obj=command, ctx=typer.Context(command, info_name="lienthong"), name="lienthong", title="Command line"
        ),
        "conversions.md": "\n".join(conversions.page()),
        "sql.md": "\n".join(sql.page()),
        "indicators.md": "\n".join(indicators.page(ROOT / "schemas")),
        "telemetry.md": "\n".join(telemetry.page()),
        "dags.md": "\n".join(_dags()),
        "specification.md": "\n".join(_specification()),
        "../pictures/data-flow.svg": data_flow.picture(),
        **{f"registry-{name}.md": "\n".join(_registry(contract)) for name, contract in contracts.items()},
    }


def _index(contracts: dict[str, Contract]) -> str:
    lines = ["# Reference", "", "| page | what |", "| --- | --- |"]
    for name, contract in contracts.items():
        rules = sum(len(t.rules) for t in contract.tables)
        tables = ", ".join(f"`{t.name}`" for t in contract.tables)
        lines.append(f"| [{contract.name}](registry-{name}.md) | {tables}; {rules} rules |")
    return "\n".join(
        [
            *lines,
            "| [Indicators](indicators.md) | every figure for the Government: definition, law, period |",
            "| [Command line](command-line.md) | every command of `lienthong` |",
            "| [DAGs](dags.md) | what Airflow runs, and when |",
            "| [Metrics and spans](telemetry.md) | what an OpenTelemetry collector is told |",
            "| [Conversions](conversions.md) | which value of which source becomes what, and which is rejected |",
            "| [Specification](specification.md) | small tables in, small tables out |",
            "| [SQL](sql.md) | what contracts, agreements and `--where` may say, and the functions they may call |",
            "| [Delta Sharing](delta-sharing.md) | what `lienthong serve` answers, its limits, the record of reads |",
            "| [The lake](lake.md) | zones, tables, columns, commit metadata |",
            "| [Glossary](glossary.md) | every term of ours: meaning, place, Vietnamese word |",
        ]
    )


def _registry(contract: Contract) -> Iterator[str]:
    yield f"# {contract.name} ({contract.business_name})\n"
    yield f"{_line(contract.description)}\n"
    yield f"Contract `{contract.path.name}`, version {contract.version}. Owner: {contract.owner or 'see the contract'}."
    hours = contract.sla.deadline.total_seconds() / 3600
    yield f"Schedule `{contract.sla.schedule}`; a run ends within {hours:g} hours; extracts are kept for"
    yield f"{contract.sla.landing_retention.days} days.\n"
    if contract.legal_sources:
        yield "Legal sources:\n"
        both = zip(contract.legal_sources_vietnamese, contract.legal_sources, strict=True)
        yield from (f"- {_line(_in_both(vietnamese, english))}" for vietnamese, english in both)
        yield ""
    if contract.limitations:
        yield f"**Known oddities.** {_line(contract.limitations)}\n"
    for table in contract.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"## {table.name} ({table.business_name})\n"
    yield f"{_line(table.description)}\n"
    key = ", ".join(f"`{name}`" for name in table.primary_key) or "none: the table is replaced as a whole"
    tolerance, gone = table.tolerance, table.extract.delete_limit_percent
    yield f"Source `{table.source_name}`. Key: {key}."
    yield f"Held back when more than {tolerance.rejected_percent:g} % of the rows are rejected,"
    yield f"the number of rows changes by more than {tolerance.row_count_change_percent:g} %,"
    yield f"or more than {gone:g} % disappear.\n"
    yield "| column | tên | type | from | classification | description |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield from (_column(column) for column in table.columns)
    yield "\n| rule | severity | dimension | nội dung / what must hold |"
    yield "| --- | --- | --- | --- |"
    yield from (_rule(rule) for rule in table.rules)
    yield ""
    for relation in table.relationships:
        to = f"`{relation.registry}.{relation.table}` ({', '.join(relation.to_columns)})"
        yield f"- {', '.join(f'`{c}`' for c in relation.columns)} refers to {to}"
    yield ""


def _column(column: Column) -> str:
    name = f"**`{column.name}`**" if column.primary_key_position else f"`{column.name}`"
    made = f"`{_line(column.expression)}`" if column.expression else f"`{column.source_name}`"
    return _row(name, column.business_name, column.sql_type, made, column.classification, column.description)


def _rule(rule: Rule) -> str:
    english, vietnamese = rule.text("en"), rule.text("vi")
    if rule.bound:
        english, vietnamese = f"{english} ({rule.bound})", f"{vietnamese} ({allowed('vi', str(rule.bound))})"
    if rule.legal_source:
        english, vietnamese = f"{english} [{rule.law('en')}]", f"{vietnamese} [{rule.law('vi')}]"
    return _row(f"`{rule.rule_id}`", rule.severity, rule.dimension, _in_both(vietnamese, english))


def _in_both(vietnamese: str, english: str) -> str:
    """A text in both languages; once where it is the same."""
    return english if vietnamese == english else f"{vietnamese} / {english}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _line(text: str) -> str:
    return " ".join(text.split())


def _dags() -> Iterator[str]:
    yield "# DAGs\n"
    for path in sorted((ROOT / "dags").glob("*.py")):
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        yield f"## `{path.stem}`\n\n{doc}\n"


def _specification() -> Iterator[str]:
    yield "# Specification\n\nEach case is a test in `tests/spec` that runs: small tables in, small tables out.\n"
    for path in sorted((ROOT / "tests" / "spec").glob("test_*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in module.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        yield f"## {(ast.get_docstring(module) or path.stem)}\n"
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield from _case(node, constants)


def _case(test: ast.FunctionDef, constants: dict[str, str]) -> Iterator[str]:
    yield f"### {test.name.removeprefix('test_').replace('_', ' ').capitalize()}\n"
    if doc := ast.get_docstring(test):
        yield f"{doc}\n"
    used = {name.id for name in ast.walk(test) if isinstance(name, ast.Name)} & set(constants)
    shown = [(name.lower(), constants[name]) for name in sorted(used)]
    for node in ast.walk(test):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            shown += [(target.id, node.value.value) for target in node.targets if isinstance(target, ast.Name)]
    for name, text in shown:
        if "\n" in text:
            yield f"*{name.replace('_', ' ')}*\n\n```\n{textwrap.dedent(text).strip()}\n```\n"


if __name__ == "__main__":
    sys.exit(main())
