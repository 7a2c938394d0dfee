"""Sharing: what an agreement gives a recipient (columns, rows, masks, pseudonyms) as a Delta table of its own."""
