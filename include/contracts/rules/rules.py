"""Construction of `Rule` objects from a contract's columns and tables.

Great Expectations evaluates a rule by `metric`, `arguments` and `query`, never by `violation`, so that the two
evaluations stay independent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Unpack, cast

from open_data_contract_standard.model import (
    AuthoritativeDefinition,
    CustomProperty,
    DataQuality,
    SchemaProperty,
)

from include.contracts.model import VIETNAMESE, Bound, Column, Relationship, Rule, RuleArguments, Scope, Severity
from include.contracts.rules.expressions import may_lose
from include.contracts.rules.references import violation_of_reference
from include.contracts.rules.rule_words import implied, implied_reference, one_key, readable
from include.contracts.rules.violations import RuleError, literal, quote, violation_of_metric, violation_of_query
from include.contracts.words import BilingualText

DIMENSION_OF = {
    "required": "completeness",
    "nullValues": "completeness",
    "missingValues": "completeness",
    "rowCount": "coverage",
    "duplicateValues": "uniqueness",
    "unique": "uniqueness",
    "reference": "consistency",
}
CONTROL_CHARACTERS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{FFFD}]"
_OPERATORS = {
    "mustBe": "=",
    "mustNotBe": "!=",
    "mustBeGreaterThan": ">",
    "mustBeGreaterOrEqualTo": ">=",
    "mustBeLessThan": "<",
    "mustBeLessOrEqualTo": "<=",
    "mustBeBetween": "between",
    "mustNotBeBetween": "not between",
}
_OBJECT = re.compile(r"\$?\{\s*(?:object|table|model|schema)\s*\}", re.IGNORECASE)
_COLUMN = re.compile(r"\$?\{\s*(?:property|column|field)\s*\}", re.IGNORECASE)


def column_rules(
    prefix: str, column: Column, written: SchemaProperty, references: Sequence[Relationship]
) -> list[Rule]:
    """The rules implied by a column's type, options, enum and reference lists."""
    rules, name = [], quote(column.name)

    def add(
        metric: str,
        violation: str,
        texts: BilingualText,
        scope: Scope = "row",
        severity: Severity = "error",
        **arguments: Unpack[RuleArguments],
    ) -> None:
        rules.append(
            Rule(
                rule_id=f"{prefix}.{column.name}.{metric}",
                table=prefix.rpartition(".")[2],
                columns=(column.name,),
                metric=metric,
                scope=scope,
                severity=severity,
                dimension=DIMENSION_OF.get(metric, "conformity"),
                description=texts.english,
                vietnamese=texts.vietnamese,
                violation=violation,
                arguments=arguments,
            )
        )

    def option(metric: str, violation: str, stated: object, **arguments: Unpack[RuleArguments]) -> None:
        add(metric, violation, implied(metric, column, stated), **(arguments or RuleArguments(value=stated)))

    if column.is_required:
        add("required", f"{name} IS NULL", implied("required", column))
    if may_lose(column):
        add("unreadable", f'list_contains("_unreadable", {literal(column.name)})', readable(column))
    if column.sql_type == "VARCHAR":
        add(
            "controlCharacters",
            f"regexp_matches({name}, {literal(CONTROL_CHARACTERS)})",
            implied("controlCharacters", column),
            pattern=CONTROL_CHARACTERS,
        )
    if written.enum:
        values = [v.value for v in written.enum]
        listed = ", ".join(literal(v) for v in values)
        add("enum", f"{name} NOT IN ({listed})", implied("enum", column), validValues=values)
    for word, comparison in (
        ("minimum", "<"), ("maximum", ">"), ("exclusiveMinimum", "<="), ("exclusiveMaximum", ">="),
    ):  # fmt: skip
        if (bound := column.options.get(word)) is not None:
            # A number is compared as written: cast to the column's type, 0.1 would become 0 for an integer.
            is_number = isinstance(bound, int | float)
            limit = literal(bound) if is_number else f"CAST({literal(bound)} AS {column.sql_type})"
            option(word, f"{name} {comparison} {limit}", bound)
    if (step := column.options.get("multipleOf")) is not None:
        option("multipleOf", f"{name} % {literal(step)} <> 0", step)
    for word, comparison in (("minLength", "<"), ("maxLength", ">")):
        if (length := column.options.get(word)) is not None:
            option(word, f"length({name}) {comparison} {literal(length)}", length)
    if (pattern := column.options.get("pattern")) is not None:
        option("pattern", f"NOT regexp_matches({name}, {literal(pattern)})", pattern, pattern=pattern)
    if column.is_unique:
        add("unique", "", implied("unique", column), scope="set")
    for reference in references:
        given: RuleArguments = {"list": reference.table, "listColumn": reference.to_columns[0]}
        if reference.valid_on:
            given["validOn"] = reference.valid_on
        texts, violation = implied_reference(column, reference), violation_of_reference(name, reference)
        add("reference", violation, texts, severity=reference.severity, **given)
    return rules


def key_rule(prefix: str, columns: Sequence[Column]) -> list[Rule]:
    """The rule that no two source keys become one; none for a table without a key."""
    keyed = sorted(
        (c for c in columns if c.primary_key_position is not None), key=lambda c: c.primary_key_position or 0
    )
    if not keyed:
        return []
    texts = one_key(keyed)
    return [
        Rule(
            rule_id=f"{prefix}.key",
            table=prefix.rpartition(".")[2],
            columns=tuple(column.name for column in keyed),
            metric="unique",
            scope="set",
            severity="error",
            dimension="uniqueness",
            description=texts.english,
            vietnamese=texts.vietnamese,
        )
    ]


def quality_rule(
    prefix: str,
    written: DataQuality,
    columns: Sequence[Column],
    owner: Column | None,
    index: int,
    laws: Mapping[str, str] | None = None,
) -> Rule | None:
    """The rule of an entry of a `quality` list; None for `type: text`, which is for readers only.

    `laws` are Vietnamese texts of legal references by their ids.

    Raises:
        RuleError: the entry cannot be evaluated as written.
    """
    if written.type == "text":
        return None
    if written.type == "custom":
        raise RuleError(
            f"engine `{written.engine}` is not run here", "state the rule as `type: sql` or a library metric"
        )
    if (written.severity or "error") not in ("error", "warning"):
        raise RuleError(f"severity `{written.severity}` is unknown", "one of: error, warning")
    severity: Severity = "warning" if written.severity == "warning" else "error"
    metric = "sql" if written.type == "sql" else written.metric or ""
    bound = _bound(written)
    arguments = cast("RuleArguments", dict(written.arguments or {}))
    names = {c.name for c in columns}
    subject = _subject(metric, arguments, names, owner)
    violation, query = "", ""
    if metric == "sql":
        query = _OBJECT.sub("{object}", written.query or "")
        query = _COLUMN.sub(quote(owner.name) if owner else "{property}", query)
        violation, meant, subject = violation_of_query(query, columns)
        query = f"SELECT COUNT(*) FROM {{object}} WHERE {meant}"
    elif metric in ("nullValues", "missingValues", "invalidValues"):
        violation = violation_of_metric(metric, arguments, subject[0])
    every_row = bound.operator == "=" and bound.value == 0 and metric != "rowCount"
    scope: Scope = "table" if not every_row else "set" if metric == "duplicateValues" else "row"
    own_id = written.id or re.sub(r"[^a-z0-9]+", "-", (written.name or "").lower()).strip("-")
    return Rule(
        rule_id=f"{prefix}.{own_id or '-'.join([*subject[:1], metric, str(index + 1)])}",
        table=prefix.rpartition(".")[2],
        columns=subject,
        metric=metric,
        scope=scope,
        severity=severity,
        dimension=written.dimension or DIMENSION_OF.get(metric, "conformity"),
        description=" ".join((written.description or written.name or own_id or metric).split()),
        violation=violation,
        arguments=arguments,
        bound=bound if scope == "table" else None,
        query=query,
        vietnamese=vietnamese_text(written.customProperties),
        legal_source="; ".join(cited(written.authoritativeDefinitions)),
        legal_source_vietnamese="; ".join(cited(written.authoritativeDefinitions, laws or {})),
    )


def vietnamese_text(custom: Sequence[CustomProperty] | None) -> str:
    """The Vietnamese description, from the custom property `vietnamese`; empty if there is none."""
    return next((" ".join(str(p.value).split()) for p in custom or [] if p.property == VIETNAMESE and p.value), "")


def cited(definitions: Sequence[AuthoritativeDefinition] | None, laws: Mapping[str, str] | None = None) -> list[str]:
    """Texts of the cited legal references; with `laws` (id: text), in Vietnamese where available."""
    return [(laws or {}).get(d.id or "") or d.description or d.url or "" for d in definitions or []]


def _bound(written: DataQuality) -> Bound:
    for word, operator in _OPERATORS.items():
        value = getattr(written, word)
        if value is None:
            continue
        unit = written.unit or "rows"
        if unit not in ("rows", "percent"):
            raise RuleError(f"unit `{unit}` is unknown", "one of: rows, percent")
        if isinstance(value, list):
            return Bound(operator, (float(value[0]), float(value[1])), unit)  # type: ignore[arg-type]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RuleError(f"`{word}` must be a number", "e.g. `mustBe: 0`")
        return Bound(operator, value, unit)  # type: ignore[arg-type]
    raise RuleError(
        "says nothing to compare with", "add `mustBe: 0` (every row) or `mustBeLessThan: 5` with `unit: percent`"
    )


def _subject(metric: str, arguments: RuleArguments, names: set[str], owner: Column | None) -> tuple[str, ...]:
    if metric == "duplicateValues" and arguments.get("properties"):
        listed = tuple(str(name) for name in arguments["properties"])
        if unknown := [name for name in listed if name not in names]:
            raise RuleError(
                f"speaks of `{unknown[0]}`, which is not a column here", f"one of: {', '.join(sorted(names))}"
            )
        return listed
    if owner is not None:
        return (owner.name,)
    if metric in ("rowCount", "sql"):
        return ()
    raise RuleError(f"`{metric}` on a table needs columns", "move the rule under the column it speaks of")
