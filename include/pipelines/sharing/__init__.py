"""Carrying out agreements: shared tables, and the rights of recipients at the S3 store."""

from include.pipelines.sharing.products import share_step
