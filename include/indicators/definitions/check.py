"""Check of indicators: their SQL against what may be read, bound by DuckDB over no rows.

What may be read stands in the catalogue and nowhere else: the SQL is parsed and written anew (include/contracts/sql),
and the engine that binds it here, as the one that runs it later, is closed to files, hosts and settings.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from include import vietnam
from include.contracts.model import Contract
from include.contracts.sql import CheckedQuery, SqlRefused, Unbound, checked_query, explained, names_in, rewritten
from include.contracts.yaml_files import ContractError, Problem, YamlFile, all_valid, load_each, read_yaml
from include.indicators.definitions.catalogue import Catalogue
from include.indicators.definitions.indicator import Indicator
from include.indicators.definitions.loading import indicator_paths, load_indicator
from include.indicators.definitions.sql_functions import define_period, define_working_days
from include.lake.storage import quote, restrict_access
from include.vietnam import WorkingDays

_OPEN = ("public", "internal")
# Types whose sum is exact; that of UHUGEINT is DOUBLE.
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG)?INT(EGER)?|HUGEINT|DECIMAL\(\d+,[0-6]\)")
_NUMBERS_ONLY = "write a whole number or a decimal of at most 6 places: CAST(... AS DECIMAL(18,2))"
_NAMED = re.compile(r"`([^`]+)`")
_AS_COUNTED = "write a condition, a whole number or a decimal of at most 6 places: CAST(... AS DECIMAL(18,2))"


@dataclass(frozen=True, slots=True)
class CompiledIndicator:
    """An indicator with its SQL written anew. `counted` is a number for each row of `query`, and so is `out_of`.

    `out_of` is empty for a plain count and for a percentile; `columns` are those that the query gives. `unknown` is
    true for a row that is counted as no or as 0 because one of the two is empty (`counted` in a row that `out_of`
    counts); a percentile leaves such rows out.
    """

    indicator: Indicator
    query: CheckedQuery
    counted: str
    out_of: str
    columns: tuple[str, ...]
    unknown: str

    @property
    def statements(self) -> tuple[str, str, str]:
        """All of its SQL."""
        return self.query.sql, self.counted, self.out_of


def check_indicators(schemas_dir: Path, contracts: Mapping[str, Contract]) -> list[Problem]:
    """Every mistake in `schemas_dir/indicators`: of form, and of the SQL against contracts and code lists."""
    paths = indicator_paths(schemas_dir)
    readable, problems = load_each(paths, load_indicator)
    if not paths:
        return []
    return problems + compile_indicators(readable.values(), Catalogue.of(contracts, schemas_dir))[1]


def compile_indicators(
    indicators: Iterable[Indicator], catalogue: Catalogue
) -> tuple[dict[str, CompiledIndicator], list[Problem]]:
    """The indicators whose SQL has no mistakes, by id, with it checked and written anew; and the others' mistakes."""
    given = {one.path.stem: one for one in indicators}
    statements = [text for one in given.values() for text in (one.rows, one.numerator, one.denominator)]
    compiled: dict[str, CompiledIndicator] = {}
    problems: list[Problem] = []
    with _engine(catalogue, statements) as engine:
        for name, one in given.items():
            try:
                compiled[name] = _Compiler(one, catalogue, engine).compiled()
            except ContractError as error:
                problems += error.problems
    return compiled, problems


def compile_indicator(indicator: Indicator, catalogue: Catalogue) -> CompiledIndicator:
    """One indicator with its SQL checked and written anew.

    Raises:
        ContractError: with every mistake of its SQL, each with file, line and remedy.
    """
    return next(iter(all_valid(compile_indicators([indicator], catalogue)).values()))


@contextmanager
def _engine(catalogue: Catalogue, statements: Iterable[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the catalogue's relations without rows, the macros, and nothing else to read."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=config) as engine:
        vietnam.register(engine, catalogue.schemas, statements)
        for name, columns in catalogue.relations.items():
            typed = ", ".join(f"CAST(NULL AS {column.sql_type}) AS {quote(column.name)}" for column in columns)
            engine.execute(f"CREATE VIEW {quote(name)} AS SELECT {typed} WHERE false")
        define_period(engine, "2000-01-01", "2000-04-01", "2000-04-01T00:00:00Z")
        define_working_days(engine, WorkingDays())
        restrict_access(engine)
        yield engine


class _Compiler:
    """Checks one indicator and collects its mistakes."""

    def __init__(self, indicator: Indicator, catalogue: Catalogue, engine: duckdb.DuckDBPyConnection) -> None:
        self.indicator = indicator
        self.catalogue = catalogue
        self.engine = engine
        self.file = read_yaml(indicator.path)
        self.problems: list[Problem] = []

    def compiled(self) -> CompiledIndicator:
        query, types = self._rows()
        counted = self._expression(query, types, "numerator", self.indicator.numerator)
        out_of = self._expression(query, types, "denominator", self.indicator.denominator)
        if types:
            self._breakdown(types)
            self._finding(types)
        if self.problems or query is None:
            raise ContractError(self.problems)
        return CompiledIndicator(self.indicator, query, counted, out_of, tuple(types), self._unknown(out_of))

    def _rows(self) -> tuple[CheckedQuery | None, dict[str, str]]:
        """The query, with the types of its columns by name; none of them where it is mistaken."""
        try:
            query = checked_query(self.indicator.rows, self.catalogue.relations)
        except SqlRefused as refused:
            self._note("rows", f"the query {refused}", refused.remedy)
            return None, {}
        types = self._types("rows", query.sql, "the query")
        if len({name.lower() for name, _ in types}) < len(types):
            self._note("rows", "the query gives two columns of one name", "name each: ... AS name")
        return query, dict(types)

    def _expression(self, query: CheckedQuery | None, types: dict[str, str], field: str, text: str) -> str:
        """The expression as a number for each row: of a condition 1 where it is true, else 0."""
        if not text or query is None or not types:
            return ""
        try:
            sql = rewritten(text)
        except SqlRefused as refused:
            self._note(field, f"it {refused}", refused.remedy)
            return ""
        if unknown := [name for name in names_in(sql) if name.lower() not in {known.lower() for known in types}]:
            self._note(field, f"it speaks of `{unknown[0]}`, which `rows` does not give", _known(unknown[0], types))
            return ""
        found = self._types(field, f"SELECT ({sql}) AS counted FROM ({query.sql})", "it")
        kind = found[0][1] if len(found) == 1 else "nothing that can be counted"
        if kind == "BOOLEAN" and self.indicator.percentile:
            self._note(field, "it gives BOOLEAN, and a percentile is of numbers", _NUMBERS_ONLY)
            return ""
        if kind == "BOOLEAN":
            return f"CASE WHEN ({sql}) THEN 1 ELSE 0 END"
        if self.indicator.minimum_cell and not self.indicator.percentile and found:
            what = f"it gives {kind}, and `minimumCell` is of rows that are counted"
            self._note(field, what, "write a condition, or leave `minimumCell` out")
            return ""
        if not _NUMBER.fullmatch(kind):
            if found:
                self._note(field, f"it gives {kind}, which is not counted exactly", _AS_COUNTED)
            return ""
        return f"({sql})"

    def _unknown(self, out_of: str) -> str:
        """Whether a row is counted as no or as 0 because a condition of it is empty."""
        if self.indicator.percentile:
            return "false"
        is_empty = f"({rewritten(self.indicator.numerator)}) IS NULL"
        if not out_of:
            return is_empty
        return f"({rewritten(self.indicator.denominator)}) IS NULL OR ({is_empty} AND {out_of} <> 0)"

    def _breakdown(self, types: dict[str, str]) -> None:
        for dimension in self.indicator.breakdown:
            place = ("breakdown", dimension.name)
            of = self.catalogue.column(dimension.source, dimension.column)
            if dimension.name not in types:
                what = f"`rows` gives no column `{dimension.name}`"
                self._note(place, what, _known(dimension.name, types))
            elif types[dimension.name] != "VARCHAR":
                self._note(place, f"`{dimension.name}` is {types[dimension.name]}, no code", "CAST it AS VARCHAR")
            if of is None:
                known = self.catalogue.relations.get(dimension.source)
                names = [column.name for column in known] if known else list(self.catalogue.relations)
                wanted = dimension.column if known else dimension.source
                what = f"there is no column `{dimension.source}.{dimension.column}`"
                self._note(place, what, _known(wanted, names))
            elif of.classification not in _OPEN:
                what = f"`{dimension.source}.{dimension.column}` is {of.classification}: it may tell of a person"
                self._note(place, what, "break down by codes that are public or internal")

    def _finding(self, types: dict[str, str]) -> None:
        finding = self.indicator.finding
        if finding is None:
            return
        if finding.owner not in self.catalogue.registries:
            what = f"there is no register `{finding.owner}` with a contract"
            self._note(("finding", "owner"), what, _known(finding.owner, self.catalogue.registries))
        if unknown := [name for name in finding.columns if name not in types]:
            self._note(("finding", "columns"), f"`rows` gives no column `{unknown[0]}`", _known(unknown[0], types))
        if self.indicator.minimum_cell < 2:
            what = "a finding is of persons, and small counts tell who they are"
            self._note(("minimumCell",), what, "add `minimumCell: 5`: counts below it are hidden from readers")

    def _types(self, field: str, sql: str, what: str) -> list[tuple[str, str]]:
        """Names and types of what a query gives; none where it does not bind."""
        try:
            return [(str(row[0]), str(row[1])) for row in self.engine.execute(f"DESCRIBE {sql}").fetchall()]
        except duckdb.Error as error:
            self._note(field, *explained(Unbound(error), what))
            return []

    def _note(self, place: str | tuple[str, ...], message: str, remedy: str) -> None:
        path = (place,) if isinstance(place, str) else place
        problem = self.file.problem(path, message, remedy)
        self.problems.append(replace(problem, line=_line_within(self.file, path, problem.line, message)))


def _line_within(file: YamlFile, path: Sequence[str], line: int, message: str) -> int:
    """The line of a field on which the name stands that the message quotes; else the field's first."""
    value = file.data.get(path[0])
    if len(path) > 1 or not isinstance(value, str) or "\n" not in value.strip():
        return line
    for named in _NAMED.findall(message):
        for offset, text in enumerate(value.splitlines(), 1):
            if re.search(rf"(?<!\w){re.escape(named)}(?!\w)", text, re.IGNORECASE):
                return line + offset
    return line


def _known(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(known))}"
