"""The demo and the commands up and down: a simulated country, a live display, a table of what happened."""

from include.embedded.demo.country import ensure_country, simulate_country, source_connections, start_sources
from include.embedded.demo.stack import BusyError, alone, down, up
from include.embedded.demo.walkthrough import run
