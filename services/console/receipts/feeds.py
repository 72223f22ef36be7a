"""Receipts from the sources' feeds: everything that is released has one, whoever released it, and none is lost.

How far a feed is read and the receipts of what was read are one transaction. If the process dies before it, the next
start reads the same releases again; after it, they have their receipts. What the desk itself releases gets its receipt
at once (`opening.open_receipt`), and is recognised here by key and version.

An import is one receipt with counts: of its lane only the newest release is read.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from re import fullmatch

from sqlmodel import Session, select

from contracts.base import Json, format_time
from contracts.content.acts import SET_ACT
from contracts.envelope.publication import Lane
from contracts.kinds import Kind, is_listed
from services.console.audit.words import MACHINES
from services.console.receipts.model import ReceiptFeedRow
from services.console.receipts.opening import Followed, add_many, add_missing, pieces
from services.console.receipts.seen import READER
from services.console.upstream.outage import Outage
from services.console.upstream.services import Services
from shared import log
from shared.database.engine import Database
from shared.errors import TongyuanError

READ_FROM = ("catalog", "guides")
"""The sources whose releases are content. Cases change all the time, and have no receipts."""

SAME_RUN = timedelta(seconds=60)
"""An import that has released nothing for so long is over: what comes then is another one."""

PAGE = 200
FEW, MOST_ROWS = 2, 1000
"""Releases of which each asks the audit log for itself; rows that are asked for at once for more of them."""

SOMEBODY = "未知"
_log = log.get("release")


WAIT_SECONDS = 5.0
"""A source answers when it has released something, at the latest after so long; that is one question in so long."""

AGAIN_SECONDS = 5.0
"""After a source that did not answer, or that does not know how to wait."""


@dataclass
class ReleaseFeeds:
    """Each source is followed by a thread of its own: it waits for the next release there."""

    db: Database
    services: Services
    _outages: dict[str, Outage] = field(default_factory=dict)

    def advance(self) -> int:
        """Read what is new in every feed, without waiting. Return how many releases were new."""
        return sum(self._tried(source, 0.0) or 0 for source in READ_FROM)

    def follow(self, source: str) -> float:
        """Wait for the next release of a source and open its receipt. Return after how many seconds to go on."""
        begun = time.monotonic()
        found = self._tried(source, WAIT_SECONDS)
        # A source of before this version answers at once.
        has_waited = time.monotonic() - begun > WAIT_SECONDS / 2
        return 0.0 if found or (found is not None and has_waited) else AGAIN_SECONDS

    def _tried(self, source: str, wait: float) -> int | None:
        """Return how many releases were new; None for a source that did not answer."""
        outage = self._outages.setdefault(source, Outage("releases not read", _log))
        try:
            found = self._read(source, wait)
        except TongyuanError as error:
            outage.failed(error, source=source)
            return None
        outage.over()
        return found

    def _read(self, source: str, wait: float) -> int:
        with self.db.read() as session:
            rows = session.exec(select(ReceiptFeedRow).where(ReceiptFeedRow.source == source)).all()
        known = {row.lane: row.sequence for row in rows}
        since = ",".join(f"{lane}:{sequence}" for lane, sequence in known.items())
        asked: Json = {"since": since, "wait": wait} if known and wait else {}
        heads: Mapping[str, int] = self.services.get(source, "releases/heads", READER, **asked).content
        marks = self._marks(source, heads, known)
        behind = {lane: head - marks[lane] for lane, head in heads.items() if head > marks[lane]}
        if Lane.LIVE in behind:
            self._read_live(source, marks[Lane.LIVE], heads[Lane.LIVE])
        if Lane.BACKFILL in behind:
            self._count(source, behind[Lane.BACKFILL], heads[Lane.BACKFILL])
        return sum(behind.values())

    def _marks(self, source: str, heads: Mapping[str, int], known: Mapping[str, int]) -> dict[str, int]:
        """Return how far each lane is read. A desk that has never read begins here: before it there were no receipts.

        A source that was restored from a backup has fewer releases than were read of it; it is read from there on.
        """
        new = {lane: head for lane, head in heads.items() if known.get(lane, head + 1) > head}
        if new:
            with self.db.write() as session:
                for lane, head in new.items():
                    session.merge(ReceiptFeedRow(source=source, lane=lane, sequence=head))
        return {**known, **new}

    def _read_live(self, source: str, after: int, head: int) -> None:
        while after < head:
            asked = {"lane": str(Lane.LIVE), "after": after, "limit": PAGE}
            releases = self.services.get(source, "releases", READER, **asked).content["releases"]
            if not releases:
                return
            told = list(self._followed(source, releases))
            after = releases[-1]["sequence"]
            with self.db.write() as session:
                add_missing(session, told)
                _set_mark(session, source, Lane.LIVE, after)

    def _count(self, source: str, count: int, head: int) -> None:
        asked = {"lane": str(Lane.BACKFILL), "after": head - 1, "limit": 1}
        releases = self.services.get(source, "releases", READER, **asked).content["releases"]
        if not releases:
            return
        since = format_time(datetime.fromisoformat(releases[0]["released_at"]) - SAME_RUN)
        with self.db.write() as session:
            add_many(session, source, count, releases[0], since)
            _set_mark(session, source, Lane.BACKFILL, head)

    def _followed(self, source: str, releases: list[Json]) -> Iterator[Followed]:
        """Yield what gets a receipt: what was released together, and each set once its act is there."""
        rows = self._audit_rows(source, releases)
        alone = [one for one in releases if is_listed(one["kind"]) and not one.get("part_of")]
        for piece in pieces(alone):
            first = piece[0]
            names = [str((one["body"] or {}).get("task_name") or "") for one in piece]
            title = next(filter(None, names), first["key"].partition(":")[2])
            due = first["effective_at"] or first["released_at"]
            by = self._by(source, rows, first["key"], first["version"])
            yield Followed(title, by, due, piece, released_at=first["released_at"])
        for act in releases:
            if act["kind"] == Kind.ACT and act["body"] and fullmatch(SET_ACT, act["key"]):
                members = [{**one, "op": "release"} for one in act["body"]["acts_on"]]
                by, due = self._by(source, rows, act["key"], 1), act["effective_at"] or act["released_at"]
                yield Followed(f"成组发布 {len(members)} 项", by, due, members, act["key"], act["released_at"])

    def _audit_rows(self, source: str, releases: list[Json]) -> list[Json]:
        """Return what a source's audit log tells of many releases, in one question; nothing for a few."""
        if len(releases) <= FEW:
            return []
        asked = {"from": min(one["released_at"] for one in releases), "limit": MOST_ROWS}
        return list(self.services.get(source, "audit", READER, **asked).content["rows"])

    def _by(self, source: str, rows: list[Json], key: str, version: int) -> str:
        """Return who released a version, by the audit log of its source, of which `rows` are known already."""
        found = _releaser([row for row in rows if row["object"] == key], version)
        if found is None:
            found = _releaser(self.services.get(source, "audit", READER, object=key, limit=20).content["rows"], version)
        return found or SOMEBODY


def _releaser(rows: list[Json], version: int) -> str | None:
    for row in rows:
        made = (row["after"] or {}).get("releases", ())
        if any(one["version"] == version for one in made) or row["action"] == "complete_set":
            return MACHINES.get(row["actor"]["name"], str(row["actor"]["title"]))
    return None


def _set_mark(session: Session, source: str, lane: Lane, sequence: int) -> None:
    session.merge(ReceiptFeedRow(source=source, lane=lane, sequence=sequence))
