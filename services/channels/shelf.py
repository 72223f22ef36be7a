"""The pages' reader over a channel's store, see `services.channels.reader`."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import orjson

from contracts.base import Json
from contracts.publication import Kind
from services.channels import called, queries
from services.channels.commands import Channel
from services.channels.directory import Directory, Facets, Filter, Listing
from services.channels.lookup import Lookup, LookupRequest
from services.channels.reader import Freshness
from services.channels.search import SearchIndex
from shared.validation import parse

PAGE = 500
LATE = timedelta(seconds=60)


class Shelf:
    """Reads the store; what people browse is kept in memory and made anew when the channel has changed."""

    def __init__(self, channel: Channel, index: SearchIndex, lookup: Lookup) -> None:
        self._db, self._adapter = channel.db, channel.adapter
        self._index, self._lookup = index, lookup
        self._turn = threading.Lock()
        self._directory = Directory(())
        self._cursor = ""

    def item(self, code: str) -> Json | None:
        """See `Reader`."""
        return self._document(Kind.ITEM, code)

    def guide(self, code: str) -> Json | None:
        """See `Reader`."""
        return self._document(Kind.GUIDE, code)

    def was_shown(self, code: str) -> bool:
        """See `Reader`."""
        with self._db.read() as session:
            return queries.gone(session, Kind.ITEM, code)

    def items(self, wanted: Filter, offset: int, limit: int) -> Listing:
        """See `Reader`."""
        return self._browsed().listing(wanted, offset, limit)

    def facets(self) -> Facets:
        """See `Reader`."""
        return self._browsed().facets

    def search(self, query: str, limit: int) -> list[Json]:
        """See `Reader`."""
        with self._db.read() as session:
            found = queries.by_keys(session, self._index.find(session, query, limit))
        return [self._adapter.summary(document) for document in found]

    def lookup(self, project_no: str, query_code: str, address: str) -> Json:
        """See `Reader`."""
        wanted = parse(LookupRequest, {"project_no": project_no, "query_code": query_code})
        found: Json = orjson.loads(self._lookup.find(wanted, address))
        return found

    def documents(self, kind: Kind) -> Iterator[Json]:
        """See `Reader`. One page of them at a time is in memory, and the store is free in between."""
        last = ""
        while True:
            with self._db.read() as session:
                rows = queries.page(session, kind, last, PAGE)
            yield from rows
            if len(rows) < PAGE:
                return
            last = rows[-1]["code"]

    def cursor(self) -> str:
        """See `Reader`."""
        with self._db.read() as session:
            return str(queries.freshness(session)["cursor"])

    def news(self, since: str, limit: int) -> list[Json]:
        """See `Reader`."""
        with self._db.read() as session:
            return queries.news(session, since, limit)

    def cases(self, day: date) -> queries.CaseCounts:
        """See `Reader`."""
        with self._db.read() as session:
            return queries.cases(session, day)

    def called(self) -> Json:
        """See `Reader`."""
        return called.get(self._db)

    def freshness(self) -> Freshness:
        """See `Reader`."""
        with self._db.read() as session:
            mark = queries.freshness(session)
        head = mark["head"]
        moment = datetime.fromisoformat(head["time"]) if head else None
        return Freshness(mark["position"], moment, late=moment is None or datetime.now(UTC) - moment > LATE)

    def _document(self, kind: Kind, code: str) -> Json | None:
        with self._db.read() as session:
            served = queries.document(session, kind, code)
        return None if served is None else orjson.loads(served.content)

    def _browsed(self) -> Directory:
        with self._db.read() as session:
            cursor = queries.freshness(session)["cursor"]
            if cursor == self._cursor:
                return self._directory
            documents: list[Json] = []
            while rows := queries.page(session, Kind.ITEM, documents[-1]["code"] if documents else "", PAGE):
                documents += rows
        with self._turn:
            self._directory, self._cursor = Directory(documents), cursor
            return self._directory
