"""Contracts: ODCS YAML turned into frozen, validated objects. A `Contract` that loads is free of mistakes.

Packages from the bottom up: `words`, `yaml_files`, `sql`, `model`, `rules`, `checks`, `reading`. Nothing here opens a
database or the lake.
"""
