"""What a source reports of a release that does not take effect at once, from its lanes and the ledger's status."""

from datetime import UTC, datetime

from contracts.base import Json
from contracts.envelope.publication import Lane
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.feeds.statements import HEAD_AND_NEXT
from shared.publishing.recording_status import Effect, Latest, Notice, Recording, unsigned

UNRECORDED_SECONDS = {Lane.LIVE: 60, Lane.BACKFILL: 600}
"""Longer for imports: they wait while channels are behind."""


def notice(db: Database, source: str, latest: Latest) -> Json | None:
    """Return why what this source releases now does not take effect; None when nothing is known to prevent it."""
    try:
        recording = latest()
    except TongyuanError as error:
        message = "已保存。现在无法确认发布账本能否收录，请稍后核对。"
        return Notice(Effect.UNKNOWN, str(error), message).as_json()
    found = unsigned(recording, datetime.now(UTC)) or _unrecorded(db, source, recording, datetime.now(UTC))
    return found.as_json() if found else None


def _unrecorded(db: Database, source: str, recording: Recording, now: datetime) -> Notice | None:
    """Return a notice when the ledger has not taken a lane's oldest release for too long."""
    for lane, patience in UNRECORDED_SECONDS.items():
        taken = recording.taken.get(f"{source}/{lane}", 0)
        for head, since in db.fetch(HEAD_AND_NEXT, lane=lane, after=taken):
            waiting = head - taken
            if waiting > 0 and since and (now - datetime.fromisoformat(since)).total_seconds() > patience:
                reason = f"the ledger has not recorded {waiting} releases of {source}/{lane}"
                message = f"已保存，但公众还看不到：发布账本还有 {waiting} 条没有收录。收录后自动生效。"
                return Notice(Effect.WAITING, reason, message, since)
    return None
