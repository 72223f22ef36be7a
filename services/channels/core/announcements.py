"""Announcements of scheduled versions, the same in every channel: in documents, and what a page shows of them. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime

from contracts.base import ANNOUNCEMENTS, Json
from contracts.content.announcements import Announcement
from contracts.envelope.publication import Publication
from shared.transparency.timeline import Timed


def announced(document: Json, entry: Publication) -> Json:
    """Return the document with what its entry announces for later than its own start; as it is if that is nothing.

    Raises ValueError for announcements that cannot be read.
    """
    told = [Announcement.model_validate(one, extra="ignore") for one in (entry.body or {}).get(ANNOUNCEMENTS) or ()]
    starts = Timed.of(entry).starts
    later = [one.model_dump(mode="json", exclude_none=True) for one in told if one.until > starts]
    return {**document, ANNOUNCEMENTS: later} if later else document


def upcoming(documents: Iterable[Json | None], at: datetime | None = None) -> list[Json]:
    """Return what these documents announce for later than `at` (None: now), each once, the next one first.

    A set that is late is not shown at its time: its announcement is off the page all the same.
    """
    moment = at or datetime.now(UTC)
    found = {
        (one["until"], one["text"]): one
        for document in documents
        if document
        for one in document.get(ANNOUNCEMENTS, ())
    }
    return [one for _, one in sorted(found.items()) if datetime.fromisoformat(one["until"]) > moment]
