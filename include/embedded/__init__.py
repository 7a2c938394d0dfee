"""Runs the whole product on one machine: servers as processes, Airflow, the demo. All state is under `var/`."""

from include.embedded.country import simulate_country
from include.embedded.demo import run
from include.embedded.settings import complete
from include.embedded.site import REPOSITORY, Site, free_port
from include.embedded.stack import down, up
