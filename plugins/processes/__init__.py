"""Processes of Airflow that hold in memory what their children would each load again."""
