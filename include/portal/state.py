"""What the portal's pages share for as long as the server lives."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from itsdangerous import TimestampSigner
from starlette.requests import Request

from include.pipelines import Misuse, PipelineContext
from include.pipelines.catalogue import KeptDocument, LiveCatalogue, LiveShapes, SharedAs
from include.pipelines.reporting import QualityPages
from include.pipelines.serving import LiveTokens, endpoint_of


@dataclass(frozen=True)
class Portal:
    """One lake's portal. `url` is its address as people reach it; `signer` signs sessions; they end with it.

    `ended`: the sessions that were signed out, each with the time at which it would have ended by itself.
    """

    context: PipelineContext
    url: str
    quality: QualityPages
    catalogue: LiveCatalogue
    shapes: LiveShapes
    recipients: LiveTokens
    officials: LiveTokens
    signer: TimestampSigner = field(default_factory=lambda: TimestampSigner(secrets.token_bytes(32), "session"))
    ended: dict[str, float] = field(default_factory=dict)
    document: KeptDocument = field(default_factory=KeptDocument)

    @classmethod
    def of(cls, context: PipelineContext, url: str) -> Portal:
        """The portal of a context's lake and contracts."""
        lake = context.lake
        quality = QualityPages(context)
        tokens = LiveTokens(lake, "recipients"), LiveTokens(lake, "officials")
        return cls(context, url, quality, LiveCatalogue(quality), LiveShapes(lake), *tokens)

    @property
    def sharing_url(self) -> str:
        """The endpoint of Delta Sharing, for pages that say how to read; a placeholder where it is not known here."""
        try:
            return endpoint_of(self.context)
        except Misuse:
            return SharedAs().endpoint

    @property
    def is_secure(self) -> bool:
        """Whether people reach it by https, so that cookies go no other way."""
        return self.url.startswith("https:")


def portal_of(request: Request) -> Portal:
    """The portal that a request came to."""
    found: Portal = request.app.state.portal
    return found
