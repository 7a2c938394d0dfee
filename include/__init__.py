"""The library of Liên Thông: everything that is not scheduling. Imports no Airflow."""
