"""Relationships as written, and the rule of one that leads into a code list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from open_data_contract_standard.model import CustomProperty, SchemaObject, SchemaProperty

from include.contracts.model import Relationship, Severity
from include.contracts.rules.violations import RuleError, quote


def violation_of_reference(name: str, reference: Relationship) -> str:
    """Violation predicate of a code list: no entry has the code, in force on the day of `valid_on` if there is one."""
    code, listed = quote(reference.to_columns[0]), quote(f"ref_{reference.table}")
    if not reference.valid_on:
        return f"{name} IS NOT NULL AND {name} NOT IN (SELECT {code} FROM {listed} WHERE {code} IS NOT NULL)"
    day = quote(reference.valid_on)
    # The row's columns may have the names of the list's: beside reserved ones they still are the row's.
    entries = f"(SELECT {code} AS _code, valid_from AS _from, valid_until AS _until FROM {listed}) AS _entry"
    in_force = f"{day} >= coalesce(_from, {day}) AND {day} <= coalesce(_until, {day})"
    return (
        f"{name} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {entries} WHERE _code = {name}"
        f" AND ({day} IS NULL OR ({in_force})))"
    )


def reference_targets(table: str, owner: SchemaObject | SchemaProperty, registry: str) -> Iterator[Relationship]:
    """The relationships written on a table or a column, in the shorthand `[registry.]table.column`.

    Raises:
        RuleError: a relationship is invalid.
    """
    for written in owner.relationships or []:
        to = written.to if isinstance(written.to, list) else [written.to or ""]
        if isinstance(owner, SchemaProperty):
            columns: tuple[str, ...] = (owner.name or "",)
        else:
            stated = written.from_ if isinstance(written.from_, list) else [written.from_ or ""]
            columns = tuple(name.rpartition(".")[2] for name in stated)
        parts = [target.split(".") for target in to]
        if any(len(p) not in (2, 3) for p in parts) or len({tuple(p[:-1]) for p in parts}) != 1:
            raise RuleError(
                f"relationship to `{', '.join(to)}` cannot be followed",
                "write `table.column`, `registry.table.column` or `reference.list.code`",
            )
        target = parts[0][:-1]
        valid_on, severity = _settings_of_list(written.customProperties or [], is_list=target[0] == "reference")
        yield Relationship(
            columns=columns,
            registry=target[0] if len(target) == 2 else registry,
            table=target[-1],
            to_columns=tuple(p[-1] for p in parts),
            valid_on=valid_on,
            severity=severity,
        )


def _settings_of_list(custom: Sequence[CustomProperty], *, is_list: bool) -> tuple[str, Severity]:
    """The date column of `validOn` and the severity, custom properties of a relationship to a code list."""
    valid_on, severity = "", "error"
    for prop in custom:
        if prop.property not in ("validOn", "severity"):
            raise RuleError(f"a relationship has no property `{prop.property}`", "one of: validOn, severity")
        if not is_list:
            raise RuleError(
                f"`{prop.property}` belongs to a code list",
                "write it beside `to: reference.<list>.code`; a reference to a table is counted and rejects nobody",
            )
        if prop.property == "severity" and prop.value not in ("error", "warning"):
            raise RuleError(f"severity `{prop.value}` is unknown", "one of: error, warning")
        if prop.property == "validOn" and not isinstance(prop.value, str):
            raise RuleError("`validOn` names no column", "give the published name of a date column")
        valid_on = prop.value if prop.property == "validOn" else valid_on
        severity = prop.value if prop.property == "severity" else severity
    return valid_on, "warning" if severity == "warning" else "error"
