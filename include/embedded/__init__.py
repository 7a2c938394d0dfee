"""Runs the whole product on one machine: servers as processes, Airflow, the demo. All state is under `var/`."""
