"""`python -m include.simulator`: the same as `lienthong simulate`, for source systems of your own.

Connections are read from AIRFLOW_CONN_POPULATION and, for the land of each province, AIRFLOW_CONN_LAND_01 and so on
(or AIRFLOW_CONN_LAND for all of it): PostgreSQL or MariaDB. Insurance and finance go into files under `--into` unless
AIRFLOW_CONN_INSURANCE and AIRFLOW_CONN_FINANCE say otherwise.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from include.simulator import UnknownTarget, build_country
from include.simulator.progress import progress_bar
from include.terminal import Terminal


def main(
    persons: Annotated[int, typer.Option(min=100, help="How many persons the country has.")] = 2_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same country.")] = 2028,
    into: Annotated[Path, typer.Option(help="Folder for staging, truth and file drops.")] = Path("var/simulator"),
) -> None:
    """Build a simulated country and load it into its four source systems."""
    console = Terminal(highlight=True)
    try:
        with progress_bar() as progress:
            rows = build_country(persons=persons, seed=seed, environ=os.environ, root=into, progress=progress)
    except UnknownTarget as error:
        console.print(str(error), style="red")
        raise typer.Exit(2) from None
    table = Table("Source table", "Rows", title=f"A country of {persons:,} persons, seed {seed}")
    table.columns[1].justify = "right"
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    console.print(f"What was planted, and who is who: {into / 'truth'}")


if __name__ == "__main__":
    typer.run(main)
