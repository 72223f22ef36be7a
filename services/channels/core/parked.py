"""What operators do with parked entries: replay or drop. One transaction each."""

from datetime import UTC, datetime

from contracts.envelope.publication import Publication
from services.channels.core.audit import object_of
from services.channels.core.channel import Channel
from services.channels.core.documents import document_row
from services.channels.core.model import ParkedRow
from services.channels.core.release_sets import settle
from services.channels.core.store import locked_state, show
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Conflict, NotFound
from shared.feeds.follower import checked
from shared.log import get
from shared.tokens.person import Actor

_log = get("operate")


def replay_parked(channel: Channel, position: int, by: Actor) -> bool:
    """Show a parked entry after all. Raises `NotFound`, and `Conflict` with the reason if it still cannot be shown."""
    now = datetime.now(UTC)
    with channel.db.write() as session:
        parked = session.get(ParkedRow, position)
        if parked is None:
            raise NotFound(f"no parked entry at position {position}")
        entry = Publication.model_validate_json(parked.entry)
        try:
            row = document_row(channel.adapter, checked(entry))
        except Exception as error:
            raise Conflict(f"it still cannot be shown: {type(error).__name__}: {error}") from error
        at = locked_state(session)
        show(session, at, [row], now)
        session.delete(parked)
        settle(session)
        session.add(at)
        session.flush()
        record(session, by, _audited("replay", channel.db, entry))
        channel.db.notifier.notify(session)
    _log.info("parked entry shown", channel=channel.service, position=position)
    return True


def drop_parked(db: Database, position: int, by: Actor) -> bool:
    """Delete a parked entry. The key stays as it was; `rebuild` parks the entry again. Raises `NotFound`."""
    with db.write() as session:
        parked = session.get(ParkedRow, position)
        if parked is None:
            raise NotFound(f"no parked entry at position {position}")
        session.delete(parked)
        session.flush()
        record(session, by, _audited("drop", db, Publication.model_validate_json(parked.entry)))
    _log.warning("parked entry dropped", channel=db.service, position=position)
    return True


def _audited(action: str, db: Database, entry: Publication) -> AuditEntry:
    told = {"key": entry.key, "version": entry.version}
    return AuditEntry(action, object_of(db, str(entry.position)), None, told)
