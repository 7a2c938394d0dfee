"""Carrying out agreements: shared tables, and the rights of recipients at the S3 store."""

from __future__ import annotations

from include.pipelines.sharing.products import share_step

__all__ = [
    "share_step",
]
