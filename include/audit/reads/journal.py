"""Journal of reads: an append-only file of one server process, on disk before a request is answered.

Requests that come at once share one `fsync`. A file belongs to the process that holds its lock; when that ends, however
it ends, the next process finds the file without a lock and brings its records into the lake.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from include.audit.reads.record import ReadRecord
from include.telemetry import record_read

_SUFFIX = ".jsonl"


class JournalFull(OSError):
    """A record could not be put on disk, so the request must not be answered."""


class Journal:
    """The journal of this process, a file of its own in a folder that other servers may share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._good = 0
        self._lock = threading.Lock()
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def keep(self, record: ReadRecord) -> None:
        """Put a record on disk; returns when it is there.

        Raises:
            JournalFull: it could not be written.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record.to_line(), done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        await done
        record_read(registry=record.registry, table=record.table, action=record.action, verdict=record.verdict)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                try:
                    await asyncio.to_thread(self._append, b"".join(line for line, _ in group))
                except Exception as error:  # nobody may wait for ever, whatever it was
                    for _, done in group:
                        if not done.cancelled():
                            done.set_exception(
                                JournalFull(f"the log of reads cannot be written: {type(error).__name__}")
                            )
                else:
                    for _, done in group:
                        if not done.cancelled():
                            done.set_result(None)
        finally:
            self._writer = None

    def _append(self, lines: bytes) -> None:
        with self._lock:
            if self._file is None:
                self._file, self._good = _new_file(self._folder), 0
            try:
                rest = memoryview(lines)
                while rest:
                    rest = rest[os.write(self._file.fileno(), rest) :]
                os.fdatasync(self._file.fileno())
            except OSError:
                self._file.truncate(self._good)  # half a line must not stand before the next
                raise
            self._good += len(lines)

    def close_file(self) -> None:
        """End the present file, if it has records, so that they can be brought into the lake."""
        with self._lock:
            if self._file is not None and self._good:
                self._file.close()
                self._file = None


@contextmanager
def ended_files(folder: Path) -> Iterator[list[Path]]:
    """The files of the folder that no process writes any more, held for the time of the block."""
    held: list[IO[bytes]] = []
    found: list[Path] = []
    try:
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            try:
                file: IO[bytes] = path.open("rb")
            except FileNotFoundError:
                continue
            held.append(file)
            if _is_locked(file) and path.exists():
                found.append(path)
        yield found
    finally:
        for file in held:
            file.close()


def records_of(path: Path) -> list[ReadRecord]:
    """The records of a file; a last line that was cut off belongs to a request that was never answered."""
    *lines, _ = path.read_bytes().split(b"\n")
    return [ReadRecord.from_line(line) for line in lines]


def _new_file(folder: Path) -> IO[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        path = folder / f"{uuid.uuid4().hex}{_SUFFIX}"
        file: IO[bytes] = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600), "ab", 0)
        # Another process may have taken it for an ended file in this instant, and removed it.
        if _is_locked(file) and path.exists():
            break
        file.close()
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
    return file


def _is_locked(file: IO[bytes]) -> bool:
    """Whether this process could take the file's lock."""
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
