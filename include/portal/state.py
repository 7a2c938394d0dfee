"""What the portal's pages share for as long as the server lives."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from itsdangerous import TimestampSigner
from starlette.requests import Request

from include.pipelines import PipelineContext
from include.pipelines.reporting import QualityPages
from include.pipelines.serving import LiveTokens


@dataclass(frozen=True)
class Portal:
    """One lake's portal. `url` is its address as people reach it; `signer` signs sessions; they end with it."""

    context: PipelineContext
    url: str
    quality: QualityPages
    recipients: LiveTokens
    officials: LiveTokens
    signer: TimestampSigner = field(default_factory=lambda: TimestampSigner(secrets.token_bytes(32), "session"))

    @classmethod
    def of(cls, context: PipelineContext, url: str) -> Portal:
        """The portal of a context's lake and contracts."""
        lake = context.lake
        return cls(context, url, QualityPages(context), LiveTokens(lake, "recipients"), LiveTokens(lake, "officials"))

    @property
    def is_secure(self) -> bool:
        """Whether people reach it by https, so that cookies go no other way."""
        return self.url.startswith("https:")


def portal_of(request: Request) -> Portal:
    """The portal that a request came to."""
    found: Portal = request.app.state.portal
    return found
