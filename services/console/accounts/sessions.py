"""Sessions of browsers: a random cookie whose hash alone is stored, an idle and an absolute end.

NIST SP 800-63B-4, 2.2.3 (AAL2): at most one hour of inactivity, at most a day in all; a working day is twelve hours.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, delete, select

from contracts.base import format_time
from services.console.accounts.model import AccountRow, SessionRow
from services.console.accounts.people import person_of
from shared.database.engine import Database
from shared.tokens.person import LONGEST_ADDRESS, Person

IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
"""How exactly `seen_at` is known: not every request writes."""

LONGEST_BROWSER = 200


class Stage(StrEnum):
    """How far signing in has come. Only a complete session may do anything but go on with signing in."""

    SECOND_FACTOR = "second_factor"
    """The password was right; the code of the second factor is still asked for."""
    NEW_PASSWORD = "new_password"  # noqa: S105  # no password
    """The one-time password must be replaced."""
    ENROLMENT = "enrolment"
    """The roles require a second factor, and there is none yet."""
    COMPLETE = "complete"


class Method(StrEnum):
    """How a person signed in. It decides what is still asked for."""

    PASSWORD = "password"  # noqa: S105  # no password
    OIDC = "oidc"
    """An OpenID provider says who it is."""
    OIDC_TWO_FACTORS = "oidc_two_factors"
    """Likewise, and it has checked a second factor that counts here."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a person came: where from, with which browser and by which method. `subject`: whom a provider named."""

    address: str
    browser: str
    method: Method = Method.PASSWORD
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session in use. `csrf`: what its forms must send with every write. `subject`: whom a provider named."""

    person: Person
    stage: Stage
    token_hash: str
    csrf: str
    method: Method = Method.PASSWORD
    subject: str | None = None


def hash_of(token: str) -> str:
    """Return the hash of a random token. 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """Return the session's CSRF token. It follows from the cookie's value, which only this browser has."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


class Sessions:
    """The sessions in the desk's store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def begin(self, account: str, stage: Stage, came: Arrival) -> str:
        """Return the cookie's value of a new session."""
        token = secrets.token_urlsafe(32)
        with self._db.write() as session:
            session.add(_row(token, account, stage, came))
        return token

    def renew(self, old: str, stage: Stage) -> str:
        """Replace a session after a step of signing in; return the new cookie's value.

        A value that was known before the step opens nothing afterwards (session fixation).
        """
        with self._db.write() as session:
            row = session.get(SessionRow, old)
            token = secrets.token_urlsafe(32)
            if row is not None:
                session.delete(row)
                came = Arrival(row.address, row.browser, Method(row.method), row.subject)
                session.add(_row(token, row.account, stage, came))
        return token

    def find(self, token: str, address: str) -> SignedIn | None:
        """Return whose session this is; None when it is unknown or over, or when the account is locked."""
        now = datetime.now(UTC)
        with self._db.read() as session:
            row = session.get(SessionRow, hash_of(token))
            account = session.get(AccountRow, row.account) if row else None
        if row is None or account is None or account.locked_at is not None or _is_over(row, now):
            return None
        if now - datetime.fromisoformat(row.seen_at) >= SEEN_EVERY:
            self._note(row.token_hash, now)
        person = replace(person_of(account), address=address[:LONGEST_ADDRESS])
        return SignedIn(person, Stage(row.stage), row.token_hash, csrf_of(token), Method(row.method), row.subject)

    def of(self, account: str) -> list[SessionRow]:
        """Return the sessions of an account that are not over, newest first."""
        now = datetime.now(UTC)
        newest = col(SessionRow.created_at).desc()
        with self._db.read() as session:
            rows = session.exec(select(SessionRow).where(SessionRow.account == account).order_by(newest)).all()
        return [row for row in rows if not _is_over(row, now)]

    def end(self, token_hash: str, account: str) -> bool:
        """End one session of an account; False when it has none of this hash."""
        with self._db.write() as session:
            row = session.get(SessionRow, token_hash)
            if row is None or row.account != account:
                return False
            session.delete(row)
        return True

    def _note(self, token_hash: str, now: datetime) -> None:
        with self._db.write() as session:
            row = session.get(SessionRow, token_hash)
            if row is not None:
                row.seen_at = format_time(now)
                session.add(row)


def end_all(session: Session, account: str, but: str = "") -> None:
    """End every session of an account except the one with the hash `but`."""
    session.exec(delete(SessionRow).where(col(SessionRow.account) == account, col(SessionRow.token_hash) != but))


def end_old(session: Session) -> None:
    """Delete the sessions that are over."""
    now = datetime.now(UTC)
    over = (col(SessionRow.expires_at) <= format_time(now)) | (col(SessionRow.seen_at) <= format_time(now - IDLE))
    session.exec(delete(SessionRow).where(over))


def _is_over(row: SessionRow, now: datetime) -> bool:
    return datetime.fromisoformat(row.expires_at) <= now or datetime.fromisoformat(row.seen_at) + IDLE <= now


def _row(token: str, account: str, stage: Stage, came: Arrival) -> SessionRow:
    now = datetime.now(UTC)
    return SessionRow(
        token_hash=hash_of(token),
        account=account,
        stage=stage,
        created_at=format_time(now),
        seen_at=format_time(now),
        expires_at=format_time(now + LONGEST),
        address=came.address[:LONGEST_ADDRESS],
        browser=came.browser[:LONGEST_BROWSER],
        method=came.method,
        subject=came.subject,
    )
