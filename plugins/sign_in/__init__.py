"""Airflow's auth manager."""
