"""Signed checkpoints: statements "the ledger's entry N has the hash H", verifiable with a public key.

A chain of hashes shows any change to its middle, but whoever can write the lake could cut off its end, or write a
whole new chain. A checkpoint that is kept, or published, out of that person's reach fixes everything up to its entry.
Signatures are Ed25519 (RFC 8032) over the checkpoint's canonical JSON.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from include.audit.ledger import entries
from include.audit.ledger.canonical_json import canonical
from include.known_error import KnownError
from include.lake.storage import Lake

SIGNING_KEY_VARIABLE = "LIENTHONG_SIGNING_KEY"
CHECKPOINTS = "audit/checkpoints"


class SigningKeyUnreadable(KnownError, ValueError):
    """A private or public key is not an Ed25519 key in PEM form."""


class CheckpointUnreadable(ValueError):
    """A file is not a valid checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The claim that entry `sequence` has this hash, made at `at`.

    With an empty `signature` it protects against accidents only.
    """

    sequence: int
    hash: str
    at: str
    key_id: str = ""
    signature: str = ""

    def content(self) -> bytes:
        """The signed content: canonical JSON of all fields but the signature."""
        fields = asdict(self)
        del fields["signature"]
        return canonical(fields).encode()

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether the signature is valid for this key."""
        try:
            key.verify(base64.b64decode(self.signature, validate=True), self.content())
        except (InvalidSignature, binascii.Error):
            return False
        return True

    def to_json(self) -> str:
        """The checkpoint as the text of a file."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """The checkpoint in a file's text. Raises CheckpointUnreadable."""
        try:
            given = json.loads(text)
            return cls(
                int(given["sequence"]),
                str(given["hash"]),
                str(given["at"]),
                str(given["key_id"]),
                str(given["signature"]),
            )
        except (ValueError, KeyError, TypeError):
            raise CheckpointUnreadable(
                "not a checkpoint: expected JSON with sequence, hash, at, key_id and signature; take the file that "
                "`audit/checkpoints/` holds, unchanged"
            ) from None


def signing_key(environ: Mapping[str, str] = os.environ) -> Ed25519PrivateKey | None:
    """The key in LIENTHONG_SIGNING_KEY (PEM, or the path of a PEM file); None if there is none."""
    given = environ.get(SIGNING_KEY_VARIABLE, "").strip()
    if not given:
        return None
    remedy = f"{SIGNING_KEY_VARIABLE} must hold, or name a file with, an unencrypted Ed25519 private key in PEM form: "
    remedy += "`openssl genpkey -algorithm ed25519 -out signing.pem` makes one"
    try:
        key = load_pem_private_key(_pem(given), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningKeyUnreadable(remedy) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyUnreadable(remedy)
    return key


def public_key(file: Path) -> Ed25519PublicKey:
    """The public key in a PEM file."""
    remedy = f"{file.name} is not an Ed25519 public key in PEM form: `openssl pkey -in signing.pem -pubout` prints it"
    try:
        key = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        raise SigningKeyUnreadable(remedy) from None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyUnreadable(remedy)
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """A short name for a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def write_checkpoint(lake: Lake, key: Ed25519PrivateKey | None, *, at: datetime) -> Checkpoint | None:
    """Write a checkpoint of the ledger's head to `audit/checkpoints/`, signed if there is a key; None if it is empty.

    An existing one of the same entry is kept, unless it is unsigned and there is a key now.
    """
    last = entries.head(lake)
    if last.sequence == 0:
        return None
    file = lake.path(CHECKPOINTS, f"{last.sequence:012d}.json")
    if lake.exists(file):
        found = Checkpoint.from_json(lake.read_text(file))
        if found.signature or key is None:
            return found
    when = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = Checkpoint(last.sequence, last.hash, when, key_id(key.public_key()) if key else "")
    if key is not None:
        signature = base64.b64encode(key.sign(made.content())).decode()
        made = Checkpoint(made.sequence, made.hash, made.at, made.key_id, signature)
    lake.write_text(file, made.to_json())
    return made


def read_checkpoints(lake: Lake, folder: str = CHECKPOINTS) -> list[tuple[str, Checkpoint | None]]:
    """The checkpoints in a folder of the lake, by file name; None for a file that is not one."""
    found: list[tuple[str, Checkpoint | None]] = []
    for uri in lake.list(lake.path(folder)):
        if uri.endswith(".json"):
            try:
                found.append((uri.rpartition("/")[2], Checkpoint.from_json(lake.read_text(uri))))
            except CheckpointUnreadable:
                found.append((uri.rpartition("/")[2], None))
    return found


def _pem(given: str) -> bytes:
    return given.encode() if given.startswith("-----BEGIN") else Path(given).read_bytes()
