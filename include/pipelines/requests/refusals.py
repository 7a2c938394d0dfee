"""What is said to somebody whose act on a request is not taken in, in both languages."""

from __future__ import annotations

from include.contracts.words import BilingualText
from include.pipelines.errors import Misuse


class RequestRefused(Misuse):
    """An act on a request that is not taken in. `text` says why and what to do, in both languages."""

    def __init__(self, english: str, vietnamese: str) -> None:
        super().__init__(english)
        self.text = BilingualText(english, vietnamese)


class RequestUnknown(RequestRefused):
    """No request of that id, or none that this person may see: nobody learns which of the two."""

    def __init__(self, request_id: str) -> None:
        named = request_id[:200]
        super().__init__(
            f"no request `{named}`: `lienthong requests list` shows which there are",
            f"không có yêu cầu `{named}`: lệnh `lienthong requests list` liệt kê các yêu cầu hiện có",
        )


class RequestOvertaken(RequestRefused):
    """Somebody else acted on the request first."""
