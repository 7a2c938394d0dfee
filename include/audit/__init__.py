"""Audit: a hash-chained ledger, its verification against the lake, and the quality report."""
