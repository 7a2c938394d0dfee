"""Check of the servers of a registry: names, connections, and what each answers for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations

from include.contracts.model import Assignment, Server
from include.contracts.yaml_files import Place, ReportProblem

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FORM = "small letters, digits and hyphens, at most 63"
_REPLICA = "_REPLICA"  # AIRFLOW_CONN_<SERVER>_REPLICA is the read replica of a server


def why_no_part_name(name: str) -> str:
    """Remedy for the name of a server or variant that cannot be part of a folder's or file's name; empty if it can."""
    if _NAME.fullmatch(name):
        return ""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63]
    return f"write `{plain}`: {_FORM}" if plain else f"choose a name of {_FORM}"


def check_servers(servers: Mapping[Place, Server], report: ReportProblem) -> None:
    """Report what makes the servers of a registry ambiguous; places are those of the servers."""
    _check_assignments(servers, report)
    if len(servers) < 2:
        for place, server in servers.items():
            if server.variant:
                remedy = "write into the contract itself what its only source calls things"
                report(_custom(place), "the only server of a registry has a variant", remedy)
        return
    for place, server in servers.items():
        if remedy := why_no_part_name(server.name):
            what = f"the server's name `{server.name}` cannot be part of a folder's name and of `table@server`"
            report((*place, "server"), what, remedy)
    _check_connections(servers, report)
    first = next(iter(servers.values())).options.get("environment")
    for place, server in servers.items():
        if (own := server.options.get("environment")) != first:
            remedy = "all servers are sources of one published table: give them one, and each environment its contracts"
            what = f"the environment `{own or 'not stated'}` is not that of the first server, `{first or 'not stated'}`"
            report((*place, "environment"), what, remedy)


def _check_connections(servers: Mapping[Place, Server], report: ReportProblem) -> None:
    seen: dict[str, Server] = {}
    for place, server in servers.items():
        variable = server.connection_variable
        other = seen.setdefault(variable, server)
        if other is not server and other.name == server.name:
            report((*place, "server"), f"the server `{server.name}` stands twice", "give each server its own name")
        elif other is not server:
            what = f"has the connection {variable}, as `{other.name}` has"
            report((*place, "server"), what, "choose names that differ in a letter or digit")
    for place, server in servers.items():
        variable = server.connection_variable
        if (of := seen.get(variable.removesuffix(_REPLICA))) and variable.endswith(_REPLICA):
            what = f"has the connection {variable}, which is that of the read replica of `{of.name}`"
            report((*place, "server"), what, "choose another name")


def _check_assignments(servers: Mapping[Place, Server], report: ReportProblem) -> None:
    """Report areas with two primary servers at a time, and those that one server has twice at a time."""
    by_area: dict[str, list[tuple[Place, Server, Assignment]]] = {}
    for place, server in servers.items():
        for assignment in server.assignments:
            by_area.setdefault(assignment.area, []).append((place, server, assignment))
    for area, found in by_area.items():
        for (_, one, former), (place, server, latter) in combinations(found, 2):
            span = " ".join(_common(former, latter))
            if span and one is server:
                remedy = "leave one of them out, or let one end (`until`) as the other begins (`from`)"
                report(_custom(place), f"the server has the area `{area}` twice {span}", remedy)
            elif span and former.role == latter.role == "primary":
                remedy = "let one end (`until`) as the other begins (`from`), or give it `role: history`"
                what = f"the area `{area}` has two primary servers {span}: `{one.name}` and `{server.name}`"
                report(_custom(place), what, remedy)


def _common(one: Assignment, other: Assignment) -> Iterator[str]:
    """The time that both hold, in words; nothing if there is none."""
    begin = max(one.valid_from or date.min, other.valid_from or date.min)
    end = min(one.valid_until or date.max, other.valid_until or date.max)
    if begin < end:
        yield "at all times" if (begin, end) == (date.min, date.max) else "at one time,"
        if begin > date.min:
            yield f"from {begin}"
        if end < date.max:
            yield f"until {end}"


def _custom(place: Place) -> Place:
    return (*place, "customProperties")
