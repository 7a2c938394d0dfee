"""Reading of a contract's servers: which are sources, how they differ, and what each answers for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, cast, get_args

from open_data_contract_standard.model import Server as OdcsServer

from include.contracts.checks import nearest, why_no_part_name
from include.contracts.model import Assignment, Role, Server
from include.contracts.yaml_files import Place, ReportProblem

FILE_FORM = ("format", "delimiter", "encoding")  # what says how a file is read; a table may state it for itself
_FIELDS = ("path", *FILE_FORM, "schema")
_KEYS = ("area", "from", "until", "role")
_OWN = ("variant", "ended", "assignments")
_PUBLISHED = "delta"  # format of a server that the registry is published on
_ROLES = get_args(Role)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
Tell = Callable[[Place, str, str], None]  # place within a custom property's value, message, remedy


def source_places(contract: Mapping[str, Any]) -> list[int]:
    """Positions of the servers that a registry is read from, in the data of a contract's file.

    One whose format is `delta` is where the registry is published, unless there is no other.
    """
    servers = contract.get("servers") or []
    sources = [i for i, server in enumerate(servers) if str(server.get("format", "")).lower() != _PUBLISHED]
    return sources or [*range(len(servers))][:1]


def source_servers(
    contract: Mapping[str, Any], written: Sequence[OdcsServer], report: ReportProblem
) -> dict[Place, Server]:
    """The servers that a registry is read from, by place in the file."""
    places = source_places(contract)
    return {("servers", index): _server(written[index], ("servers", index), report) for index in places}


def _server(written: OdcsServer, place: Place, report: ReportProblem) -> Server:
    """One server, with its other custom properties among the options."""
    given = written.model_dump(exclude_none=True, by_alias=True)
    custom: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for index, entry in enumerate(given.pop("customProperties", [])):
        name = entry.get("property") or ""
        custom[name] = entry.get("value")
        places[name] = (*place, "customProperties", index, "value")
        near = difflib.get_close_matches(name, _OWN, n=1, cutoff=0.75)
        if near and name not in _OWN:
            report(places[name], f"`{name}` is unknown", f"did you mean `{near[0]}`?")

    def tell(of: str) -> Tell:
        return lambda inner, message, remedy: report((*places[of], *inner), message, remedy)

    variant, ended, assignments = (custom.pop(name, None) for name in _OWN)
    named = {field: str(given.pop(field, "")) for field in _FIELDS}
    return Server(
        given.pop("server", ""),
        given.pop("type", "custom"),
        **named,
        options={**given, **custom},
        variant=_variant(variant, tell("variant")) if "variant" in places else "",
        assignments=_assignments(assignments, tell("assignments")) if "assignments" in places else (),
        ended=_day(ended, "ended", tell("ended")) if "ended" in places else None,
    )


def _variant(value: object, tell: Tell) -> str:
    if not isinstance(value, str) or not value:
        tell((), "`variant` is no name", "write the word between the registry and `.variant.yaml` in the file's name")
    elif remedy := why_no_part_name(value):
        tell((), f"the variant's name `{value}` cannot be part of a file's name", remedy)
    else:
        return value
    return ""


def _day(value: object, name: str, tell: Tell, place: Place = ()) -> date | None:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    tell(place, f"`{name}` is no day: `{value}`", "write it as 2025-07-01")
    return None


def _assignments(value: object, tell: Tell) -> tuple[Assignment, ...]:
    if not isinstance(value, list):
        tell((), "`assignments` is not a list", 'write `[{area: "01", from: 2025-07-01}]`')
        return ()
    found = (_assignment(entry, index, tell) for index, entry in enumerate(value))
    return tuple(assignment for assignment in found if assignment is not None)


def _assignment(entry: object, index: int, tell: Tell) -> Assignment | None:
    """One assignment; None if it is mistaken."""
    if not isinstance(entry, dict):
        tell((index,), "an assignment is not a mapping", 'write `{area: "01", from: 2025-07-01, role: primary}`')
        return None
    is_right = True

    def wrong(place: Place, message: str, remedy: str) -> None:
        nonlocal is_right
        is_right = False
        tell((index, *place), message, remedy)

    for key in entry:
        if key not in _KEYS:
            wrong((key,), f"an assignment has no key `{key}`", nearest(str(key), _KEYS))
    area, role = entry.get("area"), entry.get("role", "primary")
    if area is None or area == "":
        wrong((), "an assignment names no area", 'add the code of a province or agency: `area: "01"`')
    elif not isinstance(area, str):
        wrong(("area",), f"the area `{area}` is no text", 'quote it, as zeros at its front count: `area: "01"`')
    elif area != area.strip():
        wrong(("area",), "the area has blanks around it", f'write "{area.strip()}"')
    if role not in _ROLES:
        wrong(("role",), f"the role `{role}` is unknown", nearest(str(role), _ROLES))
    days = {key: _day(entry[key], key, wrong, (key,)) for key in ("from", "until") if entry.get(key) is not None}
    begin, end = days.get("from"), days.get("until")
    if begin and end and end <= begin:
        remedy = "`until` is the first day on which it holds no longer: correct one of them"
        wrong(("until",), f"the assignment ends ({end}) before it begins ({begin})", remedy)
    return Assignment(cast(str, area), begin, end, cast(Role, role)) if is_right else None
