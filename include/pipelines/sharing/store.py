"""Prepare the S3 store of a production lake: `python -m include.pipelines.sharing.store identities FILE | bucket`.

`identities` writes who may read what, from the agreements in force, into the file the store reads at its start, and
beside it the keys by which the store's own parts know each other and where it sends its access log; `bucket` makes the
lake's bucket, once the store answers.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pyarrow import fs

from include.contracts.reading import readable_contracts
from include.pipelines.context import schemas_folder
from include.pipelines.sharing.store_security import write_security
from include.sharing.agreements import load_agreements
from include.sharing.recipients import Credential, identities, render

PATIENCE_SECONDS = 180
_LOG_ENTRIES = 1_000_000


class StoreNotReady(Exception):
    """The store did not let the bucket be made."""


def write_identities(path: Path, *, at: datetime, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Write the identities of the agreements in force at `at`; only the file's owner can read it. Returns their names.

    The pipelines' own credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, those of the Delta Sharing server
    LIENTHONG_SHARING_ACCESS_KEY and LIENTHONG_SHARING_SECRET_KEY, those of the portal LIENTHONG_PORTAL_ACCESS_KEY and
    LIENTHONG_PORTAL_SECRET_KEY.

    Raises:
        ReaderCredentialMissing: a recipient has an agreement in force and no credentials.
        ValueError: the lake is not on S3, or two identities share an access key.
    """
    owner = Credential(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"])
    server, portal = (
        Credential(environ[f"LIENTHONG_{name}_ACCESS_KEY"], environ[f"LIENTHONG_{name}_SECRET_KEY"])
        for name in ("SHARING", "PORTAL")
    )
    schemas = schemas_folder(environ)
    agreements = load_agreements(schemas).values()
    contracts, _ = readable_contracts(schemas)  # a broken one must not keep an ended agreement's identity alive
    found = identities(
        agreements, contracts, lake_uri=environ["LAKE_URI"], at=at, owner=owner, server=server, portal=portal,
        environ=environ,
    )  # fmt: skip
    unfinished = path.with_name(f".{path.name}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(render(found))
    unfinished.replace(path)
    return [identity["name"] for identity in found["identities"]]


def write_log_config(folder: Path, address: str) -> None:
    """Write where the store sends its access log (`host:port`) and how, into `folder`: the file `store-log.json`.

    An entry waits in the store's memory until it is acknowledged, however long that takes.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"LIENTHONG_STORE_LOG must be host:port of the Delta Sharing server, not {address}")
    config = {
        "fluent_host": host, "fluent_port": int(port), "tag_prefix": "store", "async": True, "request_ack": True,
        "sub_second_precision": True, "buffer_limit": _LOG_ENTRIES, "max_retry": 2**31 - 1, "retry_wait": 200,
        "max_retry_wait": 5000,
    }  # fmt: skip
    (folder / "store-log.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def make_bucket(*, environ: Mapping[str, str] = os.environ) -> str:
    """Make the lake's bucket if it is not there, waiting for the store. Returns its name.

    Raises:
        StoreNotReady: the store did not answer, or refused.
    """
    bucket, endpoint = urlsplit(environ["LAKE_URI"]).netloc, urlsplit(environ["AWS_ENDPOINT_URL"])
    store = fs.S3FileSystem(
        access_key=environ["AWS_ACCESS_KEY_ID"],
        secret_key=environ["AWS_SECRET_ACCESS_KEY"],
        region=environ.get("AWS_REGION") or "us-east-1",
        endpoint_override=endpoint.netloc,
        scheme=endpoint.scheme,
        allow_bucket_creation=True,
        connect_timeout=2,
        request_timeout=10,
    )
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            store.create_dir(bucket)
        except OSError as error:
            if time.monotonic() > end:
                raise StoreNotReady(
                    f"the store at {environ['AWS_ENDPOINT_URL']} did not make the bucket {bucket}: is it up, and are "
                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY those of its identity `lienthong`? "
                    f"Its last answer: {error}"
                ) from None
            time.sleep(0.5)
        else:
            return bucket


def main(arguments: list[str]) -> int:
    """Carry out one of the two commands; returns the exit status."""
    try:
        match arguments:
            case ["identities", path]:
                print(f"Identities: {', '.join(write_identities(Path(path), at=datetime.now(UTC)))}.")
                write_security(Path(path).parent)
                write_log_config(Path(path).parent, os.environ["LIENTHONG_STORE_LOG"])
            case ["bucket"]:
                print(f"Bucket: {make_bucket()}.")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (ValueError, StoreNotReady) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyError as missing:
        print(f"{missing.args[0]} is not set: docker-compose.yaml names all there are", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
