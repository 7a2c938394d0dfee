"""The keys by which the parts of the S3 store (SeaweedFS) know each other; nobody else has them.

The store is four servers in one process: master, volume, filer and S3. Clients need the last one only. The others ask
for a signed token (HTTP) or a certificate (gRPC), which are made here once and kept where only the store reads them:
`<folder>/.seaweedfs/security.toml`, a place where `weed` looks if `<folder>` is its HOME.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SIGNED = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
_BY_CERTIFICATE = ("master", "volume", "filer", "s3", "client")
_VALID = timedelta(days=20 * 365)


def write_security(folder: Path) -> None:
    """Make the store's own keys and write its security configuration below `folder`, if it has none yet."""
    home = folder / ".seaweedfs"
    configuration, certificate, key = home / "security.toml", home / "store.crt", home / "store.key"
    if configuration.exists():
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate_pem, key_pem = _certificate(datetime.now(UTC))
    _write_private(certificate, certificate_pem)
    _write_private(key, key_pem)
    lines = ["[access]", "ui = false", "[grpc]", f'ca = "{certificate}"']
    for part in _BY_CERTIFICATE:
        lines += [f"[grpc.{part}]", f'cert = "{certificate}"', f'key = "{key}"']
    for use in _SIGNED:
        lines += [f"[{use}]", f'key = "{secrets.token_urlsafe(32)}"', "expires_after_seconds = 10"]
    _write_private(configuration, ("\n".join(lines) + "\n").encode())  # last: where it is, all of it is


def _certificate(at: datetime) -> tuple[bytes, bytes]:
    """A certificate that is its own authority, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lienthong-store")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    unfinished.replace(path)
