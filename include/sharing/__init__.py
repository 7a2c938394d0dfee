"""Data sharing: products of agreements (columns, rows, masks, pseudonyms) as Delta tables per recipient."""
