"""What Airflow must load from this house: the gate, pools, deadlines, and the lake tables as assets."""
