"""Implements the pages' port `services.channels.pages.reader` over a channel's store."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import orjson

from contracts.base import Json
from contracts.envelope.publication import Kind
from services.channels.api import queries
from services.channels.api.cached import CachedUntilChanged
from services.channels.api.case_lookup import Lookup, LookupRequest
from services.channels.api.reader_feedback import FeedbackBox
from services.channels.api.succession import Succession
from services.channels.core.bodies import name_of
from services.channels.core.channel import Channel
from services.channels.core.store import state
from services.channels.pages import ticket_calls
from services.channels.pages.reader import Freshness, Gone
from services.channels.pages.version_history import VersionHistory, VersionStep
from services.channels.search.directory import Directory, Facets, Listing
from services.channels.search.facets import FACETS, Filter
from services.channels.search.index import MOST_CANDIDATES, SearchIndex
from services.channels.search.unanswered import UnansweredQueries
from shared.errors import Invalid, Unavailable, Violation
from shared.text.validation import parse

PAGE = 500
LATE = timedelta(seconds=60)
WHOLE_CODE = 31
"""Characters of 实施编码; two more name one of its situations (domain 3.3)."""

SIMILAR = 3


class ReadModel:
    """Reads the store. What people browse is kept in memory and rebuilt after a release."""

    def __init__(self, channel: Channel, index: SearchIndex, lookup: Lookup, box: FeedbackBox) -> None:
        self._past, self._box = VersionHistory(channel), box
        self._db, self._adapter = channel.db, channel.adapter
        self._index, self._lookup, self._succession = index, lookup, Succession(channel.db)
        self.unanswered = UnansweredQueries()
        self._turn = threading.Lock()
        self._directory = CachedUntilChanged(self.released, lambda: Directory(self.documents(Kind.ITEM)))
        self._looked: tuple[str, int, str] = ("", 0, "")

    def item(self, code: str) -> Json | None:
        """See `ChannelReader`."""
        return self._document(Kind.ITEM, code)

    def guide(self, code: str) -> Json | None:
        """See `ChannelReader`."""
        return self._document(Kind.GUIDE, code)

    def gone(self, code: str) -> Gone | None:
        """See `ChannelReader`."""
        with self._db.read() as session:
            since = queries.gone_since(session, Kind.ITEM, code)
        if since is None:
            return None
        try:
            step = self._past.step(f"{Kind.ITEM}:{code}")
        except Unavailable:
            step = None
        was = (step.now or step.before) if step else None
        browsed = self._directory.get()
        if (followed := self._succession.of(f"{Kind.ITEM}:{code}")).keys:
            codes = [key.partition(":")[2] for key in followed.keys]
            shown = browsed.heads(codes)
            elsewhere = tuple(one for one in codes if one not in {head["code"] for head in shown})
            return Gone(since, was, shown, [], named=True, note=followed.note, elsewhere=elsewhere)
        successors = browsed.beginning(code[:WHOLE_CODE]) if len(code) >= WHOLE_CODE else []
        similar = self._found(was["name"], Filter(), 0, SIMILAR).items if was and not successors else []
        return Gone(since, was, successors, similar)

    def step(self, kind: Kind, code: str) -> VersionStep | None:
        """See `ChannelReader`."""
        return self._past.step(f"{kind}:{code}")

    def items(self, wanted: Filter, offset: int, limit: int) -> Listing:
        """See `ChannelReader`."""
        return self._directory.get().listing(wanted, offset, limit)

    def facets(self) -> Facets:
        """See `ChannelReader`."""
        return self._directory.get().facets

    def search(self, query: str, wanted: Filter, offset: int, limit: int) -> Listing:
        """See `ChannelReader`. A query that finds nothing, whatever the filter, is counted."""
        listing = self._found(query, wanted, offset, limit)
        if not listing.total and not wanted.pairs():
            self.unanswered.add(query)
        return listing

    def _found(self, query: str, wanted: Filter, offset: int, limit: int) -> Listing:
        with self._db.read() as session:
            keys = self._index.find(session, query, MOST_CANDIDATES)
        return self._directory.get().listing(wanted, offset, limit, [name_of(key) for key in keys])

    def codes(self, wanted: Filter, after: str, limit: int) -> list[str]:
        """Return at most `limit` codes of matching items after `after`. Raises `Invalid`, see `answerable`."""
        return self.answerable(wanted).after(wanted, after, limit)

    def answerable(self, wanted: Filter) -> Directory:
        """Return the directory. Raises `Invalid` for a facet that this channel's documents do not have."""
        browsed = self._directory.get()
        if untold := browsed.untold(wanted):
            raise Invalid(*(Violation(name, "facet", f"is not offered here: {FACETS[name].zh}") for name in untold))
        return browsed

    def lookup(self, project_no: str, query_code: str, address: str) -> Json:
        """See `ChannelReader`."""
        wanted = parse(LookupRequest, {"project_no": project_no, "query_code": query_code})
        found: Json = orjson.loads(self._lookup.find(wanted, address))
        return found

    def give_feedback(self, fields: Json, address: str) -> None:
        """See `ChannelReader`."""
        self._box.give(fields, address)

    def documents(self, kind: Kind) -> Iterator[Json]:
        """See `ChannelReader`. Reads one page at a time, so memory is bounded and no transaction stays open."""
        last = ""
        while True:
            with self._db.read() as session:
                rows = queries.page(session, kind, last, PAGE)
            if not rows:
                return
            yield from rows
            last = rows[-1]["code"]

    def cursor(self) -> str:
        """See `ChannelReader`."""
        with self._db.read() as session:
            return str(queries.freshness(session)["cursor"])

    def released(self) -> str:
        """See `ChannelReader`. Reads only changes since the last call: there may be a million cases."""
        with self._turn, self._db.read() as session:
            at = state(session)
            epoch, change, said = self._looked
            if epoch != at.epoch or queries.changes(session, change, 1):
                said = f"{at.epoch}.{at.change}"
            self._looked = at.epoch, at.change, said
            return said

    def news(self, since: str, limit: int) -> list[Json]:
        """See `ChannelReader`."""
        with self._db.read() as session:
            return queries.news(session, since, limit)

    def cases(self, day: date) -> queries.CaseCounts:
        """See `ChannelReader`."""
        with self._db.read() as session:
            return queries.cases(session, day)

    def ends(self) -> dict[str, str]:
        """See `ChannelReader`."""
        with self._db.read() as session:
            return queries.ends(session)

    def called(self) -> Json:
        """See `ChannelReader`."""
        return ticket_calls.get(self._db)

    def freshness(self) -> Freshness:
        """See `ChannelReader`."""
        with self._db.read() as session:
            head = queries.freshness(session)["head"]
        moment = datetime.fromisoformat(head["time"]) if head else None
        return Freshness(moment, late=moment is None or datetime.now(UTC) - moment > LATE)

    def _document(self, kind: Kind, code: str) -> Json | None:
        with self._db.read() as session:
            served = queries.document(session, kind, code)
        return None if served is None else orjson.loads(served.content)
