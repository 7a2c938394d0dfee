"""The Delta Sharing protocol over one lake: a request in, its answer and its record out. No network here."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote

from include.audit.reads import ReadRecord
from include.lake.storage import Lake, LakeError
from include.pipelines.serving.exchange import LINES, Answer, Asked, Exchange
from include.pipelines.serving.live_agreements import LiveCatalog
from include.pipelines.serving.tables import LiveTables
from include.pipelines.serving.tokens import LiveTokens
from include.sharing import delta_sharing as protocol
from include.sharing.delta_sharing import (
    HEADER,
    URL_SECONDS,
    ChangesAsked,
    DataFile,
    FileLinks,
    Forbidden,
    NotShared,
    Query,
    Refused,
    Share,
    SharedTable,
    SignedFile,
    Snapshot,
    Unauthenticated,
    Unavailable,
)
from include.sharing.recipients import Token

_BEARER = "bearer "
_log = logging.getLogger(__name__)


class SharingService:
    """Answers for all recipients. Its methods may be called from several threads at once."""

    def __init__(
        self,
        lake: Lake,
        catalog: LiveCatalog,
        tokens: LiveTokens,
        links: FileLinks,
        *,
        store_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        """`store_url`: the S3 store's address as recipients reach it; empty for the one that the lake uses."""
        self._lake, self._catalog, self._tokens, self._links = lake, catalog, tokens, links
        self._store_url, self._clock = store_url, clock
        self._tables = LiveTables(lake)

    def now(self) -> datetime:
        """The instant by which tokens and agreements are judged."""
        return self._clock()

    def answer(self, asked: Asked, read_id: str) -> tuple[Answer, ReadRecord | None]:
        """The answer to a request, and the record to put on disk before it is sent.

        There is none for the file of a valid URL: what it opens was on record when the URL was made.
        """
        exchange = Exchange(asked, read_id, self.now())
        try:
            answer = self._route(exchange)
        except Refused as refusal:
            exchange.note(status=refusal.status, reason=str(refusal), rows=None, size_bytes=None)
            answer = Answer.of_json({"errorCode": refusal.code, "message": str(refusal)}, refusal.status)
            if isinstance(refusal, Unauthenticated):
                answer = replace(answer, headers={"www-authenticate": "Bearer"})
            return answer, exchange.record()
        except Exception as error:
            # Nobody foresaw it, and its text may quote a value: its kind and place must do.
            place, kind = traceback.extract_tb(error.__traceback__)[-1], type(error).__name__
            _log.error("request %s failed: %s at %s:%s", read_id, kind, place.filename, place.lineno)
            exchange.note(status=500, reason=f"failed: {kind}", rows=None, size_bytes=None)
            said = f"the server failed: tell the provider the number {read_id}"
            return Answer.of_json({"errorCode": "INTERNAL_ERROR", "message": said}, 500), exchange.record()
        if answer.file:
            return answer, None
        exchange.note(verdict="offered", status=answer.status)
        return answer, exchange.record()

    def _route(self, exchange: Exchange) -> Answer:
        asked = exchange.asked
        method = "GET" if asked.method == "HEAD" else asked.method
        match method, [unquote(part) for part in asked.path.removeprefix("/").split("/")]:
            case "GET", ["files", _, _, _, _, *_]:
                return self._file(exchange)
            case "GET", ["shares"]:
                return self._shares(exchange)
            case "GET", ["shares", share]:
                found = self._share(exchange, "get_share", share)
                return Answer.of_json({"share": found.to_json()})
            case "GET", ["shares", share, "schemas"]:
                return _listing(exchange, protocol.schemas(self._share(exchange, "list_schemas", share)))
            case "GET", ["shares", share, "schemas", schema, "tables"]:
                return _listing(exchange, protocol.tables(self._share(exchange, "list_tables", share), schema))
            case "GET", ["shares", share, "all-tables"]:
                return _listing(exchange, protocol.tables(self._share(exchange, "list_all_tables", share)))
            case "GET", ["shares", share, "schemas", schema, "tables", table] if asked.method == "HEAD":
                return self._version(exchange, *self._table(exchange, "version", share, schema, table))
            case "GET", ["shares", share, "schemas", schema, "tables", table, "version"]:
                return self._version(exchange, *self._table(exchange, "version", share, schema, table))
            case "GET", ["shares", share, "schemas", schema, "tables", table, "metadata"]:
                return self._metadata(exchange, *self._table(exchange, "metadata", share, schema, table))
            case "POST", ["shares", share, "schemas", schema, "tables", table, "query"]:
                return self._query(exchange, *self._table(exchange, "query", share, schema, table))
            case "GET", ["shares", share, "schemas", schema, "tables", table, "changes"]:
                return self._changes(exchange, *self._table(exchange, "changes", share, schema, table))
        self._recipient(exchange)
        raise NotShared("there is no such address: the Delta Sharing protocol says which there are")

    # Who asks, and for what

    def _recipient(self, exchange: Exchange) -> str:
        given = exchange.asked.headers.get("authorization", "")
        if not given.lower().startswith(_BEARER):
            raise Unauthenticated("send the token of your profile file as `Authorization: Bearer ...`")
        with _lake_answers():
            token = self._tokens.now().of_text(given[len(_BEARER) :].strip())
        if token is None:
            raise Unauthenticated("the token is unknown: use the profile file that you were given last")
        exchange.note(recipient=token.holder, token_id=token.token_id)
        _ensure_valid(token, exchange.at)
        return token.holder

    def _share(self, exchange: Exchange, action: str, share: str) -> Share:
        exchange.note(action=action)
        return self._share_of(exchange, self._recipient(exchange), share)

    def _share_of(self, exchange: Exchange, recipient: str, share: str) -> Share:
        catalog = self._catalog.now()
        if named := catalog.shares.get(recipient, {}).get(share.lower()):
            exchange.note_agreement(named.agreement)
        return catalog.share(recipient, share, exchange.at)

    def _table(
        self, exchange: Exchange, action: str, share: str, schema: str, table: str
    ) -> tuple[SharedTable, Snapshot]:
        found = self._share(exchange, action, share).table(schema, table)
        product = found.product
        exchange.note(registry=product.registry, table=product.table, product=product.name)
        with _lake_answers():
            snapshot = self._tables.now(found)
        exchange.note(version=snapshot.version, table_id=snapshot.table_id)
        return found, snapshot

    # Answers

    def _shares(self, exchange: Exchange) -> Answer:
        exchange.note(action="list_shares")
        recipient = self._recipient(exchange)
        return _listing(exchange, [one.to_json() for one in self._catalog.now().in_force(recipient, exchange.at)])

    def _version(self, exchange: Exchange, _: SharedTable, newest: Snapshot) -> Answer:
        version = newest.version
        if since := exchange.parameters.get("startingTimestamp"):
            at = protocol.instant(since, "startingTimestamp")
            with _lake_answers():
                version = protocol.version_from(self._lake, newest, at)
            exchange.note(version=version)
        return Answer(200, headers={"delta-table-version": str(version)})

    def _metadata(self, exchange: Exchange, table: SharedTable, newest: Snapshot) -> Answer:
        return self._lines(exchange, table, newest, (), version=None, is_change=False)

    def _query(self, exchange: Exchange, table: SharedTable, newest: Snapshot) -> Answer:
        query = Query.of(exchange.asked.body)
        with _lake_answers():
            if query.starting is not None:
                first, last = protocol.span(self._lake, newest, ChangesAsked(query.starting, None, query.ending, None))
                listed = protocol.changed_files(self._lake, newest, first, last, with_feed=False)
                exchange.note(from_version=first, version=last)
                return self._lines(exchange, table, newest, listed, version=first, is_change=True)
            version = query.version
            if query.at is not None:
                version = protocol.version_until(self._lake, newest, query.at)
            snapshot = newest if version is None else protocol.snapshot_at(self._lake, newest, version)
            exchange.note(version=snapshot.version)
            wanted = protocol.wanted_files(self._lake, snapshot, query)
        return self._lines(exchange, table, snapshot, wanted, version=version, is_change=False)

    def _changes(self, exchange: Exchange, table: SharedTable, newest: Snapshot) -> Answer:
        asked = ChangesAsked.of(exchange.parameters)
        with _lake_answers():
            first, last = protocol.span(self._lake, newest, asked)
            listed = protocol.changed_files(self._lake, newest, first, last)
        exchange.note(from_version=first, version=last)
        return self._lines(exchange, table, newest, listed, version=first, is_change=True)

    def _lines(
        self,
        exchange: Exchange,
        table: SharedTable,
        snapshot: Snapshot,
        listed: Sequence[DataFile],
        *,
        version: int | None,
        is_change: bool,
    ) -> Answer:
        """Protocol, metadata and files, in the format that the client can read, with a URL for each file."""
        client = exchange.capabilities
        response_format = client.format_for(snapshot.reader_features)
        expires = int(exchange.at.timestamp()) + URL_SECONDS
        lines = protocol.head(snapshot, response_format, version=version)
        urls = self._urls(exchange, table, snapshot, listed, expires)
        lines += protocol.files(
            listed, urls, response_format, expires_ms=expires * 1000, is_change=is_change, version=version
        )
        said = f"responseformat={response_format}"
        if client.wants_end:
            lines.append(protocol.end(expires * 1000))
            said += ";includeendstreamaction=true"
        if exchange.known("action") != "metadata":
            rows, size = sum(file.rows for file in listed), sum(file.size for file in listed)
            exchange.note(rows=rows, size_bytes=size, columns=snapshot.columns)
        headers = {"delta-table-version": str(exchange.known("version")), HEADER: said}
        return Answer(200, protocol.encode(lines), LINES, headers)

    def _urls(
        self, exchange: Exchange, table: SharedTable, snapshot: Snapshot, listed: Sequence[DataFile], expires: int
    ) -> Sequence[str]:
        if self._lake.is_s3:
            uris = [f"{snapshot.uri}/{file.path}" for file in listed]
            with _lake_answers():
                return self._lake.presigned(uris, seconds=URL_SECONDS, endpoint=self._store_url)
        named = table.agreement.agreement_id, table.product.registry, table.product.name
        token_id = str(exchange.known("token_id"))
        return [self._links.url(SignedFile(*named, file.path, token_id), expires) for file in listed]

    def _file(self, exchange: Exchange) -> Answer:
        """The file of a signed URL, if its token and its agreement are still good."""
        exchange.note(action="file")
        asked = exchange.asked
        file = self._links.opened(f"{asked.path}?{asked.query}", exchange.at.timestamp())
        with _lake_answers():
            token = self._tokens.now().of_id(file.token_id)
            if token is None:
                raise Forbidden("the token of this URL is unknown: query the table again")
            exchange.note(recipient=token.holder, token_id=token.token_id)
            _ensure_valid(token, exchange.at)
            found = self._share_of(exchange, token.holder, file.share).table(file.schema, file.table)
            exchange.note(registry=found.product.registry, table=found.product.table, product=found.product.name)
            self._tables.now(found)  # is it still the table of the agreement's present text?
            uri = self._lake.path(found.subject, file.path)
            if not self._lake.exists(uri):
                raise NotShared("the file is no longer kept: query the table again")
        return Answer(200, media_type="application/vnd.apache.parquet", file=uri)


def _listing(exchange: Exchange, items: Sequence[Mapping[str, str]]) -> Answer:
    given = exchange.parameters
    return Answer.of_json(protocol.page(items, given.get("maxResults"), given.get("pageToken")))


def _ensure_valid(token: Token, at: datetime) -> None:
    if token.is_revoked:
        raise Unauthenticated("the token was revoked: ask the provider for a new profile file")
    if not token.is_valid(at):
        raise Unauthenticated(f"the token ended at {token.ends_at:%Y-%m-%dT%H:%M:%SZ}: ask for a new profile file")


@contextmanager
def _lake_answers() -> Iterator[None]:
    try:
        yield
    except LakeError:
        raise Unavailable("the lake does not answer now: ask again in a minute") from None
