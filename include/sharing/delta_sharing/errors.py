"""Refusals of the Delta Sharing protocol: HTTP status, error code and a message that says what to do."""

from __future__ import annotations


class Refused(Exception):
    """A request that is not answered; the message is for the recipient and holds no value of a registry."""

    status, code = 500, "INTERNAL_ERROR"


class Malformed(Refused):
    """The request is not one of the protocol, or asks for a version that is not there."""

    status, code = 400, "INVALID_PARAMETER_VALUE"


class Unauthenticated(Refused):
    """There is no valid bearer token."""

    status, code = 401, "UNAUTHENTICATED"


class Forbidden(Refused):
    """The recipient may not read this now; the message is the reason."""

    status, code = 403, "PERMISSION_DENIED"


class NotShared(Refused):
    """Nothing of that name is shared with the recipient."""

    status, code = 404, "RESOURCE_DOES_NOT_EXIST"


class Unavailable(Refused):
    """The lake or the log of reads cannot be reached now."""

    status, code = 503, "TEMPORARILY_UNAVAILABLE"
