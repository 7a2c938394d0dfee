"""Check of a live source against its contract: what would make a sync fail or reject rows, before it runs.

The object is opened as a sync opens it, so a right that lacks and a policy that hides rows show here as they would
there; no row is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from include.contracts.model import Column, Table, integer_range
from include.contracts.reading import ReadContract
from include.contracts.rules import columns_read
from include.contracts.yaml_files import Place, Problem
from include.lake.storage import LakeError
from include.pipelines.checks.expressions import ExpressionChecker
from include.pipelines.context import PipelineContext
from include.pipelines.errors import StepFailed, no_values_escape
from include.quality.conversion import conversion, family_of, refusal, target_of
from include.sources.access import ColumnsMissing, SourceClosed, SourceError, SourceSecretMissing, SourceUnavailable
from include.sources.landing import Source, open_source
from include.sources.source_schema import SourceType

_END = re.compile(r"(?<=[^:.]): |(?<=[.?)]) (?=[A-Z])")
_MARKS = ("integer", "decimal", "float", "boolean", "date", "timestamp", "local timestamp")
_OTHER_INTEGERS = {"UTINYINT": 8, "USMALLINT": 16, "UINTEGER": 32, "UBIGINT": 64, "HUGEINT": 127}
Told = tuple[Place, str, str, bool]  # place within the table, message, remedy, whether it is a warning


@dataclass(frozen=True, slots=True)
class LookedAt:
    """One table whose source was looked at: `kind` names the source, `columns` are (name, type) as it has them.

    Of a file, names that the contract does not read may be values: they are empty.
    """

    registry: str
    table: str
    verdict: Literal["fits", "warned", "refused"]
    kind: str = ""
    columns: tuple[tuple[str, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def look_at_source(
    context: PipelineContext, read: ReadContract, checker: ExpressionChecker
) -> tuple[list[LookedAt], list[Problem]]:
    """Every table of a contract, at every server that is read. One that cannot be opened does not stop the others."""
    if not read.contract.is_federated:
        return _look_at_server(context, read, checker)
    looked: list[LookedAt] = []
    servers: dict[Problem, list[str]] = {}
    for one in _by_server(context, read):
        at_server, told = _look_at_server(context, one, checker, is_one_of_many=True)
        looked += at_server
        for problem in dict.fromkeys(told):
            servers.setdefault(problem, []).append(one.contract.server.name)
    return looked, [
        replace(problem, message=f"at {_few(names)}: {problem.message}") for problem, names in servers.items()
    ]


def _few(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _by_server(context: PipelineContext, read: ReadContract) -> Iterator[ReadContract]:
    for server in read.contract.servers:
        if server.is_read(context.now()):
            yield read.of_server(server.name)


def _look_at_server(
    context: PipelineContext, read: ReadContract, checker: ExpressionChecker, *, is_one_of_many: bool = False
) -> tuple[list[LookedAt], list[Problem]]:
    """Every table at one server, until it turns out not to be there."""
    looked: list[LookedAt] = []
    problems: list[Problem] = []
    for table in read.contract.tables:
        kind, is_there = "", True
        columns: tuple[tuple[str, ...], ...] = ()
        told: list[Told] = []
        try:
            with (
                no_values_escape(f"looking at the source of {table.qualified_name}"),
                open_source(
                    read.contract, table, lake=context.lake, at=context.now(), environ=context.environ
                ) as source,
            ):
                kind, columns = source.kind, source.columns_to_tell
                told = list(_differences(table, source, checker))
        except ColumnsMissing as missing:
            told = list(_missing(table, missing))
        except (SourceError, LakeError, StepFailed) as error:
            message, remedy = _split(str(error), table)
            variable = read.contract.server.connection_variable
            is_unset = isinstance(error, SourceSecretMissing) and not context.environ.get(variable, "").strip()
            # Of several servers one may come later: the run says which have not delivered.
            told = [((), message, remedy, is_one_of_many and is_unset)]
            is_there = not isinstance(error, SourceSecretMissing | SourceUnavailable | SourceClosed)
        base = read.places[table.base_name if is_there else f"{read.contract.server.name}:server"]
        problems += [read.file.problem((*base, *at), what, how, warning=warned) for at, what, how, warned in told]
        errors = any(not warned for *_, warned in told)
        looked.append(
            LookedAt(table.registry, table.name, "refused" if errors else "warned" if told else "fits", kind, columns)
        )
        if not is_there:
            break
    return looked, problems


def _missing(table: Table, missing: ColumnsMissing) -> Iterator[Told]:
    gone = {name.lower(): hint for name, hint in zip(missing.columns, missing.hints, strict=True)}
    for index, column in enumerate(table.columns):
        key = "transformLogic" if column.expression else "physicalName"
        for name in columns_read(column):
            if (hint := gone.pop(name.lower(), None)) is not None:
                message = f"the source has no column '{name}'{hint}"
                remedy = f"correct {key}, or ask the registry's owner whether it was renamed or dropped"
                yield ("properties", index, key), message, remedy, False


def _differences(table: Table, source: Source, checker: ExpressionChecker) -> Iterator[Told]:
    declared = {record[0].lower(): record[1] for record in source.columns}
    landed = {name.lower(): kind for name, kind, *_ in source.landed_types()}
    for index, column in enumerate(table.columns):
        place: Place = ("properties", index)
        names = columns_read(column)
        types = [landed.get(name.lower(), "VARCHAR") for name in names]
        if column.expression:
            failure, given = checker.type_over(column.expression, names, types)
            if failure is not None:
                yield (*place, "transformLogic"), f"over what the source has: {failure[0]}", failure[1], False
                continue
        else:
            given = types[0]
        yield from _unfit(place, column, given, declared.get(names[0].lower(), "") if names else "")
    if table.extract.cursor and table.primary_key and (why := source.can_select(table)):
        remedy = "every run reads the whole table; choose a cursor that the source can compare"
        yield ("customProperties",), f"the cursor cannot be followed: {why}", remedy, True


def _unfit(place: Place, column: Column, landed: str, declared: str) -> Iterator[Told]:
    if why := refusal(landed, column):
        message, _, remedy = why.partition(": ")
        yield (*place, "logicalTypeOptions"), message, remedy, False
        return
    source = f"{column.source_name} ({declared or landed})"
    if not conversion(landed, column).is_possible:
        message = f"no value of {source} can become a {column.logical_type}: all rows would be rejected"
        yield (*place, "logicalType"), message, "correct logicalType, or write a transformLogic that says how", False
        return
    if landed == "VARCHAR" and column.sql_type == "TIMESTAMPTZ" and not column.options.get("defaultTimezone"):
        message = f"{source} lands as text: one without an offset is rejected, as no `defaultTimezone` is stated"
        yield (*place, "logicalTypeOptions"), message, "state it, e.g. `defaultTimezone: Asia/Ho_Chi_Minh`", True
        return
    if column.expression:
        return
    # SQLite lands text whatever a column is declared as.
    kind = SourceType.parse(declared).sql_type if landed == "VARCHAR" and declared else landed
    if target_of(column) in _MARKS and family_of(kind) == "text":
        message = f"{source} is text: a value that is not written as a {column.logical_type} is rejected"
        yield (*place, "logicalType"), message, "nothing, if that is meant; else correct logicalType", True
    elif wider := _wider(kind, column.sql_type):
        message = f"{source} holds {wider} than {column.sql_type}: a value that does not fit is rejected"
        yield (*place, "physicalType"), message, "widen the type in the contract, if such values are right", True


def _wider(given: str, wanted: str) -> str:
    """What the source's exact numbers have more of; empty if all of them fit."""
    has, takes = _extent(given), _extent(wanted)
    if has is None or takes is None:
        return ""
    if has[1] > takes[1]:
        return f"more decimals ({has[1]})"
    return "greater numbers" if has[0] > takes[0] else ""


def _extent(kind: str) -> tuple[Decimal, int] | None:
    """The greatest value of an exact type, and its decimals."""
    if kind in _OTHER_INTEGERS:
        return Decimal(2 ** _OTHER_INTEGERS[kind] - 1), 0
    span = integer_range(kind)
    sizes = re.findall(r"\d+", kind)
    return (span[1], int(sizes[1]) if len(sizes) == 2 else 0) if span else None


def _split(text: str, table: Table) -> tuple[str, str]:
    """What is wrong, and what to do: our errors say the one before the other."""
    text = text.removeprefix(f"{table.qualified_name}: ")
    found = _END.search(text)
    return (text[: found.start()], text[found.end() :]) if found else (text, "see the source's own log")
