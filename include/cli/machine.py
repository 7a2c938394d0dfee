"""Commands that run everything on this machine: simulate, demo, up, down."""

from __future__ import annotations

from typing import Annotated

import typer

from include.cli.application import app


@app.command()
def simulate(
    persons: Annotated[int, typer.Option(min=100, help="How many persons the country has.")] = 2_000,
    seed: Annotated[int, typer.Option(help="Same seed, same country, byte for byte.")] = 2028,
) -> None:
    """Build a small simulated country with known truth and known dirt, and load it into the source systems.

    Example: `lienthong simulate --persons 10000 --seed 7`
    """
    from include.embedded.demo import simulate_country

    raise typer.Exit(simulate_country(persons=persons, seed=seed))


@app.command()
def demo(
    persons: Annotated[int, typer.Option(min=100, help="How many persons the simulated country has.")] = 2_000,
) -> None:
    """Walk the whole way once: a simulated country, Airflow, nine registries to the lake. Some five minutes.

    Example: `lienthong demo --persons 5000`
    """
    from include.embedded.demo import run

    raise typer.Exit(run(persons=persons))


@app.command()
def up() -> None:
    """Start the embedded servers and Airflow with its UI, and leave them running."""
    from include.embedded.demo import up as start

    raise typer.Exit(start())


@app.command()
def down() -> None:
    """Stop what `up` or `demo` started."""
    from include.embedded.demo import down as stop

    raise typer.Exit(stop())
