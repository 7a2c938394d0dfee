"""Runs the whole house on one machine: servers as processes, Airflow, the demo. All state is under `var/`."""
