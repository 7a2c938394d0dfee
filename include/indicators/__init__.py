"""Indicators: figures for the Government, defined in YAML, computed over published tables, kept with their editions."""
