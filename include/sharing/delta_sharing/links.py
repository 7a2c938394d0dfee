"""Signed URLs of files that this server hands out itself, for a lake in a folder.

An HMAC-SHA256 covers path and query as they are sent, byte for byte, so that nothing of a URL can be altered. The key
lives as long as the server: after a restart clients ask again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote

from include.sharing.delta_sharing.errors import Forbidden

URL_SECONDS = 900
"""How long a signed URL opens its file."""
_SIGNATURE = "&signature="
# Permission to read, as Azure's signed URLs say it: delta-kernel takes a URL for signed only by a parameter it knows.
_READ = "sp=r"


@dataclass(frozen=True, slots=True)
class SignedFile:
    """What a valid URL names: the table as the protocol does, the file below its folder, and the token it was for."""

    share: str
    schema: str
    table: str
    path: str
    token_id: str


@dataclass(frozen=True, slots=True)
class FileLinks:
    """Makes and reads signed URLs below `<endpoint>/files/`."""

    endpoint: str
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def url(self, file: SignedFile, expires: int) -> str:
        """The URL that opens a file until `expires` (seconds since 1970)."""
        names = [quote(name, safe="") for name in (file.share, file.schema, file.table, *file.path.split("/"))]
        target = f"/files/{'/'.join(names)}?expires={expires}&token={file.token_id}&{_READ}"
        return f"{self.endpoint}{target}{_SIGNATURE}{self._signature(target)}"

    def opened(self, target: str, now: float) -> SignedFile:
        """The file of a URL's path (from `/files/` on) and query, as they were received.

        Raises:
            Forbidden: it was not signed here, was altered, or its time is over.
        """
        signed, found, signature = target.rpartition(_SIGNATURE)
        if not found or not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            raise Forbidden("the URL was not signed by this server, or was altered: query the table again")
        path, _, query = signed.partition("?")
        values = parse_qs(query, strict_parsing=True)
        if int(values["expires"][0]) <= now:
            raise Forbidden(f"the URL's time is over ({URL_SECONDS // 60} minutes): query the table again")
        _, _, share, schema, table, *names = map(unquote, path.split("/"))
        return SignedFile(share, schema, table, "/".join(names), values["token"][0])

    def _signature(self, target: str) -> str:
        return hmac.new(self.key, target.encode(), hashlib.sha256).hexdigest()
