"""Check of tables whose changed rows are found in the source's change log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from include.contracts.model import Server, Table
from include.contracts.yaml_files import Place, ReportProblem

_WITH_LOG = ("postgres", "postgresql", "mysql", "mariadb")


def check_change_logs(
    tables: Iterable[Table], servers: Iterable[Server], places: Mapping[str, Place], report: ReportProblem
) -> None:
    """Report `changes: log` where the source has no log that could be read, or where rows cannot be followed in it."""
    without = [server for server in servers if server.type not in _WITH_LOG]
    for table in tables:
        if not table.extract.reads_change_log:
            continue
        place = places[f"{table.name}:extract"]
        if without:
            what = f"`changes: log`, but server `{without[0].name}` is of type `{without[0].type}`"
            remedy = "leave it out: only PostgreSQL and MariaDB (`type: postgres` or `mysql`) have a log that is read"
            report(place, what, remedy)
        if not table.primary_key:
            remedy = "state the primary key: the log says of which keys the rows changed"
            report(place, "`changes: log`, but the table has no primary key", remedy)
        if table.rows_from_list:
            remedy = "leave it out: the log follows rows of the source, and such a table has a row for each entry"
            report(place, "`changes: log` of a table with `rowsFromList`", remedy)
