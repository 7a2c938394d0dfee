"""Parsing of a contract's policies: extract, tolerance, approval, scope of keys, service levels.

`refuse(message, remedy)` is called for every mistake; a default stands in for the mistaken value.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast, get_args

from open_data_contract_standard.model import CustomProperty, ServiceLevelAgreementProperty
from pydantic import TypeAdapter, ValidationError

from include.contracts.model.contract import Sla
from include.contracts.model.table import (
    ChangesBy,
    Column,
    Deletes,
    Drift,
    Engine,
    ExtractPolicy,
    KeyScope,
    LinkRole,
    RowsFromList,
    Tolerance,
)
from include.contracts.sql import SqlRefused, names_in, rewritten

Refuse = Callable[[str, str], None]

_DURATION = TypeAdapter(timedelta)
_SHORTEST_HISTORY = timedelta(days=31)  # versions of a table are kept for 30 days
_SECONDS = {"d": 86400, "day": 86400, "days": 86400, "h": 3600, "hour": 3600, "hours": 3600, "m": 60, "minutes": 60}
_DELETES = get_args(Deletes)
_DRIFT = get_args(Drift)
_CHANGES = get_args(ChangesBy)
_LINK_ROLES = get_args(LinkRole)
_EXTRACT = {
    "cursor", "lag", "deletes", "deleteLimitPercent", "deletedWhen", "drift", "changes", "changeLogLimitMegabytes",
}  # fmt: skip
_COLUMN_PROPERTIES = ("link", "empty")
DERIVED = "any"  # `empty: any`: values that the expression makes empty are published by another column
HISTORY_COLUMNS = ("valid_from", "valid_until")  # of former rows: the time in which each was published
VIETNAMESE = "vietnamese"  # a rule's description in that language; of `description`: texts of legal references by id


def extract_policy(custom: Sequence[CustomProperty], columns: set[str], refuse: Refuse) -> ExtractPolicy:
    """The extract policy, from the custom property `extract`."""
    value = _settings(custom, "extract", _EXTRACT, refuse)
    stated: Any = value.get("cursor") or []
    cursor = [stated] if isinstance(stated, str) else stated
    for name in cursor:
        if name not in columns:
            refuse(f"the cursor `{name}` is not a column", f"one of: {', '.join(sorted(columns))}")
    deletes = _choice(value, "deletes", "reconcile", _DELETES, refuse)
    drift = _choice(value, "drift", "freeze", _DRIFT, refuse)
    deleted_when = str(value.get("deletedWhen", "")).strip()
    if (deletes == "soft") != bool(deleted_when):
        refuse(
            "`deletes: soft` and `deletedWhen` go together",
            "say which rows are deleted, e.g. `deletes: soft, deletedWhen: status = 'cancelled'`",
        )
    elif deleted_when:
        deleted_when = _predicate(deleted_when, columns, refuse)
    lag = timedelta(hours=1)
    try:
        lag = _DURATION.validate_python(value.get("lag", "PT1H"))
    except ValidationError:
        refuse("`lag` is not a duration", "write ISO 8601, e.g. PT1H or P1D")
    limit = _percent(value, "deleteLimitPercent", 5, refuse)
    changes = _choice(value, "changes", "compare", _CHANGES, refuse)
    log_limit = _megabytes(value, "changeLogLimitMegabytes", changes, refuse)
    return ExtractPolicy(tuple(cursor), lag, deletes, limit, deleted_when, drift, changes, log_limit)  # type: ignore[arg-type]


def link_role(custom: Sequence[CustomProperty], refuse: Refuse) -> LinkRole | None:
    """The column's role in record linkage, from its custom property `link`."""
    for prop in custom:
        if prop.property == "link":
            if prop.value in _LINK_ROLES:
                return cast(LinkRole, prop.value)
            near = difflib.get_close_matches(str(prop.value), _LINK_ROLES, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(_LINK_ROLES)}"
            refuse(f"the link role `{prop.value}` is unknown", hint)
    return None


def empty_inputs(custom: Sequence[CustomProperty], refuse: Refuse) -> tuple[tuple[str, ...], str]:
    """Source values that mean "not given", from the column's custom property `empty`: texts, or a SQL condition."""
    for prop in custom:
        name = prop.property or ""
        near = difflib.get_close_matches(name, _COLUMN_PROPERTIES, n=1, cutoff=0.75)
        if near and name not in _COLUMN_PROPERTIES:
            refuse(f"`{name}` is unknown", f"did you mean `{near[0]}`?")
        if name != "empty":
            continue
        if prop.value == DERIVED:
            return (), ""
        if isinstance(prop.value, list) and prop.value:
            return _empty_values(prop.value, refuse), ""
        if isinstance(prop.value, dict) and set(prop.value) == {"when"} and str(prop.value["when"] or "").strip():
            return (), str(prop.value["when"]).strip()
        mistake = "`empty` is neither a list of texts nor a condition"
        if isinstance(prop.value, dict) and (unknown := sorted(set(map(str, prop.value)) - {"when"})):
            mistake = f"`empty` has no key `{unknown[0]}`"
        remedy = 'write `value: ["N/A", "9"]`, or `value: {when: "<condition over source columns>"}`'
        refuse(mistake, f"{remedy}, or `value: any` where another column publishes it")
    return (), ""


def legal_references(custom: Sequence[CustomProperty], refuse: Refuse) -> dict[str, str]:
    """Vietnamese texts of legal references by their ids, from the custom property `vietnamese` of `description`."""
    for prop in custom:
        if prop.property == VIETNAMESE and not isinstance(prop.value, dict):
            refuse(f"`{VIETNAMESE}` is not a mapping", "write `<id of a reference>: <its Vietnamese text>`")
        elif prop.property == VIETNAMESE:
            return {str(key): " ".join(str(text).split()) for key, text in prop.value.items()}
    return {}


def _empty_values(values: Sequence[Any], refuse: Refuse) -> tuple[str, ...]:
    for value in values:
        if not isinstance(value, str):
            mistake = "nothing" if value is None else f"`{value}`, which is no text"
            refuse(f"`empty` lists {mistake}", f'write texts in quotes: "{"N/A" if value is None else value}"')
        elif not value.strip():
            refuse("`empty` lists a blank, which is empty anyway", "leave it out")
        elif value != value.strip():
            refuse("`empty` lists a text with blanks around it", f'they are not compared: write "{value.strip()}"')
    return tuple(value for value in values if isinstance(value, str) and value.strip())


def tolerance(custom: Sequence[CustomProperty], refuse: Refuse) -> Tolerance:
    """The tolerance of the gate, from the custom property `tolerance`."""
    value = _settings(custom, "tolerance", {"rejectedPercent", "rowCountChangePercent", "supersededPercent"}, refuse)
    return Tolerance(
        _percent(value, "rejectedPercent", 5, refuse),
        _percent(value, "rowCountChangePercent", 20, refuse),
        _percent(value, "supersededPercent", 0, refuse) if "supersededPercent" in value else None,
    )


def key_scope(custom: Sequence[CustomProperty], refuse: Refuse) -> KeyScope:
    """Within what a key may stand once, from the custom property `keyScope`."""
    return cast(KeyScope, _word(custom, "keyScope", get_args(KeyScope), refuse) or "registry")


def engine(custom: Sequence[CustomProperty], refuse: Refuse) -> Engine | None:
    """What judges the table's rows, from the custom property `engine`; None: the contract does not say."""
    return cast("Engine | None", _word(custom, "engine", get_args(Engine), refuse))


def _word(custom: Sequence[CustomProperty], name: str, known: Sequence[str], refuse: Refuse) -> str | None:
    for prop in custom:
        if prop.property == name:
            return _choice({name: prop.value}, name, known[0], known, refuse)
        if difflib.get_close_matches(prop.property or "", [name], n=1, cutoff=0.75):
            refuse(f"`{prop.property}` is unknown", f"did you mean `{name}`?")
    return None


def row_history(custom: Sequence[CustomProperty], columns: Sequence[Column], refuse: Refuse) -> timedelta | None:
    """How long former rows are kept, from the custom property `history`; None: as long as the table's versions."""
    for prop in custom:
        if prop.property == "history":
            try:
                kept = _DURATION.validate_python(prop.value)
            except ValidationError:
                kept = timedelta(0)
            if kept < _SHORTEST_HISTORY:
                refuse(
                    "`history` is no duration of more than 30 days", "write ISO 8601, e.g. P10Y; less is kept anyway"
                )
                return None
            if not any(column.primary_key_position is not None for column in columns):
                refuse("`history` follows rows by their key, and the table has none", "state the key, or leave it out")
            for column in columns:
                if column.name.casefold() in HISTORY_COLUMNS:
                    refuse(
                        f"`history` gives former rows a column `{column.name.casefold()}`, and the table has one",
                        f"give the table's another `name:` such as `own_{column.name.casefold()}`; the source's own "
                        "name belongs in `physicalName`",
                    )
            return kept
        if difflib.get_close_matches(prop.property or "", ["history"], n=1, cutoff=0.75):
            refuse(f"`{prop.property}` is unknown", "did you mean `history`?")
    return None


def rows_from_list(custom: Sequence[CustomProperty], refuse: Refuse) -> RowsFromList | None:
    """The source column of lists whose entries are the table's rows, from the custom property `rowsFromList`."""
    value = _settings(custom, "rowsFromList", {"column", "separator"}, refuse)
    if not value:
        return None
    column, separator = str(value.get("column") or ""), str(value.get("separator") or "")
    if not column or not separator:
        remedy = 'write `rowsFromList: {column: LEGAL_NAMES, separator: ";"}`'
        refuse("`rowsFromList` names no column of the source, or not what stands between two entries", remedy)
        return None
    return RowsFromList(column, separator)


def approval(custom: Sequence[CustomProperty], refuse: Refuse) -> bool:
    """Whether decisions about the table need two different stewards, from the custom property `approval`."""
    needs_two = _settings(custom, "approval", {"fourEyes"}, refuse).get("fourEyes", False)
    if not isinstance(needs_two, bool):
        refuse(f"`fourEyes` is neither true nor false: `{needs_two}`", "write `fourEyes: true`, or leave it out")
    return needs_two is True


def sla(written: Sequence[ServiceLevelAgreementProperty], refuse: Refuse) -> Sla:
    """Service level, from `slaProperties`: the cron of any property, `deadline` (or `latency`), `retention` of landing.

    `deliveredServers` is the share of servers that must have delivered, in percent.
    """
    default = Sla()
    schedule, durations, delivered = default.schedule, {}, default.delivered_percent
    for prop in written:
        schedule = prop.schedule or schedule
        if prop.property == "deliveredServers":
            delivered = _percent({prop.property: prop.value}, prop.property, delivered, refuse)
            if delivered > 100:
                refuse(f"`{prop.property}` is over 100 percent", "write a share of the servers such as 95")
        elif difflib.get_close_matches(prop.property or "", ["deliveredServers"], n=1, cutoff=0.75):
            refuse(f"the service level `{prop.property}` is unknown", "did you mean `deliveredServers`?")
        if prop.property not in ("deadline", "latency", "retention"):
            continue
        seconds = _SECONDS.get(str(prop.unit or "d").lower())
        if seconds is None or isinstance(prop.value, bool) or not isinstance(prop.value, int | float):
            refuse(
                f"the service level `{prop.property}` is not a duration", "give a number and a unit: d, h or minutes"
            )
            continue
        durations[prop.property] = timedelta(seconds=seconds * prop.value)
    deadline = durations.get("deadline", durations.get("latency", default.deadline))
    return Sla(schedule, deadline, durations.get("retention", default.landing_retention), delivered)


def _settings(custom: Sequence[CustomProperty], name: str, known: set[str], refuse: Refuse) -> Mapping[str, object]:
    for prop in custom:
        if prop.property != name:
            if difflib.get_close_matches(prop.property or "", [name], n=1):
                refuse(f"`{prop.property}` is unknown", f"did you mean `{name}`?")
            continue
        if not isinstance(prop.value, dict):
            refuse(f"`{name}` is not a mapping", f"keys: {', '.join(sorted(known))}")
            return {}
        for key in set(prop.value) - known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"keys: {', '.join(sorted(known))}"
            refuse(f"`{name}` has no key `{key}`", hint)
        return prop.value
    return {}


def _choice(settings: Mapping[str, object], name: str, default: str, known: Sequence[str], refuse: Refuse) -> str:
    value = settings.get(name, default)
    if value not in known:
        refuse(f"{name} `{value}` is unknown", f"one of: {', '.join(known)}")
        return default
    return str(value)


def _predicate(text: str, columns: set[str], refuse: Refuse) -> str:
    """A validated SQL condition over the table's own columns only."""
    remedy = "write one condition over published columns, e.g. status = 'cancelled'"
    try:
        condition = rewritten(text)
    except SqlRefused as refused:
        is_none = str(refused) == "is not SQL"
        refuse(f"`deletedWhen` {refused}{f': `{text}`' if is_none else ''}", remedy if is_none else refused.remedy)
        return "NULL"
    for unknown in sorted(set(names_in(condition)) - columns):
        refuse(f"`deletedWhen` speaks of `{unknown}`", f"one of: {', '.join(sorted(columns))}")
    return condition


def _percent(settings: Mapping[str, object], name: str, default: float, refuse: Refuse) -> float:
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        refuse(f"`{name}` is not a percentage", "a number such as 5")
        return float(default)
    return float(value)


def _megabytes(settings: Mapping[str, object], name: str, changes: str, refuse: Refuse) -> float:
    """Megabytes of its log that the source may keep for a table; only with `changes: log`."""
    value = settings.get(name, ExtractPolicy().change_log_limit_mb)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        refuse(f"`{name}` is not a size", "a number of megabytes such as 4096")
        return ExtractPolicy().change_log_limit_mb
    if name in settings and changes != "log":
        refuse(f"`{name}` stands without `changes: log`", "add `changes: log`, or leave it out")
    return float(value)
