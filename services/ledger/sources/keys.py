"""The keys that the ledger lists for one source. A release is accepted when one of them has signed it.

The first keys are those of `TONGYUAN_SOURCE_KEYS`; if none is configured for the source, those that it offers when it
is first asked. After that a key is listed only when a listed, unrevoked key endorses it, or the settings name it. Once
every unsigned release of the source is recorded, signatures are compulsory and remain so.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, select

from contracts.envelope.publication import Lane, Release
from contracts.envelope.statement import SourceKey, Start
from services.ledger.log.append import locked_size
from services.ledger.signing.records import SourceKeyRow
from services.ledger.statements import MARKS, SOURCE_KEYS
from shared import log
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Broken, SettingsError
from shared.signing.offer import OfferedKey, endorser
from shared.tokens.person import SYSTEM
from shared.transparency.checkpoint import NoteKey
from shared.transparency.source_signature import NEXT_POSITION, key_name, names_another_key, release_problem

MOST_KEYS = 20
"""Per source. A head statement, which is sent with every head, is limited to 16,384 characters."""
RETIRES_AFTER = timedelta(minutes=10)
"""Longer than a source's transaction and than clock differences: by then the old key's last release is recorded."""
_log = log.get("ledger")


class SourceKeys:
    """The listed keys of one source. Safe to call from several threads."""

    def __init__(self, db: Database, origin: str, source: str, configured: Iterable[NoteKey] = ()) -> None:
        """`configured`: keys that the settings name; those of other sources are ignored."""
        self.db, self.source, self.origin = db, source, origin
        self._name = key_name(origin, source)
        self._configured = [key for key in configured if key.name == self._name]
        self._read: tuple[Sequence[tuple[str | None, ...]], Sequence[SourceKey]] = ((), ())

    def listed(self) -> Sequence[SourceKey]:
        """Return the keys as they are in the database now, so that a revocation takes effect at once."""
        rows = [tuple(row) for row in self.db.fetch(SOURCE_KEYS, source=self.source)]
        if rows != self._read[0]:
            self._read = rows, [SourceKeyRow(**dict(zip(_COLUMNS, row, strict=True))).listed() for row in rows]
        return self._read[1]

    def problem(self, release: Release, listed: Sequence[SourceKey]) -> str | None:
        """Return why a release without a position is not the source's; None if nothing speaks against it."""
        return release_problem(release, NEXT_POSITION, listed, self.origin)

    def is_unsure(self, release: Release, listed: Sequence[SourceKey]) -> bool:
        """Return whether the source must be asked: no signature proves the release, and no rule refuses it."""
        if release.source_signature is None:
            return bool(listed) and self.problem(release, listed) is None
        return self.names_another(release, listed)

    def names_another(self, release: Release, listed: Sequence[SourceKey]) -> bool:
        """Return whether the release names a key that is none of these."""
        return names_another_key(release, listed)

    def learn(self, offered: Sequence[OfferedKey]) -> bool:
        """List those of the offered keys that may be trusted; return whether the list has changed.

        If the process dies before the commit, none is listed; the next inquiry lists them.
        """
        listed = self.listed()
        fresh = self._fresh(offered, listed)
        if not fresh:
            return False
        with self.db.write() as session:
            position = locked_size(session) + 1
            for key, reason in fresh.items():
                if session.get(SourceKeyRow, key.key_id.hex()) is not None:
                    continue
                # The source may have signed with its first keys before the ledger checked signatures: they count from
                # 1.
                start = Start(position=position if listed else 1)
                session.add(_row(self.source, key, start))
                self._record(session, "key.listed", key.key_id.hex())
                _log.warning("source key listed", source=self.source, key=key.key_id.hex(), reason=reason)
        return True

    def is_unsettled(self, offered: Sequence[OfferedKey], now: datetime) -> bool:
        """Return whether `settle` has anything to do."""
        listed = self.listed()
        return bool(listed) and (not _is_compulsory(listed) or bool(self._retired(offered, listed, now)))

    def settle(self, offered: Sequence[OfferedKey], now: datetime) -> None:
        """Make signatures compulsory and revoke retired keys. Call it when every release of the source is recorded.

        If the process dies before the commit, nothing has changed; the next comparison calls this again.
        """
        listed = self.listed()
        with self.db.write() as session:
            position = locked_size(session) + 1
            if not _is_compulsory(listed):
                self._make_compulsory(session, position)
            for key_id in self._retired(offered, listed, now):
                row = session.get_one(SourceKeyRow, key_id)
                row.revoked_from = row.revoked_from or Start(position=position).model_dump_json()
                session.flush()
                self._record(session, "key.retired", key_id)
                _log.warning("source key retired", source=self.source, key=key_id)

    def _record(self, session: Session, action: str, key_id: str) -> None:
        record(session, SYSTEM, AuditEntry(action, f"key:{key_id}", None, {"source": self.source}))

    def _make_compulsory(self, session: Session, position: int) -> None:
        rows = session.connection().execute(MARKS, {"source": self.source})
        taken = {str(row.lane): int(row.sequence) for row in rows}
        start = Start(position=position, sequences={str(lane): taken.get(lane, 0) + 1 for lane in Lane})
        for row in session.exec(select(SourceKeyRow).where(SourceKeyRow.source == self.source)):
            row.compulsory_from = start.model_dump_json()
        _log.warning("source must sign from now on", source=self.source, position=position, sequences=start.sequences)

    def _fresh(self, offered: Sequence[OfferedKey], listed: Sequence[SourceKey]) -> dict[NoteKey, str]:
        """Return the keys to list, each with the reason."""
        known = {key.key_id for key in listed}
        fresh = {key: "configured" for key in self._configured if key.key_id.hex() not in known}
        own = [key for key in offered if key.name == self._name and key.note_key().key_id.hex() == key.key_id]
        if not listed and not fresh:
            return {key.note_key(): "first use" for key in own[:MOST_KEYS]}
        trusted = [NoteKey(self._name, bytes.fromhex(key.public_key)) for key in listed if not key.revoked_from]
        trusted += fresh
        for key in own:
            if key.key_id not in known and key.note_key() not in fresh and (by := endorser(key, trusted)):
                trusted.append(key.note_key())
                fresh[key.note_key()] = f"endorsed by {by}"
        if len(fresh) + len(listed) > MOST_KEYS:
            _log.critical("source offers too many keys", source=self.source, most=MOST_KEYS)
            return {}
        return fresh

    def _retired(self, offered: Sequence[OfferedKey], listed: Sequence[SourceKey], now: datetime) -> list[str]:
        """Return the ids of keys that the source no longer signs with, provided it signs with another listed key."""
        in_use = {key.key_id for key in listed if not key.revoked_from}
        ends = {key.key_id: key.signs_until for key in offered}
        over = [key_id for key_id, end in ends.items() if end is not None and end + RETIRES_AFTER <= now]
        signs = any(key_id in in_use for key_id, end in ends.items() if end is None)
        return [key_id for key_id in over if key_id in in_use] if signs else []


def configured_keys(text_of_settings: str, origin: str, sources: Iterable[str]) -> list[NoteKey]:
    """Parse the keys of `TONGYUAN_SOURCE_KEYS`. Raises `SettingsError` for a key of none of the county's sources."""
    try:
        keys = [NoteKey.of_vkey(one) for one in text_of_settings.split(",") if one]
    except Broken as error:
        raise SettingsError(f"TONGYUAN_SOURCE_KEYS: {error}") from error
    names = {key_name(origin, source) for source in sources}
    for key in keys:
        if key.name not in names:
            raise SettingsError(f"TONGYUAN_SOURCE_KEYS: {key.name} is not one of {', '.join(sorted(names))}")
    return keys


_COLUMNS = ("key_id", "source", "public_key", "signs_from", "revoked_from", "compulsory_from")


def _is_compulsory(listed: Sequence[SourceKey]) -> bool:
    return any(key.compulsory_from for key in listed)


def _row(source: str, key: NoteKey, start: Start) -> SourceKeyRow:
    return SourceKeyRow(
        key_id=key.key_id.hex(),
        source=source,
        public_key=key.public_key.hex(),
        signs_from=start.model_dump_json(),
    )
