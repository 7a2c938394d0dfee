"""Who is who for Airflow."""
