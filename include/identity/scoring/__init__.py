"""Pairs of records: candidates scored by the model (DuckDB or Spark), decided, explained."""

from include.identity.scoring.explanations import Step, explain_pairs
from include.identity.scoring.pair_scores import MEMORY_LIMIT, score
