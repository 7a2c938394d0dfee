"""Operations on small files of the lake, alike for a folder and for S3, by pyarrow's file systems."""

from __future__ import annotations

import hashlib
import http.client
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import obstore
import pyarrow as pa
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, S3Store
from pyarrow import fs

from include.lake.storage.errors import LakeUnreachable, lake_errors

if TYPE_CHECKING:
    from obstore.store import S3Config

_BLOCK_BYTES = 4 * 1024**2
_DRAFT = ".draft"
_ATTEMPTS = 5
ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Root:
    """File system, base path and credentials of the lake."""

    uri: str
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@lru_cache(maxsize=8)
def ensure_answers(endpoint: str) -> None:
    """Check, once in a process, that the store at this URL answers or refuses the connection at once.

    The engines would wait three minutes for a server that accepts a connection and never answers.

    Raises:
        LakeUnreachable: no answer for ANSWER_SECONDS.
    """
    url = urlsplit(endpoint)
    if url.scheme in getproxies() and not proxy_bypass(url.hostname or ""):
        return  # reached by a proxy, which the engines support
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    asked = kind(url.hostname or "", url.port, timeout=ANSWER_SECONDS)
    try:
        asked.request("HEAD", url.path or "/")
        asked.getresponse()
    except TimeoutError:
        raise LakeUnreachable(
            f"the lake's store at {url.hostname}:{url.port or url.scheme} takes connections and said nothing for "
            f"{ANSWER_SECONDS} s: restart it, or correct AWS_ENDPOINT_URL, then run again; nothing was published"
        ) from None
    except (OSError, http.client.HTTPException):
        return  # the engines report the failure, or wait for a store that is starting
    finally:
        asked.close()


@lru_cache(maxsize=8)
def _filesystem(root: Root) -> fs.FileSystem:
    if not root.uri.startswith("s3://"):
        return fs.LocalFileSystem()
    options = dict(root.options)
    if options.get("AWS_ENDPOINT_URL"):
        ensure_answers(options["AWS_ENDPOINT_URL"])
    endpoint = urlsplit(options.get("AWS_ENDPOINT_URL", ""))
    return fs.S3FileSystem(
        access_key=options.get("AWS_ACCESS_KEY_ID"),
        secret_key=options.get("AWS_SECRET_ACCESS_KEY"),
        session_token=options.get("AWS_SESSION_TOKEN"),
        region=options.get("AWS_REGION"),
        endpoint_override=endpoint.netloc + endpoint.path.rstrip("/") or None,
        scheme=endpoint.scheme or "https",
        connect_timeout=5,
        request_timeout=60,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=3),
        background_writes=False,
        allow_delayed_open=True,
    )


def _absolute(root: Root, inside: str) -> str:
    return f"{root.uri.removeprefix('s3://')}/{inside}"


def exists(root: Root, inside: str) -> bool:
    """Whether a file or folder exists."""
    with lake_errors("looking for a file"):
        return bool(_filesystem(root).get_file_info(_absolute(root, inside)).type != fs.FileType.NotFound)


def size(root: Root, inside: str) -> int:
    """Size in bytes of a file, or of all files below a folder."""
    with lake_errors("measuring a folder"):
        files = _filesystem(root)
        here = files.get_file_info(_absolute(root, inside))
        if here.type == fs.FileType.File:
            return int(here.size)
        if here.type == fs.FileType.NotFound:
            return 0
        below = _below(root, inside, recursive=True)
        return sum(int(info.size) for info in below if info.type == fs.FileType.File)


def file_stamp(root: Root, inside: str) -> str:
    """Size and modification time of a file; empty if it does not exist."""
    return file_stamps(root, [inside])[0]


def file_stamps(root: Root, inside: Sequence[str]) -> list[str]:
    """The stamps of several files, asked for at once."""
    with lake_errors("looking at a file"):
        found = _filesystem(root).get_file_info([_absolute(root, one) for one in inside])
        return [f"{here.size}@{here.mtime_ns}" if here.type == fs.FileType.File else "" for here in found]


def changed_at(root: Root, inside: str) -> datetime | None:
    """Modification time of the newest file below a folder; None if there is none."""
    with lake_errors("looking at a folder"):
        times = [i.mtime_ns for i in _below(root, inside, recursive=True) if i.type == fs.FileType.File]
        return datetime.fromtimestamp(max(times) / 1e9, UTC) if times else None


def children(root: Root, inside: str) -> list[str]:
    """Direct children of a folder, relative to the root, sorted, without unfinished files."""
    with lake_errors("listing a folder"):
        names = [info.base_name for info in _below(root, inside, recursive=False)]
        return sorted(f"{inside}/{name}" for name in names if not name.endswith(_DRAFT))


def files_below(root: Root, inside: str) -> list[str]:
    """All files below a folder, relative to the root, sorted, without unfinished ones."""
    with lake_errors("listing a folder"):
        start = len(_absolute(root, inside)) - len(inside)
        paths = [i.path[start:] for i in _below(root, inside, recursive=True) if i.type == fs.FileType.File]
        return sorted(path for path in paths if not path.endswith(_DRAFT))


def _below(root: Root, inside: str, *, recursive: bool) -> list[fs.FileInfo]:
    """Entries below a folder; none if it does not exist or is a file. Tolerates concurrent writes and removals."""
    selector = fs.FileSelector(_absolute(root, inside), recursive=recursive, allow_not_found=True)
    for attempt in reversed(range(_ATTEMPTS)):
        try:
            return list(_filesystem(root).get_file_info(selector))
        except NotADirectoryError:
            return []
        except FileNotFoundError:  # pyarrow fails on a folder that is removed between being found and being listed
            if not attempt:
                raise
    raise AssertionError("unreachable")


def read(root: Root, inside: str) -> bytes:
    """Content of a file. Raises FileNotFoundError."""
    with lake_errors("reading a file"):
        files = _filesystem(root)
        path = _absolute(root, inside)
        if files.get_file_info(path).type == fs.FileType.File:
            with files.open_input_stream(path) as stream:
                return bytes(stream.read())
    raise FileNotFoundError(inside)


def digest(root: Root, inside: str) -> str:
    """SHA-256 of a file's content, in hex, read in blocks. Raises FileNotFoundError."""
    with lake_errors("reading a file"):
        files = _filesystem(root)
        path = _absolute(root, inside)
        if files.get_file_info(path).type == fs.FileType.File:
            found = hashlib.sha256()
            with files.open_input_stream(path) as stream:
                while block := stream.read(_BLOCK_BYTES):
                    found.update(block)
            return found.hexdigest()
    raise FileNotFoundError(inside)


def write(root: Root, inside: str, content: bytes) -> None:
    """Replace a file atomically: by renaming in a folder, by one PUT in S3."""
    path = _absolute(root, inside)
    files = _filesystem(root)
    with lake_errors("writing a file"):
        if root.uri.startswith("s3://"):
            with files.open_output_stream(path) as stream:
                stream.write(content)
            return
        _replace(Path(path), content)


def create(root: Root, inside: str, content: bytes) -> bool:
    """Create a file atomically; False if it exists. By linking in a folder, by a conditional PUT in S3."""
    with lake_errors("writing a file"):
        try:
            obstore.put(_objects(root), inside, content, mode="create")
        except AlreadyExistsError:
            return False
    return True


@lru_cache(maxsize=8)
def _objects(root: Root) -> LocalStore | S3Store:
    if not root.uri.startswith("s3://"):
        return LocalStore(root.uri)
    options: dict[str, Any] = {name.lower(): value for name, value in root.options}
    may_be_plain = options.pop("aws_allow_http", "false") == "true"
    return S3Store.from_url(root.uri, config=cast("S3Config", options), client_options={"allow_http": may_be_plain})


def presigned(root: Root, endpoint: str, paths: Sequence[str], seconds: int) -> tuple[str, ...]:
    """URLs that read single objects of an S3 store at `endpoint` for that long, without credentials."""
    options = tuple((name, value) for name, value in root.options if name not in ("AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP"))
    may_be_plain = (("AWS_ALLOW_HTTP", "true"),) if endpoint.startswith("http://") else ()
    store = _objects(Root(root.uri, (*options, ("AWS_ENDPOINT_URL", endpoint), *may_be_plain)))
    with lake_errors("signing URLs"):
        return tuple(obstore.sign(cast("S3Store", store), "GET", paths, timedelta(seconds=seconds)))


def open_input(root: Root, inside: str) -> pa.NativeFile:
    """A seekable file to read from."""
    with lake_errors("reading a file"):
        return _filesystem(root).open_input_file(_absolute(root, inside))


def open_output(root: Root, inside: str) -> pa.NativeFile:
    """A new file to write to."""
    with lake_errors("writing a file"):
        return _filesystem(root).open_output_stream(_absolute(root, inside))


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{_DRAFT}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def delete(root: Root, inside: str) -> None:
    """Remove a file or a folder with everything below it, if it exists."""
    with lake_errors("removing files"):
        files = _filesystem(root)
        here = files.get_file_info(_absolute(root, inside))
        if here.type == fs.FileType.File:
            files.delete_file(here.path)
        elif here.type == fs.FileType.Directory:
            # An S3 store may still list a folder whose last file is removed.
            with suppress(FileNotFoundError):
                files.delete_dir(here.path)
