"""Two recipients of a lake on S3, their agreements, and the identities that the store gets from those."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyarrow import fs

from include.contracts.model import Column, Contract, Relationship, Server, Table
from include.sharing.agreements.loading import load_agreement
from include.sharing.recipients.store_identities import Credential, identities

BUCKET, PREFIX = "lake", "national"
LAKE_URI = f"s3://{BUCKET}/{PREFIX}"
OWNER = Credential("owner-access", "owner-secret-0123456789")
SERVER = Credential("server-access", "server-secret-0123456789")
PORTAL = Credential("portal-access", "portal-secret-0123456789")
READERS = {
    "LIENTHONG_READER_NSO": "nso-access:nso-secret-0123456789",
    "LIENTHONG_READER_MOH": "moh-access:moh-secret-0123456789",
    "LIENTHONG_READER_MOHA": "moha-access:moha-secret-0123456789",
}


def options(access_key: str, secret_key: str, endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }


AGREEMENT = """\
version: 1.0.0
title: Chia sẻ dữ liệu dân cư
provider: Bộ Công an
recipient: {id: RECIPIENT, name: NAME}
purpose: Thống kê
legalBasis: [Luật Thống kê 89/2015/QH13]
from: 2026-01-01
until: UNTIL
contact: {provider: a@bca.example, recipient: b@nso.example}
products:
  - name: citizen
    table: population.citizen
    columns:
      - {name: personal_id, protection: pseudonym}
      - {name: full_name, protection: none}
      - {name: status_code, protection: STATUS}
"""
CITIZEN = Table(
    "population",
    "citizen",
    "cong_dan",
    (
        Column("personal_id", "so_dinh_danh", "string", "VARCHAR", primary_key_position=1, classification="restricted"),
        Column("full_name", "ho_ten", "string", "VARCHAR", classification="confidential"),
        Column("status_code", "trang_thai", "string", "VARCHAR"),
    ),
    (),
    (Relationship(("status_code",), "reference", "person_statuses", ("code",)),),
)
CONTRACTS = {"population": Contract("population", "1.0.0", Path("x"), "d", Server("s", "postgres"), (CITIZEN,))}


def write_agreement(folder: Path, recipient: str, *, until: str = "2026-12-31") -> Path:
    path = folder / "schemas" / "agreements" / f"to_{recipient}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = AGREEMENT.replace("RECIPIENT", recipient).replace("NAME", recipient).replace("UNTIL", until)
    text = text.replace("STATUS", "none" if recipient == "nso" else "drop")
    path.write_text(text, encoding="utf-8")
    return path


def identities_of_recipients() -> list[dict[str, Any]]:
    """The store's identities of three agreements in force, and of the lake's owner."""
    at = datetime(2026, 3, 1, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        recipients = ("nso", "moh", "moha")
        agreements = [load_agreement(write_agreement(Path(folder), recipient)) for recipient in recipients]
        found = identities(
            agreements, CONTRACTS, lake_uri=LAKE_URI, at=at, owner=OWNER, server=SERVER, portal=PORTAL, environ=READERS
        )
    return list(found["identities"])


def filesystem(url: str, credential: Credential) -> fs.S3FileSystem:
    return fs.S3FileSystem(
        access_key=credential.access_key,
        secret_key=credential.secret_key,
        endpoint_override=url.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
        allow_bucket_creation=True,
        request_timeout=10,
        connect_timeout=2,
    )
