"""The register of the hall's screens: which may report, what each last reported, and which need attention (red).

An operator creates a code for a name; the screen exchanges the code, once, for a token. Only the SHA-256 of each is
stored: 60 and 256 random bits need no slower hash. A report contains the address of the displayed page, the digest of
its text (`displayed_digest.py`), the channel's position, the time of the newest statement that the screen itself
verified, and how much of the catalogue its browser keeps for a time without a network. None of it can name a person:
one of our addresses, numbers, and a word from a fixed list.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from sqlmodel import Field as Column

from contracts.base import Contract, Json, Timestamp, format_time
from services.channels.core.model import ChannelModel
from services.channels.kiosk.addresses import LONGEST
from services.channels.kiosk.screen_history import SILENT, ScreenHistory
from services.channels.kiosk.statements import (
    END_OF_ENROLMENT,
    ENROL,
    OFFER_CODE,
    REVOKE,
    SCREEN_OF_TOKEN,
    SCREENS,
    STORE_REPORT,
)
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, NotFound
from shared.security.case_ref import display_query_code, new_query_code, normalise_query_code
from shared.tokens.person import Actor

REPORT_SECONDS = 3
"""Interval of a screen's reports: `data-report` of a page."""

OLD = timedelta(seconds=5)
"""A screen may show the previous text for this long, until it has been notified and has reloaded."""

LATE_HEAD = timedelta(seconds=60)
"""A statement is issued every ten seconds."""

OLD_COPY = timedelta(minutes=10)
"""What a screen keeps is renewed with every head; a copy this much older than now is not renewed any more."""

SCREEN = "screen"
"""The machine that exchanges a code: whoever stands before the screen."""

CODE_LIFE = timedelta(minutes=30)
WRONG_CODE = "No screen is waiting for this code. Ask for a new one: a code works once and is valid for half an hour."
NAME = r"^[0-9A-Za-z][0-9A-Za-z_-]{0,39}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]
Freshness = Literal["now", "late", "offline", "expired", "wrong", "unable", "unknown"]


class ScreenState(StrEnum):
    """State of a screen. `RED` are those that an operator must go to."""

    GOOD = "good"
    OLD = "old"
    SILENT = "silent"
    UNVERIFIED = "unverified"
    WAITING = "waiting"
    REVOKED = "revoked"


RED = frozenset({ScreenState.OLD, ScreenState.SILENT, ScreenState.UNVERIFIED})
NOT_ENROLLED = frozenset({ScreenState.WAITING, ScreenState.REVOKED})


class CopyState(StrEnum):
    """What a screen could show if the network went now. `UNKNOWN`: it has not said, or has not tried yet."""

    WHOLE = "whole"
    PARTIAL = "partial"
    OLD = "old"
    NONE = "none"
    UNKNOWN = "unknown"


class ScreenRow(ChannelModel, table=True):
    """A screen of the hall; used by the kiosk only. Times are RFC 3339 texts."""

    __tablename__ = "screen"

    name: str = Column(primary_key=True, max_length=40)
    code_hash: str | None = Column(default=None, max_length=64, unique=True)
    code_expires_at: str | None = Column(default=None, max_length=27)
    token_hash: str | None = Column(default=None, max_length=64, unique=True)
    enrolled_at: str | None = Column(default=None, max_length=27)
    revoked_at: str | None = Column(default=None, max_length=27)
    seen_at: str | None = Column(default=None, max_length=27)
    address: str | None = Column(default=None, max_length=700)
    position: int | None = Column(default=None)
    digest: str | None = Column(default=None, max_length=64)
    other_since: str | None = Column(
        default=None, max_length=27, description="Since when the screen shows a different text than it should."
    )
    head_time: str | None = Column(
        default=None, max_length=27, description="Time of the newest statement that it verified."
    )
    freshness: str | None = Column(default=None, max_length=16)
    kept: int | None = Column(default=None, description="Addresses of the catalogue that the browser keeps.")
    kept_of: int | None = Column(default=None, description="Addresses in the catalogue that it tried to keep.")
    kept_at: str | None = Column(default=None, max_length=27, description="Time of the statement that the copy is of.")


class ScreenReport(Contract):
    """A screen's report of what it displays."""

    address: str = Field(max_length=LONGEST, description="Page below /kiosk/, as the page itself spells it.")
    digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the displayed text.")
    position: int = Field(ge=0, le=2**53 - 1, description="Position of the newest head that the page received.")
    head_time: Timestamp | None = Field(default=None, description="When the newest statement it verified was issued.")
    freshness: Freshness = "unknown"
    kept: int | None = Field(
        default=None,
        ge=0,
        le=10**6,
        description="Addresses of the catalogue in the browser's copy; null: not known yet.",
    )
    kept_of: int | None = Field(default=None, ge=0, le=10**6, description="Addresses in the catalogue to be kept.")
    kept_at: Timestamp | None = Field(default=None, description="When the statement that the copy is of was issued.")


class NewScreen(Contract):
    """A screen to be enrolled."""

    name: Name = Field(examples=["hall-1"], description="A place in the hall, never a person's name.")


class Code(Contract):
    """The code typed into the screen."""

    code: str = Field(max_length=60, examples=["7K2M-X9QF-30TB"])


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An enrolled screen and its token."""

    name: str
    token: str


class ScreenStore:
    """The register in the kiosk's database. Each method is a transaction of its own."""

    def __init__(self, db: Database, history: ScreenHistory) -> None:
        self._db, self._history = db, history

    def offer(self, name: str, by: Actor) -> Json:
        """Create a code that enrols a screen as `name`. A screen of that name works until the code is used."""
        code, expires = new_query_code(), datetime.now(UTC) + CODE_LIFE
        with self._db.write() as session:
            values = {"name": name, "code": _hash(code), "expires": format_time(expires)}
            session.connection().execute(OFFER_CODE, values)
            record(session, by, AuditEntry("screen.offered", f"screen:{name}", None, {"expires_at": values["expires"]}))
        return {"name": name, "code": display_query_code(code), "expires_at": format_time(expires)}

    def enrol(self, code: str) -> Enrolled:
        """Exchange a code for a token. Raises `NotFound`, with the same text for every code that does not work."""
        token = secrets.token_urlsafe(32)
        try:
            given = normalise_query_code(code)
        except Invalid:
            raise NotFound(WRONG_CODE) from None
        with self._db.write() as session:
            values = {"code": _hash(given), "token": _hash(token), "now": _now()}
            session.connection().execute(END_OF_ENROLMENT, {name: values[name] for name in ("code", "now")})
            row = session.connection().execute(ENROL, values).first()
            if row is not None:
                record(session, Actor(SCREEN), AuditEntry("screen.enrolled", f"screen:{row.name}"))
        if row is None:
            raise NotFound(WRONG_CODE)
        return Enrolled(row.name, token)

    def revoke(self, name: str, by: Actor) -> None:
        """Revoke the screen's token and code. Raises `NotFound`."""
        with self._db.write() as session:
            row = session.connection().execute(REVOKE, {"name": name, "now": _now()}).first()
            if row is not None:
                record(session, by, AuditEntry("screen.revoked", f"screen:{name}"))
        if row is None:
            raise NotFound(f"there is no screen {name}")

    def name_of(self, token: str) -> str | None:
        """Return the name of the screen with this token; None if there is none."""
        rows = self._db.fetch(SCREEN_OF_TOKEN, token=_hash(token))
        return rows[0].name if rows else None

    def note(self, name: str, token: str, report: ScreenReport, *, address: str | None, other: bool) -> None:
        """Store a report. `address` None: not one of our pages; `other`: the text differs from what it should show now.

        Raises `Conflict` if the screen has been revoked meanwhile.
        """
        now = datetime.now(UTC)
        values = {
            "name": name,
            "token": _hash(token),
            "now": format_time(now),
            "address": address,
            "position": report.position,
            "digest": report.digest,
            "head_time": format_time(report.head_time) if report.head_time else None,
            "freshness": report.freshness,
            "kept": report.kept,
            "kept_of": report.kept_of,
            "kept_at": format_time(report.kept_at) if report.kept_at else None,
            "other": other,
        }
        # One transaction: if the process dies before its commit, the screen's next report tells the same.
        with self._db.write() as session:
            self._history.extend(session, name, report.position, now)
            if session.connection().execute(STORE_REPORT, values).rowcount == 0:
                raise Conflict(f"{name} has been revoked")

    def listed(self) -> list[Json]:
        """Return every screen with its state, by name, without hashes."""
        now = datetime.now(UTC)
        return [_told(row, now) for row in self._db.fetch(SCREENS)]

    def counted(self) -> dict[str, int]:
        """Return the number of screens in each state."""
        states = [screen["state"] for screen in self.listed()]
        return {state: states.count(state) for state in ScreenState}

    def copies(self) -> dict[str, int]:
        """Return the number of enrolled screens by what they keep."""
        states = [screen["copy"] for screen in self.listed() if screen["state"] not in NOT_ENROLLED]
        return {state: states.count(state) for state in CopyState}


def judge(row: Any, now: datetime) -> ScreenState:
    """Return the state of a screen. Pure. Silence comes first: the last report of a silent screen is out of date."""
    if row.token_hash is None:
        return ScreenState.REVOKED if row.revoked_at and not row.code_hash else ScreenState.WAITING
    if _age(row.seen_at or row.enrolled_at, now) > SILENT:
        return ScreenState.SILENT
    if row.other_since and _age(row.other_since, now) > OLD:
        return ScreenState.OLD
    if row.seen_at is None:
        return ScreenState.GOOD
    verified = row.freshness == "now" and row.head_time is not None
    return ScreenState.GOOD if verified and _age(row.head_time, now) <= LATE_HEAD else ScreenState.UNVERIFIED


def judge_copy(row: Any, now: datetime) -> CopyState:
    """Return what a screen keeps, by its last report. Pure."""
    if row.kept is None:
        return CopyState.UNKNOWN
    if row.kept == 0 or row.kept_at is None:
        return CopyState.NONE
    if row.kept_of is not None and row.kept < row.kept_of:
        return CopyState.PARTIAL
    return CopyState.OLD if _age(row.kept_at, now) > OLD_COPY else CopyState.WHOLE


def _told(row: Any, now: datetime) -> Json:
    state = judge(row, now)
    return {
        "name": row.name,
        "state": state,
        "red": state in RED,
        "enrolled_at": row.enrolled_at,
        "revoked_at": row.revoked_at,
        "seen_at": row.seen_at,
        "address": row.address,
        "position": row.position,
        "digest": row.digest,
        "old_since": row.other_since,
        "head_time": row.head_time,
        "freshness": row.freshness,
        "copy": judge_copy(row, now),
        "kept": row.kept,
        "kept_of": row.kept_of,
        "kept_at": row.kept_at,
    }


def _age(moment: str, now: datetime) -> timedelta:
    return now - datetime.fromisoformat(moment)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return format_time(datetime.now(UTC))
