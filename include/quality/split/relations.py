"""Temporary tables and views of the split and of its assessment, by name; all but WHOLE have the column `_row`."""

CONFORMED = "conformed"
"""Every extracted row, in the contract's columns."""

FLAGGED = "flagged"
"""Masks (`_m0`, ...) of the rows that break a row rule."""

PASSING = "passing"
"""Conformed rows that break no row rule of severity error."""

SUPERSEDED_ROWS = "superseded"
"""Numbers of passing rows of which a newer version of the same key passes too."""

PRESENT = "present"
"""Conformed rows that are not deleted at the source (of the assessment only)."""

KEPT = "kept"
"""Passing rows that are not superseded."""

CANDIDATES = "candidates"
"""Kept rows that are not deleted at the source: set rules judge them."""

BESIDE = "beside"
"""The published context: published rows that the run does not change."""

ELSEWHERE = "elsewhere"
"""Keys of the run that another server of the registry has published."""

CLASHES = "clashes"
"""`rule` (its index) of each candidate that breaks a set rule."""

FAULTS = "faults"
"""Outcome and reasons of the rows that are not accepted."""

ACCEPTED = "accepted"
"""Conformed rows without faults."""

WHOLE = "whole"
"""Accepted rows that are not deleted at the source, and the published context: table rules measure them."""
