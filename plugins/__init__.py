"""Airflow plugins: gates, pools, deadlines, lake tables as assets, quality pages."""
