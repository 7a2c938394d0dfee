"""Check of agreements against the contracts and each other."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from include.contracts.model import Contract, Table
from include.contracts.yaml_files import ContractError, Problem, YamlFile, read_yaml
from include.sharing import statistics
from include.sharing.agreements import Agreement, Product, agreement_paths, load_agreement
from include.sharing.products.counts import held_path
from include.sharing.products.protect import NEVER_BARE, misfit
from include.sharing.products.row_filter import FilterRefused, compared_columns, compile_filter

REFERENCE = "reference"


def check_agreements(schemas_dir: Path, contracts: Mapping[str, Contract]) -> list[Problem]:
    """Every mistake in `schemas_dir/agreements`: of form, against the contracts, and between agreements."""
    problems: list[Problem] = []
    agreements: list[tuple[YamlFile, Agreement]] = []
    for path in agreement_paths(schemas_dir).values():
        try:
            agreement = load_agreement(path)
        except ContractError as error:
            problems.extend(error.problems)
            continue
        file = read_yaml(path)
        agreements.append((file, agreement))
        for position, product in enumerate(agreement.products):
            problems.extend(_product_problems(file, position, product, contracts))
            problems.extend(_guessable(file, position, product, contracts))
    return problems + _rival_problems(agreements) + _linked_problems(agreements)


def problems_of(
    agreement: Agreement,
    contracts: Mapping[str, Contract],
    beside: Iterable[Agreement] = (),
    at: datetime | None = None,
) -> list[Problem]:
    """Every mistake of one agreement against the contracts, for the sharing step.

    Of the agreements `beside` it, none may write or empty its tables, whatever its standing. Those of the same
    recipient that are in force at `at` may undo its counts, and it may undo theirs.
    """
    file = read_yaml(agreement.path)
    problems = [
        problem
        for position, product in enumerate(agreement.products)
        for problem in _product_problems(file, position, product, contracts)
    ]
    others = [one for one in beside if one.recipient == agreement.recipient]
    others = [one for one in others if one.agreement_id != agreement.agreement_id]
    files = [(read_yaml(one.path), one) for one in others]
    rivals = [problem for other in files for problem in _rival_problems([other, (file, agreement)])]
    in_force = [(of, one) for of, one in files if at is not None and one.standing(at) == "in_force"]
    return problems + rivals + _linked_problems([(file, agreement), *in_force], about=agreement)


def _product_problems(
    file: YamlFile, position: int, product: Product, contracts: Mapping[str, Contract]
) -> list[Problem]:
    place = ("products", position)
    contract = contracts.get(product.registry)
    if contract is None:
        message = f"there is no registry `{product.registry}` with a contract"
        return [file.problem((*place, "table"), message, _nearest(product.registry, list(contracts)))]
    tables = {table.name: table for table in contract.tables}
    if product.table not in tables:
        message = f"{product.registry} has no table `{product.table}`"
        return [file.problem((*place, "table"), message, _nearest(product.table, list(tables)))]
    table = tables[product.table]
    return [
        *_column_problems(file, position, product, table),
        *_filter_problems(file, position, product, table),
        *(file.problem((*place, *where), what, remedy) for where, what, remedy in _miscounted(product, table)),
    ]


def _column_problems(file: YamlFile, position: int, product: Product, table: Table) -> list[Problem]:
    found = []
    columns = {column.name: column for column in table.columns}
    for number, shared in enumerate(product.columns):
        place = ("products", position, "groupBy" if product.statistics else "columns", number)
        if shared.name not in columns:
            message = f"{table.qualified_name} has no column `{shared.name}`"
            found.append(file.problem(place, message, _nearest(shared.name, list(columns))))
        elif why := misfit(shared, columns[shared.name]):
            remedy = "protect it with pseudonym, year or keep_last, or drop it"
            remedy = "count by another column" if product.statistics else remedy
            found.append(file.problem((*place, "protection"), f"the column `{shared.name}` {why}", remedy))
    return found


def _miscounted(product: Product, table: Table) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Mistakes in what a product counts and sums: place, message, remedy."""
    rule = product.statistics
    if rule is None:
        return
    columns = {column.name: column for column in table.columns}
    for place, names in (("sums", rule.sums), ("unit", rule.unit)):
        for name in names:
            if name not in columns:
                what = f"{table.qualified_name} has no column `{name}`"
                yield (place,), what, _nearest(name, list(columns))
            elif place == "sums" and not statistics.is_countable(columns[name].sql_type):
                what = f"the column `{name}` is of type {columns[name].sql_type}, whose sums are not exact"
                yield (place,), what, "sum whole numbers or decimals; a decimal has its digits in `physicalType`"
    given = [shared.name for shared in product.given]
    called = [*given, statistics.COUNT, *map(statistics.sum_name, rule.sums), statistics.SUPPRESSED]
    for name in sorted({name for name in called if called.count(name) > 1}):
        yield ("groupBy",), f"two columns of the product would be called `{name}`", "count by another column"
    whole = {shared.name for shared in product.given if shared.protection == "none"}
    unit = set(rule.unit or table.primary_key)
    if not unit or (len(unit) > 1 and not rule.unit):
        what = f"the key of {table.qualified_name} is ({', '.join(table.primary_key)}): what is one of those counted?"
        yield (), what, "name the columns that tell a person (a parcel, ...) from another: `unit: [...]`"
    elif set(table.primary_key) - unit - whole:
        what = f"one of those counted may have several rows in a cell, as the key is ({', '.join(table.primary_key)})"
        yield ("unit",), what, f"count by {', '.join(sorted(set(table.primary_key) - unit))} too, as it is"
    elif rule.totals and set(table.primary_key) - unit:
        what = "one of those counted has rows in several cells, so that a total over these may be of few"
        yield ("totals",), what, "leave `totals` out, or count a table that has one row for each"


def _linked_problems(agreements: list[tuple[YamlFile, Agreement]], about: Agreement | None = None) -> list[Problem]:
    """Products by which one of statistics could be undone: of the same table, for the same recipient or others.

    With `about`, only pairs of which that agreement has one.
    """
    of_table: dict[tuple[str, str], list[tuple[Agreement, Product]]] = {}
    for _, one in agreements:
        for product in one.products:
            of_table.setdefault((product.registry, product.table), []).append((one, product))
    found = []
    for file, agreement in agreements:
        for position, product in enumerate(agreement.products):
            others = of_table[product.registry, product.table] if product.statistics else []
            for other, beside in others:
                if beside is product or about not in (None, agreement, other):
                    continue
                if told := _undone_by(agreement, product, other, beside):
                    what, remedy, is_warning = told
                    place = ("products", position, "groupBy")
                    found.append(file.problem(place, what, remedy, warning=is_warning))
    return found


def _undone_by(
    agreement: Agreement, product: Product, other: Agreement, beside: Product
) -> tuple[str, str, bool] | None:
    """Why counts could be undone by another product of their table: message, remedy, whether it is a warning."""
    table, name = f"{product.registry}.{product.table}", f"`{beside.name}` of the agreement `{other.agreement_id}`"
    if agreement.recipient == other.recipient:
        what = f"the same recipient gets {name} from {table}: what is suppressed here could be found by comparing them"
        return what, "make one product of both: `groupBy` with `totals: true` holds the tables of fewer columns", False
    if not (product.statistics and beside.statistics) or agreement.agreement_id > other.agreement_id:
        return None
    if held_path(product, product.statistics) != held_path(beside, beside.statistics):
        what = f"{name} counts other cells of {table}, for `{other.recipient}`: who has both tables can compare them"
        return what, "give both the same `groupBy`, `rows` and rules, by which they get the same figures", True
    return None


def _guessable(file: YamlFile, position: int, product: Product, contracts: Mapping[str, Contract]) -> list[Problem]:
    """Warnings on pseudonyms of codes: with few values, frequencies reveal them."""
    contract = contracts.get(product.registry)
    table = next((table for table in contract.tables if table.name == product.table), None) if contract else None
    coded = set() if table is None else _coded(table)
    return [
        file.problem(
            ("products", position, "columns", number, "protection"),
            f"the column `{shared.name}` holds codes of a list: how often a pseudonym comes tells which code it is",
            "drop it, or give it as it is where its class allows: a pseudonym is for what each person has alone",
            warning=True,
        )
        for number, shared in enumerate(product.columns)
        if shared.protection == "pseudonym" and shared.name in coded
    ]


def _coded(table: Table) -> set[str]:
    """Columns with codes of a list, by the contract."""
    listed = {r.columns[0] for r in table.relationships if r.registry == REFERENCE and len(r.columns) == 1}
    return listed | {
        rule.columns[0]
        for rule in table.rules
        if len(rule.columns) == 1
        and (
            rule.metric in ("enum", REFERENCE) or (rule.metric == "invalidValues" and rule.arguments.get("validValues"))
        )
    }


def _filter_problems(file: YamlFile, position: int, product: Product, table: Table) -> list[Problem]:
    try:
        compile_filter(product.rows, table)
    except FilterRefused as refused:
        remedy = "write one condition over the table's columns, as after WHERE: status_code = '1' AND sex <> '3'"
        return [file.problem(("products", position, "rows"), f"the row filter {refused}", remedy)]
    if product.statistics is None:
        return []
    told = compared_columns(product.rows)
    unit = product.statistics.unit or table.primary_key
    return [
        file.problem(
            ("products", position, "rows"),
            f"counts of rows chosen by `{column.name}` could be of all but one, or of one more",
            "choose by a column that many have in common, or leave `rows` out",
        )
        for column in table.columns
        if column.name.lower() in told and (column.name in unit or column.classification in NEVER_BARE)
    ]


def _rival_problems(agreements: list[tuple[YamlFile, Agreement]]) -> list[Problem]:
    """Problems of two agreements with the same table, or with two names of one recipient."""
    found = []
    writers: dict[tuple[str, str], str] = {}
    names: dict[str, tuple[str, str]] = {}
    for file, agreement in agreements:
        for position, product in enumerate(agreement.products):
            first = writers.setdefault((agreement.recipient, product.name), agreement.agreement_id)
            if first != agreement.agreement_id:
                message = f"the agreement `{first}` already writes shared/{agreement.recipient}/{product.name}"
                remedy = "give the product another name, or join the two agreements"
                found.append(file.problem(("products", position, "name"), message, remedy))
        first_name, first_id = names.setdefault(agreement.recipient, (agreement.recipient_name, agreement.agreement_id))
        if first_name != agreement.recipient_name:
            message = f"the recipient `{agreement.recipient}` is called otherwise in `{first_id}`: {first_name}"
            found.append(file.problem(("recipient", "name"), message, "one id is one recipient: correct id or name"))
    return found


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known) or 'none'}"
