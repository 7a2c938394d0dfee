"""Keys of pseudonyms: one master key from the environment, one derived key per recipient.

Pseudonyms are HMAC-SHA256 (RFC 2104) under a key that HKDF (RFC 5869) derives from the master key and the recipient's
id. So one recipient's pseudonyms are equal in all its products and runs, and two recipients cannot join theirs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from include.known_error import KnownError

PSEUDONYM_KEY_VARIABLE = "LIENTHONG_PSEUDONYM_KEY"
_LEAST_BYTES = 32
_BLOCK = 64
PSEUDONYM_DIGITS = 32
"""Hex digits of a pseudonym: 128 of HMAC's 256 bits; 100 million values collide with a probability of 10^-22."""


class PseudonymKeyMissing(KnownError, ValueError):
    """A product needs pseudonyms and there is no usable key."""


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """The key of one recipient, hidden in its text form."""

    recipient: str
    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """Id of the key for logs and commits; reveals nothing but a change of the key."""
        return hashlib.sha256(b"lienthong key id\0" + self.secret).hexdigest()[:16]

    @property
    def inner(self) -> bytes:
        """HMAC's first block: the key, padded, xor 0x36."""
        return bytes(byte ^ 0x36 for byte in self.secret.ljust(_BLOCK, b"\0"))

    @property
    def outer(self) -> bytes:
        """HMAC's second block: the key, padded, xor 0x5c."""
        return bytes(byte ^ 0x5C for byte in self.secret.ljust(_BLOCK, b"\0"))

    def pseudonym(self, value: str) -> str:
        """The pseudonym of one value, as the SQL of `protect.py` computes it for whole columns."""
        return hmac.new(self.secret, value.encode(), "sha256").hexdigest()[:PSEUDONYM_DIGITS]


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key from which all recipients' keys are derived."""

    secret: bytes = field(repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> MasterKey | None:
        """The key in LIENTHONG_PSEUDONYM_KEY (hex or base64, 32 bytes or more); None if the variable is not set.

        Raises:
            PseudonymKeyMissing: the variable has another format.
        """
        given = environ.get(PSEUDONYM_KEY_VARIABLE, "").strip()
        if not given:
            return None
        secret = _decoded(given)
        if secret is None or len(secret) < _LEAST_BYTES or len(set(secret)) < 8:
            what = (
                "is neither hex nor base64" if secret is None else f"is no random key of {_LEAST_BYTES} bytes or more"
            )
            raise PseudonymKeyMissing(
                f"{PSEUDONYM_KEY_VARIABLE} {what}. If the lake has pseudonyms, its key is needed: {_FETCH}. "
                f"If it has none yet: {_REMEDY}"
            )
        return cls(secret)

    def of(self, recipient: str) -> RecipientKey:
        """The key of one recipient."""
        derived = HKDF(SHA256(), 32, salt=b"lienthong/pseudonym/v1", info=recipient.encode()).derive(self.secret)
        return RecipientKey(recipient, derived)


_REMEDY = (
    "make one with `openssl rand -hex 32`, keep it in the secret store that feeds the environment, and keep a copy "
    "offline: with another key every pseudonym changes"
)
_FETCH = (
    "fetch it from the secret store or the copy kept offline, and make no other. Only if it is lost for good: tell the "
    "recipients, then set a new one; all their pseudonyms change, and what they joined by them no longer fits"
)


def missing_key(product: str, known: Mapping[str, str]) -> PseudonymKeyMissing:
    """The error for a product that needs pseudonyms while no key is set.

    `known`: recipients of the lake with pseudonyms, and the id of each one's key.
    """
    problem = f"{product} holds pseudonyms and {PSEUDONYM_KEY_VARIABLE} is not set"
    if not known:
        return PseudonymKeyMissing(f"{problem}: {_REMEDY}")
    ids = ", ".join(f"{key_id} of {recipient}" for recipient, key_id in sorted(known.items()))
    return PseudonymKeyMissing(f"{problem}. This lake has a key already (ids of the recipients' keys: {ids}): {_FETCH}")


def _decoded(given: str) -> bytes | None:
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", given):
        return bytes.fromhex(given)
    try:
        return base64.b64decode(
            given + "=" * (-len(given) % 4), altchars=b"-_" if set(given) & set("-_") else None, validate=True
        )
    except (binascii.Error, ValueError):
        return None
