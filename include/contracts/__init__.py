"""Contracts: what a registry's data must look like, read from ODCS YAML into frozen objects."""
