"""Sharing: what one recipient may read under an agreement, and nothing else."""
