"""The ledger's keys that a channel trusts; it takes no head whose signature it cannot check with one of them.

`TONGYUAN_LEDGER_KEYS` sets the trusted keys; without it, the keys that the ledger lists when the channel first asks are
trusted. After that a new key is trusted only if a trusted one endorses it, so an attacker who controls the broker or
the ledger's address cannot make this channel accept a forged head. Whether a head continues the history seen so far is
checked in `continuity`.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Column, Text
from sqlmodel import Field, Session, select

from contracts.base import Json, format_time
from contracts.envelope.publication import Head
from contracts.envelope.statement import HeadStatement
from services.channels.core.model import ONLY, ChannelModel
from shared import log, metrics
from shared.database.engine import Database
from shared.errors import Broken, Unavailable
from shared.feeds.upstream import LedgerKey, LedgerReader
from shared.signing.offer import endorser
from shared.transparency.checkpoint import Checkpoint, NoteKey, opened, opened_checkpoint, signer_ids
from shared.transparency.snapshot import SignedStatement

MOST_NOTES = 256
_log = log.get("witness")


class TrustedKeyRow(ChannelModel, table=True):
    """A key of the ledger that this channel trusts, and why."""

    __tablename__ = "trusted_key"

    key_id: str = Field(primary_key=True, max_length=8)
    name: str = Field(max_length=200)
    public_key: str = Field(max_length=64)
    signs_until: str | None = Field(default=None, max_length=27)
    reason: str = Field(max_length=100)
    trusted_at: str = Field(max_length=27)


class RefusedHeadRow(ChannelModel, table=True):
    """The last refused head, as evidence, and the number of refused heads."""

    __tablename__ = "refused_head"

    id: int = Field(default=ONLY, primary_key=True)
    refused_at: str = Field(max_length=27)
    reason: str = Field(max_length=500)
    head: str = Field(sa_column=Column(Text, nullable=False))
    count: int = 0


Trusted = dict[str, TrustedKeyRow]
"""By key id."""


class Witness:
    """Checks signatures with the ledger's keys that one channel trusts. `configured`: keys from the settings."""

    def __init__(
        self, db: Database, ledger: LedgerReader, configured: Iterable[str] = (), origin: str | None = None
    ) -> None:
        """`origin`: the county's log. Keys of any other log are never trusted, not even on first use."""
        self._db, self._ledger, self._origin = db, ledger, origin
        self._configured = [NoteKey.of_vkey(text) for text in configured]
        self._asked: set[frozenset[str]] = set()
        self._keys: Trusted | None = None
        # Notes already verified: all entries of a batch carry the same one.
        self._good: dict[str, Checkpoint] = {}

    def opened(self, note: str) -> Checkpoint:
        """Return the checkpoint of a note signed by a trusted key that is valid today. Raises `Broken` for any other.

        See `shared.transparency.proof.Prover`.
        """
        checkpoint = self._opened(note)
        now = format_time(datetime.now(UTC))
        if all(_retired(self._trusted()[key_id], now) for key_id in checkpoint.signed_by):
            raise Broken("signed only by a retired key")
        return checkpoint

    def check(self, head: Head) -> bool:
        """Whether the head is signed by a trusted key and agrees with its note; False if that cannot be decided now.

        Raises `Broken` for any other head, after recording it, see `refuse`.
        """
        try:
            self._check(head)
        except Broken as error:
            self.refuse(head, "signature", str(error))
            raise
        except Unavailable as error:
            _log.info("head not checked yet", channel=self._db.service, reason=str(error))
            return False
        return True

    def accepts(self, head: Head) -> bool:
        """Like `check`, but False instead of `Broken`."""
        try:
            return self.check(head)
        except Broken:
            return False

    def statement(self, signed: SignedStatement) -> HeadStatement:
        """Return the statement if a trusted key has signed it and its head, and it is valid now.

        Raises `Broken` for any other, and `Unavailable` if that cannot be decided now.
        """
        keys = self._keys_for(signed.note)
        text, signed_by = opened(signed.note, [_note_key(row) for row in keys.values()])
        try:
            said = HeadStatement.model_validate_json(text)
        except ValidationError:
            raise Broken("the signed note is not a head statement") from None
        if said.origin not in {keys[key_id].name for key_id in signed_by}:
            raise Broken("the statement belongs to another log")
        if all(_retired(keys[key_id], format_time(said.issued_at)) for key_id in signed_by):
            raise Broken("the statement is signed only by a key that was already retired")
        if said.expires_at <= datetime.now(UTC):
            raise Broken(f"the newest statement expired at {format_time(said.expires_at)}")
        if (said.size, said.root) != (signed.head.size, signed.head.root):
            raise Broken("the statement describes another head")
        self._check(signed.head)
        return said

    def refuse(self, head: Head, kind: str, reason: str) -> None:
        """Count, log and store a head that is not taken. `kind`: signature, fork or rollback."""
        metrics.head_refused.labels(self._db.service, kind).inc()
        _log.critical("head refused", channel=self._db.service, size=head.size, reason=reason)
        with self._db.write() as session:
            row = session.get(RefusedHeadRow, ONLY)
            session.merge(
                RefusedHeadRow(
                    refused_at=format_time(datetime.now(UTC)),
                    reason=f"{kind}: {reason}"[:500],
                    head=head.model_dump_json(),
                    count=row.count + 1 if row else 1,
                )
            )

    def _check(self, head: Head) -> None:
        """Raises `Broken`, and `Unavailable` if an unknown key cannot be looked up at the ledger."""
        checkpoint = self._opened(head.checkpoint)
        if (checkpoint.size, checkpoint.root.hex()) != (head.size, head.root):
            raise Broken("the signed note does not match the head")
        if all(_retired(self._trusted()[key_id], format_time(head.time)) for key_id in checkpoint.signed_by):
            raise Broken("signed only by a key that was already retired")

    def _opened(self, note: str) -> Checkpoint:
        if note in self._good:
            return self._good[note]
        keys = [_note_key(row) for row in self._keys_for(note).values()]
        checkpoint = opened_checkpoint(note, keys, self._origin)
        if len(self._good) >= MOST_NOTES:
            self._good.clear()
        self._good[note] = checkpoint
        return checkpoint

    def _keys_for(self, note: str) -> Trusted:
        """Return the trusted keys. Asks the ledger for its list first if the note names an unknown key."""
        signers = signer_ids(note)
        keys = self._trusted()
        unknown = signers.difference(keys)
        if not keys or (unknown and unknown not in self._asked):
            keys = self._learned(keys, asked=unknown, needed=not signers & keys.keys())
        return keys

    def _learned(self, keys: Trusted, *, asked: frozenset[str], needed: bool) -> Trusted:
        try:
            listed = self._ledger.keys()
        except Unavailable:
            if needed:
                raise
            return keys
        fresh = self._own(self._first(listed)) if not keys else {}
        fresh |= _endorsed({**keys, **fresh}, listed)
        ends = {key.key_id: key.signs_until for key in listed if key.signs_until}
        with self._db.write() as session:
            for row in (keys | fresh).values():
                row.signs_until = format_time(ends[row.key_id]) if row.key_id in ends else row.signs_until
                session.merge(row)
        for row in fresh.values():
            _log.warning("ledger key trusted", channel=self._db.service, key=row.key_id, reason=row.reason)
        self._asked.add(asked)
        self._keys = None
        return self._trusted()

    def _first(self, listed: Sequence[LedgerKey]) -> Trusted:
        if self._configured:
            return {key.key_id.hex(): _row(key, "configured") for key in self._configured}
        return {key.key_id: _row(key.note_key(), "first use") for key in listed}

    def _own(self, first: Trusted) -> Trusted:
        own = {key_id: row for key_id, row in first.items() if self._origin in (None, row.name)}
        if first and not own:
            others = ", ".join(sorted({row.name for row in first.values()}))
            raise Broken(
                f"the ledger is the log {others}, but this county's log is {self._origin}: check the ledger's address"
            )
        return own

    def _trusted(self) -> Trusted:
        if self._keys is None:
            with self._db.read() as session:
                rows = {row.key_id: row for row in session.exec(select(TrustedKeyRow))}
                session.expunge_all()
            for key in self._configured if rows else []:
                rows.setdefault(key.key_id.hex(), _row(key, "configured"))
            self._keys = rows
        return self._keys


def facts(session: Session) -> Json:
    """Return the trusted keys and the newest refusal, for operators."""
    rows = session.exec(select(TrustedKeyRow).order_by(TrustedKeyRow.trusted_at, TrustedKeyRow.key_id))
    refused: Any = session.get(RefusedHeadRow, ONLY)
    return {
        "keys": [row.model_dump() for row in rows],
        "refused": refused and {"at": refused.refused_at, "reason": refused.reason, "count": refused.count},
    }


def _endorsed(trusted: Trusted, listed: Sequence[LedgerKey]) -> Trusted:
    """Return the listed keys that a trusted key endorses, directly or through other listed keys."""
    found: Trusted = {}
    more = True
    while more:
        more = False
        for key in listed:
            known = trusted | found
            if key.key_id not in known and (by := endorser(key, map(_note_key, known.values()))):
                found[key.key_id] = _row(key.note_key(), f"endorsed by {by}")
                more = True
    return found


def _retired(row: TrustedKeyRow, moment: str) -> bool:
    return row.signs_until is not None and moment >= row.signs_until


def _row(key: NoteKey, reason: str) -> TrustedKeyRow:
    return TrustedKeyRow(
        key_id=key.key_id.hex(),
        name=key.name,
        public_key=key.public_key.hex(),
        reason=reason,
        trusted_at=format_time(datetime.now(UTC)),
    )


def _note_key(row: TrustedKeyRow) -> NoteKey:
    return NoteKey(row.name, bytes.fromhex(row.public_key))
