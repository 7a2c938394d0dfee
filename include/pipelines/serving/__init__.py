"""Serving shared tables by the Delta Sharing protocol: tokens, agreements as they stand, requests and their records."""

from include.pipelines.serving.server import bring_in_reads, make_app, serve
from include.pipelines.serving.tokens import (
    LONGEST_DAYS,
    Holders,
    Issued,
    LiveTokens,
    all_tokens,
    endpoint_of,
    issue_token,
    revoke_tokens,
    rotate_token,
)
