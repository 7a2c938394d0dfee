"""Reading the registries: databases and file deliveries, into the landing zone exactly as received.

Packages from the bottom up: `access`, `source_schema`, `open_object`, `databases`, `deliveries`, one for each format
of files (`csv`, `excel`, `json_lines`, `parquet`), and `landing`, where `open_source` begins.
"""
