"""Identities at the S3 store, made from the agreements: one per recipient, for its own folder.

The configuration is SeaweedFS' (`weed s3 -config=identities.json`): each identity has credentials and actions
`<Action>:<bucket>/<prefix>*`. A recipient gets Read and List on `shared/<recipient>/` and on the code lists that its
columns name (`reference/<list>/`), and nothing else: it cannot list the bucket, see that another recipient exists, or
write. Recipients without an agreement in force get no identity. The Delta Sharing server has an identity too: it reads
the shared tables of all, and writes its records and the ledger, so that even a server that is not ours any more reaches
no other zone of the lake. So has the portal, which reads what is published and recorded, and writes requests and the
ledger.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from include.contracts.model import Contract
from include.known_error import KnownError
from include.sharing.agreements import Agreement
from include.sharing.recipients.recipient_code_lists import code_lists

OWNER = "lienthong"
SHARING_SERVER = "lienthong-sharing"
PORTAL = "lienthong-portal"
OWN_PROCESSES = frozenset({OWNER, SHARING_SERVER, PORTAL})
_WRITTEN_BY_SERVER = ("audit/reads", "audit/ledger")
_WRITTEN_BY_PORTAL = ("audit/requests", "audit/ledger")
_READ_BY_PORTAL = ("audit", "history", "indicators", "people", "reference", "registry", "rejected", "shared")
_WHOLE = ("Admin", "Read", "Write", "List", "Tagging")


class ReaderCredentialMissing(KnownError, ValueError):
    """A recipient with an agreement in force has no credentials for the store."""


@dataclass(frozen=True, slots=True)
class Credential:
    """An access key and its secret."""

    access_key: str
    secret_key: str = field(repr=False)


def reader_variable(recipient: str) -> str:
    """The environment variable with a recipient's credentials: `ACCESS_KEY:SECRET_KEY`."""
    return f"LIENTHONG_READER_{recipient.upper()}"


def reader_credential(recipient: str, environ: Mapping[str, str] = os.environ) -> Credential:
    """A recipient's credentials. Raises ReaderCredentialMissing if they are not set or too short."""
    access_key, _, secret_key = environ.get(reader_variable(recipient), "").strip().partition(":")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{4,128}", access_key) or len(secret_key) < 16:
        raise ReaderCredentialMissing(
            f"{reader_variable(recipient)} must hold ACCESS_KEY:SECRET_KEY, the secret 16 characters or more: make one "
            "with `openssl rand -hex 20`, and hand both to the recipient's office over a channel of its own"
        )
    return Credential(access_key, secret_key)


def identities(
    agreements: Iterable[Agreement],
    contracts: Mapping[str, Contract],
    *,
    lake_uri: str,
    at: datetime,
    owner: Credential,
    server: Credential,
    portal: Credential,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """The store's configuration: `owner` (the pipelines) may do everything, each recipient reads its own folder.

    `server` is the Delta Sharing server's, `portal` the portal's.

    `contracts` state the code lists of its columns; for a registry without a contract none is readable.
    `lake_uri` is `s3://bucket` or `s3://bucket/prefix`.

    Raises:
        ReaderCredentialMissing: for the first recipient without credentials.
        ValueError: the lake is not on S3, or two identities share an access key.
    """
    if not lake_uri.startswith("s3://"):
        raise ValueError(
            "identities are for a lake on S3: LAKE_URI must be s3://bucket/prefix; in a folder, use its modes"
        )
    root = lake_uri.removeprefix("s3://").rstrip("/")
    lists: dict[str, set[str]] = {}
    for agreement in agreements:
        if agreement.standing(at) == "in_force":
            lists.setdefault(agreement.recipient, set()).update(code_lists(agreement, contracts))
    found = [
        _identity(OWNER, owner, list(_WHOLE)),
        _identity(SHARING_SERVER, server, _actions(root, ("shared",), _WRITTEN_BY_SERVER)),
        _identity(PORTAL, portal, _actions(root, _READ_BY_PORTAL, _WRITTEN_BY_PORTAL)),
    ]
    for recipient, named in sorted(lists.items()):
        folders = [f"{root}/shared/{recipient}/*", *(f"{root}/reference/{name}/*" for name in sorted(named))]
        actions = [f"{action}:{folder}" for folder in folders for action in ("Read", "List")]
        found.append(_identity(recipient, reader_credential(recipient, environ), actions))
    keys = [identity["credentials"][0]["accessKey"] for identity in found]
    if len(set(keys)) < len(keys):
        raise ValueError("two identities share an access key: give each its own")
    return {"identities": found}


def render(configuration: Mapping[str, Any]) -> str:
    """The configuration as the text of its file. It holds secrets: mode 0600, and never in the repository."""
    return json.dumps(configuration, indent=2) + "\n"


def _actions(root: str, read: Sequence[str], written: Sequence[str]) -> list[str]:
    """Read and List on some zones of the lake, and on some tables Write too."""
    reads = [f"{action}:{root}/{zone}/*" for zone in read for action in ("Read", "List")]
    return [*reads, *(f"{action}:{root}/{table}/*" for table in written for action in ("Read", "List", "Write"))]


def _identity(name: str, credential: Credential, actions: list[str]) -> dict[str, Any]:
    secrets = {"accessKey": credential.access_key, "secretKey": credential.secret_key}
    return {"name": name, "credentials": [secrets], "actions": actions}
