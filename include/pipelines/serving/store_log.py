"""Receiver of the S3 store's access log: SeaweedFS sends it by the fluentd forward protocol (messages of MessagePack).

An entry is acknowledged when its record is on disk. What is not acknowledged the store sends again, also to a receiver
that was started later, so each record is kept once by the request's id. Whoever reaches the port can send entries:
it is for the store alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgpack

from include.audit.reads import Journal, ReadRecord
from include.lake.storage import LakeError

LARGEST_MESSAGE = 1024**2
_REMEMBERED = 1_000_000
_PATIENCE_SECONDS = 5
_EVENT_TIME = 0  # MessagePack extension of the protocol: seconds and nanoseconds
_log = logging.getLogger(__name__)


class StoreLog:
    """Takes entries from the store, and puts records into a journal."""

    def __init__(self, record: Callable[[Mapping[str, object], datetime], ReadRecord | None], journal: Journal) -> None:
        """`record` gives the record of an entry at an instant, or None if it is none."""
        self._record, self._journal = record, journal
        self._caught_up = asyncio.Event()
        self._kept: OrderedDict[str, None] = OrderedDict()

    def remember(self, read_ids: Iterable[str]) -> None:
        """Take these records as kept."""
        for read_id in read_ids:
            self._kept[read_id] = None
            if len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)

    async def catch_up(self, kept_before: Callable[[], Iterable[str]]) -> None:
        """Learn what was kept before, however long that takes; entries wait."""
        while not self._caught_up.is_set():
            try:
                self.remember(await asyncio.to_thread(kept_before))
                self._caught_up.set()
            except Exception as error:
                _log.error("the store's access log waits for the lake: %s", type(error).__name__)
                await asyncio.sleep(_PATIENCE_SECONDS)

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the entries of one connection, until it ends or brings what is no entry."""
        await self._caught_up.wait()
        unpacker = msgpack.Unpacker(
            unicode_errors="replace", max_buffer_size=LARGEST_MESSAGE, ext_hook=_event_time, strict_map_key=True
        )
        try:
            while data := await reader.read(65536):
                unpacker.feed(data)
                for message in unpacker:
                    acknowledged = await self._keep(message)
                    if acknowledged is not None:
                        writer.write(msgpack.packb({"ack": acknowledged}))
                await writer.drain()
        except asyncio.CancelledError:
            return  # the server ends; asyncio of Python 3.11 logs a connection that is cancelled as an error
        except (LakeError, OSError) as error:  # the store sends again what was not acknowledged
            _log.warning("the store's access log is not taken now: %s", type(error).__name__)
        except (ValueError, TypeError, KeyError, OverflowError, msgpack.UnpackException) as error:
            _log.error("what came as the store's access log is none: %s", type(error).__name__)
        finally:
            writer.close()

    async def _keep(self, message: Any) -> str | None:
        """Keep the record of a message, `[tag, time, entry, options]`; what to acknowledge it with."""
        _, sent_at, entry, *options = message
        if not isinstance(entry, dict) or not all(isinstance(one, dict) for one in options):
            raise TypeError("a message without an entry, or with options that are none")
        at = sent_at if isinstance(sent_at, datetime) else datetime.fromtimestamp(int(sent_at), UTC)
        record = await asyncio.to_thread(self._record, entry, at)
        if record is not None and record.read_id not in self._kept:
            await self._journal.keep(record)
            self.remember([record.read_id])
        return options[0].get("chunk") if options else None


@asynccontextmanager
async def listening(
    log: StoreLog, host: str, port: int, kept_before: Callable[[], Iterable[str]]
) -> AsyncIterator[None]:
    """Take the log at an address for the time of the block."""
    server = await asyncio.start_server(log.receive, host, port)
    catching_up = asyncio.create_task(log.catch_up(kept_before))
    try:
        yield
    finally:
        catching_up.cancel()
        server.close()


def _event_time(code: int, data: bytes) -> datetime:
    if code != _EVENT_TIME or len(data) != 8:
        raise ValueError("an unknown type in a message")
    seconds, nanoseconds = int.from_bytes(data[:4]), int.from_bytes(data[4:])
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)
